/* loops/print.h: the verifiers find each kind of damage, and pass what is right; the builder refuses wrong
 * uses. */
#include "tests/loops/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* Damage to a fresh example, and a piece of the message it must bring. */
typedef struct {
  const char *message;
  void (*damage)(example *e);
} damage;

static lp_expr_info *find(example *e, lp_expr_kind kind) {
  for (lp_expr i = 1; i < e->f->exprs.count; i++)
    if (e->f->exprs.at[i].kind == kind) return &e->f->exprs.at[i];
  fail_msg("the example has no expression of kind %u", (unsigned)kind);
  return NULL;
}

static lp_stmt_info *find_stmt(example *e, lp_stmt_kind kind, uint32_t which) {
  for (lp_stmt i = 1; i < e->f->stmts.count; i++)
    if (e->f->stmts.at[i].kind == kind && !which--) return &e->f->stmts.at[i];
  fail_msg("the example has no statement of kind %u", (unsigned)kind);
  return NULL;
}

static void check_damage(const damage *d, void (*make)(example *), bool (*verify)(const lp_function *)) {
  netc n;
  netc_init(&n, NULL);
  example e = example_new(&n, 60, 16, 8, true);
  make(&e);
  assert_string_equal(example_faults(&n), "");
  assert_true(verify(e.f));
  d->damage(&e);
  example_faults(&n); /* the builder may have spoken already */
  assert_false(verify(e.f));
  const char *faults = example_faults(&n);
  if (!strstr(faults, d->message)) fail_msg("not '%s' but: %s", d->message, faults);
  netc_free(&n);
}

/* ---- structure, by what can be written into an expression ---- */

static void bad_kind(example *e) { find(e, LP_add)->kind = LP_expr_kinds; }
static void bad_type(example *e) { find(e, LP_mul)->type = NET_U8; }
static void bad_lanes(example *e) { find(e, LP_mul)->lanes = 4; }
static void no_lanes(example *e) { find(e, LP_mul)->lanes = 0; }
static void later_operand(example *e) { find(e, LP_add)->operand[0] = e->f->exprs.count - 1; }
static void missing_operand(example *e) { find(e, LP_mul)->operand[1] = 0; }
static void odd_operand(example *e) { find(e, LP_const)->operand[0] = 1; }
static void bad_list(example *e) { find(e, LP_load)->first = UINT32_MAX; }
static void bad_buffer(example *e) { find(e, LP_load)->which = 1000; }
static void bad_axis(example *e) { find(e, LP_axis)->which = 1000; }
static void bad_combine(example *e) { find(e, LP_reduce)->combine = 9; }
static void no_axis(example *e) {
  e->f->lists.at[find(e, LP_reduce)->first] = find(e, LP_reduce)->operand[0];
}
static void false_purity(example *e) { find(e, LP_load)->pure = true; }
static void bad_result(example *e) {
  e->f->buffers.at[e->dw].storage = LP_RESULT;
  e->f->buffers.at[e->dw].slot = 3;
}

static void test_structure(void **state) {
  (void)state;
  static const damage all[] = {
      {"no such kind", bad_kind},
      {"the result has another type", bad_type},
      {"operands of other lanes", bad_lanes},
      {"no such vector", no_lanes},
      {"comes later", later_operand},
      {"does not exist", missing_operand},
      {"does not exist", odd_operand},
      {"a list that leads nowhere", bad_list},
      {"a buffer that does not exist", bad_buffer},
      {"an axis that does not exist", bad_axis},
      {"no such reduction", bad_combine},
      {"no axis", no_axis},
      {"wrongly held for pure", false_purity},
      {"no such result", bad_result},
  };
  for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
    check_damage(&all[i], example_statements, lp_verify_statements);
}

/* ---- statements ---- */

static lp_expr batch_load(example *e, lp_expr i) { return lp_load_from(e->f, e->x, lp_batch(e->f), i); }

static void out_of_range(example *e) { e->f->axes.at[2].extent++; }
static void below_range(example *e) {
  lp_expr o = lp_axis_new(e->f, "o", EXAMPLE_OUT);
  lp_assign(e->f, e->y, batch_load(e, lp_difference(e->f, o, lp_int(e->f, 1))), lp_batch(e->f), o);
}
static void free_axis(example *e) {
  lp_expr o = lp_axis_new(e->f, "o", EXAMPLE_OUT), i = lp_axis_new(e->f, "free", EXAMPLE_IN);
  lp_assign(e->f, e->y, batch_load(e, i), lp_batch(e->f), o);
}
static void left_and_reduced(example *e) {
  lp_expr o = lp_axis_new(e->f, "o", EXAMPLE_OUT);
  lp_assign(e->f, e->y, lp_sum_over(e->f, batch_load(e, o), o), lp_batch(e->f), o);
}
static void reduced_twice(example *e) {
  lp_expr o = lp_axis_new(e->f, "o", EXAMPLE_OUT), i = lp_axis_new(e->f, "i", EXAMPLE_IN);
  lp_expr inner = lp_addition(e->f, lp_sum_over(e->f, batch_load(e, i), i), batch_load(e, i));
  lp_assign(e->f, e->y, lp_sum_over(e->f, inner, i), lp_batch(e->f), o);
}
static void assigned_twice(example *e) {
  lp_expr i = lp_axis_new(e->f, "i", 3), k = lp_axis_new(e->f, "k", 3), sum = lp_addition(e->f, i, k);
  lp_assign(e->f, e->y, lp_real(e->f, 0), lp_batch(e->f), sum);
}
static void not_affine(example *e) {
  lp_expr i = lp_axis_new(e->f, "i", 2);
  lp_assign(e->f, e->y, lp_real(e->f, 0), lp_batch(e->f), lp_product(e->f, i, i));
}
static void not_an_update(example *e) {
  e->f->update = false;
  lp_assign(e->f, e->bias, lp_real(e->f, 0), lp_axis_new(e->f, "o", EXAMPLE_OUT));
}
static void only_read(example *e) { e->f->buffers.at[e->y].storage = LP_CONSTANT; }
static void own_elsewhere(example *e) {
  lp_expr i = lp_axis_new(e->f, "i", EXAMPLE_IN);
  lp_assign(e->f, e->x, batch_load(e, lp_difference(e->f, lp_int(e->f, EXAMPLE_IN - 1), i)), lp_batch(e->f),
            i);
}
static void wrong_sample(example *e) {
  lp_expr o = lp_axis_new(e->f, "o", EXAMPLE_OUT);
  lp_assign(e->f, e->y, lp_load_from(e->f, e->x, lp_int(e->f, 0), o), lp_batch(e->f), o);
}
static void sample_elsewhere(example *e) {
  lp_expr o = lp_axis_new(e->f, "o", EXAMPLE_OUT), b = lp_op2(e->f, LP_min, lp_batch(e->f), lp_int(e->f, 5));
  lp_assign(e->f, e->y, lp_load_from(e->f, e->bias, b), lp_batch(e->f), o);
}
static void nest_expression(example *e) { find(e, LP_reduce)->kind = LP_fold; }
static void variable_in_statement(example *e) {
  lp_nest_begin(e->f, net_intern(e->f->n, "nest"));
  lp_expr v = lp_begin_for(e->f, "v", lp_int(e->f, 0), lp_int(e->f, 1), 1, 0), o = lp_axis_new(e->f, "o", 6);
  lp_assign(e->f, e->y, batch_load(e, v), lp_batch(e->f), o);
}
static void nowhere(example *e) { e->f->statements.at[0].value = e->f->exprs.count; }
static void other_value_type(example *e) { e->f->statements.at[0].value = lp_batch(e->f); }

static void test_statements(void **state) {
  (void)state;
  static const damage all[] = {
      {"index i of x (from 0 to 8) may leave dimension 1, which has 8", out_of_range},
      {"index o - 1 of x (from -1 to 4) may leave", below_range},
      {"axis free is neither on the left nor reduced", free_axis},
      {"axis o is both on the left and reduced", left_and_reduced},
      {"lies inside another over it", reduced_twice},
      {"elements of y are assigned more than once", assigned_twice},
      {"is not affine in axes", not_affine},
      {"bias is changed outside of updates", not_an_update},
      {"y is only read", only_read},
      {"x is read at other places than it is written", own_elsewhere},
      {"x is batched, but its first index is 0", wrong_sample},
      {"depends on the sample", sample_elsewhere},
      {"a fold of a scalar", nest_expression},
      {"v belongs to nests", variable_in_statement},
      {"points nowhere", nowhere},
      {"x is f32, but is assigned i32", other_value_type},
  };
  for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
    check_damage(&all[i], example_statements, lp_verify_statements);
}

/* ---- nests; the example's nests are gather, linear, output, weight_gradient, update ---- */

static lp_expr begin(example *e, const char *name, int64_t lo, int64_t hi, uint32_t step, unsigned flags) {
  return lp_begin_for(e->f, name, lp_int(e->f, lo), lp_int(e->f, hi), step, flags);
}
static void nest(example *e) { lp_nest_begin(e->f, net_intern(e->f->n, "more")); }
static void store_y(example *e, lp_expr tile, lp_expr feature, lp_expr sample, lp_expr value) {
  lp_store_at(e->f, e->y, LP_LIST(tile, feature, sample), value);
}
static lp_expr splat(example *e, double value) { return lp_splat_of(e->f, lp_real(e->f, value), 8); }

static void vector_over_end(example *e) {
  nest(e);
  lp_expr q = begin(e, "q", 0, 16, 4, 0); /* 12 + 8 > 16 */
  store_y(e, lp_int(e->f, 0), lp_int(e->f, 0), q, splat(e, 0));
}
static void load_out_of_range(example *e) {
  nest(e);
  lp_expr i = begin(e, "i", 0, 49, 1, 0), zero = lp_int(e->f, 0);
  store_y(e, zero, zero, zero, lp_vector_load(e->f, e->w, 1, 1, &i));
}
static void row_out_of_range(example *e) {
  nest(e);
  lp_reg r = lp_reg_new(e->f, "r", NET_F32, 8, 3, 2);
  lp_expr k = begin(e, "k", 0, 4, 1, LP_UNROLL);
  lp_set(e->f, r, k, 0, splat(e, 0));
}
static void column_out_of_range(example *e) {
  nest(e);
  lp_reg r = lp_reg_new(e->f, "r", NET_F32, 8, 3, 2);
  lp_expr k = begin(e, "k", 0, 3, 1, LP_UNROLL), zero = lp_int(e->f, 0);
  lp_set(e->f, r, k, 0, splat(e, 0));
  store_y(e, zero, zero, zero, lp_read_reg(e->f, r, 0, k));
}
static void outside_its_loop(example *e) {
  nest(e);
  lp_expr zero = lp_int(e->f, 0), k = begin(e, "k", 0, 4, 1, 0);
  lp_end(e->f);
  store_y(e, zero, k, zero, splat(e, 0));
}
static void inner_parallel(example *e) { find_stmt(e, LP_FOR, 1)->flags = LP_PARALLEL; }
static void two_loops(example *e) { find_stmt(e, LP_FOR, 1)->which = find_stmt(e, LP_FOR, 0)->which; }
static void no_step(example *e) { find_stmt(e, LP_FOR, 0)->step = 0; }
static void vector_bound(example *e) { find_stmt(e, LP_FOR, 0)->hi = lp_lanes_of(e->f, 8); }
static void past_the_type(example *e) {
  find_stmt(e, LP_FOR, 0)->hi = lp_int(e->f, INT32_MAX);
  find_stmt(e, LP_FOR, 0)->step = 2;
}
static void circle(example *e) { find_stmt(e, LP_FOR, 0)->body = 1; }
static void bad_next(example *e) { find_stmt(e, LP_SET, 0)->next = 100000; }
static void bad_stmt_kind(example *e) { find_stmt(e, LP_SET, 0)->kind = 77; }
static void bad_value(example *e) { find_stmt(e, LP_SET, 0)->value = 0; }
static void bad_row(example *e) { find_stmt(e, LP_SET, 0)->lo = 100000; }
static void untidy(example *e) { find_stmt(e, LP_TRANSPOSE, 0)->value = 1; }
static void bad_register(example *e) { find_stmt(e, LP_SET, 0)->which = 1000; }
static void other_lanes(example *e) {
  find_stmt(e, LP_SET, 0)->value = lp_splat_of(e->f, lp_real(e->f, 0), 4);
}
static void store_type(example *e) { find_stmt(e, LP_STORE, 0)->value = lp_lanes_of(e->f, 8); }
static void store_count(example *e) { find_stmt(e, LP_STORE, 0)->count = 2; }
static void store_constant(example *e) {
  static const float zeros[48];
  e->f->buffers.at[e->y].storage = LP_CONSTANT;
  e->f->buffers.at[e->y].data = zeros;
}
static void no_condition(example *e) {
  nest(e);
  lp_begin_if(e->f, lp_op2(e->f, LP_lt, lp_sample_count(e->f), lp_constant(e->f, NET_U32, 0, 3)));
  lp_end(e->f);
  find_stmt(e, LP_IF, 0)->value = lp_real(e->f, 1);
}
static void never_set(example *e) {
  find_stmt(e, LP_SET, 0)->which = lp_reg_new(e->f, "r", NET_F32, 8, 8, 1);
}
static void set_outside(example *e) {
  nest(e);
  lp_reg r = lp_reg_new(e->f, "r", NET_F32, 8, 1, 1);
  lp_set(e->f, r, 0, 0, splat(e, 0));
  lp_expr bt = begin(e, "bt", 0, 4, 1, LP_PARALLEL), zero = lp_int(e->f, 0);
  store_y(e, bt, zero, zero, lp_read_reg(e->f, r, 0, 0));
}
static void set_inside(example *e) {
  nest(e);
  lp_reg r = lp_reg_new(e->f, "r", NET_F32, 8, 1, 1);
  lp_expr zero = lp_int(e->f, 0);
  begin(e, "bt", 0, 4, 1, LP_PARALLEL);
  lp_set(e->f, r, 0, 0, splat(e, 0));
  lp_end(e->f);
  store_y(e, zero, zero, zero, lp_read_reg(e->f, r, 0, 0));
}
static void same_place(example *e) {
  nest(e);
  lp_expr zero = lp_int(e->f, 0);
  begin(e, "bt", 0, 4, 1, LP_PARALLEL);
  lp_expr q = begin(e, "q", 0, 16, 8, 0);
  store_y(e, zero, zero, q, splat(e, 0));
}
static void before_finite(example *e) {
  find_stmt(e, LP_STORE, 0)->which = e->w;
  e->f->buffers.at[e->w].rank = 3;
  memcpy(e->f->buffers.at[e->w].dim, e->f->buffers.at[e->x].dim, 12);
}
static void finite_in_parallel(example *e) {
  lp_stmt_info finite = *find_stmt(e, LP_FINITE, 0);
  finite.next = 0;
  *find_stmt(e, LP_TRANSPOSE, 0) = finite;
}
static void finite_vector(example *e) {
  find_stmt(e, LP_FINITE, 0)->value = lp_splat_of(e->f, lp_real(e->f, 0), 8);
}
static void not_expanded(example *e) {
  nest(e);
  lp_expr zero = lp_int(e->f, 0);
  store_y(e, zero, zero, zero,
          lp_op1(e->f, LP_tanh, lp_vector_load(e->f, e->y, 8, LP_LIST(zero, zero, zero))));
}
static void statement_axis(example *e) {
  nest(e);
  lp_expr zero = lp_int(e->f, 0);
  store_y(e, zero, zero, lp_axis_new(e->f, "i", 8), lp_real(e->f, 0));
}
static void few_rows(example *e) { e->f->regs.at[0].rows = 7; }
static void tree_rows(example *e) { find(e, LP_tree)->count = 5; }
static void part_outside(example *e) { find(e, LP_part)->integer = 8; }
static void past_count(example *e) { /* as many rows as the batch has, not as there are samples */
  nest(e);
  lp_expr s = begin(e, "s", 0, 60, 1, 0), zero = lp_int(e->f, 0);
  lp_store_at(e->f, e->output, LP_LIST(s, zero), lp_real(e->f, 0));
}
static void other_bound(example *e) { /* a condition on something else proves nothing */
  nest(e);
  lp_expr s = begin(e, "s", 0, 64, 1, 0), zero = lp_int(e->f, 0);
  lp_begin_if(e->f, lp_op2(e->f, LP_lt, lp_addition(e->f, s, lp_int(e->f, -1)),
                           lp_convert(e->f, NET_I32, lp_sample_count(e->f))));
  lp_store_at(e->f, e->output, LP_LIST(s, zero), lp_real(e->f, 0));
}
static void ahead_of_scratch(example *e) {
  nest(e);
  lp_expr zero = lp_int(e->f, 0);
  lp_ahead(e->f, e->column, LP_LIST(zero, lp_int(e->f, 1000))); /* anywhere */
  find_stmt(e, LP_AHEAD, 0)->which = e->y;
}
static void ahead_by_vector(example *e) {
  nest(e);
  lp_expr zero = lp_int(e->f, 0);
  lp_ahead(e->f, e->column, LP_LIST(zero, zero));
  e->f->lists.at[find_stmt(e, LP_AHEAD, 0)->first] = lp_lanes_of(e->f, 8);
}
static void out_of_scratch(example *e) { e->f->scratch_bytes -= 64; }
static void misaligned(example *e) { e->f->buffers.at[e->x].offset = 4; }
static void no_data(example *e) { e->f->buffers.at[e->bias].storage = LP_CONSTANT; }
static void empty_dimension(example *e) { e->f->buffers.at[e->x].dim[1] = 0; }
static void bad_reg_info(example *e) { e->f->regs.at[0].rows = 0; }

static void test_nests(void **state) {
  (void)state;
  static const damage all[] = {
      {"index q of y (from 0 to 19) may leave dimension 2, which has 16", vector_over_end},
      {"index i of w (from 0 to 48) may leave dimension 0", load_out_of_range},
      {"row k of register r (from 0 to 3) may leave its 3", row_out_of_range},
      {"column k of register r (from 0 to 2) may leave its 2", column_out_of_range},
      {"variable k is used outside its loop", outside_its_loop},
      {"is not outermost", inner_parallel},
      {"has two loops", two_loops},
      {"has step 0", no_step},
      {"bound lanes is no i32 scalar", vector_bound},
      {"may pass 2^31", past_the_type},
      {"occurs twice", circle},
      {"asks ahead for what is no column", ahead_of_scratch},
      {"index lanes of data is no integer", ahead_by_vector},
      {"does not exist or occurs twice", bad_next},
      {"does not exist or occurs twice", bad_stmt_kind},
      {"an expression that is none", bad_value},
      {"an expression that is none", bad_row},
      {"has what its kind does not need", untidy},
      {"sets a register that does not exist", bad_register},
      {"register r is f32 with 8 lanes, but is set to f32 with 4", other_lanes},
      {"x is f32, but i32 is stored", store_type},
      {"x has 3 dimensions, but is used with 2", store_count},
      {"y is only read", store_constant},
      {"condition 1 is no bool scalar", no_condition},
      {"register r is transposed, but never set", never_set},
      {"register r is read, but never set inside the parallel loop", set_outside},
      {"register r is read, but never set in this nest", set_inside},
      {"stores to the same elements of y", same_place},
      {"w is changed before the loss is known to be finite", before_finite},
      {"a parallel loop cannot leave the function", finite_in_parallel},
      {"is no scalar float to be finite", finite_vector},
      {"tanh must have been expanded", not_expanded},
      {"axes and reductions belong to statements", statement_axis},
      {"is not to be transposed", few_rows},
      {"a tree of more registers than there are rows", tree_rows},
      {"lanes that the vector does not have", part_outside},
      {"index s of output (from 0 to 59) may leave dimension 0", past_count},
      {"index s of output", other_bound},
      {"is not aligned or lies outside", out_of_scratch},
      {"is not aligned or lies outside", misaligned},
      {"has no data", no_data},
      {"has an empty dimension", empty_dimension},
      {"has no such type or size", bad_reg_info},
  };
  for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
    check_damage(&all[i], example_nests, lp_verify_nests);
}

/* ---- what is right passes, where it takes more than plain intervals ---- */

static void guarded_by_count(example *e) {
  lp_expr s = begin(e, "s", 0, 64, 1, 0), zero = lp_int(e->f, 0);
  lp_begin_if(e->f, lp_op2(e->f, LP_lt, s, lp_convert(e->f, NET_I32, lp_sample_count(e->f))));
  lp_store_at(e->f, e->output, LP_LIST(s, zero), lp_real(e->f, 0));
}
static void up_to_count(example *e) {
  lp_expr count = lp_convert(e->f, NET_I32, lp_sample_count(e->f)), zero = lp_int(e->f, 0);
  lp_expr s = lp_begin_for(e->f, "s", zero, count, 1, 0);
  lp_store_at(e->f, e->output, LP_LIST(s, zero), lp_real(e->f, 0));
}
static void unsigned_guard(example *e) { /* one comparison for both ends */
  lp_expr k = begin(e, "k", -5, 20, 1, 0), i = lp_addition(e->f, k, lp_int(e->f, -1)), zero = lp_int(e->f, 0);
  lp_begin_if(e->f,
              lp_op2(e->f, LP_lt, lp_convert(e->f, NET_U32, i), lp_constant(e->f, NET_U32, 0, EXAMPLE_OUT)));
  store_y(e, zero, i, zero, splat(e, 0));
}
static void guarded_twice(example *e) {
  lp_expr k = begin(e, "k", -5, 20, 1, 0), zero = lp_int(e->f, 0);
  lp_expr low = lp_op2(e->f, LP_ge, k, zero), high = lp_op2(e->f, LP_le, k, lp_int(e->f, EXAMPLE_OUT - 1));
  lp_begin_if(e->f, lp_op2(e->f, LP_and, low, high));
  store_y(e, zero, k, zero, splat(e, 0));
}
static void clamped(example *e) {
  lp_expr k = begin(e, "k", -5, 20, 1, 0), zero = lp_int(e->f, 0);
  lp_expr inside = lp_op2(e->f, LP_max, lp_op2(e->f, LP_min, k, lp_int(e->f, EXAMPLE_OUT - 1)), zero);
  store_y(e, zero, inside, zero, splat(e, 0));
}
static void blocks_with_rest(example *e) { /* 48 = 20 + 20 + 8, in vectors of 4 */
  lp_expr block = begin(e, "block", 0, 48, 20, 0);
  lp_expr end = lp_op2(e->f, LP_min, lp_addition(e->f, block, lp_int(e->f, 20)), lp_int(e->f, 48));
  lp_expr i = lp_begin_for(e->f, "i", block, end, 4, 0);
  lp_store_at(e->f, e->dw, 1, &i, lp_splat_of(e->f, lp_real(e->f, 0), 4));
}
static void last_step(example *e) { /* 0, 5: 5 + 7 < 16 */
  lp_expr q = begin(e, "q", 0, 9, 5, 0), zero = lp_int(e->f, 0);
  store_y(e, zero, zero, q, splat(e, 0));
}
static void never_runs(example *e) {
  lp_expr q = begin(e, "q", 100, 100, 1, 0), zero = lp_int(e->f, 0);
  store_y(e, zero, zero, q, splat(e, 0));
}
static void digits(example *e) { /* 48 = 6·8 in mixed radix, by division */
  lp_expr k = begin(e, "k", 0, 48, 1, 0), u = lp_convert(e->f, NET_U32, k), zero = lp_int(e->f, 0);
  lp_expr o = lp_convert(e->f, NET_I32, lp_quotient(e->f, u, lp_constant(e->f, NET_U32, 0, 8)));
  lp_expr i = lp_convert(e->f, NET_I32, lp_op2(e->f, LP_rem, u, lp_constant(e->f, NET_U32, 0, 8)));
  store_y(e, zero, o, i, splat(e, 0));
}
static void by_bits(example *e) {
  lp_expr k = begin(e, "k", 0, 1000, 1, 0);
  lp_expr low = lp_op2(e->f, LP_and, k, lp_int(e->f, 3)), high = lp_op2(e->f, LP_shr, k, lp_int(e->f, 8));
  store_y(e, high, low, lp_op2(e->f, LP_shl, low, lp_int(e->f, 1)), splat(e, 0));
}

static void test_proofs(void **state) {
  (void)state;
  static void (*const all[])(example *) = {guarded_by_count, up_to_count,      unsigned_guard, guarded_twice,
                                           clamped,          blocks_with_rest, last_step,      never_runs,
                                           digits,           by_bits};
  for (uint32_t i = 0; i < sizeof all / sizeof *all; i++) {
    netc n;
    netc_init(&n, NULL);
    example e = example_new(&n, 60, 16, 8, true);
    nest(&e);
    all[i](&e);
    if (!lp_verify_nests(e.f)) fail_msg("%u: %s", i, example_faults(&n));
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_structure),
      cmocka_unit_test(test_statements),
      cmocka_unit_test(test_nests),
      cmocka_unit_test(test_proofs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
