/* Inside of the formatter: pieces of a program on one line (format_flat.c), lines (format_lines.c),
 * expressions over several lines (format_expr.c), and the whole (format.c). Others include format.h. */
#ifndef NETC_DSL_PRINTER_H
#define NETC_DSL_PRINTER_H

#include "dsl/format.h"

/* How tightly an expression binds: one in a place that asks for more stands in parentheses. */
typedef enum {
  NET_BIND_CHAIN,
  NET_BIND_SUM,
  NET_BIND_TERM,
  NET_BIND_RANGE,
  NET_BIND_UNARY,
  NET_BIND_PRIMARY
} net_bind;
net_bind net_expr_bind(const net_expr *expr);

/* ---- format_flat.c ---- */

typedef struct {
  netc *n;
  NET_VEC(char) text;
  uint32_t brackets; /* around what is written: inside them, layout is not kept */
  bool broken;       /* there are comments, or line breaks to be kept: it cannot stand on one line */
} net_flat;

void net_flat_put(net_flat *f, const char *text);
void net_flat_name(net_flat *f, net_name name);
void net_flat_string(net_flat *f, net_name text); /* quoted */
void net_flat_path(net_flat *f, const net_dotted *path);
void net_flat_expr(net_flat *f, const net_expr *expr, net_bind least);
void net_flat_map(net_flat *f, const net_map *map);
void net_flat_stage(net_flat *f, const net_stage *stage);
void net_flat_arg(net_flat *f, const net_arg *arg);
void net_flat_param(net_flat *f, const net_param *param);
/* what stands in front of an entry's value, with its `=`, `in` or relation if `sign` */
void net_flat_entry_head(net_flat *f, const net_entry *entry, bool sign);
void net_flat_entry(net_flat *f, const net_entry *entry);

bool net_trivia_comments(const net_trivia *trivia);         /* whether there are any */
bool net_chain_breaks(const net_expr *expr);                /* a chain that was written on several lines */
uint32_t net_text_width(const char *text, uint32_t length); /* in characters */

/* ---- format_lines.c ---- */

typedef struct {
  const char *text; /* without spaces at its end */
  uint32_t width;
  net_name comment; /* beside it */
} net_line;

typedef struct {
  netc *n;
  NET_VEC(net_line) lines; /* finished */
  net_flat line;           /* being written */
  uint32_t column;         /* characters in it */
} net_printer;

net_printer net_printer_new(netc *n);
void net_print(net_printer *p, const char *text);
void net_print_flat(net_printer *p, const net_flat *flat);
void net_print_pad(net_printer *p, uint32_t column);      /* spaces up to it */
void net_print_line(net_printer *p);                      /* ends the line */
void net_print_comment(net_printer *p, net_name comment); /* beside the line, and ends it */
/* Comments and blank lines above an item; first: nothing is above it inside its braces. */
void net_print_above(net_printer *p, const net_trivia *trivia, uint32_t indent, bool first);
/* on the rest of the line, with a comma or bracket behind it */
bool net_print_fits(const net_printer *p, const net_flat *flat);
const char *net_print_finish(net_printer *p);

/* A line of a map, a body or the file, for the alignment of neighbours. */
typedef struct {
  uint32_t item, count; /* its items */
  int class;            /* lines of the same class are aligned; 0: never */
  uint32_t head, rest;  /* widths of what stands in front of the gap and behind it */
  uint32_t gap;         /* spaces to add */
} net_row;

typedef NET_VEC(net_row) net_rows;
void net_rows_align(net_row *rows, uint32_t count, uint32_t indent);

/* ---- format_expr.c ---- */

/* indent: of the line the expression began on. value: it stands behind `=`, where its line breaks are kept */
void net_print_expr(net_printer *p, const net_expr *expr, net_bind least, uint32_t indent);
void net_print_value(net_printer *p, const net_expr *expr, uint32_t indent);
void net_print_params(net_printer *p, const net_params *params, uint32_t indent);

/* ---- format.c ---- */

void net_print_map(net_printer *p, const net_map *map, uint32_t indent);

#endif
