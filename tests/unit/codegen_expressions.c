/* codegen/: every operation of expressions on every type and width, then random expressions. */
#include "loops/build.h"
#include "loops/compute.h"
#include "tests/codegen/check.h"

enum { ELEMENTS = 256 };

static const uint32_t widths[] = {1, 4, 5, 16, 32};
enum { WIDTHS = sizeof widths / sizeof *widths };

/* ---- every operation ---- */

/* Buffers of one type, three to read and one to write to per expression tried */
typedef struct {
  lp_function *f;
  lp_buffer in[NET_TYPE_COUNT][3];
  uint32_t lanes;
  lp_expr at; /* the loop over the elements */
  uint32_t written;
} bench;

static bench bench_new(check *c, uint32_t lanes) {
  bench b = {.f = check_function(c, "expressions", ELEMENTS, false), .lanes = lanes};
  for (uint32_t t = 0; t < NET_TYPE_COUNT; t++)
    for (uint32_t i = 0; i < 3; i++) b.in[t][i] = CHECK_BUFFER(b.f, "in", t, LP_SCRATCH, 0, ELEMENTS);
  lp_nest_begin(b.f, net_intern(b.f->n, "expressions"));
  b.at = lp_begin_for(b.f, "i", K(b.f, 0), K(b.f, ELEMENTS - lanes + 1), lanes, 0);
  return b;
}

static lp_expr read_in(bench *b, net_type type, uint32_t which) {
  return lp_vector_load(b->f, b->in[type][which], b->lanes, LP_LIST(b->at));
}

static void write_out(bench *b, lp_expr value) {
  lp_buffer out = CHECK_BUFFER(b->f, "out", lp_expr_at(b->f, value)->type, LP_OUTPUT, 0, ELEMENTS);
  b->f->buffers.at[out].slot = out;
  lp_store_at(b->f, out, LP_LIST(b->at), value);
  if (++b->written % 8) return; /* a new loop: LLVM's schedulers take their time for long blocks */
  lp_end(b->f);
  b->at = lp_begin_for(b->f, "i", K(b->f, 0), K(b->f, ELEMENTS - b->lanes + 1), b->lanes, 0);
}

static void bench_run(check *c, bench *b, uint64_t seed) {
  lp_end(b->f);
  lp_nest_end(b->f, 1);
  lp_memory m = check_memory(c, b->f);
  check_fill_special(b->f, &m, seed);
  assert_int_equal(check_run(c, b->f, &m), 0);
}

static lp_expr splat(bench *b, net_type type, int64_t value) {
  return lp_splat_of(b->f, lp_constant(b->f, type, (double)value, value), b->lanes);
}

/* Divisors are constants; shift amounts are below the width. */
static lp_expr second_operand(bench *b, lp_expr_kind op, net_type type) {
  if ((op == LP_div || op == LP_rem) && !lp_is_float(type)) return splat(b, type, type == NET_U8 ? 10 : 1000);
  if (op != LP_shl && op != LP_shr) return read_in(b, type, 1);
  return lp_op2(b->f, LP_and, read_in(b, type, 1), splat(b, type, 8 * (int64_t)net_type_bytes(type) - 1));
}

static void test_operations(check *c) {
  uint32_t tried = 0;
  for (uint32_t w = 0; w < WIDTHS; w++) {
    bench b = bench_new(c, widths[w]);
    for (lp_expr_kind op = LP_add; op < LP_select; op++)
      for (net_type t = 0; t < NET_TYPE_COUNT; t++) {
        net_type types[3] = {t, t, t};
        if (lp_type_fault(op, lp_type_of(op, types), types)) continue;
        lp_expr x = read_in(&b, t, 0);
        uint32_t operands = lp_operand_count(op);
        if (operands == 1) write_out(&b, lp_op1(b.f, op, x));
        if (operands == 2) write_out(&b, lp_op2(b.f, op, x, second_operand(&b, op, t)));
        if (operands == 3) write_out(&b, lp_op3(b.f, op, x, read_in(&b, t, 1), read_in(&b, t, 2)));
        tried++;
      }
    for (net_type t = 0; t < NET_TYPE_COUNT; t++)
      write_out(&b, lp_select(b.f, read_in(&b, NET_BOOL, 0), read_in(&b, t, 1), read_in(&b, t, 2)));
    bench_run(c, &b, 11);
  }
  assert_true(tried > 150 * WIDTHS);
}

/* Fixed shift amounts and divisors take other ways through the code generator. */
static void test_constant_operands(check *c) {
  static const int64_t divisors[] = {1, 2, 3, 7, 10, 64, 127, 641, 65535, 1000003};
  for (uint32_t w = 0; w < WIDTHS; w++) {
    bench b = bench_new(c, widths[w]);
    for (net_type t = NET_I8; t < NET_BOOL; t++) {
      int64_t bits = 8 * (int64_t)net_type_bytes(t);
      for (int64_t amount = 0; amount < bits; amount += bits / 8 + 1) {
        write_out(&b, lp_op2(b.f, LP_shl, read_in(&b, t, 0), splat(&b, t, amount)));
        write_out(&b, lp_op2(b.f, LP_shr, read_in(&b, t, 0), splat(&b, t, amount)));
      }
      for (uint32_t i = 0; !lp_is_signed(t) && i < sizeof divisors / sizeof *divisors; i++) {
        if (bits < 64 && divisors[i] >> bits) continue;
        write_out(&b, lp_op2(b.f, LP_div, read_in(&b, t, 0), splat(&b, t, divisors[i])));
        write_out(&b, lp_op2(b.f, LP_rem, read_in(&b, t, 0), splat(&b, t, divisors[i])));
      }
    }
    bench_run(c, &b, 12);
  }
}

/* A float forced into an integer type's range: what does not fit is nobody's business. NaN becomes low. */
static lp_expr clamp(bench *b, net_type from, lp_expr value, net_type to) {
  if (!lp_is_float(from) || lp_is_float(to)) return value;
  double high = __builtin_ldexp(1, 8 * (int)net_type_bytes(to) - lp_is_signed(to));
  double low = lp_is_signed(to) ? -high : 0;
  high *= 1 - 0x1p-24;
  lp_expr bottom = lp_splat_of(b->f, lp_constant(b->f, from, low, 0), b->lanes);
  lp_expr top = lp_splat_of(b->f, lp_constant(b->f, from, high, 0), b->lanes);
  return lp_op2(b->f, LP_min, lp_op2(b->f, LP_max, value, bottom), top);
}

static void test_conversions(check *c) {
  for (uint32_t w = 0; w < WIDTHS; w++) {
    bench b = bench_new(c, widths[w]);
    for (net_type from = 0; from < NET_TYPE_COUNT; from++)
      for (net_type to = 0; to < NET_TYPE_COUNT; to++) {
        if (!lp_type_fault(LP_convert, to, &from))
          write_out(&b, lp_convert(b.f, to, clamp(&b, from, read_in(&b, from, 0), to)));
        if (!lp_type_fault(LP_bitcast, to, &from)) write_out(&b, lp_bitcast(b.f, to, read_in(&b, from, 0)));
      }
    bench_run(c, &b, 13);
  }
}

static void test_words(check *c) {
  bench b = bench_new(c, 32);
  static const net_type types[] = {NET_I8, NET_U8, NET_I16, NET_U16};
  for (uint32_t t = 0; t < 4; t++)
    for (uint32_t lanes = 4; lanes <= 32; lanes *= 2) {
      lp_buffer out = CHECK_BUFFER(b.f, "words", NET_I32, LP_OUTPUT, 0, ELEMENTS);
      b.f->buffers.at[out].slot = out;
      lp_store_at(b.f, out, LP_LIST(b.at),
                  lp_words_of(b.f, lp_part_of(b.f, read_in(&b, types[t], 0), 32 - lanes, lanes)));
    }
  for (uint32_t lanes = 4; lanes <= 32; lanes *= 2) /* of small integers most are not clamped */
    for (uint32_t way = 0; way < 4; way++) {
      lp_expr v = lp_part_of(b.f, read_in(&b, NET_I32, 0), 32 - lanes, lanes);
      if (way / 2) v = lp_op2(b.f, LP_shr, v, lp_splat_of(b.f, K(b.f, 23), lanes));
      lp_buffer out = CHECK_BUFFER(b.f, "bytes", NET_I32, LP_OUTPUT, 0, ELEMENTS);
      b.f->buffers.at[out].slot = out;
      lp_store_at(b.f, out, LP_LIST(b.at), lp_bytes_of(b.f, v, way % 2));
    }
  bench_run(c, &b, 17);
}

/* Bytes and halves at both ends of their ranges, in every mixture: sums that saturate or wrap anywhere show.
 */
static void test_dots(check *c) {
  static const uint8_t ends[] = {0, 1, 127, 128, 129, 254, 255};
  for (uint32_t w = 0; w < WIDTHS; w++) {
    bench b = bench_new(c, widths[w]);
    lp_expr sum = splat(&b, NET_I32, 0), x[3];
    for (uint32_t i = 0; i < 3; i++) x[i] = read_in(&b, NET_I32, i);
    for (lp_expr_kind op = LP_dot4; op <= LP_dot2; op++) {
      write_out(&b, lp_op3(b.f, op, x[0], x[1], x[2]));
      sum = lp_op3(b.f, op, sum, x[2], x[1]);
      write_out(&b, lp_op3(b.f, op, sum, x[1], splat(&b, NET_I32, (int32_t)0x80807F80)));
      write_out(&b, lp_op3(b.f, op, x[0], splat(&b, NET_I32, -1), x[2]));
    }
    lp_end(b.f);
    lp_nest_end(b.f, 1);
    lp_memory m = check_memory(c, b.f);
    check_fill_special(b.f, &m, 15);
    uint64_t state = 16;
    for (uint32_t i = 1; i < 3; i++)
      for (uint32_t k = 0; k < 4 * ELEMENTS; k++)
        ((uint8_t *)m.buffers[b.in[NET_I32][i]])[k] = ends[check_draw(&state) % sizeof ends];
    assert_int_equal(check_run(c, b.f, &m), 0);
  }
}

static void test_parts(check *c) {
  bench b = bench_new(c, 32);
  for (net_type t = 0; t < NET_TYPE_COUNT; t++)
    for (uint32_t lanes = 1; lanes <= 32; lanes *= 2) {
      lp_buffer out = CHECK_BUFFER(b.f, "part", t, LP_OUTPUT, 0, ELEMENTS);
      b.f->buffers.at[out].slot = out;
      lp_store_at(b.f, out, LP_LIST(b.at), lp_part_of(b.f, read_in(&b, t, 0), 32 - lanes, lanes));
    }
  write_out(&b, ADD(b.f, lp_lanes_of(b.f, 32), lp_splat_of(b.f, b.at, 32)));
  bench_run(c, &b, 14);
}

/* ---- random expressions ---- */

static const net_type typical[] = {NET_F32,  NET_F32, NET_F32, NET_I32, NET_U32,
                                   NET_BOOL, NET_F64, NET_I8,  NET_U16, NET_I64};
enum { TYPICAL = sizeof typical / sizeof *typical };

static lp_expr grow(bench *b, net_type type, uint32_t depth, uint64_t *state);

static lp_expr grow_leaf(bench *b, net_type type, uint64_t *state) {
  uint64_t bits = check_draw(state);
  if (type == NET_I32 && bits % 5 == 0) return lp_lanes_of(b->f, b->lanes);
  if (type == NET_I32 && bits % 5 == 1) return lp_splat_of(b->f, b->at, b->lanes);
  if (type == NET_U32 && bits % 5 == 0) return lp_splat_of(b->f, lp_parameter(b->f, bits >> 8 & 1), b->lanes);
  if (type != NET_BOOL && bits % 5 == 2) {
    lp_value v = check_special(type, (uint32_t)(bits >> 8), state);
    double real = type == NET_F32 ? (double)v.f32 : v.f64;
    return lp_splat_of(b->f, lp_constant(b->f, type, lp_is_float(type) ? real : 0, v.integer), b->lanes);
  }
  return read_in(b, type, bits >> 8 & 1);
}

static lp_expr grow_from_other(bench *b, net_type type, uint32_t depth, uint64_t *state) {
  net_type from = typical[check_draw(state) % TYPICAL];
  lp_expr value = grow(b, from, depth, state);
  bool bits = check_draw(state) % 2 && !lp_is_float(from); /* bits of a NaN are nobody's business either */
  if (bits && !lp_type_fault(LP_bitcast, type, &from)) return lp_bitcast(b->f, type, value);
  if (lp_type_fault(LP_convert, type, &from)) return grow_leaf(b, type, state);
  return lp_convert(b->f, type, clamp(b, from, value, type));
}

/* An expression of the type; its parts are used more than once now and then. */
static lp_expr grow(bench *b, net_type type, uint32_t depth, uint64_t *state) {
  if (!depth) return grow_leaf(b, type, state);
  if (check_draw(state) % 8 == 0) return grow_from_other(b, type, depth - 1, state);
  lp_expr_kind op = (lp_expr_kind)(check_draw(state) % (LP_select + 1));
  net_type operand = type;
  if (op >= LP_lt && op <= LP_ne) {
    if (type != NET_BOOL) op = LP_select;
    else operand = typical[check_draw(state) % TYPICAL];
  }
  net_type types[3] = {op == LP_select ? NET_BOOL : operand, operand, operand};
  if (lp_type_fault(op, type, types)) return grow(b, type, depth - 1, state);
  lp_expr x = grow(b, types[0], depth - 1, state);
  if (lp_operand_count(op) == 1) return lp_op1(b->f, op, x);
  lp_expr y = op == LP_select || check_draw(state) % 6 ? grow(b, operand, depth - 1, state) : x;
  if (op == LP_select) return lp_select(b->f, x, grow(b, operand, depth - 1, state), y);
  if ((op == LP_div || op == LP_rem) && !lp_is_float(operand))
    y = splat(b, operand, 1 + (int64_t)(check_draw(state) % 200));
  if (op == LP_shl || op == LP_shr)
    y = lp_op2(b->f, LP_and, y, splat(b, operand, 8 * (int64_t)net_type_bytes(operand) - 1));
  if (lp_operand_count(op) == 2) return lp_op2(b->f, op, x, y);
  return lp_op3(b->f, op, x, y, grow(b, operand, depth - 1, state));
}

static void test_random(check *c) {
  uint64_t state = 0x5EED;
  for (uint32_t round = 0; round < 16; round++) {
    bench b = bench_new(c, widths[check_draw(&state) % WIDTHS]);
    for (uint32_t i = 0; i < 24; i++) {
      net_type type = typical[check_draw(&state) % TYPICAL];
      write_out(&b, grow(&b, type, 2 + i % 5, &state));
    }
    bench_run(c, &b, round);
  }
}

#define TEST(name)                                                                                           \
  static void name##_everywhere(void **state) {                                                              \
    (void)state;                                                                                             \
    check_instruction_sets(name);                                                                            \
  }
TEST(test_operations)
TEST(test_constant_operands)
TEST(test_conversions)
TEST(test_parts)
TEST(test_words)
TEST(test_dots)
TEST(test_random)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_operations_everywhere),  cmocka_unit_test(test_constant_operands_everywhere),
      cmocka_unit_test(test_conversions_everywhere), cmocka_unit_test(test_parts_everywhere),
      cmocka_unit_test(test_words_everywhere),
      cmocka_unit_test(test_dots_everywhere),
      cmocka_unit_test(test_random_everywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
