/* What happens between reset and main(), on any Cortex-M. */
#include <stdint.h>

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
int main(void);
void reset(void);

static void halt(void) {
  for (;;) __asm volatile("bkpt 1");
}

void reset(void) {
#ifdef __ARM_FP
  volatile uint32_t *const access = (volatile uint32_t *)0xE000ED88; /* coprocessors 10 and 11: the FPU */
  *access |= 0xFu << 20;
  __asm volatile("dsb\n isb" ::: "memory");
#endif
  const uint32_t *from = data_load;
  for (uint32_t *to = data_start; to < data_end;) *to++ = *from++;
  for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
  main();
  halt();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {stack_top,
                                                                                   (void *)reset,
                                                                                   (void *)halt,
                                                                                   (void *)halt,
                                                                                   (void *)halt,
                                                                                   (void *)halt,
                                                                                   (void *)halt,
                                                                                   0,
                                                                                   0,
                                                                                   0,
                                                                                   0,
                                                                                   (void *)halt,
                                                                                   (void *)halt,
                                                                                   0,
                                                                                   (void *)halt,
                                                                                   (void *)halt};
