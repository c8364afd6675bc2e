/* Learning rates and corrections, against what PyTorch's schedulers (2.13) and Adam's formulas give. */
#include "runtime/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void check(double got, double expected) {
  if (fabs(got - expected) > 1e-12 * fabs(expected)) fail_msg("%.17g is not %.17g", got, expected);
}

/* StepLR(step_size=3, gamma=0.1) at lr=0.1, CosineAnnealingLR(T_max=7, eta_min=1e-6) at lr=1e-3:
 * get_last_lr() in epochs 0 to 6. */
static void test_rates(void **state) {
  (void)state;
  static const double decay[] = {
      0.1, 0.1, 0.1, 0.010000000000000002, 0.010000000000000002, 0.010000000000000002, 0.0010000000000000002};
  static const double cosine[] = {0.001, 0.0009505339495172585, 0.0008119331560284375, 0.0006116492065111791,
                                  0.00038935079348882104, 0.00018906684397156263, 5.0466050482741686e-05};
  rt_schedule s = {.kind = RT_STEP_DECAY, .factor = 0.1, .every = 3};
  for (uint32_t e = 0; e < 7; e++) check(rt_schedule_rate(&s, 0.1, e, 7), decay[e]);
  s = (rt_schedule){.kind = RT_COSINE, .minimum = 1e-6};
  for (uint32_t e = 0; e < 7; e++) check(rt_schedule_rate(&s, 1e-3, e, 7), cosine[e]);
  s = (rt_schedule){.kind = RT_CONSTANT};
  check(rt_schedule_rate(&s, 0.3, 6, 7), 0.3);
}

enum { STEPS = 10 }; /* an epoch */

static rt_scalar scalars[] = {{RT_SCALAR_RATE, 0, 0},
                              {RT_SCALAR_CORRECTION1, 0, 0.9},
                              {RT_SCALAR_RATE, 1, 0},
                              {RT_SCALAR_CORRECTION2, 0, 0.999}};
static double rates[] = {1e-3, 2e-2};

static void test_steps(void **state) {
  (void)state;
  net_arena arena;
  net_arena_init(&arena, NULL);
  rt_program program = {.scalars = scalars, .scalar_count = 4};
  rt_train_spec spec = {.epochs = 5, .rates = rates, .rate_count = 2,
                        .schedule = {.kind = RT_STEP_DECAY, .factor = 0.5, .every = 1, .warmup = 1.45}};
  rt_scalars s, resumed;
  rt_scalars_start(&arena, &program, &spec, STEPS, 0, &s);
  assert_int_equal(s.warmup, 15); /* ⌈14.5⌉ */
  for (uint32_t step = 0; step < 5 * STEPS; step++) {
    uint32_t epoch = step / STEPS;
    if (step % STEPS == 0) rt_scalars_epoch(&s, epoch);
    rt_scalars_step(&s, step);
    double warmth = step < 15 ? (step + 1) / 15.0 : 1, decay = pow(0.5, epoch);
    assert_true(s.values[0] == (float)(1e-3 * decay * warmth));
    assert_true(s.values[2] == (float)(2e-2 * decay * warmth));
    check(s.rate, 1e-3 * decay * warmth);
    assert_true(fabsf(s.values[1] - (float)(1 / (1 - pow(0.9, step + 1)))) <= 1e-7f * s.values[1]);
    assert_true(fabsf(s.values[3] - (float)(1 / sqrt(1 - pow(0.999, step + 1)))) <= 1e-7f * s.values[3]);
    /* taken up anywhere, the same bits */
    rt_scalars_start(&arena, &program, &spec, STEPS, step, &resumed);
    rt_scalars_epoch(&resumed, epoch);
    rt_scalars_step(&resumed, step);
    assert_memory_equal(resumed.values, s.values, 4 * sizeof(float));
  }
  net_arena_free(&arena);
}

/* After long runs corrections are exactly 1, and taking such a run up takes no time. */
static void test_long_run(void **state) {
  (void)state;
  net_arena arena;
  net_arena_init(&arena, NULL);
  rt_program program = {.scalars = scalars, .scalar_count = 4};
  rt_train_spec spec = {.epochs = 5, .rates = rates, .rate_count = 2};
  rt_scalars s;
  rt_scalars_start(&arena, &program, &spec, STEPS, 4000000000u, &s);
  rt_scalars_epoch(&s, 4);
  rt_scalars_step(&s, 4000000000u);
  assert_true(s.values[1] == 1 && s.values[3] == 1);
  assert_true(s.values[0] == (float)1e-3);
  net_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rates), cmocka_unit_test(test_steps),
                                     cmocka_unit_test(test_long_run)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
