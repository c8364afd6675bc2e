/* Every operation on every type as C, then random expressions of many operations: the evaluator's bits. */
#include "tests/unit/c_support.h"

#include "loops/build.h"
#include "loops/compute.h"
#include "loops/print.h"

#include <math.h>

enum { ELEMENTS = 64 };

/* A function of one sample with three inputs of each type; an output for each expression tried. */
typedef struct {
  lp_function *f;
  lp_buffer in[NET_TYPE_COUNT][3];
  lp_expr at;
  uint32_t written;
} table;

static lp_buffer port(lp_function *f, const char *name, net_type type, lp_storage storage, uint32_t slot) {
  lp_buffer b = lp_buffer_new(f, net_intern_format(f->n, "%s%u", name, slot), type,
                              (net_shape){1, {ELEMENTS}}, true, storage, slot);
  lp_buffer_info *info = &f->buffers.at[b];
  info->rank = 2, info->dim[0] = storage == LP_COLUMN ? INT32_MAX : 1, info->dim[1] = ELEMENTS;
  return b;
}

static table table_new(c_bench *bench, const char *name) {
  netc *n = &bench->n;
  table t = {.f = lp_function_new(n, &n->arena, net_intern(n, name), 1, false)};
  uint32_t slot = 0;
  t.f->padded = t.f->tile = t.f->lanes = 1;
  for (net_type type = 0; type < NET_BOOL; type++)
    for (int k = 0; k < 3; k++) t.in[type][k] = port(t.f, "in.x", type, LP_COLUMN, slot++);
  lp_nest_begin(t.f, net_intern(n, "everything"));
  t.at = lp_begin_for(t.f, "i", lp_int(t.f, 0), lp_int(t.f, ELEMENTS), 1, 0);
  return t;
}

static lp_expr row(table *t) { return lp_int(t->f, 0); }

/* A bool is whether two integers are in order. */
static lp_expr input(table *t, net_type type, uint32_t which) {
  if (type == NET_BOOL)
    return lp_op2(t->f, LP_lt, input(t, NET_I8, which), input(t, NET_I8, (which + 1) % 3));
  return lp_load_from(t->f, t->in[type][which], row(t), t->at);
}

static void output(table *t, lp_expr value) {
  net_type type = lp_expr_at(t->f, value)->type;
  if (type == NET_BOOL) value = lp_convert(t->f, type = NET_U8, value);
  lp_buffer out = port(t->f, "out.y", type, LP_OUTPUT, t->written);
  lp_store_at(t->f, out, LP_LIST(row(t), t->at), value);
  t->written++;
}

static void finish(c_bench *bench, table *t, const char *name) {
  lp_end(t->f);
  lp_nest_end(t->f, 1);
  lp_verify_nests(t->f);
  c_expect_silence(&bench->n);
  c_add(bench, t->f, name);
}

/* ---- numbers ---- */

static const double specials[] = {0,
                                  -0.0,
                                  1,
                                  -1,
                                  0.5,
                                  -0.5,
                                  1.5,
                                  2.5,
                                  -2.5,
                                  0x1p23,
                                  0x1.fffffep22,
                                  -0x1.000002p23,
                                  0x1p31,
                                  -0x1p31,
                                  0x1p32,
                                  0x1p63,
                                  -0x1p63,
                                  0x1p64,
                                  0x1p-126,
                                  0x1p-149,
                                  -0x1p-130,
                                  0x1.fffffep127,
                                  1e300,
                                  127.5,
                                  -128.5,
                                  255.5,
                                  32767.5,
                                  65535.5,
                                  0x1p52,
                                  0x1.fffffffffffffp51,
                                  0x1p-1074,
                                  3,
                                  2147483647,
                                  4294967295.0,
                                  INFINITY,
                                  -INFINITY,
                                  NAN};

static void special(void *context, net_type type, uint64_t draw, void *to) {
  (void)context;
  uint64_t more = draw * 0x9E3779B97F4A7C15u;
  bool real = lp_is_float(type);
  lp_value v = {.integer = (int64_t)(more >> (draw & 63))};
  if (real && draw >> 62 == 0) v.f64 = specials[(draw >> 8) % (sizeof specials / sizeof *specials)];
  else if (real && draw >> 62 == 1) memcpy(&v, &more, sizeof v); /* any bits */
  else if (real) v.f64 = c_uniform(more, -1, 1) * exp2((int)(draw & 63) - 20);
  else if (draw >> 62 == 0)
    v.integer = (int64_t[]){0, 1, -1, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 127, -128}[draw % 9];
  if (type == NET_F32 && draw >> 62 == 1) v.f32 = (lp_value){.integer = (int64_t)more}.f32;
  else if (type == NET_F32) v.f32 = (float)v.f64;
  if (!real) v.integer = lp_wrap(type, draw & 64 ? (int64_t)-(uint64_t)v.integer : v.integer);
  lp_put(type, to, v);
}

/* ---- every operation ---- */

static lp_expr constant(table *t, net_type type, int64_t value) {
  return lp_constant(t->f, type, (double)value, lp_wrap(type, value));
}

static bool takes(lp_expr_kind op, net_type type) {
  net_type types[3] = {type, type, type};
  return !lp_type_fault(op, lp_type_of(op, types), types);
}

static bool is_division(lp_expr_kind op, net_type type) {
  return (op == LP_div || op == LP_rem) && !lp_is_float(type);
}

static void test_operations(void **state) {
  (void)state;
  c_bench bench;
  c_begin(&bench);
  table t = table_new(&bench, "operations");
  for (lp_expr_kind op = 0; op < LP_exp; op++)
    for (net_type type = 0; type < NET_TYPE_COUNT; type++) {
      if (op == LP_select || op == LP_convert || op == LP_bitcast || !takes(op, type)) continue;
      uint32_t operands = lp_operand_count(op);
      lp_expr a = input(&t, type, 0);
      if (is_division(op, type)) {
        static const int64_t by[] = {1, 2, 3, 10, 64, 127};
        for (int k = 0; k < 6; k++)
          if (net_type_bytes(type) < 8 || !(by[k] & (by[k] - 1)))
            output(&t, lp_op2(t.f, op, a, constant(&t, type, by[k])));
      } else if (operands == 1) {
        output(&t, lp_op1(t.f, op, a));
      } else if (operands == 2) {
        output(&t, lp_op2(t.f, op, a, input(&t, type, 1)));
        if (type == NET_BOOL) continue;
        for (int64_t k = -3; k < 9; k += 2) output(&t, lp_op2(t.f, op, a, constant(&t, type, k)));
        output(&t, lp_op2(t.f, op, constant(&t, type, -5), a));
      } else {
        output(&t, lp_op3(t.f, op, a, input(&t, type, 1), input(&t, type, 2)));
      }
    }
  for (net_type type = 0; type < NET_TYPE_COUNT; type++)
    output(&t, lp_select(t.f, input(&t, NET_BOOL, 0), input(&t, type, 1), input(&t, type, 2)));
  finish(&bench, &t, "operations");
  printf("%u expressions\n", t.written);
  assert_true(t.written > 500);
  c_check(&bench, 30, special, NULL);
  c_end(&bench);
}

/* Also of floats that no integer type holds: C saturates there as the evaluator does. */
static void test_conversions(void **state) {
  (void)state;
  c_bench bench;
  c_begin(&bench);
  table t = table_new(&bench, "conversions");
  for (net_type from = 0; from < NET_TYPE_COUNT; from++)
    for (net_type to = 0; to < NET_TYPE_COUNT; to++) {
      lp_expr x = input(&t, from, 0);
      if (to != NET_BOOL) output(&t, lp_convert(t.f, to, x));
      if (lp_is_float(from) && lp_is_integer(to)) { /* what is held in range needs no test */
        double high = ldexp(1, 8 * (int)net_type_bytes(to) - lp_is_signed(to)),
               low = lp_is_signed(to) ? -high : 0;
        lp_expr top = lp_constant(
            t.f, from, from == NET_F32 ? (double)nextafterf((float)high, 0) : nextafter(high, 0), 0);
        lp_expr clamped = lp_op2(t.f, LP_min, lp_op2(t.f, LP_max, x, lp_constant(t.f, from, low, 0)), top);
        output(&t, lp_convert(t.f, to, clamped));
        output(&t, lp_convert(t.f, to, lp_op1(t.f, LP_trunc, clamped)));
      }
      if (from != NET_BOOL && to != NET_BOOL && net_type_bytes(from) == net_type_bytes(to))
        output(&t, lp_bitcast(t.f, to, x));
    }
  finish(&bench, &t, "conversions");
  c_check(&bench, 60, special, NULL);
  c_end(&bench);
}

/* ---- random expressions ---- */

enum { NODES = 40, ROUNDS = 60 };

static lp_expr grow(table *t, lp_expr (*pool)[NODES], uint32_t *count, uint64_t *state) {
  lp_expr_kind op = (lp_expr_kind)(c_draw(state) % LP_exp);
  net_type type = (net_type)(c_draw(state) % NET_TYPE_COUNT), to = (net_type)(c_draw(state) % NET_TYPE_COUNT);
#define ANY(type) pool[type][c_draw(state) % count[type]]
  lp_expr x = ANY(type);
  if (op == LP_select) return lp_select(t->f, ANY(NET_BOOL), x, ANY(type));
  if (op == LP_convert) return to == NET_BOOL ? x : lp_convert(t->f, to, x);
  if (op == LP_bitcast)
    return type != NET_BOOL && to != NET_BOOL && net_type_bytes(type) == net_type_bytes(to)
               ? lp_bitcast(t->f, to, x)
               : x;
  if (!takes(op, type)) return x;
  if (is_division(op, type)) return lp_op2(t->f, op, x, constant(t, type, 1 << c_draw(state) % 6));
  switch (lp_operand_count(op)) {
  case 1: return lp_op1(t->f, op, x);
  case 2: return lp_op2(t->f, op, x, ANY(type));
  default: return lp_op3(t->f, op, x, ANY(type), ANY(type));
  }
#undef ANY
}

static void test_random(void **state) {
  (void)state;
  c_bench bench;
  c_begin(&bench);
  uint64_t draws = 5;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    const char *name = net_arena_format(&bench.n.arena, "random_%u", round);
    table t = table_new(&bench, name);
    lp_expr pool[NET_TYPE_COUNT][NODES];
    uint32_t count[NET_TYPE_COUNT] = {0};
    for (net_type type = 0; type < NET_TYPE_COUNT; type++) {
      for (uint32_t k = 0; k < 3; k++) pool[type][count[type]++] = input(&t, type, k);
      if (type != NET_BOOL)
        pool[type][count[type]++] = constant(&t, type, (int64_t)(c_draw(&draws) >> (c_draw(&draws) & 63)));
    }
    pool[NET_I32][count[NET_I32]++] = t.at; /* whose sums do not wrap */
    lp_expr last[8] = {0};
    for (uint32_t k = 0; k < 120; k++) {
      lp_expr e = grow(&t, pool, count, &draws);
      net_type type = lp_expr_at(t.f, e)->type;
      pool[type][count[type] < NODES ? count[type]++ : c_draw(&draws) % NODES] = e;
      last[k % 8] = e;
    }
    for (uint32_t k = 0; k < 8; k++) output(&t, last[k]);
    finish(&bench, &t, name);
  }
  c_check(&bench, 3, special, NULL);
  c_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_operations), cmocka_unit_test(test_conversions),
                                     cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
