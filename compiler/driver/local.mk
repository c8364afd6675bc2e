netc_SOURCES = \
  compiler/driver/bench.c compiler/driver/bench.h \
  compiler/driver/bench_time.c \
  compiler/driver/check.c \
  compiler/driver/driver.h \
  compiler/driver/fmt.c \
  compiler/driver/help.c \
  compiler/driver/main.c \
  compiler/driver/new.c \
  compiler/driver/options.c compiler/driver/options.def \
  compiler/driver/predict.c \
  compiler/driver/progress.c compiler/driver/progress.h \
  compiler/driver/runs.c compiler/driver/runs.h \
  compiler/driver/show.c \
  compiler/driver/subject.c compiler/driver/subject.h \
  compiler/driver/test.c \
  compiler/driver/train.c \
  compiler/driver/verbs.def
