/* ops/: quantise: what it refuses, what reaches its input and its step, draws, sums that are rounded once. */
#include "tests/unit/ops_cases.h"

#include "formats/formats.h"
#include "runtime/random.h"

/* ---- refusals ---- */

#define X35 "input x: f32[b, 3, 5]\n"
#define STEP "constant s: f32 = [0.25]\n"
#define Y(format) "y: f32[b, 3, 5] format " format " = quantize"

static const struct {
  const char *lines, *message;
} refused[] = {
    {X35 Y("float32") "(x) {format = \"integr(8)\"}\n",
     "there is no format 'integr'; did you mean 'integer'?"},
    {X35 Y("float32") "(x) {format = \"integer(8\"}\n", "format 'integer(8' ends where ',' or ')' should be"},
    {"target x: u32[b]\ny: f32[b] format float32 = quantize(x) {format = float32}\n",
     "quantize 'y' takes f32 or f64, but 'x' is u32[]"},
    {X35 STEP Y("float32") "(x, s) {format = \"integer(8, 4)\"}\n",
     "quantize 'y' takes no step: integer(8, 4) has steps of its own"},
    {X35 STEP Y("float32") "(x, s) {format = \"minifloat(8, 4)\"}\n",
     "quantize 'y' takes no step: minifloat(8, 4, 7) has steps of its own"},
    {X35 "parameter s: f32[3, 1] = 1\n" Y("float32") "(x, s) {format = \"integer(8, auto)\"}\n",
     "quantize 'y' needs a step f32 or one for each channel, but 's' is f32[3, 1]"},
    {X35 "parameter s: f32[3] = 1\n" Y("float32") "(x, s) {format = \"integer(8, auto)\"}\n",
     "quantize 'y' has a step for each channel, but its format has no per = channel"},
    {X35 "parameter s: f32[5] = 1\n" Y("float32") "(x, s) {format = \"integer(8, auto, per = channel)\"}\n",
     "quantize 'y' needs as many of the step as there are channels, since 'x' is f32[3, 5], but 's' is "
     "f32[5]"},
    {X35 "constant z: f32 = [1]\n" Y("float32") "(x, _, z) {format = \"scaled_integer(8)\"}\n",
     "quantize 'y' has a zero point, but no step"},
    {X35 STEP "constant z: f32[3] = [1, 2, 3]\n" Y("float32")
     "(x, s, z) {format = \"scaled_integer(8, per = channel)\"}\n",
     "quantize 'y' needs a zero point for each step, but 'z' is f32[3]"},
    {X35 STEP "constant z: f32 = [0.5]\n" Y("float32") "(x, s, z) {format = \"scaled_integer(8)\"}\n",
     "quantize 'y' needs whole numbers of less than 2^31 as zero points, not 0.5"},
    {"input x: f32[b, 1, 1, 1, 1, 1, 1]\ny: f32[b, 1, 1, 1, 1, 1, 1] = quantize(x) {format = float32}\n",
     "quantize 'y' takes at most 6 axes, the batch included, but 'x' is f32[1, 1, 1, 1, 1, 1]"},
};

static void test_refused(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    netc n;
    ops_test_begin(&n);
    const char *text = net_arena_format(&n.arena, "graph test\n%s", refused[i].lines);
    assert_null(net_graph_parse(&n, &n.arena, "test", text, strlen(text)));
    assert_true(n.diagnostics.list.count > 0);
    assert_string_equal(n.diagnostics.list.at[0].message, refused[i].message);
    netc_free(&n);
  }
}

/* ---- gradients ---- */

typedef struct {
  netc n;
  net_graph *graph;
  net_node_id node;
  net_value_id *dx, dy;
  net_run run;
} subject;

static void begin(subject *s, const char *inputs, const char *format, uint32_t count) {
  ops_test_begin(&s->n);
  const char *lines = net_arena_format(&s->n.arena,
                                       "input x: f32[b, 3, 5]\n%sy: f32[b, 3, 5] format %s = quantize(x%s) "
                                       "{format = \"%s\"}\n",
                                       inputs, format,
                                       strstr(inputs, "z:") ? ", s, z" : *inputs ? ", s" : "", format);
  s->graph = ops_test_graph(&s->n, lines);
  s->node = ops_test_node(s->graph);
  s->dx = ops_test_gradient(s->graph, s->node, 1, &s->dy);
  s->run = net_run_begin(&s->n, s->graph, &s->n.arena, count);
  ops_test_fill(&s->run, 5);
}

static double *input(subject *s, uint32_t i) { return s->run.values[net_node_input(s->graph, s->node, i)]; }

/* A plain gradient needs no node. */
static void test_plain(void **state) {
  (void)state;
  subject s;
  begin(&s, "", "integer(8, 4)", 3);
  assert_int_equal(s.dx[0], s.dy);
  assert_int_equal(s.graph->nodes.count, 1);
  netc_free(&s.n);
}

/* dx is dy within the closed range of the format, else 0; a NaN lies within. */
static void test_clipped(void **state) {
  (void)state;
  static const struct {
    const char *format;
    double low, high;
  } cases[] = {{"integer(4, 2, ste = clipped)", -2, 1.75},
               {"integer(4, 2, unsigned = true, ste = clipped)", 0, 3.75},
               {"minifloat(4, 2, 1, ste = clipped)", -6, 6},
               {"log(3, 1, ste = clipped)", -4, 4},
               {"binary(ste = clipped)", -1, 1},
               {"bfloat16(ste = clipped)", -0x1.fep127, 0x1.fep127}};
  for (uint32_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    subject s;
    begin(&s, "", cases[c].format, 2);
    double *x = input(&s, 0), low = cases[c].low, high = cases[c].high;
    double edges[] = {low,       (double)nextafterf((float)low, -INFINITY),
                      high,      (double)nextafterf((float)high, INFINITY),
                      NAN,       INFINITY,
                      -INFINITY, 0};
    memcpy(x, edges, sizeof edges);
    for (uint32_t i = 8; i < 30; i++) x[i] *= 3;
    assert_true(net_run_all(&s.run));
    for (uint32_t i = 0; i < 30; i++) {
      double expected = x[i] < low || x[i] > high ? 0 : s.run.values[s.dy][i];
      if (s.run.values[s.dx[0]][i] != expected)
        fail_msg("%s: at %a the gradient is %g, not %g", cases[c].format, x[i], s.run.values[s.dx[0]][i],
                 expected);
    }
    netc_free(&s.n);
  }
}

/* LSQ: straight through the rounding means that its error c = R(v) − v is held; y as a function of s by which
 * its derivative is found by differences. Where it clips is decided before. */
static double soft(double x, double s, double c, double clipped_to) {
  return isnan(clipped_to) ? s * (x / s + c) : s * clipped_to;
}

static void test_learned(void **state) {
  (void)state;
  static const struct {
    const char *inputs, *format;
    double low, high, zero[3];
    bool channels;
  } cases[] = {
      {"parameter s: f32 = 1\n", "integer(4, 1, ste = learned_step)", -8, 7, {0}, false},
      {"parameter s: f32 = 1\n", "integer(2, 1, unsigned = true, ste = learned_step)", 0, 3, {0}, false},
      {"parameter s: f32 = 1\n", "scaled_integer(3, ste = learned_step)", -4, 3, {0}, false},
      {"parameter s: f32[3] = 1\n", "integer(3, 1, per = channel, ste = learned_step)", -4, 3, {0}, true},
      {"parameter s: f32[3] = 1\nconstant z: f32[3] = [1, -2, 3]\n",
       "scaled_integer(3, per = channel, scheme = affine, ste = learned_step)", -4, 3, {1, -2, 3}, true},
  };
  enum { COUNT = 4 };
  for (uint32_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    subject t;
    begin(&t, cases[k].inputs, cases[k].format, COUNT);
    double *x = input(&t, 0), *s = input(&t, 1), sum[3] = {0};
    uint32_t channels = cases[k].channels ? 3 : 1, clipped = 0;
    for (uint32_t c = 0; c < channels; c++) s[c] = (double)(float)(0.2 + 0.3 * c);
    assert_true(net_run_all(&t.run));
    const double *dy = t.run.values[t.dy], *y = t.run.values[net_node_output(t.graph, t.node, 0)];
    for (uint32_t i = 0; i < COUNT * 15; i++) {
      uint32_t channel = cases[k].channels ? i / 5 % 3 : 0;
      double low = cases[k].low - cases[k].zero[channel], high = cases[k].high - cases[k].zero[channel];
      double v = x[i] / s[channel], c = rint(v) - v, h = 1e-6;
      double to = v <= low ? low : v >= high ? high : NAN;
      double up = soft(x[i], s[channel] + h, c, to), down = soft(x[i], s[channel] - h, c, to);
      sum[channel] += dy[i] * (up - down) / (2 * h);
      bool outside = x[i] < low * s[channel] || x[i] > high * s[channel];
      clipped += outside;
      assert_true(t.run.values[t.dx[0]][i] == (outside ? 0 : dy[i]));
      assert_true(fabs(y[i] - s[channel] * fmin(fmax(rint(v), low), high)) < 1e-5);
    }
    assert_true(clipped > 0 && clipped < COUNT * 15);
    for (uint32_t c = 0; c < channels; c++) {
      double gain = 1 / sqrt((cases[k].channels ? 5 : 15) * cases[k].high), found = t.run.values[t.dx[1]][c];
      if (!(fabs(found - gain * sum[c]) < 1e-4))
        fail_msg("%s: %g, not %g", cases[k].format, found, gain * sum[c]);
    }
    netc_free(&t.n);
  }
}

/* ---- draws ---- */

/* The larger value with probability (x + 1) / 2, the same for the same key and step. */
static void test_draws(void **state) {
  (void)state;
  enum { COUNT = 4000 };
  netc n;
  ops_test_begin(&n);
  net_graph *g =
      ops_test_graph(&n, "input x: f32[b]\ny: f32[b] format binary(stochastic = true) = quantize(x) {format "
                         "= \"binary(stochastic = true)\", training = true, stream = 7}\n"
                         "w: f32[b] format binary(stochastic = true) = quantize(x) {format = "
                         "\"binary(stochastic = true)\"}\n");
  net_run run = net_run_begin(&n, g, &n.arena, COUNT);
  double *x = NET_NEW_ARRAY(&n.arena, double, COUNT), ups[4] = {0};
  for (uint32_t i = 0; i < COUNT; i++) x[i] = (double)(i % 4) * 0.5 - 1; /* −1, −½, 0, ½ */
  net_run_set_doubles(&run, 0, x);
  run.step = 2, run.key[0] = 11, run.key[1] = 22;
  assert_true(net_run_all(&run));
  for (uint32_t i = 0; i < COUNT; i++) {
    uint32_t words[4];
    rt_philox((uint32_t[4]){2, 7, i, 0}, run.key, words);
    double up = run.values[1][i];
    assert_true(up == ((words[0] >> 8) * 0x1p-24 < (x[i] + 1) / 2 ? 1 : -1));
    assert_true(run.values[2][i] == (x[i] >= 0 ? 1 : -1)); /* not in training */
    ups[i % 4] += up > 0;
  }
  assert_true(ups[0] == 0 && fabs(ups[1] - 250) < 60 && fabs(ups[2] - 500) < 70 && fabs(ups[3] - 750) < 60);
  netc_free(&n);
}

/* ---- sums in f64: rounded once, not by way of binary32 ---- */

static void test_wide(void **state) {
  (void)state;
  static const struct {
    const char *format;
    double x;
    float y;
  } cases[] = {
      {"float32", 1 + 0x1p-24 + 0x1p-40, 1 + 0x1p-23f},
      {"float32", 1 + 0x1p-24, 1},
      {"bfloat16", 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-7f}, /* by way of binary32 a tie, to 1 */
      {"bfloat16", -1 - 0x1p-8 - 0x1p-40, -1 - 0x1p-7f},
      {"bfloat16", 1 + 0x1p-7 + 0x1p-8 - 0x1p-40, 1 + 0x1p-7f},
      {"bfloat16", 0x1.fefffp127, 0x1.fep127f},
      {"bfloat16", 0x1.ffp127, INFINITY},
      {"bfloat16", 1e300, INFINITY},
      {"float16", 0x1p-25 + 0x1p-60, 0x1p-24f},
      {"float16", 0x1p-25, 0},
      {"integer(8, 4)", 0x1p-5 + 0x1p-50, 0x1p-4f},
      {"integer(8, 4)", 0x1p-5, 0},
      {"integer(8, 4)", 1e30, 127 / 16.f},
      {"integer(24, 0)", 8388606.5 - 0x1p-20, 8388606},
      {"integer(8, 0, rounding = floor)", 3 - 0x1p-40, 2},
      {"integer(8, 0, rounding = half_up)", 2.5 - 0x1p-40, 2},
      {"integer(8, 0, overflow = wrap)", 0x1p40 + 5.25, 5},
      {"integer(8, 0)", NAN, 0},
      {"scaled_integer(8)", 2.5 + 0x1p-40, 3},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    uint32_t id;
    ops_test_begin(&n);
    assert_true(net_format_parse(&n, cases[i].format, strlen(cases[i].format), NET_NOWHERE, &id));
    float near = (float)cases[i].x, y;
    net_format_tensor x = {.shape = &(net_shape){0}, .values = &near, .wide = &cases[i].x};
    net_format_quantize(net_format_at(&n, id), &x, &y);
    if (y != cases[i].y) fail_msg("%s: %a becomes %a", cases[i].format, cases[i].x, (double)y);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_plain),
                                     cmocka_unit_test(test_clipped), cmocka_unit_test(test_learned),
                                     cmocka_unit_test(test_draws),   cmocka_unit_test(test_wide)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
