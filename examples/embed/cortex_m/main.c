/* Classifies the rows of rows.h, which are compiled in. With a debugger or qemu (semihosting) the classes are
 * printed, one a line; without, they are in `classes`. */
#include "jets.h"

#include "rows.h" /* ROWS, and static const float rows[ROWS][JETS_INPUT_SIZE] */

volatile unsigned char classes[ROWS];

#ifdef SEMIHOSTING
static void host(int operation, const void *argument) {
  register int r0 __asm("r0") = operation;
  register const void *r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text) { host(4, text); }      /* SYS_WRITE0 */
static void stop(void) { host(24, (const void *)0x20026); } /* SYS_EXIT: the application has ended */
#endif

int main(void) {
  float y[JETS_OUTPUT_SIZE];
  for (unsigned i = 0; i < ROWS; i++) {
    unsigned best = 0;
    jets(rows[i], y);
    for (unsigned k = 1; k < JETS_CLASSES; k++)
      if (y[k] > y[best]) best = k;
    classes[i] = (unsigned char)best;
  }
#ifdef SEMIHOSTING
  static const char *const names[] = JETS_CLASS_NAMES;
  for (unsigned i = 0; i < ROWS; i++) print(names[classes[i]]), print("\n");
  stop();
#endif
  return 0;
}
