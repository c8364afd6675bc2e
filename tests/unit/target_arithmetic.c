/* Arithmetic that some targets have no instructions for, as emulators compute it, bit by bit: wide products,
 * shifts and quotients, and choices without branches. */
#include "codegen/object.h"
#include "loops/loops.h"
#include "tests/unit/target_support.h"

enum { MOST_RESULTS = 128 };

/* Of a row of two i64: what is computed, in loops and here. */
typedef struct {
  const char *name;
  uint32_t needs; /* CG_CAN_… */
  uint32_t (*build)(lp_function *f, const lp_expr *v, lp_expr *results);
  uint32_t (*expect)(const int64_t *x, int64_t *results);
} arithmetic;

/* ---- products and shifts of 64 bits, quotients ---- */

static const uint32_t divisors[] = {1, 2, 3, 5, 7, 10, 641, 32768, 65537, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
enum { DIVISORS = sizeof divisors / sizeof *divisors, FACTOR = 1518500249 };

static uint32_t build_products(lp_function *f, const lp_expr *v, lp_expr *results) {
  lp_expr amount = lp_op2(f, LP_and, v[1], lp_constant(f, NET_I64, 0, 63)), u = lp_bitcast(f, NET_U64, v[0]);
  lp_expr narrow = lp_convert(f, NET_U32, v[0]), other = lp_convert(f, NET_U32, v[1]);
  uint32_t count = 0;
  results[count++] = lp_op2(f, LP_mul, v[0], v[1]);
  results[count++] = lp_op2(f, LP_mul, v[0], lp_constant(f, NET_I64, 0, FACTOR));
  results[count++] = lp_op2(f, LP_mul, lp_convert(f, NET_I64, lp_convert(f, NET_I32, v[0])), v[1]);
  results[count++] = lp_op2(f, LP_shl, v[0], amount);
  results[count++] = lp_op2(f, LP_shr, v[0], amount);
  results[count++] = lp_bitcast(f, NET_I64, lp_op2(f, LP_shr, u, lp_bitcast(f, NET_U64, amount)));
  results[count++] = lp_op2(f, LP_shr, v[0], lp_constant(f, NET_I64, 0, 37));
  results[count++] = lp_convert(f, NET_I64, lp_op2(f, LP_mulhi, narrow, other));
  for (uint32_t i = 0; i < DIVISORS; i++) {
    lp_expr by = lp_constant(f, NET_U32, 0, divisors[i]);
    results[count++] = lp_convert(f, NET_I64, lp_op2(f, LP_div, narrow, by));
    results[count++] = lp_convert(f, NET_I64, lp_op2(f, LP_rem, narrow, by));
  }
  return count;
}

static uint32_t expect_products(const int64_t *x, int64_t *results) {
  uint64_t a = (uint64_t)x[0], b = (uint64_t)x[1];
  uint32_t amount = b & 63, count = 0;
  results[count++] = (int64_t)(a * b);
  results[count++] = (int64_t)(a * FACTOR);
  results[count++] = (int64_t)((uint64_t)(int32_t)x[0] * b);
  results[count++] = (int64_t)(a << amount);
  results[count++] = x[0] >> amount;
  results[count++] = (int64_t)(a >> amount);
  results[count++] = x[0] >> 37;
  results[count++] = (int64_t)((a & UINT32_MAX) * (b & UINT32_MAX) >> 32);
  for (uint32_t i = 0; i < DIVISORS; i++) {
    results[count++] = (uint32_t)a / divisors[i];
    results[count++] = (uint32_t)a % divisors[i];
  }
  return count;
}

/* ---- choices ---- */

static const lp_expr_kind comparisons[] = {LP_lt, LP_le, LP_gt, LP_ge, LP_eq, LP_ne};
enum { COMPARISONS = sizeof comparisons / sizeof *comparisons };
#define EACH_TYPE(X)                                                                                         \
  X(NET_I8, int8_t)                                                                                          \
  X(NET_U8, uint8_t)                                                                                         \
  X(NET_I16, int16_t)                                                                                        \
  X(NET_U16, uint16_t)                                                                                       \
  X(NET_I32, int32_t)                                                                                        \
  X(NET_U32, uint32_t)                                                                                       \
  X(NET_I64, int64_t)                                                                                        \
  X(NET_U64, uint64_t)

static uint32_t build_integers_of(lp_function *f, net_type type, const lp_expr *v, lp_expr *results) {
  lp_expr a = lp_convert(f, type, v[0]), b = lp_convert(f, type, v[1]);
  lp_expr hundred = lp_constant(f, type, 0, 100);
  uint32_t count = 0;
  results[count++] = lp_op2(f, LP_min, a, b);
  results[count++] = lp_op2(f, LP_max, a, b);
  results[count++] = lp_op2(f, LP_max, lp_op2(f, LP_min, a, hundred), lp_constant(f, type, 0, 0));
  for (uint32_t i = 0; i < COMPARISONS; i++)
    results[count++] = lp_select(f, lp_op2(f, comparisons[i], a, b), hundred, lp_op2(f, LP_xor, a, b));
  for (uint32_t i = 0; i < count; i++) results[i] = lp_convert(f, NET_I64, results[i]);
  return count;
}

static uint32_t build_integers(lp_function *f, const lp_expr *v, lp_expr *results) {
  uint32_t count = 0;
#define TYPE(type, c) count += build_integers_of(f, type, v, results + count);
  EACH_TYPE(TYPE)
#undef TYPE
  return count;
}

static uint32_t expect_integers(const int64_t *x, int64_t *results) {
  uint32_t count = 0;
#define TYPE(type, c)                                                                                        \
  {                                                                                                          \
    c a = (c)x[0], b = (c)x[1], least = a < 100 ? a : 100;                                                   \
    const c chosen[] = {a < b ? a : b, a > b ? a : b, least > 0 ? least : 0};                                \
    const bool holds[] = {a < b, a <= b, a > b, a >= b, a == b, a != b};                                     \
    for (int i = 0; i < 3; i++) results[count++] = (int64_t)chosen[i];                                       \
    for (int i = 0; i < COMPARISONS; i++) results[count++] = holds[i] ? 100 : (int64_t)(c)(a ^ b);           \
  }
  EACH_TYPE(TYPE)
#undef TYPE
  return count;
}

/* Bits of floats come out as they went in, NaNs and zeros with signs too. */
static uint32_t build_floats(lp_function *f, const lp_expr *v, lp_expr *results) {
  lp_expr a = lp_bitcast(f, NET_F32, lp_convert(f, NET_I32, v[0]));
  lp_expr b = lp_bitcast(f, NET_F32, lp_convert(f, NET_I32, v[1])), none = lp_real(f, 0);
  lp_expr less = lp_op2(f, LP_lt, lp_convert(f, NET_I32, v[0]), lp_convert(f, NET_I32, v[1]));
  uint32_t count = 0;
  results[count++] = lp_op2(f, LP_min, a, b);
  results[count++] = lp_op2(f, LP_max, a, b);
  results[count++] = lp_select(f, lp_op2(f, LP_lt, a, none), none, a); /* relu */
  results[count++] = lp_op2(f, LP_max, lp_op2(f, LP_min, a, lp_real(f, 3)), lp_real(f, -5));
  results[count++] = lp_select(f, less, a, b);
  for (uint32_t i = 0; i < COMPARISONS; i++)
    results[count++] = lp_select(f, lp_op2(f, comparisons[i], a, b), a, lp_real(f, 7));
  for (uint32_t i = 0; i < count; i++)
    results[i] = lp_convert(f, NET_I64, lp_bitcast(f, NET_I32, results[i]));
  return count;
}

static uint32_t expect_floats(const int64_t *x, int64_t *results) {
  int32_t words[2] = {(int32_t)x[0], (int32_t)x[1]};
  float v[2], a, b;
  memcpy(v, words, sizeof v);
  a = v[0], b = v[1];
  const bool holds[] = {a < b, a <= b, a > b, a >= b, a == b, a != b};
  float clamped = a < 3 ? a : 3;
  float chosen[5 + COMPARISONS] = {a < b ? a : b, a > b ? a : b, a < 0 ? 0 : a, clamped > -5 ? clamped : -5,
                                   words[0] < words[1] ? a : b};
  for (int i = 0; i < COMPARISONS; i++) chosen[5 + i] = holds[i] ? a : 7;
  for (int i = 0; i < 5 + COMPARISONS; i++) {
    memcpy(words, &chosen[i], sizeof *words);
    results[i] = *words;
  }
  return 5 + COMPARISONS;
}

static const arithmetic arithmetics[] = {{"products", 0, build_products, expect_products},
                                         {"integers", 0, build_integers, expect_integers},
                                         {"floats", CG_CAN_F32, build_floats, expect_floats}};

/* ---- objects ---- */

static lp_function *make_loops(netc *n, const arithmetic *a, uint32_t count) {
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, a->name), 1, false);
  lp_buffer x = lp_buffer_new(f, net_intern(n, "x"), NET_I64, (net_shape){1, {2}}, true, LP_COLUMN, 0);
  lp_buffer y = lp_buffer_new(f, net_intern(n, "y"), NET_I64, (net_shape){1, {count}}, true, LP_OUTPUT, 0);
  f->padded = f->tile = f->lanes = 1;
  lp_nest_begin(f, net_intern(n, "all"));
  lp_expr zero = lp_int(f, 0), v[2], results[MOST_RESULTS];
  for (int i = 0; i < 2; i++) v[i] = lp_vector_load(f, x, 1, 2, (lp_expr[]){zero, lp_int(f, i)});
  assert_int_equal(a->build(f, v, results), count);
  for (uint32_t i = 0; i < count; i++) lp_store_at(f, y, 2, (lp_expr[]){zero, lp_int(f, i)}, results[i]);
  lp_nest_end(f, count);
  return f;
}

static pl_object make_object(netc *n, const arithmetic *a, uint32_t count, const cg_target *target) {
  cg_artefact artefact;
  lp_function *f = make_loops(n, a, count);
  pl_function *functions = NET_NEW_ARRAY(&n->arena, pl_function, 2);
  functions[0].name = a->name, functions[1].name = net_arena_format(&n->arena, "%s_batch", a->name);
  const cg_entry entries[] = {{.name = a->name, .f = f}, {.name = functions[1].name, .f = f, .rows = true}};
  const cg_library library = {.target = target, .entries = entries, .count = 2};
  assert_true(cg_library_make(n, &n->arena, &library, CG_FORM_OBJECT, &artefact));
  return (pl_object){.bytes = artefact.bytes,
                     .length = artefact.length,
                     .functions = functions,
                     .function_count = 2,
                     .code = artefact.code,
                     .flash = artefact.code + artefact.data};
}

static void compare(const arithmetic *a, const char *target, const int64_t *x, const int64_t *y,
                    uint32_t count) {
  int64_t expected[MOST_RESULTS];
  for (uint32_t i = 0; i < 2 * TARGET_ROWS; i++) {
    a->expect(x + 2 * (i % TARGET_ROWS), expected);
    for (uint32_t k = 0; k < count; k++)
      if (y[i * count + k] != expected[k])
        fail_msg("%s: result %u of %s of row %u is %lld, not %lld", target, k, a->name, i % TARGET_ROWS,
                 (long long)y[i * count + k], (long long)expected[k]);
  }
}

static void test_arithmetic(void **state) {
  const arithmetic *a = *state;
  /* the last are floats: zeros, subnormal, infinite, NaN with bits of its own, ordinary */
  static const int64_t extremes[] = {
      0,  1,   -1,   INT64_MAX, INT64_MIN, INT32_MAX,  INT32_MIN,  UINT32_MAX,  1ll << 32,  31,         32,
      33, 127, -128, 32767,     -32768,    0x7F800000, 0x7FC12345, -0x003A9876, 0x40A00000, -0x3F600000};
  enum { EXTREMES = sizeof extremes / sizeof *extremes };
  netc n;
  netc_init(&n, NULL);
  int64_t x[TARGET_ROWS][2], y[2 * TARGET_ROWS * MOST_RESULTS];
  uint64_t random = 1;
  for (uint32_t i = 0; i < 2 * TARGET_ROWS; i++) {
    random = random * 6364136223846793005 + 1442695040888963407;
    x[i / 2][i % 2] = i % 5 ? (int64_t)(random ^ random >> 29) : extremes[i / 5 % EXTREMES];
    if (i % 7 > 4) x[i / 2][i % 2] = extremes[(random >> 40) % EXTREMES];
  }
  x[TARGET_ROWS - 1][1] = x[TARGET_ROWS - 1][0];
  uint32_t count = a->expect(x[0], y);
  assert_true(count <= MOST_RESULTS);
  for (uint32_t t = 0; t <= target_name_count; t++) {
    const char *name = t < target_name_count ? target_names[t] : "x86_64";
    cg_target target;
    assert_true(cg_target_find(&n, NET_NOWHERE, name, &target));
    uint32_t tool = t < target_name_count ? target_tools(target.family) : TARGET_NO_TOOLS;
    if ((target.can & a->needs) != a->needs) continue;
    pl_object object = make_object(&n, a, count, &target);
    target_ports sizes = {&object, true, sizeof x[0], count * (uint32_t)sizeof *y, a->name};
    target_check_object(&object, name);
    if (t == target_name_count) target_run_here(&sizes, (uint8_t *)x, (uint8_t *)y);
    else if (tool != TARGET_NO_TOOLS) target_run_there(&sizes, tool, (uint8_t *)x, (uint8_t *)y);
    if (t == target_name_count || tool != TARGET_NO_TOOLS) compare(a, name, x[0], y, count);
  }
  assert_int_equal(n.diagnostics.list.count, 0);
  netc_free(&n);
}

int main(void) {
  struct CMUnitTest tests[sizeof arithmetics / sizeof *arithmetics];
  for (uint32_t i = 0; i < sizeof tests / sizeof *tests; i++)
    tests[i] = (struct CMUnitTest){arithmetics[i].name, test_arithmetic, NULL, NULL, (void *)&arithmetics[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
