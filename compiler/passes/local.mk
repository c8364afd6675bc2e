libnetc_a_SOURCES += \
  compiler/passes/accumulators.c \
  compiler/passes/code_ports.c \
  compiler/passes/differentiate.c \
  compiler/passes/eliminate_dead.c \
  compiler/passes/integer_only.c compiler/passes/integer_only.h \
  compiler/passes/fold_batch_norm.c \
  compiler/passes/freeze.c \
  compiler/passes/integers.h compiler/passes/join_integers.c compiler/passes/lower_integer.c \
  compiler/passes/losses.c \
  compiler/passes/normalize.c \
  compiler/passes/passes.c compiler/passes/passes.h compiler/passes/passes.def \
  compiler/passes/ranges.c compiler/passes/ranges.h \
  compiler/passes/quantize.c compiler/passes/quantize.h compiler/passes/quantize_formats.c \
  compiler/passes/quantize_bias.c \
  compiler/passes/quantize_table.c \
  compiler/passes/training.h \
  compiler/passes/training_mode.c \
  compiler/passes/updates.c \
  compiler/passes/vary_formats.c compiler/passes/vary_formats.h
EXTRA_DIST += compiler/passes/README.md
