libnetc_a_SOURCES += \
  compiler/pictures/chart.c compiler/pictures/chart.h \
  compiler/pictures/chart_text.c \
  compiler/pictures/draw.c compiler/pictures/draw.h \
  compiler/pictures/gnuplot.c \
  compiler/pictures/html.c compiler/pictures/html.h
EXTRA_DIST += compiler/pictures/README.md
