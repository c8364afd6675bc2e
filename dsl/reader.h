/* Inside of the reader of one text: characters → tokens (lexer.l) → tokens with line ends and matched
 * brackets (lines.c) → tree (parser.y) → tree with its comments (trivia.c). Others include parse.h. */
#ifndef NETC_DSL_READER_H
#define NETC_DSL_READER_H

#include "dsl/ast.h"

/* What a token carries to the parser. */
typedef struct {
  net_name text; /* names and keywords; strings, unescaped; numbers as written */
  int64_t integer;
  double real;
} net_token_value;

typedef struct {
  int kind; /* TOK_…, from parser.h */
  net_token_value value;
  net_loc loc;
  const char *problem; /* what is wrong with it, to be reported when its turn comes; NULL: nothing */
  uint32_t column;     /* from 1, in bytes */
  uint32_t indent;     /* the column of the first token of its line */
  bool first;          /* of its line */
  bool blank;          /* a blank line above it (or above the comment above it: then that has it) */
} net_token;

/* A comment in its place. trivia.c gives it to the item it belongs to. */
typedef struct {
  net_name text;
  net_loc loc;
  bool blank;
} net_remark;

/* An open bracket. */
typedef struct {
  int kind; /* TOK_LBRACE, TOK_LPAREN, TOK_LBRACKET */
  net_loc loc;
  uint32_t indent;  /* of the line it stands on */
  uint32_t content; /* the column of the first line inside it; 0: none yet */
  bool header;      /* around the parameters of a layer or network */
} net_bracket;

typedef struct net_reader {
  netc *n;
  const net_source *source;
  NET_VEC(net_token) tokens; /* the last one is TOK_END */
  NET_VEC(net_remark) remarks;

  /* lines.c */
  int start;      /* TOK_START_PROGRAM or TOK_START_SETTING: what the parser is given first */
  uint32_t next;  /* the token to come */
  net_token last; /* the token before it, line ends included; kind 0 at first */
  NET_VEC(net_bracket) brackets;
  bool closing;        /* closing all brackets on behalf of a text that forgot to */
  bool quiet;          /* the parser works on a token that is not in the text: no reports */
  bool skipping;       /* after a syntax error, until the parser has found its feet */
  uint32_t skip_depth; /* brackets.count at the level where it will */
  int insert;          /* a token to come first; 0: none */
  bool unmatched;      /* the last closing bracket closed nothing */
  net_loc odd_closer;  /* the last `}` not indented like the line of its `{` */
  bool stopped;        /* nothing more is read */

  /* syntax.c */
  uint32_t errors;
  net_loc last_error;

  /* parser.y */
  net_file *file;
  net_dotted setting_path;
  net_expr *setting_value;
} net_reader;

enum { NET_READER_ERRORS = 30 }; /* of one text; then it stops */

/* lexer.l: fills tokens and remarks; false: a fault was reported */
bool net_reader_scan(net_reader *r);

/* lines.c: whether a line that starts with this token starts a declaration */
bool net_reader_declares(const net_reader *r, uint32_t token);
/* the parser met a token it cannot use: hold back the rest of the entry, statement or declaration */
void net_reader_skip(net_reader *r);
/* the parser has recovered */
void net_reader_resume(net_reader *r);

/* syntax.c: how a token is written (`train`, `->`), or what it is called (`a name`) */
const char *net_token_text(int kind);
bool net_token_is_name(int kind); /* NAME or a keyword that may be used as one */

/* syntax.c: reports an error of the text, unless quiet; counts it, and stops the reader at the last one */
void net_reader_error(net_reader *r, net_loc where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* syntax.c: the parser cannot use r->last, and could use any of these tokens. Reports, and skips. */
void net_reader_unexpected(net_reader *r, net_loc where, const int *expected, int count);

/* trivia.c: gives comments and line breaks to the items of a tree without errors */
void net_reader_trivia(net_reader *r, net_file *file);

#endif
