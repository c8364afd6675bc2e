libnetc_a_SOURCES += \
  compiler/search/exhaustive.c \
  compiler/search/front.c \
  compiler/search/hypervolume.c \
  compiler/search/internal.h \
  compiler/search/random.c \
  compiler/search/search.c compiler/search/search.h \
  compiler/search/space.c \
  compiler/search/strategies.def
EXTRA_DIST += compiler/search/README.md
