libnetc_a_SOURCES += \
  compiler/codegen/archive.c compiler/codegen/archive.h \
  compiler/codegen/backend.c compiler/codegen/backend.h \
  compiler/codegen/branchless.c \
  compiler/codegen/c.c compiler/codegen/c.h \
  compiler/codegen/c_expression.c \
  compiler/codegen/c_function.c \
  compiler/codegen/c_helpers.c compiler/codegen/c_helpers.def \
  compiler/codegen/c_index.c \
  compiler/codegen/c_memory.c \
  compiler/codegen/c_names.c \
  compiler/codegen/c_printer.h \
  compiler/codegen/c_ranges.c \
  compiler/codegen/c_statement.c \
  compiler/codegen/c_tables.c \
  compiler/codegen/compile.c compiler/codegen/compile.h \
  compiler/codegen/elf_file.c compiler/codegen/elf_file.h \
  compiler/codegen/emit.c compiler/codegen/emit.h \
  compiler/codegen/emit_ahead.c \
  compiler/codegen/emit_dot.c \
  compiler/codegen/emit_expression.c \
  compiler/codegen/emit_index.c \
  compiler/codegen/emit_lookup.c \
  compiler/codegen/emit_memory.c \
  compiler/codegen/emit_narrow.c \
  compiler/codegen/emit_object.c \
  compiler/codegen/emit_pack.c \
  compiler/codegen/emit_shuffle.c \
  compiler/codegen/emit_statement.c \
  compiler/codegen/emit_versions.c \
  compiler/codegen/fault.c compiler/codegen/fault.h \
  compiler/codegen/features.def \
  compiler/codegen/jit.c compiler/codegen/jit.h \
  compiler/codegen/limits.c \
  compiler/codegen/object.c compiler/codegen/object.h \
  compiler/codegen/optimise.c \
  compiler/codegen/perf_map.c compiler/codegen/perf_map.h \
  compiler/codegen/shared.c compiler/codegen/shared.h \
  compiler/codegen/step_type.c compiler/codegen/step_type.h \
  compiler/codegen/target.c compiler/codegen/target.h \
  compiler/codegen/targets.def \
  compiler/codegen/unit.c compiler/codegen/unit.h
