libnetc_a_SOURCES += \
  compiler/pipeline/explain.c compiler/pipeline/explain.h \
  compiler/pipeline/pipeline.c compiler/pipeline/pipeline.h \
  compiler/pipeline/stages.def \
  compiler/pipeline/tables.c compiler/pipeline/tables.h
