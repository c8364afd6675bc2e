/* What the printer and the reader of the text form share. Private to graph/. */
#ifndef NETC_GRAPH_TEXT_H
#define NETC_GRAPH_TEXT_H

#include "graph/graph.h"

/* What follows a value's type. */
typedef enum {
  TEXT_BATCHED, /* the column, if it is not the next one */
  TEXT_INIT,    /* initial value, frozen, group */
  TEXT_SCALAR,  /* what the runtime is to give */
  TEXT_DATA,    /* elements */
} text_rest;

typedef struct {
  const char *word;
  text_rest rest;
} text_kind;

extern const text_kind text_kinds[NET_VALUE_RESULT]; /* print.c, by value kind */

typedef enum { TEXT_END, TEXT_LINE, TEXT_WORD, TEXT_QUOTED, TEXT_NUMBER, TEXT_MARK } text_token_kind;

typedef struct {
  text_token_kind kind;
  const char *begin, *end;
  net_name name; /* of words and quoted names */
} text_token;

typedef struct {
  netc *n;
  net_graph *graph;
  const char *text, *at; /* at: behind the token */
  uint32_t base;         /* of the text in the source space */
  int depth;             /* open brackets: within them line ends are spaces */
  text_token token;      /* the next one to be taken */
} text_reader;

/* tokens.c. take_…: goes on if the token is that. need_…: the same, else reports. */
net_loc text_loc_of(const text_reader *r, const text_token *t);
bool text_expected(text_reader *r, const char *what); /* reports "expected WHAT, not TOKEN"; false */
void text_advance(text_reader *r);
bool text_is_mark(const text_reader *r, char mark);
bool text_is_word(const text_reader *r, const char *word);
bool text_take_mark(text_reader *r, char mark);
bool text_take_word(text_reader *r, const char *word);
bool text_need_mark(text_reader *r, char mark);
bool text_need_name(text_reader *r, net_name *name);
bool text_need_int(text_reader *r, int64_t lo, int64_t hi, int64_t *value);
bool text_need_count(text_reader *r, int64_t lo, uint32_t *count); /* lo … 2^31 − 1 */
bool text_need_real(text_reader *r, double *value);

#endif
