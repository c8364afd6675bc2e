/* Every function that ops.def names, by family. A family's file defines them; signatures are net_op's. */
#ifndef NETC_OPS_FAMILIES_H
#define NETC_OPS_FAMILIES_H

#include "graph/operator.h"

typedef bool ops_shape(netc *n, net_graph *graph, net_node_id node);
typedef bool ops_parameter(netc *n, const net_graph *graph, const net_value_id *inputs,
                           const net_attribute *attributes, uint32_t attribute_count, uint32_t input,
                           net_loc loc, net_shape *shape, net_init *init);
typedef bool ops_gradient(net_gradient *gradient);
typedef void ops_cost(const net_graph *graph, net_node_id node, net_cost *cost);
typedef void ops_interpret(const net_interpretation *call);
typedef void ops_range(const net_ranging *call);
typedef void ops_integers(net_integer_call *call);
typedef void ops_made(const net_graph *graph, net_node_id node, const float *const *inputs,
                      net_tensor_role role, float *values);
typedef bool ops_fold(net_folding *folding);
typedef bool ops_lower(net_lowering *lowering);
typedef net_node_id ops_table(net_tabling *tabling);
typedef void ops_kernel(struct lp_function *function, const net_graph *graph, net_node_id node);

/* cost.c: what most operators cost */
ops_cost cost_output_elements, cost_input_elements;

/* linear.c, linear_kernel.c */
ops_shape linear_shape, linear_input_gradient_shape, linear_weight_gradient_shape;
ops_parameter linear_parameter;
ops_gradient linear_gradient;
ops_cost linear_cost, linear_input_gradient_cost, linear_weight_gradient_cost;
ops_interpret linear_interpret, linear_input_gradient_interpret, linear_weight_gradient_interpret;
ops_kernel linear_kernel, linear_input_gradient_kernel, linear_weight_gradient_kernel;

/* unary.c: one table of functions of one value, with their gradients and kernels */
ops_shape unary_shape, unary_gradient_shape;
ops_gradient unary_gradient, negate_gradient, scale_gradient;
ops_interpret unary_interpret, unary_gradient_interpret;
ops_kernel unary_kernel, unary_gradient_kernel;

/* binary.c: add, sub, mul; broadcast.c: reduce_to, expand */
ops_shape binary_shape, reduce_to_shape, expand_shape;
ops_gradient add_gradient, sub_gradient, mul_gradient, reduce_to_gradient, expand_gradient;
ops_interpret binary_interpret, reduce_to_interpret, expand_interpret;
ops_kernel binary_kernel, reduce_to_kernel, expand_kernel;

/* movement.c, movement_kernel.c */
ops_shape concat_shape, reshape_shape, flatten_shape, slice_shape, pad_slice_shape;
ops_gradient concat_gradient, reshape_gradient, slice_gradient, pad_slice_gradient;
ops_interpret concat_interpret, reshape_interpret, slice_interpret, pad_slice_interpret;
ops_kernel concat_kernel, reshape_kernel, slice_kernel, pad_slice_kernel;

/* reduction.c, reduction_kernel.c */
ops_shape reduction_shape, max_gradient_shape, sum_squares_shape, clip_factor_shape;
ops_gradient sum_gradient, mean_gradient, max_gradient;
ops_interpret sum_interpret, mean_interpret, max_interpret, max_gradient_interpret, sum_squares_interpret,
    clip_factor_interpret;
ops_kernel sum_kernel, mean_kernel, max_kernel, max_gradient_kernel, sum_squares_kernel, clip_factor_kernel;

/* softmax.c, softmax_kernel.c */
ops_shape softmax_shape, softmax_gradient_shape;
ops_gradient softmax_gradient, log_softmax_gradient;
ops_interpret softmax_interpret, log_softmax_interpret, softmax_gradient_interpret,
    log_softmax_gradient_interpret;
ops_kernel softmax_kernel, log_softmax_kernel, softmax_gradient_kernel, log_softmax_gradient_kernel;

/* batch_norm.c, batch_norm_kernel.c */
ops_shape batch_norm_shape, batch_norm_gradient_shape;
ops_parameter batch_norm_parameter;
ops_gradient batch_norm_gradient;
ops_cost batch_norm_cost;
ops_interpret batch_norm_interpret, batch_norm_gradient_interpret;
ops_made batch_norm_made;
ops_kernel batch_norm_kernel, batch_norm_gradient_kernel;

/* affine.c */
ops_shape affine_shape;
ops_cost affine_cost;
ops_interpret affine_interpret;
ops_range affine_range;
ops_kernel affine_kernel;

/* layer_norm.c, layer_norm_kernel.c */
ops_shape layer_norm_shape, layer_norm_gradient_shape;
ops_parameter layer_norm_parameter;
ops_gradient layer_norm_gradient;
ops_cost layer_norm_cost;
ops_interpret layer_norm_interpret, layer_norm_gradient_interpret;
ops_kernel layer_norm_kernel, layer_norm_gradient_kernel;

/* quantize.c, quantize_kernel.c */
ops_shape quantize_shape, quantize_gradient_shape;
ops_gradient quantize_gradient;
ops_interpret quantize_interpret, quantize_gradient_interpret;
ops_kernel quantize_kernel, quantize_gradient_kernel;

/* quantize_by.c */
ops_shape quantize_by_shape;
ops_interpret quantize_by_interpret;
ops_range quantize_by_range;
ops_kernel quantize_by_kernel;

/* table.c */
ops_table function_table, softmax_table;
/* table_lookup.c */
ops_shape table_shape, integer_table_shape;
ops_gradient table_gradient;
ops_interpret table_interpret, integer_table_interpret;
ops_kernel table_kernel, integer_table_kernel;
ops_range table_range, integer_table_range;
ops_integers table_integers;
ops_lower table_lower;
/* table_softmax.c */
ops_shape softmax_table_shape, integer_softmax_shape;
ops_gradient softmax_table_gradient;
ops_interpret softmax_table_interpret, integer_softmax_interpret;
ops_kernel softmax_table_kernel, integer_softmax_kernel;
ops_range softmax_table_range, integer_softmax_range;
ops_integers softmax_table_integers;
ops_lower softmax_table_lower;

/* normalize.c */
ops_shape normalize_shape;
ops_interpret normalize_interpret;
ops_kernel normalize_kernel;
ops_range normalize_range;

/* fold.c */
ops_fold batch_norm_fold;
ops_shape fold_weight_shape, fold_bias_shape;
ops_gradient fold_weight_gradient, fold_bias_gradient;
ops_interpret fold_weight_interpret, fold_bias_interpret;
ops_range fold_weight_range, fold_bias_range;
ops_kernel fold_weight_kernel, fold_bias_kernel;

/* dropout.c */
ops_shape dropout_shape;
ops_gradient dropout_gradient;
ops_interpret dropout_interpret, dropout_gradient_interpret;
ops_kernel dropout_kernel, dropout_gradient_kernel;

/* cross_entropy.c, cross_entropy_kernel.c */
ops_shape cross_entropy_shape, cross_entropy_gradient_shape, correct_shape;
ops_gradient cross_entropy_gradient;
ops_interpret cross_entropy_interpret, cross_entropy_gradient_interpret, correct_interpret;
ops_kernel cross_entropy_kernel, cross_entropy_gradient_kernel, correct_kernel;

/* regression.c, regression_kernel.c: losses element by element, one table */
ops_shape regression_shape, regression_gradient_shape;
ops_gradient regression_gradient;
ops_interpret regression_interpret, regression_gradient_interpret;
ops_kernel regression_kernel, regression_gradient_kernel;

/* update.c, update_kernel.c */
ops_shape running_update_shape, sgd_shape, adam_shape;
ops_parameter sgd_parameter, adam_parameter;
ops_interpret running_update_interpret, sgd_interpret, adam_interpret, adamw_interpret;
ops_kernel running_update_kernel, sgd_kernel, adam_kernel, adamw_kernel;

/* Operators on codes: code_layers.c */
ops_shape integer_linear_shape, integer_affine_shape;
ops_cost integer_linear_cost;
ops_interpret integer_linear_interpret, integer_affine_interpret;
ops_range integer_linear_range, integer_affine_range;
ops_kernel integer_linear_kernel, integer_affine_kernel;
/* code_rescale.c */
ops_shape integer_rescale_shape;
ops_interpret integer_rescale_interpret;
ops_range integer_rescale_range;
ops_kernel integer_rescale_kernel;
/* code_elements.c */
ops_shape integer_add_shape, integer_mul_shape, integer_relu_shape;
ops_interpret integer_add_interpret, integer_mul_interpret, integer_relu_interpret;
ops_range integer_add_range, integer_mul_range, integer_relu_range;
ops_kernel integer_add_kernel, integer_mul_kernel, integer_relu_kernel;
/* code_border.c */
ops_shape integer_quantize_shape, integer_value_shape;
ops_interpret integer_quantize_interpret, integer_value_interpret;
ops_range integer_quantize_range, integer_value_range;
ops_kernel integer_quantize_kernel, integer_value_kernel;
/* To nodes on codes: lower_layers.c, lower_elements.c, lower_quantize.c */
ops_lower linear_lower, batch_norm_lower;
ops_lower relu_lower, add_lower, sub_lower, mul_lower, reshape_lower, same_lower, concat_lower;
ops_lower quantize_lower;

/* Ranges, for range analysis: range_layers.c */
ops_range linear_range, batch_norm_range, layer_norm_range;
/* unary.c; range_elements.c */
ops_range unary_range, binary_range, dropout_range;
/* range_quantize.c */
ops_range quantize_range;
/* range_reductions.c */
ops_range sum_range, mean_range, max_range, softmax_range, log_softmax_range;
/* range_movement.c */
ops_range movement_range;

/* In integers: integer_layers.c */
ops_integers linear_integers, batch_norm_integers;
/* integer_elements.c */
ops_integers relu_integers, add_integers, sub_integers, mul_integers;
/* integer_movement.c */
ops_integers copy_integers, concat_integers;
/* integer_quantize.c */
ops_integers quantize_integers;

#endif
