libnetc_a_SOURCES += \
  compiler/interpret/integer.c compiler/interpret/integer.h \
  compiler/interpret/integer_ops.c compiler/interpret/integer_ops.h \
  compiler/interpret/interpret.c compiler/interpret/interpret.h
EXTRA_DIST += compiler/interpret/README.md
