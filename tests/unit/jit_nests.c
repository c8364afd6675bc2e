/* What shares a nest: the nests of small networks by name, and which values each of them leaves in memory. */
#include "tests/unit/jit_networks.h"

/* ---- nests as text: "NAME: VALUE, VALUE" for what is stored ---- */

static void add_stored(const lp_function *f, lp_stmt stmt, bool *stored) {
  for (; stmt; stmt = f->stmts.at[stmt].next) {
    if (f->stmts.at[stmt].kind == LP_STORE) stored[f->stmts.at[stmt].which] = true;
    add_stored(f, f->stmts.at[stmt].body, stored);
  }
}

static const char *nest_text(const lp_function *f, uint32_t nest) {
  netc *n = f->n;
  bool *stored = NET_NEW_ARRAY(&n->arena, bool, f->buffers.count + 1);
  add_stored(f, f->nests.at[nest].body, stored);
  const char *text = net_arena_format(&n->arena, "%s:", net_text(n, f->nests.at[nest].name)), *between = " ";
  for (lp_buffer b = 0; b < f->buffers.count; b++)
    if (stored[b]) {
      text = net_arena_format(&n->arena, "%s%s%s", text, between, net_text(n, f->buffers.at[b].name));
      between = ", ";
    }
  return text;
}

static bool is_node(const char *nest, const char *node) { /* among those joined by + in front of the colon */
  size_t length = strlen(node);
  const char *end = strchr(nest, ':');
  for (const char *at = nest; at && at < end; at = strchr(at, '+') ? strchr(at, '+') + 1 : NULL)
    if (!strncmp(at, node, length) && (at[length] == '+' || at[length] == ':')) return true;
  return false;
}

/* ---- cases ---- */

typedef struct {
  jit_network network;
  jit_mode mode;
  const char *nests[4]; /* these are there, word for word */
  const char *nodes[4]; /* these have part in so many nests */
  uint32_t times[4];
} fusion;

#define CLASSES(k) .losses = {"cross_entropy"}, .predictions = {"out"}, .classes = (k)

static const fusion cases[] = {
    {.network = {.name = "linear",
                 .text = "(x: f32[16]) { x -> linear(32) -> relu -> out: linear(5) }",
                 CLASSES(5)},
     .mode = JIT_EVALUATE,
     .nests = {"linear_1+relu_1: relu_1", "out: out"},
     .nodes = {"linear_1", "relu_1", "out"},
     .times = {1, 1, 1}},
    {.network = {.name = "step",
                 .text = "(x: f32[16]) { x -> linear(32) -> relu -> out: linear(5) }",
                 CLASSES(5)},
     .mode = JIT_SGD,
     .nests = {"linear_1+relu_1: relu_1", "out.x_gradient+relu_1.x_gradient: relu_1.x_gradient"},
     .nodes = {"relu_1.x_gradient", "cross_entropy_1.logits_gradient", "linear_1.weight_gradient"},
     .times = {1, 1, 1}},
    {.network = {.name = "loss", .text = "(x: f32[16]) { x -> out: linear(5) }", CLASSES(5)},
     .mode = JIT_SGD,
     .nests = {"cross_entropy_1+cross_entropy_1.logits_gradient: cross_entropy_1, "
               "cross_entropy_1.logits_gradient"},
     /* the weight sum, which is the batch, is a constant by itself */
     .nodes = {"cross_entropy_1", "cross_entropy_1.logits_gradient"},
     .times = {2, 1}},
    {.network = {.name = "norm",
                 .text = "(x: f32[16]) { x -> linear(32) -> batch_norm -> relu -> out: linear(5) }",
                 CLASSES(5)},
     .mode = JIT_SGD,
     .nests = {"batch_norm_1+relu_1: batch_norm_1.mean, batch_norm_1.inverse, batch_norm_1.variance, "
               "squares, relu_1",
               "batch_norm_1.gradient+linear_1.bias_gradient: batch_norm_1.gradient, "
               "batch_norm_1.gradient.dweight, "
               "batch_norm_1.gradient.dbias, linear_1.bias_gradient"},
     .nodes = {"batch_norm_1", "relu_1", "batch_norm_1.gradient", "relu_1.x_gradient"},
     .times = {1, 1, 1, 1}},
    {.network = {.name = "norm in evaluation",
                 .text = "(x: f32[16]) { x -> linear(32) -> batch_norm -> relu -> out: linear(5) }",
                 CLASSES(5)},
     .mode = JIT_EVALUATE,
     .nests = {"linear_1+batch_norm_1+relu_1: relu_1"},
     .nodes = {"linear_1", "relu_1"},
     .times = {1, 1}},
    {.network = {.name = "registers", /* what lies in no memory may be larger than all that does */
                 .text = "(x: f32[4, 1]) { x + (x -> reshape([1, 4])) -> tanh -> sum -> out: relu }",
                 .losses = {"mse"},
                 .predictions = {"out"}},
     .mode = JIT_EVALUATE,
     .nests = {"reshape_1+add_1+tanh_1+3 more: mse_1"}},
    {.network = {.name = "relu at the end",
                 .text = "(x: f32[16]) { x -> linear(32) -> batch_norm -> out: relu }",
                 .losses = {"mse"},
                 .predictions = {"out"}},
     .mode = JIT_SGD,
     /* forward, the loss's gradient and backward */
     .nests = {"batch_norm_1+out+mse_1.prediction_gradient+3 more: batch_norm_1.mean, batch_norm_1.inverse, "
               "batch_norm_1.variance, squares, out, out.x_gradient, batch_norm_1.gradient, "
               "batch_norm_1.gradient.dweight, batch_norm_1.gradient.dbias, linear_1.bias_gradient"}},
};

static void check(const fusion *c, uint32_t target) {
  netc n;
  cg_target found;
  jit_begin(&n, target, &found);
  net_graph *g = jit_network_graph(&n, &c->network, c->mode);
  lp_function *f = jit_function_new(&n, &found, g, "step", NULL, 256, false, false)->f;
  const char **nests = NET_NEW_ARRAY(&n.arena, const char *, f->nests.count + 1), *all = "";
  for (uint32_t i = 0; i < f->nests.count; i++)
    all = net_arena_format(&n.arena, "%s\n  %s", all, nests[i] = nest_text(f, i));
  for (uint32_t k = 0; k < 4; k++) {
    uint32_t there = 0, times = 0;
    for (uint32_t i = 0; i < f->nests.count; i++) {
      there += c->nests[k] && !strcmp(nests[i], c->nests[k]);
      times += c->nodes[k] && is_node(nests[i], c->nodes[k]);
    }
    if (c->nests[k] && there != 1)
      fail_msg("%s for %s: no nest '%s' in%s", c->network.name, found.name, c->nests[k], all);
    if (c->nodes[k] && times != c->times[k])
      fail_msg("%s for %s: %s has part in %u nests in%s", c->network.name, found.name, c->nodes[k], times,
               all);
  }
  netc_free(&n);
}

static void test_fusion(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (uint32_t target = 0; target < JIT_TARGETS; target++) check(&cases[i], target);
}

/* Unfused, every statement is a nest, and every value is stored in a place of its own. */
static void test_unfused(void **state) {
  (void)state;
  netc n;
  cg_target found;
  for (uint32_t i = 0; i < jit_network_count; i++) {
    jit_begin(&n, JIT_TARGETS - 1, &found);
    net_graph *g = jit_network_graph(&n, &jit_networks[i], JIT_SGD);
    lp_function *f = jit_function_new(&n, &found, g, "step", NULL, 17, true, true)->f;
    assert_int_equal(f->nests.count, f->statements.count + 1); /* and where the loss is tested */
    for (lp_buffer a = 0; a < f->buffers.count; a++)
      for (lp_buffer b = 0; b < a; b++)
        if (f->buffers.at[a].storage == LP_SCRATCH && f->buffers.at[b].storage == LP_SCRATCH)
          assert_int_not_equal(f->buffers.at[a].offset, f->buffers.at[b].offset);
    netc_free(&n);
  }
}

/* ---- updates ---- */

typedef struct {
  const lp_function *f;
  bool *read, *stored; /* by buffer */
  bool tested;         /* the loss */
} touched;

static void touch_expr(touched *t, lp_expr e) {
  if (!e) return;
  const lp_expr_info *info = lp_expr_at(t->f, e);
  if (info->kind == LP_load) t->read[info->which] = true;
  for (uint32_t i = 0; i < 3; i++) touch_expr(t, info->operand[i]);
}

static void touch(touched *t, lp_stmt stmt) {
  for (; stmt; stmt = t->f->stmts.at[stmt].next) {
    const lp_stmt_info *s = &t->f->stmts.at[stmt];
    if (s->kind == LP_STORE) t->stored[s->which] = true;
    if (s->kind == LP_FINITE) t->tested = true;
    touch_expr(t, s->value);
    touch(t, s->body);
  }
}

/* Variables change behind the test of the loss, each in nests of one name, and no other reads it after that.
 */
static void check_order(const lp_function *f, const char *what) {
  netc *n = f->n;
  const char **changed = NET_NEW_ARRAY(&n->arena, const char *, f->buffers.count + 1); /* by whom */
  touched t = {.f = f};
  for (uint32_t i = 0; i < f->nests.count; i++) {
    const char *name = net_text(n, f->nests.at[i].name);
    t.read = NET_NEW_ARRAY(&n->arena, bool, f->buffers.count + 1);
    t.stored = NET_NEW_ARRAY(&n->arena, bool, f->buffers.count + 1);
    touch(&t, f->nests.at[i].body);
    for (lp_buffer b = 0; b < f->buffers.count; b++) {
      if (f->buffers.at[b].storage != LP_VARIABLE) continue;
      const char *variable = net_text(n, f->buffers.at[b].name);
      if (t.stored[b] && !t.tested) fail_msg("%s: %s changes before the loss is tested", what, variable);
      if ((t.read[b] || t.stored[b]) && changed[b] && strcmp(changed[b], name))
        fail_msg("%s: %s is touched by %s after %s", what, variable, name, changed[b]);
      if (t.stored[b]) changed[b] = name;
    }
  }
}

static void test_order(void **state) {
  (void)state;
  netc n;
  cg_target found;
  for (uint32_t i = 0; i < jit_network_count; i++)
    for (uint32_t target = 0; target < JIT_TARGETS; target++)
      for (jit_mode mode = JIT_SGD; mode < JIT_OPTIMIZERS; mode++) {
        jit_begin(&n, target, &found);
        net_graph *g = jit_network_graph(&n, &jit_networks[i], mode);
        lp_function *f = jit_function_new(&n, &found, g, "step", NULL, 256, false, false)->f;
        check_order(f, net_arena_format(&n.arena, "%s, %s", jit_networks[i].name, jit_mode_names[mode]));
        netc_free(&n);
      }
}

/* An optimiser's update runs where the gradient is summed, unless more samples come than are summed at a time
 * or the gradient is clipped first. */
static void test_panels(void **state) {
  (void)state;
  static const jit_network network = {
      .name = "panels", .text = "(x: f32[48]) { x -> linear(64) -> relu -> out: linear(5) }", CLASSES(5)};
  static const char *const together =
      "linear_1.weight_gradient+linear_1.weight.update: linear_1.weight, "
      "linear_1.weight.exp_avg, linear_1.weight.exp_avg_sq, features, gradient";
  netc n;
  cg_target found;
  static const struct {
    jit_mode mode;
    uint32_t batch;
    bool fused;
  } steps[] = {{JIT_ADAMW, 32, true}, {JIT_ADAMW, 256, true}, {JIT_ADAMW, 512, false}, {JIT_ADAM, 32, false}};
  for (uint32_t target = 0; target < JIT_TARGETS; target++)
    for (uint32_t k = 0; k < sizeof steps / sizeof *steps; k++) {
      jit_begin(&n, target, &found);
      net_graph *g = jit_network_graph(&n, &network, steps[k].mode);
      lp_function *f = jit_function_new(&n, &found, g, "step", NULL, steps[k].batch, false, false)->f;
      uint32_t fused = 0, summed = 0;
      for (uint32_t i = 0; i < f->nests.count; i++) {
        const char *text = nest_text(f, i);
        fused += !strcmp(text, together);
        summed += is_node(text, "linear_1.weight_gradient");
      }
      uint32_t width = 2 * found.lanes, nests = found.lanes >= 8 ? 1 + (48 % width != 0) : 1;
      assert_int_equal(summed, nests);
      assert_int_equal(fused, found.lanes >= 8 && steps[k].fused ? nests : 0);
      netc_free(&n);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fusion), cmocka_unit_test(test_unfused),
                                     cmocka_unit_test(test_order), cmocka_unit_test(test_panels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
