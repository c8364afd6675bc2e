/* interpret/: how a graph is run, on small operators of its own. */
#include "interpret/interpret.h"
#include "tests/unit/tiny_ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char text[] = "graph g\n"
                           "  input x: f32[b, 2]\n"
                           "  target t: u32[b]\n"
                           "  parameter w: f32[3, 2] = 0\n"
                           "  constant c: f32[3] = [0.1, 0, -0.5]\n"
                           "  d: f32[b, 3] = dense(x, w, c) {features = 3, bias = true}\n"
                           "  n: f32[b, 3], mean: f32[3], spread: f32 = norm(d, _) {momentum = 0.1, "
                           "training = false, mode = plain, axes = []}\n"
                           "  l: f32, weight_sum: f32 = loss(d, t, _, _)\n"
                           "  scalar rate: f32 = rate(0)\n"
                           "  constant g: f32[3, 2] = [1, 2, 3, 4, 5, 6]\n"
                           "  u: f32[3, 2], new_velocity: f32 = step(w, g, rate, _)\n"
                           "  losses l, l.weight_sum\n";

static const float x[] = {1, 2, 0.1f, -3, 5, 0.25f}, w[] = {1, 0.1f, -2, 3, 0.3f, 0.7f};
static const uint32_t targets[] = {2, 0, 1};

typedef struct {
  netc n;
  net_graph *graph;
  net_run run;
} fixture;

static net_value_id find(fixture *f, const char *name) {
  net_value_id v = net_graph_find_value(f->graph, net_intern(&f->n, name));
  assert_int_not_equal(v, NET_NONE);
  return v;
}

static const double *get(fixture *f, const char *name) { return f->run.values[find(f, name)]; }

static void begin(fixture *f) {
  tiny_init(&f->n);
  f->graph = net_graph_parse(&f->n, &f->n.arena, "test.graph", text, strlen(text));
  if (!f->graph) fail_msg("%s", tiny_message(&f->n));
  float rate = 0.1f;
  f->run = net_run_begin(&f->n, f->graph, &f->n.arena, 3);
  net_run_set(&f->run, find(f, "x"), x);
  net_run_set(&f->run, find(f, "t"), targets);
  net_run_set(&f->run, find(f, "w"), w);
  net_run_set(&f->run, find(f, "rate"), &rate);
}

/* The dense layer by hand, in double. */
static double dense(uint32_t sample, uint32_t out) {
  static const float bias[] = {0.1f, 0, -0.5f};
  double sum = bias[out];
  for (uint32_t i = 0; i < 2; i++) sum += (double)w[out * 2 + i] * x[sample * 2 + i];
  return sum;
}

static void test_rounding(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  assert_true(net_run_all(&f.run));
  bool rounded = false;
  for (uint32_t s = 0; s < 3; s++)
    for (uint32_t o = 0; o < 3; o++) {
      assert_true(get(&f, "d")[s * 3 + o] == (double)(float)dense(s, o)); /* once, from double */
      rounded |= dense(s, o) != (double)(float)dense(s, o);
    }
  assert_true(rounded); /* else this shows nothing */
  /* the next node is given the rounded ones */
  double mean = (get(&f, "d")[0] + get(&f, "d")[3] + get(&f, "d")[6]) / 3;
  assert_true(get(&f, "n.mean")[0] == (double)(float)mean);
  assert_true(get(&f, "n")[3] == (double)(float)(get(&f, "d")[3] - mean));
  f.run.exact = true;
  assert_true(net_run_all(&f.run));
  for (uint32_t s = 0; s < 3; s++)
    for (uint32_t o = 0; o < 3; o++) assert_true(get(&f, "d")[s * 3 + o] == dense(s, o));
  netc_free(&f.n);
}

static void test_values(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  f.run.step = 7;
  f.run.key[0] = 3;
  f.run.key[1] = 2;
  assert_true(net_run_all(&f.run));
  assert_true(get(&f, "n.spread")[0] == 237); /* step, key */
  assert_int_equal(net_run_elements(&f.run, find(&f, "d")), 9);
  assert_int_equal(net_run_elements(&f.run, find(&f, "n.mean")), 3);
  assert_true(get(&f, "l.weight_sum")[0] == 3);
  double loss =
      get(&f, "d")[0 + 2] + get(&f, "d")[3 + 0] + get(&f, "d")[6 + 1]; /* class numbers arrive whole */
  assert_true(get(&f, "l")[0] == (double)(float)loss);
  for (uint32_t i = 0; i < 6; i++) { /* an update gives new values and leaves the old ones */
    assert_true(get(&f, "w")[i] == w[i]);
    assert_true(get(&f, "u")[i] == (double)(float)(w[i] - (double)0.1f * (i + 1)));
  }
  assert_ptr_equal(net_run_updated(&f.run, find(&f, "w")), get(&f, "u"));
  assert_ptr_equal(net_run_updated(&f.run, find(&f, "x")), get(&f, "x"));
  netc_free(&f.n);
}

/* One node at a time, with inputs that come from elsewhere. */
static void test_single(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  net_node_id norm = net_graph_find(f.graph, net_intern(&f.n, "n"));
  assert_false(net_run_node(&f.run, norm));
  assert_string_equal(tiny_message(&f.n), "the interpreter has no 'd' for 'n'");
  assert_int_equal(f.n.diagnostics.faults, 1);
  const double given[] = {1, 2, 3, 4, 5, 6, 7, 8, 12};
  net_run_set_doubles(&f.run, find(&f, "d"), given);
  assert_true(net_run_node(&f.run, norm));
  assert_true(get(&f, "n.mean")[2] == 7);
  assert_true(get(&f, "n")[8] == 5);
  assert_null(get(&f, "l"));
  netc_free(&f.n);
}

static void test_not_finite(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  assert_int_equal(net_run_first_not_finite(&f.run), NET_NONE); /* nothing has run */
  assert_true(net_run_all(&f.run));
  assert_int_equal(net_run_first_not_finite(&f.run), NET_NONE);
  float huge[] = {3e38f, 3e38f, 1, 1, 1, 1};
  net_run_set(&f.run, find(&f, "w"), huge);
  assert_true(net_run_all(&f.run)); /* overflows only when rounded */
  assert_int_equal(net_run_first_not_finite(&f.run), net_graph_find(f.graph, net_intern(&f.n, "d")));
  net_run_set(&f.run, find(&f, "w"), w);
  float rate = NAN;
  net_run_set(&f.run, find(&f, "rate"), &rate);
  assert_true(net_run_all(&f.run));
  assert_int_equal(net_run_first_not_finite(&f.run), net_graph_find(f.graph, net_intern(&f.n, "u")));
  netc_free(&f.n);
}

/* The same graph by the function that does all in one, on floats. */
static void test_all_in_one(void **state) {
  (void)state;
  fixture f;
  begin(&f);
  f.run.step = 4;
  assert_true(net_run_all(&f.run));
  void **values = NET_NEW_ARRAY(&f.n.arena, void *, f.graph->values.count);
  float rate = 0.1f;
  uint32_t key[2] = {0, 0};
  values[find(&f, "x")] = (void *)x;
  values[find(&f, "t")] = (void *)targets;
  values[find(&f, "w")] = (void *)w;
  values[find(&f, "rate")] = &rate;
  assert_true(net_interpret(&f.n, f.graph, &f.n.arena, 3, 4, key, values));
  for (net_value_id v = 0; v < f.graph->values.count; v++) {
    if (f.graph->values.at[v].kind != NET_VALUE_RESULT) continue;
    for (uint64_t i = 0; i < net_run_elements(&f.run, v); i++)
      assert_true(((float *)values[v])[i] == (float)f.run.values[v][i]);
  }
  assert_ptr_equal(values[find(&f, "w")], w);
  values[find(&f, "x")] = NULL;
  assert_false(net_interpret(&f.n, f.graph, &f.n.arena, 3, 4, key, values));
  netc_free(&f.n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rounding),   cmocka_unit_test(test_values),     cmocka_unit_test(test_single),
      cmocka_unit_test(test_not_finite), cmocka_unit_test(test_all_in_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
