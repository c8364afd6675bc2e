/* A program as it was written: what the parser builds, net_format_file prints and elaborate reads.
 *
 * Nodes live in n->arena and are not changed once parsed: net_setting_apply makes new nodes along a path and
 * shares the rest. Every node has its place `loc`, a byte range of the source space; nodes without a text (a
 * setting made by a sweep) have the place of whatever caused them. A name is absent when its id is 0.
 *
 * Sums, products and ranges are trees; `a -> b -> c` is one NET_EXPR_CHAIN with its stages in order. A value
 * in braces is an expression of kind NET_EXPR_MAP, which the grammar lets stand only behind `=` (of an entry
 * or an argument), behind `in`, or as an argument. No tree is deeper than NET_AST_DEPTH, so walking one by
 * recursion is safe.
 *
 * Comments and layout (`trivia`, and members under "layout") matter to net_format_file alone. net_ast_equal
 * does not look at them. */
#ifndef NETC_DSL_AST_H
#define NETC_DSL_AST_H

#include "support/netc.h"

enum {
  NET_AST_DEPTH = 256,   /* of expressions and maps within each other, and of open brackets */
  NET_LANGUAGE_VERSION = 1 /* `netc 1` */
};

typedef struct net_expr net_expr;
typedef struct net_map net_map;
typedef struct net_trivia net_trivia;

/* ---- names ---- */

typedef struct {
  net_name name; /* id 0: absent */
  net_loc loc;
} net_ident;

typedef NET_VEC(net_ident) net_idents;

/* `train.optimizer.learning_rate`: one or more names with points between them */
typedef struct {
  net_idents parts;
  net_loc loc;
} net_dotted;

/* ---- expressions ---- */

/*      kind    what it looks like */
#define NET_EXPR_KINDS(X)                                                                                    \
  X(INTEGER, "32, 32 KiB, 1 %")                                                                              \
  X(REAL, "1e-4, 0.5 %")                                                                                     \
  X(STRING, "\"jets.h5\"")                                                                                   \
  X(PATH, "classes, train.epochs: also words such as none, true, auto, standard")                            \
  X(CALL, "integer(8, auto, per = channel)")                                                                 \
  X(LIST, "[64, 128]")                                                                                       \
  X(TUPLE, "(a, b): two or more; one in parentheses is that expression itself")                              \
  X(NEGATE, "-x")                                                                                            \
  X(BINARY, "a + b, a - b, a * b, a / b")                                                                    \
  X(RANGE, "2..8")                                                                                           \
  X(CHAIN, "x -> linear(8) -> relu")                                                                         \
  X(MAP, "{ train = 0.7, test = 0.3 }")

#define NET_EXPR_ENUM(kind, example) NET_EXPR_##kind,
typedef enum { NET_EXPR_KINDS(NET_EXPR_ENUM) NET_EXPR_KIND_COUNT } net_expr_kind;

typedef enum { NET_UNIT_NONE, NET_UNIT_PERCENT, NET_UNIT_KIB, NET_UNIT_MIB } net_unit;
typedef enum { NET_ADD, NET_SUBTRACT, NET_MULTIPLY, NET_DIVIDE } net_binary;

extern const char *const net_unit_names[];   /* "", "%", "KiB", "MiB" */
extern const char *const net_binary_names[]; /* "+", "-", "*", "/" */

/* An argument of a call: by name if it has one, else by position. Those by position come first, and the very
 * first position of a stage is taken by what flows into it. */
typedef struct {
  net_ident name; /* id 0: by position */
  net_expr *value;
  net_loc loc;
  net_trivia *trivia;
} net_arg;

typedef NET_VEC(net_arg) net_args;
typedef NET_VEC(net_expr *) net_exprs;

/* A stage of a chain: `head: linear(8)`. `relu` and `relu()` are the same. */
typedef struct {
  net_ident label; /* id 0: none */
  net_ident name;  /* of an operator, a layer, or whatever the chain is made of (normalisations, schedules) */
  net_args args;   /* without the value that flows in */
  net_loc loc;
  bool breaks; /* layout: its `->` began a line */
  net_trivia *trivia;
} net_stage;

typedef NET_VEC(net_stage) net_stages;

struct net_expr {
  net_expr_kind kind;
  net_loc loc;         /* with its parentheses, if it has some */
  uint16_t depth;      /* 1 + the deepest child's */
  bool parentheses;    /* layout: `(x)` was written */
  net_trivia *trivia;  /* of elements of lists and tuples; else NULL */
  union {
    struct {
      int64_t value; /* as written: 32 for `32 KiB`. net_evaluate applies the unit */
      net_unit unit;
      net_name text; /* the digits as written */
    } integer;
    struct {
      double value;
      net_unit unit;
      net_name text;
    } real;
    net_name string; /* without quotes and escapes */
    net_dotted path;
    struct {
      net_dotted callee;
      net_args args; /* may be empty */
    } call;
    net_exprs list;  /* LIST, may be empty */
    net_exprs tuple; /* TUPLE, at least 2 */
    net_expr *negated;
    struct {
      net_binary op;
      net_loc op_loc;
      net_expr *left, *right;
    } binary;
    struct {
      net_expr *low, *high;
    } range;
    struct {
      net_expr *head;
      net_stages stages; /* at least 1 */
    } chain;
    net_map *map;
  };
};

/* ---- maps: `{ … }` of settings ---- */

// clang-format off
/*      kind      form                          in use */
#define NET_ENTRY_KINDS(X)                                                                                   \
  X(SET,      "path = value",                "everywhere")                                                   \
  X(BLOCK,    "path { … }",                  "rules of quantize, zip { … } of sweep")                        \
  X(PATTERN,  "\"head.*\" { … }",            "rules of quantize, freeze")                                    \
  X(VARY,     "[vary] [all] path in value",  "search; also `vary \"head.*\".weight.width in 2..8`")          \
  X(MINIMIZE, "minimize expression",         "search")                                                       \
  X(MAXIMIZE, "maximize expression",         "search")                                                       \
  X(REQUIRE,  "[require] path <= expression", "search, require")
// clang-format on

#define NET_ENTRY_ENUM(kind, form, use) NET_ENTRY_##kind,
typedef enum { NET_ENTRY_KINDS(NET_ENTRY_ENUM) NET_ENTRY_KIND_COUNT } net_entry_kind;

typedef enum { NET_LESS_EQUAL, NET_GREATER_EQUAL, NET_LESS, NET_GREATER } net_relation;
extern const char *const net_relation_names[]; /* "<=", ">=", "<", ">" */

typedef struct {
  net_entry_kind kind;
  net_dotted path;   /* what is set, ruled, varied, bounded. No parts: PATTERN and aims */
  net_ident pattern; /* PATTERN: the quoted text. VARY: the quoted text in front of the path, if any */
  net_relation relation; /* REQUIRE */
  net_expr *value;       /* any; BLOCK, PATTERN: a NET_EXPR_MAP */
  bool all;              /* VARY: `all` was written */
  net_loc loc;
  bool worded, breaks; /* layout: `vary` or `require` was written; it began a line */
  net_trivia *trivia;
} net_entry;

typedef NET_VEC(net_entry) net_entries;

struct net_map {
  net_entries entries; /* in the order written; the same path may come twice only in different kinds */
  net_loc loc;         /* with the braces */
  bool open;           /* layout: an entry began a line */
  net_trivia *inside;  /* layout: comments behind `{` (beside) and before `}` (above) */
};

/* ---- declarations ---- */

/* What `layer` and `network` take: `x` and `x: f32[16] in [-4, 4]` are inputs, `width = 32` a parameter with
 * its default. Whether an untyped one without a default is a tensor or a number shows only in the use of the
 * layer. */
typedef struct {
  net_ident name;
  net_ident type;  /* `f32`; id 0: none */
  net_exprs shape; /* of the type: constant expressions; may be empty, for a scalar */
  net_expr *low, *high; /* of the type: what the input's values can be; NULL: nothing is said */
  net_expr *value;      /* the default; NULL: none */
  net_loc loc;
  net_trivia *trivia;
} net_param;

typedef NET_VEC(net_param) net_params;

/* `name = expression`, or an expression whose value nobody names */
typedef struct {
  net_ident name; /* id 0: none */
  net_expr *value;
  net_loc loc;
  net_trivia *trivia;
} net_stmt;

typedef NET_VEC(net_stmt) net_stmts;

/* The body of a layer or network. It has at least one statement; the last one is an expression, the result.
 */
typedef struct {
  net_stmts stmts;
  net_loc loc;
  bool equals;        /* layout: `= expression` instead of braces: exactly one statement */
  bool open;          /* layout: a line ended behind `{` */
  net_trivia *inside; /* layout: as net_map has it */
} net_body;

/* How a kind of declaration is written. */
typedef enum {
  NET_FORM_IMPORT,   /* import "file.net" */
  NET_FORM_CONSTANT, /* KEYWORD name = expression */
  NET_FORM_BLOCK,    /* KEYWORD name { entries } */
  NET_FORM_DEFAULT,  /* KEYWORD [name] { entries } */
  NET_FORM_LAYER,    /* KEYWORD name(params) = expression, or a body in braces */
  NET_FORM_NETWORK,  /* KEYWORD name(params) { body } */
} net_decl_form;

// clang-format off
/* kind, keyword, form; kinds that share a name space have the same last column */
#define NET_DECL_KINDS(X)                                                                                    \
  X(IMPORT,   "import",   IMPORT,   "import")                                                                \
  X(CONST,    "const",    CONSTANT, "constant")                                                              \
  X(FORMAT,   "format",   CONSTANT, "constant")                                                              \
  X(DATA,     "data",     BLOCK,    "data")                                                                  \
  X(QUANTIZE, "quantize", BLOCK,    "quantize")                                                              \
  X(SWEEP,    "sweep",    BLOCK,    "sweep")                                                                 \
  X(SEARCH,   "search",   BLOCK,    "search")                                                                \
  X(REQUIRE,  "require",  BLOCK,    "require")                                                               \
  X(TRAIN,    "train",    DEFAULT,  "train")                                                                 \
  X(LAYER,    "layer",    LAYER,    "layer")                                                                 \
  X(NETWORK,  "network",  NETWORK,  "layer")
// clang-format on

#define NET_DECL_ENUM(kind, keyword, form, space) NET_DECL_##kind,
typedef enum { NET_DECL_KINDS(NET_DECL_ENUM) NET_DECL_KIND_COUNT } net_decl_kind;

typedef struct {
  const char *keyword;
  net_decl_form form;
  const char *space; /* what must not hold the same name twice */
} net_decl_row;

extern const net_decl_row net_decl_rows[NET_DECL_KIND_COUNT];

typedef struct {
  net_decl_kind kind;
  net_ident name;    /* id 0: IMPORT, and TRAIN without a name (the default recipe) */
  net_ident import;  /* IMPORT: the quoted path */
  net_expr *value;   /* CONST, FORMAT */
  net_map *map;      /* DATA, QUANTIZE, SWEEP, SEARCH, REQUIRE, TRAIN */
  net_params params; /* LAYER, NETWORK; may be empty */
  net_body *body;    /* LAYER, NETWORK */
  net_loc keyword;
  net_loc loc; /* the whole of it */
  net_trivia *trivia;
} net_decl;

typedef NET_VEC(net_decl *) net_decls;

/* One text, parsed. Its imports are declarations like any other (program.h follows them). */
typedef struct {
  uint32_t source; /* index in n->sources.files */
  int64_t version; /* of `netc 1`; 0: not written */
  net_decls decls;
  net_trivia *header; /* layout: of `netc 1` */
  net_trivia *tail;   /* layout: comments behind the last declaration (above) */
} net_file;

/* ---- layout ---- */

typedef struct {
  net_name text; /* from its `#` on, without spaces at the end */
  bool blank;    /* a blank line above it */
} net_comment;

typedef NET_VEC(net_comment) net_comments;

struct net_trivia {
  net_comments above; /* comment lines above an item */
  net_name beside;    /* the comment on the line of an item's end; id 0: none */
  bool blank;         /* a blank line above the item, beneath its comments */
};

/* ---- making and asking ---- */

net_expr *net_expr_new(netc *n, net_expr_kind kind, net_loc loc);
/* depth from the children; false if it passes NET_AST_DEPTH */
bool net_expr_measure(net_expr *expr);

/* The word an expression consists of (`none`, `auto`, `standard`, a name), or the absent name. */
net_name net_expr_word(const net_expr *expr);
/* Whether it is that word. */
bool net_expr_is(const netc *n, const net_expr *expr, const char *word);
/* "a number", "a list", …: for messages */
const char *net_expr_kind_text(const net_expr *expr);
/* "train.optimizer", in the arena */
const char *net_dotted_text(netc *n, const net_dotted *path);
bool net_dotted_same(const net_dotted *a, const net_dotted *b);

/* "network 'test_hhy'", "the default train", in the arena: for messages */
const char *net_decl_text(netc *n, const net_decl *decl);

/* Whether two texts say the same: everything but places, comments and layout. Numbers are compared as
 * written. */
bool net_expr_equal(const net_expr *a, const net_expr *b);
bool net_map_equal(const net_map *a, const net_map *b);
bool net_decl_equal(const net_decl *a, const net_decl *b);
bool net_file_equal(const net_file *a, const net_file *b);

#endif
