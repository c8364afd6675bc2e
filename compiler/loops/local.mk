libnetc_a_SOURCES += \
  compiler/loops/build.c compiler/loops/build.h \
  compiler/loops/build_nests.c \
  compiler/loops/compute.c compiler/loops/compute.h \
  compiler/loops/evaluate.c compiler/loops/evaluate.h \
  compiler/loops/expressions.def \
  compiler/loops/fold.c \
  compiler/loops/loops.h \
  compiler/loops/math.c compiler/loops/math.h \
  compiler/loops/memory.c \
  compiler/loops/print.c compiler/loops/print.h \
  compiler/loops/print_text.c compiler/loops/print_text.h \
  compiler/loops/range.c compiler/loops/range.h \
  compiler/loops/verify.c compiler/loops/verify.h \
  compiler/loops/verify_nests.c \
  compiler/loops/verify_statements.c
