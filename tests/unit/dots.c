/* kernels/: networks of small integers, made by hand as statements. What the statements mean (the evaluator
 * on form 1), what their nests do (the evaluator on form 2) and what compiled code does must be the same bits
 * on every target. */
#include "kernels/kernels.h"
#include "loops/print.h"
#include "tests/codegen/check.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 97, MOST_LAYERS = 3 };

typedef struct {
  uint32_t outputs;
  net_type weights, sum, result; /* result: of the layer; the last one's is what the sum is */
  bool transposed, bias,
      residual; /* residual: the result is read at its point as well, by an addition in between */
} layer;

typedef struct {
  uint32_t inputs, batch;
  net_type column, codes; /* as given; as the first layer reads them */
  layer layers[MOST_LAYERS];
  uint32_t layer_count;
  bool real_output, unfused,
      wraps; /* wraps: codes of what is beyond their type wrap, instead of being clamped */
} network;

static uint64_t state;
static uint32_t draw(uint32_t below) { return (uint32_t)(check_draw(&state) % below); }

static int64_t lowest(net_type t) {
  return t == NET_I8 ? INT8_MIN : t == NET_I16 ? INT16_MIN : t == NET_I32 ? INT32_MIN : 0;
}
static int64_t highest(net_type t) {
  return t == NET_I8    ? INT8_MAX
         : t == NET_U8  ? UINT8_MAX
         : t == NET_I16 ? INT16_MAX
         : t == NET_U16 ? UINT16_MAX
                        : INT32_MAX;
}

/* Often at the ends of its range. */
static int64_t number(net_type t) {
  uint32_t kind = draw(4);
  if (!kind) return lowest(t);
  if (kind == 1) return highest(t);
  return lowest(t) + (int64_t)(check_draw(&state) % (uint64_t)(highest(t) - lowest(t) + 1));
}

static lp_buffer constant(lp_function *f, const char *name, net_type t, net_shape shape) {
  size_t count = net_shape_elements(&shape), each = net_type_bytes(t);
  char *data = net_arena_alloc(f->arena, (count + KN_PAD) * each, 64);
  memset(data, 0, (count + KN_PAD) * each);
  for (size_t i = 0; i < count; i++) lp_put(t, data + i * each, (lp_value){.integer = number(t)});
  lp_buffer b = lp_buffer_new(f, net_intern(f->n, name), t, shape, false, LP_CONSTANT, 0);
  f->buffers.at[b].data = data;
  return b;
}

static lp_expr k_of(lp_function *f, net_type t, int64_t value) {
  return lp_constant(f, t, (double)value, value);
}

/* clamped to the type */
static lp_expr clamp(lp_function *f, net_type to, lp_expr e) {
  net_type from = lp_expr_at(f, e)->type;
  e = lp_op2(f, LP_min, lp_op2(f, LP_max, e, k_of(f, from, lowest(to))), k_of(f, from, highest(to)));
  return lp_convert(f, to, e);
}

static lp_buffer gather(lp_function *f, const network *net) {
  net_shape shape = {1, {net->inputs}};
  lp_buffer index = lp_buffer_new(f, net_intern(f->n, "index"), NET_U32, (net_shape){0}, true, LP_INDEX, 0);
  lp_buffer column = lp_buffer_new(f, net_intern(f->n, "column"), net->column, shape, true, LP_COLUMN, 0);
  lp_buffer x = lp_buffer_new(f, net_intern(f->n, "x"), net->column, shape, true, LP_SCRATCH, 0);
  lp_expr b = lp_batch(f), i = lp_axis_new(f, "i", net->inputs);
  lp_assign(f, x, lp_load_from(f, column, lp_load_from(f, index, b), i), b, i);
  if (net->column == net->codes) return x;
  lp_buffer scale = constant(f, "scale", NET_U8, shape); /* by feature */
  lp_buffer q = lp_buffer_new(f, net_intern(f->n, "q"), net->codes, shape, true, LP_SCRATCH, 0);
  i = lp_axis_new(f, "i", net->inputs);
  lp_expr step = lp_convert(f, NET_F32, lp_load_from(f, scale, i));
  lp_expr code = lp_op1(f, LP_round, lp_product(f, lp_load_from(f, x, b, i), step));
  lp_expr wrapped = lp_convert(f, net->codes, lp_convert(f, NET_I32, code));
  lp_assign(f, q, net->wraps ? wrapped : clamp(f, net->codes, code), b, i);
  return q;
}

/* Sums, then the result: shifted with rounding, clamped; or the sums themselves. */
static lp_buffer add_layer(lp_function *f, const layer *l, lp_buffer x, bool last) {
  uint32_t inputs = f->buffers.at[x].shape.dim[0];
  lp_buffer w =
      constant(f, "w", l->weights,
               l->transposed ? (net_shape){2, {inputs, l->outputs}} : (net_shape){2, {l->outputs, inputs}});
  lp_buffer bias = constant(f, "bias", NET_I32, (net_shape){1, {l->outputs}});
  lp_buffer sum =
      lp_buffer_new(f, net_intern(f->n, "sum"), l->sum, (net_shape){1, {l->outputs}}, true, LP_SCRATCH, 0);
  lp_expr b = lp_batch(f), o = lp_axis_new(f, "o", l->outputs), i = lp_axis_new(f, "i", inputs);
  lp_expr weight = l->transposed ? lp_load_from(f, w, i, o) : lp_load_from(f, w, o, i);
  lp_expr product =
      lp_product(f, lp_convert(f, l->sum, weight), lp_convert(f, l->sum, lp_load_from(f, x, b, i)));
  lp_expr value = lp_sum_over(f, product, i);
  if (l->bias) value = lp_addition(f, value, lp_convert(f, l->sum, lp_load_from(f, bias, o)));
  lp_assign(f, sum, value, b, o);
  if (last) return sum;
  lp_buffer y =
      lp_buffer_new(f, net_intern(f->n, "y"), l->result, (net_shape){1, {l->outputs}}, true, LP_SCRATCH, 0);
  o = lp_axis_new(f, "o", l->outputs);
  lp_expr a = lp_load_from(f, sum, b, o), s = k_of(f, l->sum, 9);
  lp_expr odd = lp_op2(f, LP_and, lp_op2(f, LP_shr, a, s), k_of(f, l->sum, 1));
  lp_expr rounded = lp_op2(f, LP_shr, lp_addition(f, lp_addition(f, a, k_of(f, l->sum, 255)), odd), s);
  lp_assign(f, y, clamp(f, l->result, rounded), b, o);
  if (!l->residual) return y;
  lp_buffer z =
      lp_buffer_new(f, net_intern(f->n, "z"), l->result, (net_shape){1, {l->outputs}}, true, LP_SCRATCH, 0);
  o = lp_axis_new(f, "o", l->outputs); /* mixes neighbours, so that it can be in no epilogue */
  lp_expr opposite = lp_difference(f, lp_int(f, l->outputs - 1), o);
  lp_expr both = lp_addition(f, lp_convert(f, NET_I32, lp_load_from(f, y, b, o)),
                             lp_convert(f, NET_I32, lp_load_from(f, y, b, opposite)));
  lp_assign(f, z, clamp(f, l->result, both), b, o);
  return z;
}

static lp_function *build(check *c, const network *net, bool masked) {
  lp_function *f = lp_function_new(&c->n, &c->n.arena, net_intern(&c->n, "network"), net->batch, masked);
  f->node = NET_NONE;
  lp_buffer x = gather(f, net), before = x;
  for (uint32_t i = 0; i < net->layer_count; i++) {
    before = x;
    x = add_layer(f, &net->layers[i], x, i + 1 == net->layer_count);
  }
  lp_buffer outputs[2] = {x, before}; /* what dots read is an output too */
  for (uint32_t i = 0; i < 2; i++) {
    net_type type = f->buffers.at[outputs[i]].type;
    bool real = !i && net->real_output;
    lp_buffer from = outputs[i];
    net_shape shape = f->buffers.at[from].shape;
    lp_expr b = lp_batch(f), o;
    if (real) {
      lp_buffer value = lp_buffer_new(f, net_intern(f->n, "value"), NET_F32, shape, true, LP_SCRATCH, 0);
      o = lp_axis_new(f, "o", shape.dim[0]);
      lp_assign(f, value,
                lp_product(f, lp_convert(f, NET_F32, lp_load_from(f, from, b, o)), lp_real(f, 0x1p-5)), b, o);
      from = value, type = NET_F32;
    }
    lp_buffer out = lp_buffer_new(f, net_intern(f->n, "out"), type, shape, true, LP_OUTPUT, i);
    o = lp_axis_new(f, "o", shape.dim[0]);
    lp_assign(f, out, lp_load_from(f, from, b, o), b, o);
  }
  assert_true(lp_verify_statements(f));
  return f;
}

static void give(const lp_function *f, lp_memory *m, void *column, const uint32_t *rows) {
  for (lp_buffer b = 0; b < f->buffers.count; b++)
    if (f->buffers.at[b].storage == LP_COLUMN) m->buffers[b] = column;
  uint32_t *index = lp_memory_at(f, m, LP_INDEX, 0);
  for (uint32_t i = 0; i < (f->padded > f->batch ? f->padded : f->batch); i++)
    index[i] = rows[i < m->count ? i : 0];
}

static char *describe(check *c, const network *net) {
  char *text = net_arena_format(&c->n.arena, "%s, batch %u, %u %s as %s%s", c->target.name, net->batch,
                                net->inputs, net_type_name(net->column), net_type_name(net->codes),
                                net->unfused ? ", unfused" : "");
  for (uint32_t i = 0; i < net->layer_count; i++) {
    const layer *l = &net->layers[i];
    text =
        net_arena_format(&c->n.arena, "%s; %u by %s%s in %s%s to %s%s", text, l->outputs,
                         net_type_name(l->weights), l->transposed ? " transposed" : "", net_type_name(l->sum),
                         l->bias ? " + bias" : "", net_type_name(l->result), l->residual ? ", residual" : "");
  }
  return text;
}

/* Nests by name, to see which way was taken. */
static uint32_t nests_like(const lp_function *f, const char *text) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < f->nests.count; i++)
    found += strstr(net_text(f->n, f->nests.at[i].name), text) != NULL;
  return found;
}

static uint32_t dots_of(const lp_function *f, lp_expr_kind op) {
  uint32_t found = 0;
  for (lp_expr e = 1; e < f->exprs.count; e++) found += lp_expr_at(f, e)->kind == op;
  return found;
}

static lp_function *check_network(check *c, const network *net, bool masked) {
  lp_function *f = build(c, net, masked);
  size_t each = net_type_bytes(net->column), elements = (size_t)ROWS * net->inputs;
  char *column = net_arena_alloc(&c->n.arena, elements * each, 64);
  for (size_t i = 0; i < elements; i++) {
    lp_value v = {.integer = net->column == NET_F32 ? 0 : number(net->column)};
    if (net->column == NET_F32) v.f32 = (float)((int32_t)draw(4000) - 2000) / 16;
    lp_put(net->column, column + i * each, v);
  }
  uint32_t *rows = NET_NEW_ARRAY(&c->n.arena, uint32_t, net->batch);
  for (uint32_t i = 0; i < net->batch; i++) rows[i] = draw(ROWS);

  lp_memory meant = lp_memory_new(&c->n.arena, f, false);
  meant.count = masked ? net->batch - net->batch / 3 : net->batch;
  give(f, &meant, column, rows);
  assert_true(lp_evaluate_statements(f, &meant));

  kn_machine machine = {c->lanes, c->target.registers, c->target.has_dot4};
  const char *what = describe(c, net);
  if (!kn_schedule(f, &machine, &(kn_options){.unfused = net->unfused}) || !lp_verify_nests(f)) {
    net_diagnostics_flush(&c->n, stderr, NET_DIAGNOSTICS_TEXT, false);
    fail_msg("%s: no nests", what);
  }
  if (!f->scratch_bytes) f->scratch_bytes = 64;
  lp_memory done = lp_memory_new(&c->n.arena, f, true);
  lp_memory_fill(f, &done, 3);
  done.count = meant.count;
  done.fma = c->target.has_fma;
  give(f, &done, column, rows);
  assert_int_equal(check_run(c, f, &done), 0);
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    if (f->buffers.at[b].storage != LP_OUTPUT) continue;
    size_t bytes =
        net_shape_elements(&f->buffers.at[b].shape) * meant.count * net_type_bytes(f->buffers.at[b].type);
    if (memcmp(meant.buffers[b], done.buffers[b], bytes))
      fail_msg("%s: output %u differs", what, f->buffers.at[b].slot);
  }
  return f;
}

/* ---- the ways through, one by one ---- */

static void test_chain(check *c) {
  state = 1;
  network net = {16,
                 64,
                 NET_F32,
                 NET_I8,
                 .layer_count = 3,
                 .real_output = true,
                 .layers = {{64, NET_I8, NET_I32, NET_U8, .bias = true},
                            {32, NET_I8, NET_I32, NET_I8, .bias = true},
                            {5, NET_I8, NET_I32, NET_I32, .bias = true}}};
  for (net.batch = 32; net.batch <= 128; net.batch *= 2) {
    lp_function *f = check_network(c, &net, false);
    if (c->lanes == 1) continue;
    assert_true(dots_of(f, c->target.has_dot4 ? LP_dot4 : LP_dot2));
    assert_int_equal(dots_of(f, c->target.has_dot4 ? LP_dot2 : LP_dot4), 0);
    assert_int_equal(nests_like(f, ".words"), 0); /* all are written where they are made */
  }
}

/* Neither rows nor results fill words; signed codes; few samples; counts below the batch. */
static void test_odd(check *c) {
  state = 2;
  static const uint32_t widths[][3] = {{19, 13, 7}, {4, 6, 1}, {67, 9, 10}, {5, 1, 2}, {83, 21, 3}};
  for (uint32_t i = 0; i < 5; i++)
    for (uint32_t t = 0; t < 4; t++) {
      static const net_type codes[] = {NET_I8, NET_U8, NET_I16, NET_U16};
      network net = {widths[i][0],
                     5 + 9 * i,
                     t % 2 ? NET_F32 : codes[t],
                     codes[t],
                     .layer_count = 2,
                     .layers = {{widths[i][1], NET_I8, NET_I32, codes[t], .bias = i % 2},
                                {widths[i][2], NET_I8, NET_I32, NET_I32, .transposed = true}}};
      check_network(c, &net, i % 2);
    }
}

/* Rows too short for a word, and what is written elsewhere than in an epilogue: words are made by a nest. */
static void test_copies(check *c) {
  state = 3;
  network net = {3,
                 48,
                 NET_U8,
                 NET_U8,
                 .layer_count = 3,
                 .layers = {{22, NET_I8, NET_I32, NET_U8, .residual = true},
                            {9, NET_I8, NET_I32, NET_I8, .residual = true},
                            {4, NET_I8, NET_I32, NET_I32, .residual = false}}};
  lp_function *f = check_network(c, &net, false);
  if (c->lanes > 1) assert_int_equal(nests_like(f, ".words"), c->target.has_dot4 ? 3 : 2);
  net.unfused = true;
  f = check_network(c, &net, true);
  if (c->lanes > 1) assert_int_equal(nests_like(f, ".words"), 3);
}

/* Weights of more than 8 bits with sign, sums of more than 32. */
static void test_wide(check *c) {
  state = 4;
  static const net_type weights[] = {NET_U8, NET_I16, NET_U16, NET_I32}, sums[] = {NET_I32, NET_I64};
  for (uint32_t w = 0; w < 4; w++)
    for (uint32_t s = 0; s < 2; s++) {
      network net = {21,
                     40,
                     NET_F32,
                     w == 1 ? NET_I16 : NET_U8,
                     .layer_count = 2,
                     .layers = {{12, weights[w], sums[s], w == 1 ? NET_U16 : NET_I8, .bias = true},
                                {6, weights[w], sums[s], sums[s], .bias = true}}};
      lp_function *f = check_network(c, &net, false);
      bool halves = c->lanes > 1 && sums[s] == NET_I32 && w < 2;
      assert_int_equal(dots_of(f, LP_dot2) > 0, halves);
      assert_int_equal(dots_of(f, LP_dot4), 0);
    }
}

static void test_random(check *c) {
  static const net_type small[] = {NET_I8, NET_U8, NET_I16, NET_U16};
  for (uint64_t seed = 0; seed < 25; seed++) {
    state = 1000 + seed;
    network net = {1 + draw(draw(4) ? 24 : 150), 1 + draw(70), .layer_count = 1 + draw(MOST_LAYERS),
                   .real_output = draw(2)};
    net.codes = small[draw(4)];
    net.column = draw(2) ? NET_F32 : net.codes;
    net.unfused = !draw(4);
    net.wraps = !draw(4);
    for (uint32_t i = 0; i < net.layer_count; i++)
      net.layers[i] = (layer){1 + draw(30),
                              draw(2) ? NET_I8 : small[draw(4)],
                              draw(4) ? NET_I32 : NET_I64,
                              small[draw(4)],
                              draw(2),
                              draw(2),
                              !draw(3)};
    check_network(c, &net, net.batch > 2 && draw(2));
  }
}

/* AVX-VNNI alone, as processors without AVX-512 have it. */
static void check_avx_vnni(void (*test)(check *c)) {
  check c;
  netc_init(&c.n, NULL);
  assert_true(cg_target_find(&c.n, NET_NOWHERE, "avx2", &c.target));
  c.target.has |= CG_AVXVNNI;
  c.target.has_dot4 = true;
  c.target.features = "+avxvnni";
  c.lanes = c.target.lanes;
  if (cg_target_runs_here(&c.n, NET_NOWHERE, &c.target)) {
    test(&c);
    assert_int_equal(c.n.diagnostics.errors + c.n.diagnostics.faults, 0);
  }
  netc_free(&c.n);
}

#define TEST(name)                                                                                           \
  static void name##_everywhere(void **context) {                                                            \
    (void)context;                                                                                           \
    check_targets(name);                                                                                     \
    check_avx_vnni(name);                                                                                    \
  }
TEST(test_chain)
TEST(test_odd)
TEST(test_copies)
TEST(test_wide)
TEST(test_random)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chain_everywhere), cmocka_unit_test(test_odd_everywhere),
      cmocka_unit_test(test_copies_everywhere), cmocka_unit_test(test_wide_everywhere),
      cmocka_unit_test(test_random_everywhere)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
