libnetc_a_SOURCES += \
  compiler/support/arena.c compiler/support/arena.h \
  compiler/support/diagnostics.c compiler/support/diagnostics.h \
  compiler/support/file.c compiler/support/file.h \
  compiler/support/json.c compiler/support/json.h \
  compiler/support/names.c compiler/support/names.h \
  compiler/support/netc.c compiler/support/netc.h \
  compiler/support/process.c compiler/support/process.h \
  compiler/support/source.c compiler/support/source.h \
  compiler/support/table.c compiler/support/table.h \
  compiler/support/tensor.c compiler/support/tensor.h
