/* loops/loops.h: the builder reports wrong uses and gives back something harmless. */
#include "tests/loops/example.h"

#include "loops/math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static lp_expr begin(example *e, const char *name, int64_t lo, int64_t hi, uint32_t step, unsigned flags) {
  return lp_begin_for(e->f, name, lp_int(e->f, lo), lp_int(e->f, hi), step, flags);
}
static void nest(example *e) { lp_nest_begin(e->f, net_intern(e->f->n, "more")); }

static void use_none(example *e) { lp_op2(e->f, LP_add, 0, lp_int(e->f, 1)); }
static void use_unknown(example *e) { lp_op2(e->f, LP_add, lp_int(e->f, 1), 100000); }
static void use_types(example *e) { lp_op2(e->f, LP_add, lp_int(e->f, 1), lp_real(e->f, 1)); }
static void use_lanes(example *e) { lp_op2(e->f, LP_add, lp_lanes_of(e->f, 8), lp_lanes_of(e->f, 4)); }
static void use_count(example *e) { lp_op1(e->f, LP_add, lp_int(e->f, 1)); }
static void use_kind(example *e) { lp_op1(e->f, LP_load, lp_int(e->f, 1)); }
static void use_float_and(example *e) { lp_op2(e->f, LP_and, lp_real(e->f, 1), lp_real(e->f, 1)); }
static void use_signed_division(example *e) { lp_quotient(e->f, lp_batch(e->f), lp_int(e->f, 3)); }
static void use_division(example *e) { lp_quotient(e->f, lp_parameter(e->f, 0), lp_parameter(e->f, 1)); }
static void use_zero_division(example *e) {
  lp_quotient(e->f, lp_parameter(e->f, 0), lp_constant(e->f, NET_U32, 0, 0));
}
static void use_condition(example *e) { lp_select(e->f, lp_int(e->f, 1), lp_int(e->f, 1), lp_int(e->f, 1)); }
static void use_convert(example *e) { lp_op1(e->f, LP_convert, lp_int(e->f, 1)); }
static void use_bitcast(example *e) { lp_bitcast(e->f, NET_U8, lp_int(e->f, 1)); }
static void use_to_bool(example *e) { lp_convert(e->f, NET_BOOL, lp_batch(e->f)); }
static void use_double_exp(example *e) { lp_op1(e->f, LP_exp, lp_constant(e->f, NET_F64, 1, 0)); }
static void use_parameter(example *e) { lp_parameter(e->f, 3); }
static void use_extent(example *e) { lp_axis_new(e->f, "i", 0); }
static void use_buffer(example *e) { lp_load_at(e->f, 1000, 0, NULL); }
static void use_indices(example *e) { lp_load_from(e->f, e->w, lp_int(e->f, 0)); }
static void use_float_index(example *e) { lp_load_from(e->f, e->bias, lp_real(e->f, 0)); }
static void use_vector_index(example *e) { lp_load_from(e->f, e->bias, lp_lanes_of(e->f, 4)); }
static void use_axis(example *e) { lp_sum_over(e->f, lp_real(e->f, 1), lp_int(e->f, 1)); }
static void use_axis_twice(example *e) {
  lp_sum_over(e->f, lp_real(e->f, 1), lp_batch(e->f), lp_batch(e->f));
}
static void use_column(example *e) {
  lp_assign(e->f, e->column, lp_real(e->f, 1), lp_batch(e->f), lp_int(e->f, 0));
}
static void use_value(example *e) { lp_assign(e->f, e->bias, lp_int(e->f, 1), lp_int(e->f, 0)); }
static void use_constant_type(example *e) { lp_constant(e->f, NET_TYPE_COUNT, 0, 0); }
static void use_storage(example *e) {
  lp_buffer_new(e->f, e->f->name, NET_F32, (net_shape){9, {0}}, false, LP_SCRATCH, 0);
}
static void use_outside(example *e) { lp_finite(e->f, lp_real(e->f, 1)); }
static void use_nested(example *e) { nest(e), nest(e); }
static void use_end(example *e) { lp_end(e->f); }
static void use_nest_end(example *e) { nest(e), begin(e, "i", 0, 2, 1, 0), lp_nest_end(e->f, 0); }
static void use_step(example *e) { nest(e), begin(e, "i", 0, 2, 0, 0); }
static void use_bound(example *e) {
  nest(e), lp_begin_for(e->f, "i", lp_real(e->f, 0), lp_int(e->f, 2), 1, 0);
}
static void use_parallel(example *e) {
  nest(e), begin(e, "i", 0, 2, 1, 0), begin(e, "k", 0, 2, 1, LP_PARALLEL);
}
static void use_finite(example *e) {
  nest(e), begin(e, "i", 0, 2, 1, LP_PARALLEL), lp_finite(e->f, lp_real(e->f, 1));
}
static void use_if(example *e) { nest(e), lp_begin_if(e->f, lp_int(e->f, 1)); }
static void use_depth(example *e) {
  nest(e);
  for (int i = 0; i < 70; i++) begin(e, "i", 0, 2, 1, 0);
}
static void use_set(example *e) {
  nest(e), lp_set(e->f, lp_reg_new(e->f, "r", NET_F32, 8, 1, 1), 0, 0, lp_real(e->f, 1));
}
static void use_register(example *e) { nest(e), lp_set(e->f, 1000, 0, 0, lp_real(e->f, 1)); }
static void use_read(example *e) { lp_read_reg(e->f, 1000, 0, 0); }
static void use_row(example *e) {
  lp_read_reg(e->f, lp_reg_new(e->f, "r", NET_F32, 8, 1, 1), lp_real(e->f, 0), 0);
}
static void use_reg_size(example *e) { lp_reg_new(e->f, "r", NET_F32, 65, 1, 1); }
static void use_transpose(example *e) {
  nest(e), lp_transpose(e->f, lp_reg_new(e->f, "r", NET_F32, 8, 4, 1));
}
static void use_tree(example *e) { lp_tree_of(e->f, LP_SUM, lp_reg_new(e->f, "r", NET_F32, 8, 16, 1), 9); }
static void use_fold(example *e) { lp_fold_of(e->f, LP_SUM, lp_lanes_of(e->f, 6)); }
static void use_words(example *e) { lp_words_of(e->f, lp_lanes_of(e->f, 8)); }
static void use_part(example *e) { lp_part_of(e->f, lp_lanes_of(e->f, 8), 6, 3); }
static void use_splat(example *e) { lp_splat_of(e->f, lp_lanes_of(e->f, 8), 8); }
static void use_physical(example *e) {
  nest(e), lp_store_at(e->f, e->y, LP_LIST(lp_int(e->f, 0)), lp_real(e->f, 1));
}
static void use_store_type(example *e) {
  nest(e), lp_store_at(e->f, e->dw, LP_LIST(lp_int(e->f, 0)), lp_int(e->f, 1));
}
static void use_expand(example *e) { lp_expand(e->f, LP_add, lp_real(e->f, 1)); }

static void test_wrong_uses(void **state) {
  (void)state;
  static const struct {
    const char *message;
    void (*use)(example *e);
  } all[] = {
      {"does not exist (0)", use_none},
      {"does not exist (100000)", use_unknown},
      {"+ of i32 and f32: operand types differ", use_types},
      {"+ of 4 and 8 lanes", use_lanes},
      {"does not take 1 operands", use_count},
      {"does not take 1 operands", use_kind},
      {"and of f32 and f32: not an operation of this type", use_float_and},
      {"/ of i32 and i32: not an operation of this type", use_signed_division},
      {"divided by constants only", use_division},
      {"division by zero", use_zero_division},
      {"the condition must be bool", use_condition},
      {"convert needs a type", use_convert},
      {"different sizes", use_bitcast},
      {"cannot convert to bool", use_to_bool},
      {"exp of f64: not an operation", use_double_exp},
      {"no parameter 3", use_parameter},
      {"axis i of extent 0", use_extent},
      {"buffer 1000, which does not exist", use_buffer},
      {"w takes 2 indices, but 1 are given", use_indices},
      {"index 0 is f32", use_float_index},
      {"with 4 lanes, but i32 or u32 scalars are wanted", use_vector_index},
      {"no axis", use_axis},
      {"axis b twice", use_axis_twice},
      {"data, which is only read", use_column},
      {"assigning i32 with 1 lanes to bias", use_value},
      {"a constant of no type", use_constant_type},
      {"no such type, rank or storage", use_storage},
      {"outside of every nest", use_outside},
      {"begins inside another", use_nested},
      {"no loop or condition to end", use_end},
      {"ends with 1 statements open", use_nest_end},
      {"with step 0", use_step},
      {"a loop's bound must be a scalar i32", use_bound},
      {"is not outermost", use_parallel},
      {"inside a parallel loop", use_finite},
      {"a condition must be a scalar bool", use_if},
      {"more than 63 statements inside each other", use_depth},
      {"is set to f32 with 1", use_set},
      {"register 1000 does not exist", use_register},
      {"register 1000 does not exist", use_read},
      {"a register's row must be a scalar i32", use_row},
      {"with 65 lanes", use_reg_size},
      {"transposing r[4] with 8 lanes", use_transpose},
      {"a tree of 9 of the rows", use_tree},
      {"with 6 lanes", use_fold},
      {"lanes 6 to 8 of 8", use_part},
      {"words of i32 with 8 lanes", use_words},
      {"a splat of 8 lanes", use_splat},
      {"which has 3 physical dimensions, with 1 indices", use_physical},
      {"storing i32 to dw, which is f32", use_store_type},
      {"nothing to expand", use_expand},
  };
  for (uint32_t i = 0; i < sizeof all / sizeof *all; i++) {
    netc n;
    netc_init(&n, NULL);
    example e = example_new(&n, 60, 16, 8, true);
    all[i].use(&e);
    const char *faults = example_faults(&n);
    if (!strstr(faults, all[i].message)) fail_msg("not '%s' but: %s", all[i].message, faults);
    lp_verify_nests(e.f); /* what was built all the same is sound enough to look at */
    example_text(&n, e.f, lp_print_nests);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrong_uses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
