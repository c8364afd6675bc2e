/* dsl/elaborate_sweep.c: the points that a sweep block stands for. */
#include "tests/dsl/support.h"

#include "dsl/elaborate_sweep.h"

#include <math.h>
#include <stdlib.h>

static netc n;

static int setup(void **state) {
  (void)state;
  netc_init(&n, NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  netc_free(&n);
  return 0;
}

static const net_program *program_with(const char *block) {
  net_program *program;
  const char *text = net_arena_format(&n.arena,
                                      "const three = 3\n"
                                      "network n(x: f32[4], width = 3) { x -> linear(width) }\n"
                                      "train { epochs = 2 }\ntrain fine { epochs = 1 }\nsweep s {%s}\n",
                                      block);
  assert_true(net_program_from_text(&n, "t.net", text, strlen(text), &program));
  return program;
}

static net_sweep sweep_of(const char *block) {
  const char *name = "s";
  uint32_t count = 1;
  net_sweep *made = net_elaborate_sweeps(&n, &n.arena, program_with(block), &name, &count);
  if (!made) fprintf(stderr, "%s\n%s\n", block, diagnostics(&n));
  assert_non_null(made);
  assert_int_equal(count, 1);
  return made[0];
}

/* "1,2 1,3": a word a point */
static const char *points(const net_sweep *s) {
  const char *all = "";
  for (uint32_t p = 0; p < s->point_count; p++)
    for (uint32_t c = 0; c < s->column_count; c++)
      all = net_arena_format(&n.arena, "%s%s%s", all, c ? "," : p ? " " : "", net_sweep_at(s, p, c)->text);
  return all;
}

static void assert_points(const char *block, const char *wanted) {
  net_sweep s = sweep_of(block);
  assert_string_equal(points(&s), wanted);
}

static void test_lists(void **state) {
  (void)state;
  assert_points("train.batch_size = [64, 128]", "64 128");
  assert_points("train.batch_size = 64", "64");
  assert_points("train.epochs = 1..5", "1 2 3 4 5");
  assert_points("train.epochs = -1..1", "-1 0 1");
  assert_points("train.epochs = [1..3, 8, three * 2]", "1 2 3 8 three * 2");
  assert_points("train.epochs = 1..three", "1 2 3");
  assert_points("train.optimizer = [adam, sgd(learning_rate = 0.1)]", "adam sgd(learning_rate = 0.1)");
  assert_points("train.loss = [cross_entropy]\ntrain.epochs = [1]", "cross_entropy,1");
  assert_points("q.linear.weight = [log(8, 3), none]", "log(8, 3) none"); /* a format, not a range */
  assert_points("repeat = 3", "");
}

/* The last changes fastest; a zip stands where it is written. */
static void test_crossing(void **state) {
  (void)state;
  assert_points("a.x = [1, 2], a.y = [3, 4, 5]", "1,3 1,4 1,5 2,3 2,4 2,5");
  assert_points("zip { a.x = [1, 2], a.y = [3, 4] }", "1,3 2,4");
  assert_points(
      "a.x = [1, 2], zip { a.y = 3..4, a.z = [\"p\", \"q\"] }, a.w = [9, 8]",
      "1,3,\"p\",9 1,3,\"p\",8 1,4,\"q\",9 1,4,\"q\",8 2,3,\"p\",9 2,3,\"p\",8 2,4,\"q\",9 2,4,\"q\",8");
  assert_points("zip { a.x = [1, 2] }, zip { a.y = [3, 4] }", "1,3 1,4 2,3 2,4");
  net_sweep s = sweep_of("a.x = [1, 2], a.y = 3, zip { a.z = [4, 5] }");
  assert_true(s.columns[0].varies && !s.columns[1].varies && s.columns[2].varies);
  assert_string_equal(s.columns[1].text, "a.y");
}

static void test_numbers(void **state) {
  (void)state;
  net_sweep s = sweep_of("a.x = [1e-4, 3, three * 2, -2.5, adam, 10 %]");
  const double wanted[] = {1e-4, 3, 6, -2.5, NAN, 0.1};
  for (uint32_t p = 0; p < 6; p++) {
    double x = net_sweep_at(&s, p, 0)->number;
    assert_true(isnan(wanted[p]) ? isnan(x) : x == wanted[p]);
  }
  assert_int_equal(n.diagnostics.errors, 0);
}

/* What a value is, is also what its text says when --set takes it. */
static void assert_same_as_text(const net_sweep *s, uint32_t p, uint32_t c) {
  const net_sweep_value *v = net_sweep_at(s, p, c);
  net_setting parsed;
  assert_true(
      net_setting_parse(&n, net_arena_format(&n.arena, "%s=%s", s->columns[c].text, v->text), &parsed));
  assert_true(net_expr_equal(parsed.value, v->value));
}

static void test_texts(void **state) {
  (void)state;
  net_sweep s = sweep_of("a.x = [1e-4, three * 2, adam(learning_rate = 0.5), -3, \"p\"], a.y = -2..2");
  for (uint32_t p = 0; p < s.point_count; p++)
    for (uint32_t c = 0; c < s.column_count; c++) assert_same_as_text(&s, p, c);
  s = sweep_of(
      "a.x = log(1e-30..1e30), a.y = -1000000..1000000, a.z = -5.0..5.0, a.w = 1.0..1e9, sample = 200");
  for (uint32_t p = 0; p < s.point_count; p++)
    for (uint32_t c = 0; c < s.column_count; c++) assert_same_as_text(&s, p, c);
}

static double share(const net_sweep *s, uint32_t column, double below) {
  uint32_t count = 0;
  for (uint32_t p = 0; p < s->point_count; p++) count += net_sweep_at(s, p, column)->number < below;
  return (double)count / s->point_count;
}

/* Draws lie in their ranges, and halves where halves should: 4 deviations of a binomial of 4000 are 0.032. */
static void test_draws(void **state) {
  (void)state;
  net_sweep s =
      sweep_of("a.x = log(1e-6..0.1), a.y = 0.5..2.5, a.z = 1..4, a.w = log(1..1023), sample = 4000");
  const double low[] = {1e-6, 0.5, 1, 1}, high[] = {0.1, 2.5, 4, 1023};
  assert_int_equal(s.point_count, 4000);
  for (uint32_t p = 0; p < s.point_count; p++)
    for (uint32_t c = 0; c < 4; c++) {
      double x = net_sweep_at(&s, p, c)->number;
      assert_true(x >= low[c] && x <= high[c]);
      if (c > 1) assert_true(x == floor(x));
    }
  assert_true(fabs(share(&s, 0, pow(10, -3.5)) - 0.5) < 0.032);
  assert_true(fabs(share(&s, 0, 1e-5) - 0.2) < 0.026);
  assert_true(fabs(share(&s, 1, 1.5) - 0.5) < 0.032);
  assert_true(fabs(share(&s, 2, 1.5) - 0.25) < 0.028);
  assert_true(fabs(share(&s, 3, 31.5) - 0.5) <
              0.032); /* 1 to 31 and 32 to 1023: each half of the doublings */
  /* columns are drawn independently: of the points with a small x, half have a small y */
  uint32_t both = 0;
  for (uint32_t p = 0; p < s.point_count; p++)
    both += net_sweep_at(&s, p, 0)->number < pow(10, -3.5) && net_sweep_at(&s, p, 1)->number < 1.5;
  assert_true(fabs(both / 4000.0 - 0.25) < 0.028);
}

/* A larger sample begins with a smaller one, whatever else is swept; another seed is another sample. */
static void test_seeds(void **state) {
  (void)state;
  net_sweep few = sweep_of("a.x = log(1e-6..0.1), sample = 3"),
            more = sweep_of("a.y = 0.0..1.0, a.x = log(1e-6..0.1), sample = 5");
  net_sweep other = sweep_of("a.x = log(1e-6..0.1), sample = 3, seed = 1");
  for (uint32_t p = 0; p < 3; p++) {
    assert_true(net_sweep_at(&few, p, 0)->number == net_sweep_at(&more, p, 1)->number);
    assert_true(net_sweep_at(&few, p, 0)->number != net_sweep_at(&other, p, 0)->number);
  }
  assert_true(!few.seeded && few.seed == 0 && other.seeded && other.seed == 1);
  assert_string_equal(points(&few), "0.040132 0.000581499 3.21085e-06");
}

/* Drawn settings belong together, and are crossed with lists. */
static void test_draws_and_lists(void **state) {
  (void)state;
  net_sweep s = sweep_of("a.x = [1, 2], a.y = 0.0..1.0, a.z = 5..900, sample = 2, repeat = 3, seed = 7");
  assert_int_equal(s.point_count, 4);
  assert_int_equal(s.repeat, 3);
  for (uint32_t p = 0; p < 4; p++) {
    assert_true(net_sweep_at(&s, p, 0)->number == 1 + p / 2);
    for (uint32_t c = 1; c < 3; c++)
      assert_true(net_sweep_at(&s, p, c)->number == net_sweep_at(&s, p % 2, c)->number);
  }
  assert_non_null(s.columns[1].low);
  assert_null(s.columns[0].low);
}

/* Each value is fresh once; of a range its ends are. */
static void test_fresh(void **state) {
  (void)state;
  net_sweep s = sweep_of("a.x = [1, 2], a.y = 3..6");
  const char *wanted = "xy;;;y;x;;;;", *found = "";
  for (uint32_t p = 0; p < s.point_count; p++)
    found = net_arena_format(&n.arena, "%s%s%s;", found, net_sweep_at(&s, p, 0)->fresh ? "x" : "",
                             net_sweep_at(&s, p, 1)->fresh ? "y" : "");
  assert_string_equal(found, wanted);
}

static void test_all_blocks(void **state) {
  (void)state;
  net_program *program;
  const char *text = "network n(x: f32[4]) { x -> linear(3) }\nsweep b { train.epochs = [1] }\n"
                     "sweep a { train.epochs = [2, 3] }\n";
  const char *names[] = {"a", "c"};
  uint32_t count = 0;
  assert_true(net_program_from_text(&n, "t.net", text, strlen(text), &program));
  net_sweep *all = net_elaborate_sweeps(&n, &n.arena, program, NULL, &count);
  assert_int_equal(count, 2);
  assert_string_equal(net_text(&n, all[0].name), "b");
  assert_int_equal(all[1].point_count, 2);
  count = 2;
  assert_null(net_elaborate_sweeps(&n, &n.arena, program, names, &count));
  char *said = diagnostics(&n);
  assert_non_null(strstr(said, "there is no sweep 'c'"));
  free(said);
}

/* A point's settings in place, and the seed of a repeat. */
static void test_settings(void **state) {
  (void)state;
  const net_program *program = program_with("n.width = [5], train.fine.epochs = [7]");
  const char *name = "s";
  uint32_t count = 1;
  net_sweep *s = net_elaborate_sweeps(&n, &n.arena, program, &name, &count);
  net_program *changed = (net_program *)program;
  for (uint32_t c = 0; c < 2; c++) {
    net_setting setting = net_sweep_setting(s, 0, c);
    assert_true(net_setting_apply(&n, changed, &setting, NULL, &changed));
  }
  net_setting seed = net_sweep_seed(&n, s, 11);
  assert_true(net_setting_apply(&n, changed, &seed, NULL, &changed));
  const char *text = net_program_text(&n, changed);
  assert_non_null(strstr(text, "width = 5"));
  assert_non_null(strstr(text, "epochs = 7"));
  assert_non_null(strstr(text, "seed = 11"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_lists),      TEST(test_crossing), TEST(test_numbers), TEST(test_texts),
      TEST(test_draws),      TEST(test_seeds),    TEST(test_fresh),   TEST(test_draws_and_lists),
      TEST(test_all_blocks), TEST(test_settings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
