libnetc_a_SOURCES += \
  compiler/ops/affine.c \
  compiler/ops/batch_norm.c \
  compiler/ops/batch_norm.h \
  compiler/ops/batch_norm_kernel.c \
  compiler/ops/binary.c \
  compiler/ops/broadcast.c \
  compiler/ops/code.c compiler/ops/code.h \
  compiler/ops/code_border.c \
  compiler/ops/code_elements.c \
  compiler/ops/code_layers.c \
  compiler/ops/code_rescale.c \
  compiler/ops/common.c \
  compiler/ops/common.h \
  compiler/ops/cost.c \
  compiler/ops/cross_entropy.c \
  compiler/ops/cross_entropy_kernel.c \
  compiler/ops/dropout.c \
  compiler/ops/families.h \
  compiler/ops/fold.c \
  compiler/ops/integer.c compiler/ops/integer.h \
  compiler/ops/integer_elements.c \
  compiler/ops/integer_layers.c \
  compiler/ops/integer_movement.c \
  compiler/ops/integer_quantize.c \
  compiler/ops/kernel.c \
  compiler/ops/kernel.h \
  compiler/ops/layer_norm.c \
  compiler/ops/layer_norm_kernel.c \
  compiler/ops/linear.c \
  compiler/ops/linear_kernel.c \
  compiler/ops/lower.c compiler/ops/lower.h \
  compiler/ops/lower_elements.c \
  compiler/ops/lower_layers.c \
  compiler/ops/lower_quantize.c \
  compiler/ops/movement.c \
  compiler/ops/movement_kernel.c \
  compiler/ops/normalize.c \
  compiler/ops/ops.c \
  compiler/ops/ops.def \
  compiler/ops/ops.h \
  compiler/ops/range.c compiler/ops/range.h \
  compiler/ops/range_elements.c \
  compiler/ops/range_layers.c \
  compiler/ops/range_movement.c \
  compiler/ops/range_quantize.c \
  compiler/ops/range_reductions.c \
  compiler/ops/quantize.c \
  compiler/ops/quantize.h \
  compiler/ops/quantize_by.c \
  compiler/ops/quantize_kernel.c \
  compiler/ops/random.c \
  compiler/ops/random.h \
  compiler/ops/reduction.c \
  compiler/ops/reduction.h \
  compiler/ops/reduction_kernel.c \
  compiler/ops/regression.c \
  compiler/ops/softmax.c \
  compiler/ops/softmax.h \
  compiler/ops/softmax_kernel.c \
  compiler/ops/table.c \
  compiler/ops/table.h \
  compiler/ops/table_lookup.c \
  compiler/ops/table_softmax.c \
  compiler/ops/unary.c \
  compiler/ops/update.c \
  compiler/ops/update.h \
  compiler/ops/update_kernel.c
