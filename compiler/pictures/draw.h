/* Pictures by other programs: gnuplot, Graphviz. */
#ifndef NETC_PICTURES_DRAW_H
#define NETC_PICTURES_DRAW_H

#include "support/netc.h"

typedef struct {
  const char *tool, *option;                    /* the program, and what it is told; option NULL: nothing */
  const char *package;                          /* of Debian, that has it … */
  const char *otherwise;                        /* … and what to do without it */
  void (*print)(FILE *to, const void *context); /* what the program reads */
  const void *context;
} pic_drawing;

/* Whether a program is there. */
bool pic_can_run(const char *tool);
/* The program's output becomes the file. False: reported, and the old file, if any, is as it was. */
bool pic_draw(netc *n, const pic_drawing *drawing, const char *path);
/* The <svg> element in its output, in the arena; beside: a path in whose directory files may be made. NULL:
 * reported. */
const char *pic_draw_svg(netc *n, const pic_drawing *drawing, const char *beside);

#endif
