/* What makes calls of operators by number: values, shapes and attributes that draws choose, and families of
 * calls. */
#ifndef NETC_TESTS_JIT_MAKERS_H
#define NETC_TESTS_JIT_MAKERS_H

#include "tests/unit/jit_cases.h"

uint32_t jit_pick(jit_maker *m, uint32_t count); /* 0 … count − 1 */
bool jit_rarely(jit_maker *m);
uint32_t jit_elements(net_shape shape);

/* A value by the name "PREFIX4x5": the one of that name if there is one. */
net_value_id jit_value(jit_maker *m, const char *prefix, net_value_kind kind, net_type type, net_shape shape);
/* The result of a new node. */
net_value_id jit_named(jit_maker *m, const char *op, net_name name, net_value_id x, net_attribute *a,
                       uint32_t count);
/* Data of a shape. To gather rows takes much code, so that most are parts of one long row. */
net_value_id jit_data(jit_maker *m, const char *prefix, net_shape shape, bool batched);
net_value_id jit_scalar(jit_maker *m, const char *name);
/* A variable that nothing else touches. */
net_value_id jit_own(jit_maker *m, const char *name, net_value_kind kind, net_shape shape);

/* The width on one axis, small extents on the others. */
net_shape jit_shape_of(jit_maker *m, uint32_t rank);
net_shape jit_some_shape(jit_maker *m);
net_shape jit_shape_at(const jit_maker *m, net_value_id v);

typedef struct {
  net_attribute at[7];
  uint32_t count;
} jit_attributes;

#define JIT_SET(kind, key, ...) a.at[a.count++] = net_attribute_##kind(m->graph->n, key, __VA_ARGS__)

net_node_id jit_make_call(jit_maker *m, const net_op *op, const net_value_id *in, uint32_t count,
                          const jit_attributes *a);
net_node_id jit_make_layer(jit_maker *m, const net_op *op, net_value_id x, const jit_attributes *a);

/* jit_layers.c */
net_node_id jit_make_linear(jit_maker *m, const net_op *op);
net_node_id jit_make_batch_norm(jit_maker *m, const net_op *op);
net_node_id jit_make_layer_norm(jit_maker *m, const net_op *op);
net_node_id jit_make_unary(jit_maker *m, const net_op *op);
net_node_id jit_make_dropout(jit_maker *m, const net_op *op);
net_node_id jit_make_normalize(jit_maker *m, const net_op *op);
net_node_id jit_make_quantize(jit_maker *m, const net_op *op);
net_node_id jit_make_quantize_by(jit_maker *m, const net_op *op);
net_node_id jit_make_softmax(jit_maker *m, const net_op *op);
net_node_id jit_make_fold(jit_maker *m, const net_op *op);
net_node_id jit_make_affine(jit_maker *m, const net_op *op);

/* jit_losses.c: losses, and what follows them */
net_node_id jit_make_classes(jit_maker *m, const net_op *op);
net_node_id jit_make_regression(jit_maker *m, const net_op *op);
net_node_id jit_make_sum_squares(jit_maker *m, const net_op *op);
net_node_id jit_make_clip_factor(jit_maker *m, const net_op *op);
net_node_id jit_make_running_update(jit_maker *m, const net_op *op);
net_node_id jit_make_update(jit_maker *m, const net_op *op);

#endif
