/* Random expressions: whatever the builder makes of them, the evaluator must give what plain C gives for the
 * expression as it was asked for, bit for bit. */
#include "tests/loops/example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { LANES = 4, NODES = 60, ROUNDS = 3000 };

typedef union {
  float f;
  int32_t i; /* also u32, by its bits, and bool */
  uint32_t u;
} word;

typedef struct {
  lp_expr e;
  net_type type;
  bool scalar; /* the same in all lanes */
  word lane[LANES];
} node;

static uint64_t random_state;

static uint32_t draw(uint32_t below) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % below);
}

static float strange_float(void) {
  static const float values[] = {0,      -0.0f,   1,     -1,       2,         0.5f, 3,
                                 1e-40f, -1e-45f, 3e38f, INFINITY, -INFINITY, NAN,  256};
  enum { COUNT = sizeof values / sizeof *values };
  return draw(2) ? values[draw(COUNT)] : ((float)draw(1 << 24) - (1 << 23)) / (float)(1 << draw(24));
}

static int32_t strange_integer(void) {
  static const int32_t values[] = {0, 1, -1, 2, 3, 7, 8, INT32_MAX, INT32_MIN, 31, 32};
  return draw(2) ? values[draw(sizeof values / sizeof *values)] : (int32_t)(draw(1u << 16) << draw(16));
}

/* ---- what C makes of an operation ---- */

typedef struct {
  lp_expr_kind op;
  uint32_t operands;
  const char *types; /* which it takes: f, i, u, b */
} operation;

static const operation operations[] = {
    {LP_add, 2, "fiu"}, {LP_sub, 2, "fiu"}, {LP_mul, 2, "fiu"}, {LP_add, 2, "iu"},  {LP_mul, 2, "iu"},
    {LP_div, 2, "f"},   {LP_min, 2, "fiu"}, {LP_max, 2, "fiu"}, {LP_neg, 1, "fi"},  {LP_abs, 1, "fi"},
    {LP_and, 2, "iub"}, {LP_or, 2, "iub"},  {LP_xor, 2, "iub"}, {LP_mulhi, 2, "u"}, {LP_fma, 3, "f"},
    {LP_sqrt, 1, "f"},  {LP_lt, 2, "fiu"},  {LP_le, 2, "fiu"},  {LP_gt, 2, "fiu"},  {LP_ge, 2, "fiu"},
    {LP_eq, 2, "fiub"}, {LP_ne, 2, "fiub"}, {LP_round, 1, "f"}, {LP_floor, 1, "f"}, {LP_trunc, 1, "f"},
};

static word of_float(lp_expr_kind op, float a, float b, float c, bool *is_bool) {
  word r = {.u = 0};
  *is_bool = op >= LP_lt && op <= LP_ne;
  switch ((int)op) {
  case LP_add:
    r.f = a + b;
    break;
  case LP_sub:
    r.f = a - b;
    break;
  case LP_mul:
    r.f = a * b;
    break;
  case LP_div:
    r.f = a / b;
    break;
  case LP_min:
    r.f = a < b ? a : b;
    break;
  case LP_max:
    r.f = a > b ? a : b;
    break;
  case LP_fma:
    r.f = fmaf(a, b, c);
    break;
  case LP_neg:
    r.f = -a;
    break;
  case LP_abs:
    r.f = fabsf(a);
    break;
  case LP_sqrt:
    r.f = sqrtf(a);
    break;
  case LP_round:
    r.f = rintf(a);
    break;
  case LP_floor:
    r.f = floorf(a);
    break;
  case LP_trunc:
    r.f = truncf(a);
    break;
  case LP_lt:
    r.u = a < b;
    break;
  case LP_le:
    r.u = a <= b;
    break;
  case LP_gt:
    r.u = a > b;
    break;
  case LP_ge:
    r.u = a >= b;
    break;
  case LP_eq:
    r.u = a == b;
    break;
  case LP_ne:
    r.u = a != b;
    break;
  }
  return r;
}

static word of_integer(lp_expr_kind op, bool is_signed, uint32_t a, uint32_t b, bool *is_bool) {
  word r = {.u = 0};
  int64_t x = is_signed ? (int32_t)a : (int64_t)a, y = is_signed ? (int32_t)b : (int64_t)b;
  *is_bool = op >= LP_lt && op <= LP_ne;
  switch ((int)op) {
  case LP_add:
    r.u = a + b;
    break;
  case LP_sub:
    r.u = a - b;
    break;
  case LP_mul:
    r.u = a * b;
    break;
  case LP_min:
    r.u = x < y ? a : b;
    break;
  case LP_max:
    r.u = x > y ? a : b;
    break;
  case LP_neg:
    r.u = 0 - a;
    break;
  case LP_abs:
    r.u = x < 0 ? 0 - a : a;
    break;
  case LP_and:
    r.u = a & b;
    break;
  case LP_or:
    r.u = a | b;
    break;
  case LP_xor:
    r.u = a ^ b;
    break;
  case LP_mulhi:
    r.u = (uint32_t)((uint64_t)a * b >> 32);
    break;
  case LP_lt:
    r.u = x < y;
    break;
  case LP_le:
    r.u = x <= y;
    break;
  case LP_gt:
    r.u = x > y;
    break;
  case LP_ge:
    r.u = x >= y;
    break;
  case LP_eq:
    r.u = x == y;
    break;
  case LP_ne:
    r.u = x != y;
    break;
  }
  return r;
}

/* ---- growing an expression ---- */

typedef struct {
  netc n;
  lp_function *f;
  lp_buffer in[3], out[3]; /* f32, i32, u32 */
  word memory[3][64];
  node nodes[NODES];
  uint32_t count;
} garden;

static const net_type types[] = {NET_F32, NET_I32, NET_U32};
static char letter(net_type type) {
  return type == NET_F32 ? 'f' : type == NET_I32 ? 'i' : type == NET_U32 ? 'u' : 'b';
}

static lp_buffer buffer(garden *g, const char *name, net_type type) {
  lp_buffer b =
      lp_buffer_new(g->f, net_intern(&g->n, name), type, (net_shape){1, {64}}, false, LP_SCRATCH, 0);
  g->f->buffers.at[b].rank = 1;
  g->f->buffers.at[b].dim[0] = 64;
  return b;
}

static void plant(garden *g) {
  netc_init(&g->n, NULL);
  g->f = lp_function_new(&g->n, &g->n.arena, net_intern(&g->n, "random"), 8, false);
  g->count = 0;
  for (int t = 0; t < 3; t++) {
    g->in[t] = buffer(g, "in", types[t]);
    g->out[t] = buffer(g, "out", types[t]);
    for (int k = 0; k < 64; k++) {
      if (t == 0)
        g->memory[t][k].f = strange_float();
      else
        g->memory[t][k].i = strange_integer();
    }
  }
  lp_nest_begin(g->f, net_intern(&g->n, "random"));
}

static void leaf(garden *g) {
  node *n = &g->nodes[g->count++];
  uint32_t t = draw(3), at = draw(60);
  lp_expr index = lp_int(g->f, at);
  n->type = types[t];
  n->scalar = draw(2);
  if (draw(3)) {
    n->e = lp_vector_load(g->f, g->in[t], n->scalar ? 1 : LANES, 1, &index);
    for (uint32_t k = 0; k < LANES; k++) n->lane[k] = g->memory[t][at + (n->scalar ? 0 : k)];
    return;
  }
  word value;
  if (t == 0)
    value.f = strange_float();
  else
    value.i = strange_integer();
  n->scalar = true;
  n->e = t == 0 ? lp_real(g->f, (double)value.f)
                : lp_constant(g->f, types[t], 0, t == 1 ? (int64_t)value.i : (int64_t)value.u);
  for (uint32_t k = 0; k < LANES; k++) n->lane[k] = value;
}

/* A node of one of the types, by letters; NULL: there is none yet. */
static const node *pick(garden *g, const char *wanted) {
  for (int tries = 0; tries < 30; tries++) {
    const node *n = &g->nodes[draw(g->count)];
    if (strchr(wanted, letter(n->type))) return n;
  }
  return NULL;
}

static void grow_operation(garden *g) {
  const operation *o = &operations[draw(sizeof operations / sizeof *operations)];
  const node *a = pick(g, o->types), *operand[3] = {a, a, a};
  if (!a) return;
  const char same[] = {letter(a->type), 0};
  for (uint32_t i = 1; i < o->operands; i++)
    if (!(operand[i] = pick(g, same))) return;
  node *n = &g->nodes[g->count];
  bool is_bool = false;
  n->scalar = operand[0]->scalar && operand[1]->scalar && operand[2]->scalar;
  for (uint32_t k = 0; k < LANES; k++) {
    word x = operand[0]->lane[k], y = operand[1]->lane[k], z = operand[2]->lane[k];
    n->lane[k] = a->type == NET_F32 ? of_float(o->op, x.f, y.f, z.f, &is_bool)
                                    : of_integer(o->op, a->type == NET_I32, x.u, y.u, &is_bool);
  }
  n->type = is_bool ? NET_BOOL : a->type;
  n->e = o->operands == 1   ? lp_op1(g->f, o->op, a->e)
         : o->operands == 2 ? lp_op2(g->f, o->op, a->e, operand[1]->e)
                            : lp_op3(g->f, o->op, a->e, operand[1]->e, operand[2]->e);
  g->count++;
}

/* Operations that take a constant, another type, or a condition. */
static void grow_special(garden *g) {
  uint32_t which = draw(6);
  const node *a = pick(g, which < 2 ? "u" : which == 2 ? "iu" : which == 3 ? "iu" : "fiu");
  if (!a) return;
  node *n = &g->nodes[g->count];
  *n = *a;
  uint32_t constant = which < 2 ? 1 + draw(20) : draw(32);
  lp_expr c = lp_constant(g->f, a->type, 0, constant);
  if (which < 2) { /* division by constants */
    n->e = lp_op2(g->f, which ? LP_rem : LP_div, a->e, c);
    for (uint32_t k = 0; k < LANES; k++)
      n->lane[k].u = which ? a->lane[k].u % constant : a->lane[k].u / constant;
  } else if (which == 2) { /* shifts */
    bool left = draw(2);
    n->e = lp_op2(g->f, left ? LP_shl : LP_shr, a->e, c);
    for (uint32_t k = 0; k < LANES; k++) {
      if (left)
        n->lane[k].u = a->lane[k].u << constant;
      else if (a->type == NET_U32)
        n->lane[k].u = a->lane[k].u >> constant;
      else
        n->lane[k].i = a->lane[k].i >> constant;
    }
  } else if (which == 3) { /* conversion */
    n->type = NET_F32;
    n->e = lp_convert(g->f, NET_F32, a->e);
    for (uint32_t k = 0; k < LANES; k++)
      n->lane[k].f = a->type == NET_I32 ? (float)a->lane[k].i : (float)a->lane[k].u;
  } else if (which == 4) { /* bits; those of a NaN are nobody's business */
    n->type = types[draw(3)];
    for (uint32_t k = 0; k < LANES; k++)
      if (a->type == NET_F32 && isnan(a->lane[k].f)) return;
    n->e = lp_bitcast(g->f, n->type, a->e);
  } else {
    const char same[] = {letter(a->type), 0};
    const node *c0 = pick(g, "b"), *b = pick(g, same);
    if (!c0 || !b) return;
    n->e = lp_select(g->f, c0->e, a->e, b->e);
    n->scalar = c0->scalar && a->scalar && b->scalar;
    for (uint32_t k = 0; k < LANES; k++) n->lane[k] = c0->lane[k].u ? a->lane[k] : b->lane[k];
  }
  g->count++;
}

static void check(garden *g) {
  uint32_t next[3] = {0}, stored[3][64];
  for (uint32_t i = g->count; i-- > 0;) { /* the last ones, as far as there is room */
    const node *n = &g->nodes[i];
    uint32_t t = n->type == NET_F32 ? 0 : n->type == NET_I32 ? 1 : 2;
    if (n->type == NET_BOOL || next[t] == 64 / LANES) continue;
    lp_expr at = lp_int(g->f, next[t] * LANES), value = n->e;
    if (n->scalar) value = lp_splat_of(g->f, value, LANES);
    lp_store_at(g->f, g->out[t], 1, &at, value);
    stored[t][next[t]++] = i;
  }
  lp_nest_end(g->f, 0);
  assert_true(lp_verify_nests(g->f));
  lp_memory m = lp_memory_new(&g->n.arena, g->f, true);
  for (int t = 0; t < 3; t++) memcpy(m.buffers[g->in[t]], g->memory[t], sizeof g->memory[t]);
  assert_int_equal(lp_evaluate_nests(g->f, &m), 0);
  for (int t = 0; t < 3; t++)
    for (uint32_t s = 0; s < next[t]; s++)
      for (uint32_t k = 0; k < LANES; k++) {
        word got = ((word *)m.buffers[g->out[t]])[s * LANES + k], wanted = g->nodes[stored[t][s]].lane[k];
        if (got.u == wanted.u || (t == 0 && isnan(got.f) && isnan(wanted.f))) continue;
        fail_msg("lane %u: %08x instead of %08x: %s", k, got.u, wanted.u,
                 example_expr(g->f, g->nodes[stored[t][s]].e));
      }
  assert_string_equal(example_faults(&g->n), "");
}

static void test_random(void **state) {
  (void)state;
  garden *g = malloc(sizeof *g);
  assert_non_null(g);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    random_state = round;
    plant(g);
    while (g->count < 12) leaf(g);
    while (g->count < NODES) {
      if (draw(3))
        grow_operation(g);
      else
        grow_special(g);
    }
    check(g);
    netc_free(&g->n);
  }
  free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
