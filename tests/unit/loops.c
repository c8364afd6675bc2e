/* loops/loops.h and loops/print.h: what the builder makes of what it is given, and the text of both forms. */
#include "tests/loops/example.h"

#include "support/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- expressions, by their text ---- */

typedef struct {
  netc n;
  lp_function *f;
  lp_expr i, j, u, x, v; /* loop variables, an u32, a scalar f32, a vector of 8 */
  lp_buffer buffer;
  lp_reg reg;
} bench;

static void bench_begin(bench *b) {
  netc_init(&b->n, NULL);
  b->f = lp_function_new(&b->n, &b->n.arena, net_intern(&b->n, "bench"), 256, true);
  b->buffer =
      lp_buffer_new(b->f, net_intern(&b->n, "x"), NET_F32, (net_shape){1, {64}}, false, LP_SCRATCH, 0);
  b->reg = lp_reg_new(b->f, "r", NET_F32, 8, 4, 2);
  lp_nest_begin(b->f, net_intern(&b->n, "nest"));
  b->i = lp_begin_for(b->f, "i", lp_int(b->f, 0), lp_int(b->f, 8), 1, 0);
  b->j = lp_begin_for(b->f, "j", lp_int(b->f, 0), lp_int(b->f, 8), 1, 0);
  b->u = lp_parameter(b->f, 0);
  b->x = lp_vector_load(b->f, b->buffer, 1, 1, &b->i);
  b->v = lp_vector_load(b->f, b->buffer, 8, 1, &b->i);
}

static void bench_end(bench *b) {
  assert_string_equal(example_faults(&b->n), "");
  netc_free(&b->n);
}

#define ADD(a, b) lp_addition(f, (a), (b))
#define SUB(a, b) lp_difference(f, (a), (b))
#define MUL(a, b) lp_product(f, (a), (b))
#define DIV(a, b) lp_quotient(f, (a), (b))
#define OP(op, a, b) lp_op2(f, LP_##op, (a), (b))
#define INT(value) lp_int(f, (value))
#define REAL(value) lp_real(f, (value))
#define U32(value) lp_constant(f, NET_U32, 0, (value))
#define I8(value) lp_constant(f, NET_I8, 0, (value))
#define IS(e, text) assert_string_equal(example_expr(f, (e)), (text))

static void test_integers_fold(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_function *f = b.f;
  lp_expr i = b.i, j = b.j, u = b.u;
  IS(ADD(INT(3), INT(4)), "7");
  IS(MUL(INT(1 << 20), INT(1 << 20)), "0");
  IS(ADD(I8(100), I8(100)), "-56");
  IS(SUB(U32(3), U32(4)), "4294967295");
  IS(ADD(i, INT(0)), "i");
  IS(MUL(i, INT(1)), "i");
  IS(MUL(INT(1), i), "i");
  IS(MUL(i, INT(0)), "0");
  IS(ADD(ADD(i, INT(3)), INT(4)), "i + 7");
  IS(ADD(ADD(i, INT(3)), INT(-3)), "i");
  IS(SUB(ADD(i, INT(3)), INT(4)), "i - 1");
  IS(ADD(INT(4), i), "i + 4");
  IS(ADD(ADD(i, INT(3)), ADD(j, INT(4))), "i + j + 7");
  IS(ADD(i, ADD(j, INT(1))), "i + j + 1");
  IS(SUB(ADD(i, INT(3)), ADD(j, INT(5))), "i - j - 2");
  IS(MUL(MUL(i, INT(3)), INT(4)), "12*i");
  IS(MUL(ADD(i, INT(3)), INT(4)), "4*i + 12");
  IS(MUL(ADD(MUL(i, INT(8)), INT(3)), INT(4)), "32*i + 12");
  IS(ADD(MUL(i, INT(8)), MUL(i, INT(-8))), "0");
  IS(ADD(i, i), "2*i");
  IS(ADD(MUL(i, INT(3)), i), "4*i");
  IS(SUB(i, i), "0");
  IS(SUB(ADD(i, INT(5)), ADD(i, INT(2))), "3");
  IS(MUL(MUL(i, INT(1 << 16)), INT(1 << 16)), "0"); /* modulo 2^32 */
  IS(MUL(ADD(MUL(i, INT(2)), INT(1)), j), "(2*i + 1) * j");
  IS(OP(and, u, U32(0)), "0");
  IS(OP(and, U32(UINT32_MAX), u), "step");
  IS(OP(or, u, U32(0)), "step");
  IS(OP(or, u, U32(UINT32_MAX)), "4294967295");
  IS(OP(xor, u, U32(0)), "step");
  IS(OP(xor, u, U32(1)), "xor(step, 1)");
  IS(OP(shl, u, U32(0)), "step");
  IS(OP(shr, INT(-8), INT(1)), "-4");
  IS(OP(shr, U32(0x80000000), U32(31)), "1");
  IS(OP(mulhi, U32(0x80000000), U32(6)), "3");
  IS(lp_op3(f, LP_dot4, INT(5), INT(0x80FF0102), INT(0x7F80FF03)), "-16374");
  IS(lp_op3(f, LP_dot4, INT(INT32_MAX), INT(1), INT(1)), "-2147483648");
  IS(lp_op3(f, LP_dot4, INT(0), INT(-1), INT((int32_t)0x80808080)), "-130560");
  IS(lp_op3(f, LP_dot2, INT(7), INT((int32_t)0x80000002), INT((int32_t)0x8000FFFF)), "1073741829");
  IS(lp_op3(f, LP_dot2, INT(0), INT((int32_t)0x80008000), INT((int32_t)0x80008000)), "-2147483648");
  IS(OP(pack16, INT(40000), INT(-2)), "-98305");
  IS(OP(pack16, INT(-3), INT(-40000)), "-2147418115");
  IS(OP(pack8u, INT(0x7FFF0080), INT((int32_t)0x8000FFFF)), "65408");
  IS(OP(pack8s, INT(0x7FFF0080), INT((int32_t)0x8000FFFF)), "-2130739329");
  IS(lp_op3(f, LP_dot4, i, j, INT(0)), "i");
  IS(lp_op3(f, LP_dot2, i, j, INT(1)), "dot2(i, j, 1)");
  IS(DIV(u, U32(1)), "step");
  IS(OP(rem, u, U32(1)), "0");
  IS(DIV(U32(17), U32(5)), "3");
  IS(OP(rem, U32(17), U32(5)), "2");
  IS(OP(min, i, i), "i");
  IS(OP(min, INT(3), i), "min(i, 3)");
  IS(OP(lt, INT(3), INT(4)), "true");
  IS(OP(lt, U32(UINT32_MAX), U32(0)), "false");
  IS(OP(and, OP(lt, i, j), OP(lt, INT(0), INT(1))), "i < j");
  IS(lp_select(f, OP(lt, INT(0), INT(1)), i, j), "i");
  IS(lp_select(f, OP(lt, i, j), i, i), "i");
  IS(lp_convert(f, NET_I32, i), "i");
  IS(lp_convert(f, NET_U8, INT(300)), "44");
  IS(lp_convert(f, NET_F32, INT(300)), "300");
  IS(lp_bitcast(f, NET_U32, INT(-1)), "4294967295");
  bench_end(&b);
}

/* Floats: nothing that could change a bit. */
static void test_floats_fold(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_function *f = b.f;
  lp_expr x = b.x;
  IS(ADD(REAL(0.1), REAL(0.2)), "0.3");
  IS(REAL(0.1), "0.1");
  IS(MUL(x, REAL(1)), "x[i]");
  IS(MUL(REAL(1), x), "x[i]");
  IS(DIV(x, REAL(1)), "x[i]");
  IS(DIV(x, REAL(256)), "x[i] * 0.00390625");
  IS(DIV(x, REAL(3)), "x[i] / 3");
  IS(DIV(x, REAL(0x1p127)), "x[i] / 1.7014118e+38"); /* its reciprocal is denormal */
  IS(SUB(x, REAL(0)), "x[i]");
  IS(SUB(x, REAL(-0.0)), "x[i] - -0");
  IS(ADD(x, REAL(0)), "x[i] + 0"); /* −0 + 0 = 0 */
  IS(ADD(x, REAL(-0.0)), "x[i]");
  IS(MUL(x, REAL(0)), "x[i] * 0");
  IS(SUB(x, x), "x[i] - x[i]"); /* infinity */
  IS(ADD(REAL(1), x), "1 + x[i]");
  IS(ADD(ADD(x, REAL(1)), REAL(2)), "x[i] + 1 + 2");
  IS(ADD(x, ADD(x, REAL(2))), "x[i] + (x[i] + 2)");
  IS(lp_op1(f, LP_neg, lp_op1(f, LP_neg, x)), "x[i]");
  IS(lp_op3(f, LP_fma, x, REAL(1), REAL(2)), "x[i] + 2");
  IS(lp_op3(f, LP_fma, REAL(3), REAL(2), REAL(2)), "fma(3, 2, 2)"); /* may round twice */
  IS(DIV(REAL(0), REAL(0)), "0 / 0");                               /* which NaN it is depends */
  IS(lp_op1(f, LP_sqrt, REAL(2)), "1.4142135");
  IS(OP(min, REAL(NAN), REAL(2)), "2");
  IS(OP(max, REAL(2), x), "max(2, x[i])"); /* a NaN in x counts */
  IS(lp_op1(f, LP_exp, REAL(0)), "exp(0)");
  IS(lp_convert(f, NET_I32, REAL(-2.7)), "-2");
  IS(lp_convert(f, NET_I32, REAL(3e9)), "i32(3e+09)");
  IS(lp_convert(f, NET_F32, lp_constant(f, NET_I64, 0, 16777217)), "16777216");
  IS(lp_bitcast(f, NET_U32, REAL(1)), "1065353216");
  IS(lp_bitcast(f, NET_F32, U32(0x40490FDB)), "3.1415927");
  IS(REAL(INFINITY), "inf");
  IS(lp_samples(f), "f32(count)");
  bench_end(&b);
}

static void test_vectors_fold(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_function *f = b.f;
  lp_expr lanes = lp_lanes_of(f, 8);
  IS(MUL(b.v, b.x), "x[i ..] * splat x[i]"); /* a scalar beside a vector */
  IS(MUL(b.v, REAL(1)), "x[i ..]");
  IS(ADD(lp_splat_of(f, b.x, 8), REAL(2)), "splat (x[i] + 2)"); /* splats stay scalar */
  IS(ADD(ADD(lanes, INT(3)), INT(4)), "lanes + splat 7");
  IS(MUL(ADD(lanes, INT(3)), INT(4)), "lanes * splat 4 + splat 12");
  IS(lp_part_of(f, lanes, 2, 4), "lanes + splat 2");
  IS(lp_part_of(f, lp_splat_of(f, b.x, 8), 3, 1), "x[i]");
  IS(lp_part_of(f, b.v, 3, 1), "x[i ..]{3}");
  IS(lp_part_of(f, lp_part_of(f, b.v, 2, 5), 1, 3), "x[i ..]{3..6}");
  IS(lp_part_of(f, b.v, 0, 8), "x[i ..]");
  IS(lp_fold_of(f, LP_SUM, b.x), "x[i]");
  IS(lp_fold_of(f, LP_MAXIMUM, b.v), "fold_max(x[i ..])");
  IS(lp_splat_of(f, b.x, 1), "x[i]");
  IS(lp_read_reg(f, b.reg, b.i, INT(1)), "r[i][1]");
  bench_end(&b);
}

static void test_sharing(void **state) {
  (void)state;
  bench b;
  bench_begin(&b);
  lp_function *f = b.f;
  assert_int_equal(ADD(MUL(b.i, INT(8)), b.j), ADD(MUL(INT(8), b.i), b.j));
  assert_int_equal(REAL(0.1), REAL((float)0.1));
  assert_int_not_equal(REAL(0), REAL(-0.0));
  assert_int_not_equal(INT(1), U32(1));
  assert_int_not_equal(b.i, b.j);
  assert_int_not_equal(lp_vector_load(f, b.buffer, 1, 1, &b.i), b.x); /* a store may lie between */
  assert_int_not_equal(lp_read_reg(f, b.reg, 0, 0), lp_read_reg(f, b.reg, 0, 0));
  lp_expr many[3000]; /* the table grows and finds what it had */
  for (int k = 0; k < 3000; k++) many[k] = ADD(b.i, INT(k + 1));
  for (int k = 0; k < 3000; k++) assert_int_equal(ADD(b.i, INT(k + 1)), many[k]);
  assert_true(lp_expr_at(f, many[7])->pure);
  assert_false(lp_expr_at(f, ADD(b.x, REAL(1)))->pure);
  bench_end(&b);
}

static void test_depends(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  example e = example_new(&n, 64, 32, 16, false);
  example_statements(&e); /* axes: 0 b, 1 o, 2 i */
  lp_function *f = e.f;
  lp_expr y = f->statements.at[1].value, x = f->statements.at[0].value, dw = f->statements.at[3].value;
  assert_true(lp_depends(f, x, 0) && !lp_depends(f, x, 1) &&
              lp_depends(f, x, 2)); /* by the index of an index */
  assert_true(lp_depends(f, y, 0) && lp_depends(f, y, 1) && !lp_depends(f, y, 2)); /* i is reduced */
  assert_true(!lp_depends(f, dw, 0) && lp_depends(f, dw, 1) && lp_depends(f, dw, 2));
  /* An axis reduced in one place may be free in another. */
  lp_expr i = lp_axis_new(f, "i", 8), load = lp_load_from(f, e.bias, i);
  assert_true(lp_depends(f, ADD(lp_sum_over(f, load, i), load), lp_expr_at(f, i)->which));
  assert_false(lp_depends(f, lp_sum_over(f, ADD(load, load), i), lp_expr_at(f, i)->which));
  netc_free(&n);
}

/* A chain of sharing takes time in proportion to its length, not to what it would be written out. */
static void test_deep_sharing(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  example e = example_new(&n, 64, 32, 16, false);
  lp_function *f = e.f;
  lp_expr b = lp_batch(f), i = lp_axis_new(f, "i", EXAMPLE_IN), a = lp_load_from(f, e.x, b, i);
  for (int k = 0; k < 60; k++) a = MUL(a, ADD(a, REAL(1)));
  assert_false(lp_depends(f, a, 5));
  f->statements.count = 0;
  lp_assign(f, e.x, a, b, i);
  assert_true(lp_verify_statements(f));
  lp_memory m = lp_memory_new(&n.arena, f, false);
  assert_true(lp_evaluate_statements(f, &m));
  assert_int_equal(*(float *)m.buffers[e.x], 0);
  char *text = example_text(&n, f, lp_print_statements);
  assert_non_null(strstr(text, "  x[b, i] = t59 * (t59 + 1)\n    where t1 = x[b, i] * (x[b, i] + 1)\n"));
  assert_non_null(strstr(text, "    where t59 = t58 * (t58 + 1)\n"));
  netc_free(&n);
}

/* ---- texts ---- */

static void expect_file(netc *n, const char *name, const char *text) {
  const char *wanted;
  size_t length;
  const char *path = net_arena_format(&n->arena, "%s/tests/loops/%s", NETC_TEST_SOURCE, name);
  assert_true(net_file_read(n, NET_NOWHERE, path, &wanted, &length));
  assert_string_equal(text, wanted);
}

static void test_texts(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  example e = example_new(&n, 64, 32, 16, true);
  const net_name nodes[] = {net_intern(&n, "input"), net_intern(&n, "linear_1"),
                            net_intern(&n, "linear_1.gradient"), net_intern(&n, "adam")};
  e.f->node_name = nodes;
  example_statements(&e);
  expect_file(&n, "step.statements", example_text(&n, e.f, lp_print_statements));
  example_nests(&e);
  expect_file(&n, "step.nests", example_text(&n, e.f, lp_print_nests));
  netc_free(&n);
}

static void test_text_of_names(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  lp_function *f = lp_function_new(&n, &n.arena, net_intern(&n, "names"), 4, false);
  lp_buffer a = lp_temporary(f, "max", NET_F32, (net_shape){2, {3, 3}}, false);
  lp_buffer c = lp_temporary(f, "max", NET_F32, (net_shape){0}, false);
  lp_expr i = lp_axis_new(f, "i", 3), k = lp_axis_new(f, "i", 3), l = lp_axis_new(f, "i", 3);
  lp_assign(f, a, lp_reduce_over(f, LP_MAXIMUM, 1, &l, lp_load_from(f, a, k, l)), i, k);
  lp_assign_at(f, c, 0, NULL, lp_op1(f, LP_exp, lp_load_at(f, c, 0, NULL)));
  assert_string_equal(example_text(&n, f, lp_print_statements), "function names: batch 4, exact\n"
                                                                "  scratch max f32[3, 3]\n"
                                                                "  scratch max_2 f32\n"
                                                                "kernel 0\n"
                                                                "  axis i 3, i_2 3; reduce i_3 3\n"
                                                                "  max[i, i_2] = max(i_3: max[i_2, i_3])\n"
                                                                "  max_2 = exp(max_2)\n");
  lp_nest_begin(f, net_intern(&n, "nest"));
  lp_expr v = lp_begin_for(f, "v", INT(0), INT(9), 4, 0),
          w = lp_begin_for(f, "v", v, ADD(v, INT(2)), 1, LP_UNROLL);
  lp_reg r = lp_reg_new(f, "r", NET_I32, 1, 1, 1), s = lp_reg_new(f, "r", NET_U8, 4, 2, 3);
  lp_begin_if(f, OP(and, OP(lt, v, w), OP(ne, w, INT(3))));
  lp_set(f, r, 0, 0, MUL(ADD(v, w), ADD(v, w)));
  lp_set(f, s, INT(1), w, lp_splat_of(f, lp_constant(f, NET_U8, 0, 200), 4));
  lp_end(f);
  lp_end(f);
  lp_end(f);
  v = lp_begin_for(f, "v", INT(0), INT(2), 1, 0);
  lp_set(f, r, 0, 0, v);
  lp_end(f);
  lp_nest_end(f, 0);
  assert_string_equal(strstr(example_text(&n, f, lp_print_nests), "loops"),
                      "loops nest\n"
                      "  registers i32 r, v4 u8 r_2[2][3]\n"
                      "  for v 0..9 step 4\n"
                      "    unroll v_2 v..v + 2\n"
                      "      if and(v < v_2, v_2 != 3)\n"
                      "        r = (v + v_2) * (v + v_2)\n"
                      "        r_2[1][v_2] = splat 200\n"
                      "  for v 0..2\n"
                      "    r = v\n");
  assert_string_equal(example_faults(&n), "");
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integers_fold), cmocka_unit_test(test_floats_fold),
      cmocka_unit_test(test_vectors_fold),  cmocka_unit_test(test_sharing),
      cmocka_unit_test(test_depends),       cmocka_unit_test(test_deep_sharing),
      cmocka_unit_test(test_texts),         cmocka_unit_test(test_text_of_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
