libnetc_a_SOURCES += \
  compiler/kernels/ahead.c \
  compiler/kernels/contraction.c \
  compiler/kernels/dot.c \
  compiler/kernels/facts.c \
  compiler/kernels/feature.c \
  compiler/kernels/flat.c \
  compiler/kernels/gather.c \
  compiler/kernels/gather_words.c \
  compiler/kernels/group.c \
  compiler/kernels/kernels.h \
  compiler/kernels/layout.c \
  compiler/kernels/lower.c \
  compiler/kernels/panel.c \
  compiler/kernels/sample.c \
  compiler/kernels/schedule.c compiler/kernels/schedule.h \
  compiler/kernels/scope.c \
  compiler/kernels/single.c \
  compiler/kernels/single_bits.c \
  compiler/kernels/single_fold.c \
  compiler/kernels/single_pack.c \
  compiler/kernels/single_sum.c \
  compiler/kernels/words.c
