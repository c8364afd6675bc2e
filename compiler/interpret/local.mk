libnetc_a_SOURCES += \
  compiler/interpret/integer.c compiler/interpret/integer.h \
  compiler/interpret/interpret.c compiler/interpret/interpret.h
EXTRA_DIST += compiler/interpret/README.md
