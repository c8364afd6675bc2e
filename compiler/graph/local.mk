libnetc_a_SOURCES += \
  compiler/graph/attribute.c \
  compiler/graph/cost.c compiler/graph/cost.h \
  compiler/graph/graph.c compiler/graph/graph.h \
  compiler/graph/layer.c \
  compiler/graph/objective.h \
  compiler/graph/operator.c compiler/graph/operator.h \
  compiler/graph/parse.c \
  compiler/graph/print.c \
  compiler/graph/quantizers.c \
  compiler/graph/quantization.h compiler/graph/rules.c \
  compiler/graph/text.h \
  compiler/graph/tokens.c \
  compiler/graph/verify.c
EXTRA_DIST += compiler/graph/README.md
