libnetc_a_SOURCES += \
  compiler/record/columns.c compiler/record/columns.def compiler/record/columns.h \
  compiler/record/common.c \
  compiler/record/database.h \
  compiler/record/json.c \
  compiler/record/record.h
EXTRA_DIST += compiler/record/README.md
RECORD_SOURCES = \
  compiler/record/database.c \
  compiler/record/experiments.c \
  compiler/record/filters.c \
  compiler/record/hold.c \
  compiler/record/rows.c \
  compiler/record/runs.c \
  compiler/record/schema.c \
  compiler/record/trials.c
if SQLITE
libnetc_a_SOURCES += $(RECORD_SOURCES)
else
libnetc_a_SOURCES += compiler/record/absent.c
endif
