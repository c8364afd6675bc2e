/* Kernels of batch_norm.c. Variances are taken around the mean: two passes, but no cancellation. */
#include "formats/emit.h"
#include "ops/batch_norm.h"
#include "ops/kernel.h"

enum { X, WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };
enum { Y, MEAN, INVERSE, VARIANCE };

/* Places of an element and of its channel, the later axes, and 1 / elements of a channel. */
typedef struct {
  ops_place at, channel, later;
  lp_expr count, share;
} channels;

static channels channels_of(lp_function *f, const net_shape *shape) {
  channels c = {.at = ops_axes(f, shape, "cijklm")};
  net_shape later = ops_trailing(*shape, shape->rank - 1);
  c.channel = ops_leading_place(&c.at, 1);
  c.later = ops_trailing_place(&c.at, shape->rank - 1);
  c.count = lp_product(f, lp_samples(f), lp_real(f, (double)net_shape_elements(&later)));
  c.share = lp_quotient(f, lp_real(f, 1), c.count);
  return c;
}

static lp_expr inverse_root(lp_function *f, lp_expr variance, double epsilon) {
  return lp_quotient(f, lp_real(f, 1), lp_op1(f, LP_sqrt, lp_addition(f, variance, lp_real(f, epsilon))));
}

/* Stores a value for each channel and gives it back, loaded. */
static lp_expr kept(lp_function *f, const channels *c, lp_buffer buffer, lp_expr value) {
  ops_store(f, buffer, &c->channel, value);
  return ops_load(f, buffer, &c->channel);
}

/* ---- with formats ---- */

/* As ops_batch_norm_rounded has it. */
static lp_expr rounded(lp_function *f, ops_shift_rounding r, lp_expr shift) {
  if (!(r.to > 0)) return shift;
  lp_expr q = lp_product(f, lp_convert(f, NET_F64, shift), lp_constant(f, NET_F64, 1 / r.from, 0));
  q = lp_op1(f, LP_round, lp_product(f, q, lp_constant(f, NET_F64, r.ratio, 0)));
  return lp_convert(f, NET_F32, lp_product(f, q, lp_constant(f, NET_F64, r.to, 0)));
}

/* A value for each channel, rounded to binary32 and to the format, loaded. */
static lp_expr quantized(lp_function *f, const channels *c, const char *name, net_shape one_each,
                         uint32_t format, ops_shift_rounding rounding, lp_expr value) {
  lp_buffer exact = lp_temporary(f, net_arena_format(f->arena, "%s_exact", name), NET_F32, one_each, false);
  fm_emission e = {.f = f,
                   .spec = net_format_at(f->n, format),
                   .x = exact,
                   .shape = one_each,
                   .at = {c->channel.at[0]},
                   .steps = LP_NONE,
                   .zeros = LP_NONE};
  ops_store(f, exact, &c->channel, lp_convert(f, NET_F32, value));
  net_format_emit_begin(&e);
  return kept(f, c, lp_temporary(f, name, NET_F32, one_each, false),
              rounded(f, rounding, net_format_emit_value(&e)));
}

/* y = a·x + c, see batch_norm.c. a and c belong to a channel. Where all lie on integer grids that f32 holds,
 * fma and a product and a sum that round by themselves are the same. */
static void affine(lp_function *f, const net_graph *graph, net_node_id node, const channels *c, lp_expr mean,
                   lp_expr variance, uint32_t weight_format, uint32_t bias_format) {
  net_shape one_each = ops_vector(ops_input(graph, node, X)->shape.dim[0]);
  lp_expr epsilon = lp_constant(f, NET_F64, net_node_real(graph, node, "epsilon"), 0);
  lp_expr weight = lp_constant(f, NET_F64, 1, 0), bias = lp_constant(f, NET_F64, 0, 0);
  if (ops_input(graph, node, WEIGHT)) {
    weight = lp_convert(f, NET_F64, ops_load_in(f, graph, node, WEIGHT, &c->channel));
    bias = lp_convert(f, NET_F64, ops_load_in(f, graph, node, BIAS, &c->channel));
  }
  lp_expr root = lp_op1(f, LP_sqrt, lp_addition(f, lp_convert(f, NET_F64, variance), epsilon));
  lp_expr a = lp_quotient(f, weight, root);
  lp_expr shift = lp_difference(f, bias, lp_product(f, lp_convert(f, NET_F64, mean), a));
  a = quantized(f, c, "factor", one_each, weight_format, (ops_shift_rounding){0}, a);
  shift = quantized(f, c, "shift", one_each, bias_format,
                    ops_batch_norm_rounding(graph, node, weight_format, bias_format), shift);
  net_type type = ops_output(graph, node, Y)->type;
  lp_expr x = lp_convert(f, type, ops_load_in(f, graph, node, X, &c->at));
  ops_store(f, ops_out_buffer(f, graph, node, Y), &c->at,
            lp_op3(f, LP_fma, lp_convert(f, type, a), x, lp_convert(f, type, shift)));
}

void batch_norm_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_shape *shape = &ops_input(graph, node, X)->shape;
  channels c = channels_of(f, shape);
  double epsilon = net_node_real(graph, node, "epsilon");
  lp_expr x = ops_load_in(f, graph, node, X, &c.at), mean, variance, inverse;
  uint32_t weight_format, bias_format;
  bool formatted = ops_batch_norm_formatted(graph, node, &weight_format, &bias_format);
  net_shape one_each = ops_vector(shape->dim[0]);
  if (net_node_bool(graph, node, "training")) {
    lp_expr sum = ops_sum(f, &c.later, true, x), one = lp_real(f, 1);
    mean = kept(f, &c, ops_out_buffer(f, graph, node, MEAN), lp_product(f, sum, c.share));
    lp_expr away = lp_difference(f, x, mean), squares = ops_sum(f, &c.later, true, lp_product(f, away, away));
    squares = kept(f, &c, lp_temporary(f, "squares", NET_F32, one_each, false), squares);
    lp_expr degrees = lp_op2(f, LP_max, lp_difference(f, c.count, one), one);
    ops_store(f, ops_out_buffer(f, graph, node, VARIANCE), &c.channel, lp_quotient(f, squares, degrees));
    variance = lp_product(f, squares, c.share);
    inverse = kept(f, &c, ops_out_buffer(f, graph, node, INVERSE), inverse_root(f, variance, epsilon));
  } else {
    mean = ops_load_in(f, graph, node, RUNNING_MEAN, &c.channel);
    variance = ops_load_in(f, graph, node, RUNNING_VAR, &c.channel);
    lp_buffer inverses = formatted ? LP_NONE : lp_temporary(f, "inverse", NET_F32, one_each, false);
    if (!formatted) inverse = kept(f, &c, inverses, inverse_root(f, variance, epsilon));
  }
  if (formatted) return affine(f, graph, node, &c, mean, variance, weight_format, bias_format);
  lp_expr factor = inverse, y;
  if (ops_input(graph, node, WEIGHT))
    factor = lp_product(f, inverse, ops_load_in(f, graph, node, WEIGHT, &c.channel));
  y = lp_product(f, lp_difference(f, x, mean), factor);
  if (ops_input(graph, node, BIAS)) y = lp_addition(f, y, ops_load_in(f, graph, node, BIAS, &c.channel));
  ops_store(f, ops_out_buffer(f, graph, node, Y), &c.at, y);
}

void batch_norm_gradient_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  channels c = channels_of(f, &ops_input(graph, node, 1)->shape);
  lp_expr dy = ops_load_in(f, graph, node, 0, &c.at), x = ops_load_in(f, graph, node, 1, &c.at);
  lp_expr mean = ops_load_in(f, graph, node, 3, &c.channel);
  lp_expr inverse = ops_load_in(f, graph, node, 4, &c.channel);
  lp_expr away = lp_difference(f, x, mean), factor = inverse;
  lp_expr dbias = kept(f, &c, ops_out_buffer(f, graph, node, 2), ops_sum(f, &c.later, true, dy));
  lp_expr sum = ops_sum(f, &c.later, true, lp_product(f, dy, away));
  lp_expr dweight = kept(f, &c, ops_out_buffer(f, graph, node, 1), lp_product(f, sum, inverse));
  lp_expr slope = lp_product(f, lp_product(f, dweight, inverse), c.share);
  lp_expr dx = lp_difference(f, dy, lp_product(f, dbias, c.share));
  dx = lp_difference(f, dx, lp_product(f, away, slope));
  if (ops_input(graph, node, 2)) factor = lp_product(f, inverse, ops_load_in(f, graph, node, 2, &c.channel));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &c.at, lp_product(f, dx, factor));
}
