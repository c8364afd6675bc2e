libnetc_a_SOURCES += \
  compiler/formats/arguments.c \
  compiler/formats/arithmetic.c compiler/formats/arithmetic.h \
  compiler/formats/binary.c \
  compiler/formats/block_emit.c \
  compiler/formats/block_fp.c \
  compiler/formats/block_log.c \
  compiler/formats/block_minifloat.c \
  compiler/formats/calibrate.c compiler/formats/calibrate.h \
  compiler/formats/codebook.c \
  compiler/formats/codebook_emit.c \
  compiler/formats/define.c \
  compiler/formats/emit.c compiler/formats/emit.h \
  compiler/formats/emit_arithmetic.c \
  compiler/formats/emit_logarithm.c \
  compiler/formats/emit_parts.c \
  compiler/formats/families.c compiler/formats/families.h \
  compiler/formats/formats.c compiler/formats/formats.def compiler/formats/formats.h \
  compiler/formats/ieee.c \
  compiler/formats/ieee_emit.c \
  compiler/formats/integer.c \
  compiler/formats/integer_emit.c \
  compiler/formats/list.h \
  compiler/formats/log.c \
  compiler/formats/make.c \
  compiler/formats/mean_emit.c \
  compiler/formats/minifloat.c \
  compiler/formats/minifloat_emit.c \
  compiler/formats/mx.c \
  compiler/formats/mxint.c \
  compiler/formats/parse.c \
  compiler/formats/parts.c compiler/formats/parts.h \
  compiler/formats/print.c \
  compiler/formats/quantize.c \
  compiler/formats/range.c \
  compiler/formats/rescale.c compiler/formats/rescale.h \
  compiler/formats/residual_binary.c \
  compiler/formats/residual_binary_emit.c \
  compiler/formats/scaled_integer.c \
  compiler/formats/ternary.c
EXTRA_DIST += compiler/formats/README.md
