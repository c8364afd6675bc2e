libnetc_a_SOURCES += \
  compiler/pipeline/compilation.c compiler/pipeline/compilation.h \
  compiler/pipeline/explain.c compiler/pipeline/explain.h \
  compiler/pipeline/object.c compiler/pipeline/object.h \
  compiler/pipeline/pack.c compiler/pipeline/pack.h \
  compiler/pipeline/pipeline.c compiler/pipeline/pipeline.h \
  compiler/pipeline/separate.c compiler/pipeline/separate.h \
  compiler/pipeline/stages.def \
  compiler/pipeline/tables.c compiler/pipeline/tables.h
