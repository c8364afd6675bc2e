#include "tests/codegen/check.h"

#include <stdio.h>

static const char *const names[] = {"native", "avx512", "avx2", "sse2", "scalar"};
enum { INSTRUCTION_SETS = 4, NAMES = sizeof names / sizeof names[0] };

static void expect_silence(netc *n) {
  net_diagnostics_flush(n, stderr, NET_DIAGNOSTICS_TEXT, false);
  assert_int_equal(n->diagnostics.errors + n->diagnostics.faults, 0);
}

static bool runs_here(const char *name) {
  netc n;
  netc_init(&n, NULL);
  cg_target target;
  bool runs = cg_target_find(&n, NET_NOWHERE, name, &target) && cg_target_runs_here(&n, NET_NOWHERE, &target);
  netc_free(&n);
  return runs;
}

static void check_names(uint32_t count, void (*test)(check *c)) {
  for (uint32_t i = 0; i < count; i++) {
    if (!runs_here(names[i])) continue;
    check c;
    netc_init(&c.n, NULL);
    assert_true(cg_target_find(&c.n, NET_NOWHERE, names[i], &c.target));
    c.lanes = c.target.lanes;
    test(&c);
    expect_silence(&c.n);
    netc_free(&c.n);
  }
}

void check_targets(void (*test)(check *c)) { check_names(NAMES, test); }
void check_instruction_sets(void (*test)(check *c)) { check_names(INSTRUCTION_SETS, test); }

lp_function *check_function(check *c, const char *name, uint32_t batch, bool masked) {
  lp_function *f = lp_function_new(&c->n, &c->n.arena, net_intern(&c->n, name), batch, masked);
  f->lanes = c->lanes;
  f->tile = 2 * c->lanes;
  f->padded = (batch + f->tile - 1) / f->tile * f->tile;
  return f;
}

lp_buffer check_buffer(lp_function *f, const char *name, net_type type, lp_storage storage, uint32_t slot,
                       uint32_t rank, const uint32_t *dim) {
  lp_buffer b = lp_buffer_new(f, net_intern(f->n, name), type, (net_shape){0}, false, storage, slot);
  f->buffers.at[b].rank = rank;
  memcpy(f->buffers.at[b].dim, dim, rank * sizeof *dim);
  return b;
}

lp_expr check_zero(lp_function *f, net_type type, uint32_t lanes) {
  return lp_splat_of(f, lp_constant(f, type, 0, 0), lanes);
}

lp_memory check_memory(check *c, lp_function *f) {
  lp_place_apart(f);
  lp_memory m = lp_memory_new(&c->n.arena, f, true);
  lp_memory_fill(f, &m, 1);
  m.fma = c->target.has_fma;
  return m;
}

uint64_t check_draw(uint64_t *state) { /* splitmix64 */
  *state += 0x9E3779B97F4A7C15u;
  uint64_t z = (*state ^ *state >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

lp_value check_special(net_type type, uint32_t element, uint64_t *state) {
  static const double reals[] = {0.0,   -0.0,    1,      -1,     0.5,     2.5,      -1.5,
                                 1e-40, -1e-45,  3.4e38, -3e38,  1e-300,  0x1p31,   -0x1p31,
                                 0x1p24, 0x1p-24, 8388609, 16777217, __builtin_inf(), -__builtin_inf()};
  static const int64_t integers[] = {0,         1,         -1,       INT64_MIN, INT64_MAX,
                                     INT32_MIN, INT32_MAX, INT8_MIN, INT8_MAX,  255};
  uint64_t bits = check_draw(state);
  double real = (double)(int64_t)bits * __builtin_ldexp(1, -63 + (int)(bits % 60) - 30);
  if (element % 4 == 0) real = reals[bits % (sizeof reals / sizeof *reals)];
  if (element % 31 == 7) real = __builtin_nan("");
  if (type == NET_F32) return (lp_value){.f32 = (float)real};
  if (type == NET_F64) return (lp_value){.f64 = real};
  int64_t integer = (int64_t)(bits >> bits % 64);
  if (element % 3 == 0) integer = integers[bits % (sizeof integers / sizeof *integers)];
  return (lp_value){.integer = lp_wrap(type, integer)};
}

void check_fill_special(const lp_function *f, lp_memory *m, uint64_t seed) {
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    net_type type = f->buffers.at[b].type;
    if (f->buffers.at[b].storage != LP_SCRATCH) continue;
    for (uint32_t i = 0; i < lp_buffer_elements(f, b, true); i++)
      lp_put(type, (char *)m->buffers[b] + i * net_type_bytes(type), check_special(type, i, &seed));
  }
}

/* Tables of pointers as the runtime has them. */
static void *const *table(check *c, const lp_function *f, const lp_memory *m, lp_storage storage) {
  void **pointers = NET_NEW_ARRAY(&c->n.arena, void *, f->buffers.count + 1);
  for (uint32_t slot = 0; slot < f->buffers.count; slot++) pointers[slot] = lp_memory_at(f, m, storage, slot);
  return pointers;
}

rt_step check_step(check *c, const lp_function *f, const lp_memory *m) {
  return (rt_step){
      .columns = (const void *const *)table(c, f, m, LP_COLUMN),
      .outputs = table(c, f, m, LP_OUTPUT),
      .index = lp_memory_at(f, m, LP_INDEX, 0),
      .variables = m->variables,
      .scratch = m->scratch,
      .scalars = m->scalars,
      .loss = lp_memory_at(f, m, LP_RESULT, 0),
      .weight_sum = lp_memory_at(f, m, LP_RESULT, 1),
      .correct = lp_memory_at(f, m, LP_RESULT, 2),
      .count = m->count,
      .step = m->params[0],
      .key = {m->params[1], m->params[2]},
  };
}

cg_jit *check_compile(check *c, const lp_function *const *functions, uint32_t count) {
  cg_jit *jit = cg_jit_new(&c->n, &(cg_input){&c->target, functions, count}, NULL);
  expect_silence(&c->n);
  assert_non_null(jit);
  return jit;
}

static void compare(check *c, const lp_function *f, const lp_memory *expected, const lp_memory *actual) {
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    size_t at = 0;
    if (lp_memory_same(f, b, expected, actual, &at)) continue;
    fail_msg("%s on %s: '%s' differs at element %zu", net_text(&c->n, f->name), c->target.name,
             net_text(&c->n, f->buffers.at[b].name), at);
  }
}

uint32_t check_run_threads(check *c, const lp_function *f, lp_memory *memory, rt_step with) {
  cg_jit *jit = check_compile(c, &f, 1);
  lp_memory actual = lp_memory_copy(&c->n.arena, f, memory);
  rt_step step = check_step(c, f, &actual);
  step.parallel_for = with.parallel_for;
  step.pool = with.pool;
  uint32_t status = cg_jit_find(jit, net_text(&c->n, f->name))(&step);
  assert_int_equal(status, lp_evaluate_nests(f, memory));
  compare(c, f, memory, &actual);
  cg_jit_free(jit);
  return status;
}

uint32_t check_run(check *c, const lp_function *f, lp_memory *memory) {
  return check_run_threads(c, f, memory, (rt_step){0});
}
