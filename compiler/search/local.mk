libnetc_a_SOURCES += \
  compiler/search/exhaustive.c \
  compiler/search/front.c \
  compiler/search/halving.c \
  compiler/search/hypervolume.c \
  compiler/search/internal.h \
  compiler/search/nsga2.c \
  compiler/search/parzen.c compiler/search/parzen.h \
  compiler/search/random.c \
  compiler/search/search.c compiler/search/search.h \
  compiler/search/space.c \
  compiler/search/strategies.def \
  compiler/search/tpe.c
EXTRA_DIST += compiler/search/README.md
