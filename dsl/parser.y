/* The grammar of the .net language: LALR(1) without conflicts. GRAMMAR.md states it for people, and a test
 * holds the two together. Line ends that mean nothing are gone before the parser sees them (lines.c), so that
 * NL is never doubled and stands neither first nor behind `{` or `,`. */

%require "3.8"
%define api.pure full
%define api.prefix {net_yy}
%define api.token.prefix {TOK_}
%define api.location.type {net_loc}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {net_reader *r}

%code requires {
#include "dsl/reader.h"
}

%code {
#define YYLLOC_DEFAULT(current, right, count)                                                                \
  ((current) = (count) ? (net_loc){YYRHSLOC(right, 1).begin, YYRHSLOC(right, count).end}                     \
                       : (net_loc){YYRHSLOC(right, 0).end, YYRHSLOC(right, 0).end})

int net_yylex(NET_YYSTYPE *value, net_loc *loc, net_reader *r); /* lines.c */
static void net_yyerror(const net_loc *loc, net_reader *r, const char *message);

#define ARENA (&r->n->arena)
#define NET_TOKEN_LAST TOK_GT

static net_expr *leaf(net_reader *r, net_expr_kind kind, net_loc loc) {
  return net_expr_new(r->n, kind, loc);
}

/* Measures a finished expression; one that is too deep is an error, and an empty list takes its place. */
static net_expr *whole(net_reader *r, net_expr *e) {
  if (net_expr_measure(e)) return e;
  net_reader_error(r, e->loc, "this nests deeper than %d levels: name parts of it", NET_AST_DEPTH);
  return leaf(r, NET_EXPR_LIST, e->loc);
}

static net_expr *binary(net_reader *r, net_binary op, net_loc op_loc, net_expr *left, net_expr *right) {
  net_expr *e = leaf(r, NET_EXPR_BINARY, net_loc_join(left->loc, right->loc));
  e->binary.op = op;
  e->binary.op_loc = op_loc;
  e->binary.left = left;
  e->binary.right = right;
  return whole(r, e);
}

static net_expr *chain(net_reader *r, net_expr *left, net_stage stage) {
  net_expr *e = left;
  if (left->kind != NET_EXPR_CHAIN || left->parentheses) {
    e = leaf(r, NET_EXPR_CHAIN, left->loc);
    e->chain.head = left;
  }
  net_vec_push(ARENA, &e->chain.stages, stage);
  e->loc.end = stage.loc.end;
  return whole(r, e);
}

static net_expr *number(net_reader *r, net_expr_kind kind, net_token_value token, net_unit unit,
                        net_loc loc) {
  net_expr *e = leaf(r, kind, loc);
  if (kind == NET_EXPR_INTEGER) {
    e->integer.value = token.integer;
    e->integer.unit = unit;
    e->integer.text = token.text;
  } else {
    e->real.value = token.real;
    e->real.unit = unit;
    e->real.text = token.text;
  }
  return whole(r, e);
}

static net_decl *declare(net_reader *r, net_decl_kind kind, net_loc keyword, net_ident name, net_loc loc) {
  net_decl *d = NET_NEW(ARENA, net_decl);
  d->kind = kind;
  d->keyword = keyword;
  d->name = name;
  d->loc = loc;
  return d;
}

static net_decl *constant(net_reader *r, net_decl_kind kind, net_loc keyword, net_ident name,
                          net_expr *value) {
  net_decl *d = declare(r, kind, keyword, name, net_loc_join(keyword, value->loc));
  d->value = value;
  return d;
}

static net_decl *block(net_reader *r, net_decl_kind kind, net_loc keyword, net_ident name, net_map *map) {
  net_decl *d = declare(r, kind, keyword, name, net_loc_join(keyword, map->loc));
  d->map = map;
  return d;
}

static net_decl *module(net_reader *r, net_decl_kind kind, net_loc keyword, net_ident name, net_params params,
                        net_body *body) {
  net_decl *d = declare(r, kind, keyword, name, net_loc_join(keyword, body->loc));
  d->params = params;
  d->body = body;
  const net_stmt *last = body->stmts.count ? &body->stmts.at[body->stmts.count - 1] : NULL;
  if (r->last_error.begin >= body->loc.begin) return d; /* what is missing may have been there */
  if (!last)
    net_reader_error(r, body->loc, "the body of '%s' is empty: its last line must be its result",
                     net_text(r->n, name.name));
  else if (last->name.name.id) {
    net_reader_error(r, last->loc, "the last line of '%s' must be its result, and not a binding",
                     net_text(r->n, name.name));
    net_note(r->n, last->name.loc, "add a line '%s' below, or leave out '%s ='",
             net_text(r->n, last->name.name), net_text(r->n, last->name.name));
  }
  return d;
}

static net_body *body(net_reader *r, net_stmts stmts, net_loc loc) {
  net_body *b = NET_NEW(ARENA, net_body);
  b->stmts = stmts;
  b->loc = loc;
  return b;
}

static net_body *short_body(net_reader *r, net_expr *value) {
  net_stmts stmts = {0};
  net_vec_push(ARENA, &stmts, (net_stmt){.value = value, .loc = value->loc});
  net_body *b = body(r, stmts, value->loc);
  b->equals = true;
  return b;
}

static net_map *map(net_reader *r, net_entries entries, net_loc loc) {
  net_map *m = NET_NEW(ARENA, net_map);
  m->entries = entries;
  m->loc = loc;
  return m;
}

static net_expr *map_value(net_reader *r, net_map *m) {
  net_expr *e = leaf(r, NET_EXPR_MAP, m->loc);
  e->map = m;
  return whole(r, e);
}

static net_expr *in_parentheses(net_reader *r, net_exprs exprs, net_loc loc) {
  net_expr *e = exprs.at[0];
  if (exprs.count > 1) {
    e = leaf(r, NET_EXPR_TUPLE, loc);
    e->tuple = exprs;
    return whole(r, e);
  }
  e->parentheses = true;
  e->loc = loc;
  return e;
}
}

%union {
  net_token_value token;
  net_ident ident;
  net_dotted dotted;
  net_expr *expr;
  net_exprs exprs;
  net_arg arg;
  net_args args;
  net_stage stage;
  net_param param;
  net_params params;
  net_stmt stmt;
  net_stmts stmts;
  net_body *body;
  net_entry entry;
  net_entries entries;
  net_map *map;
  net_decl *decl;
  net_decl_kind decl_kind;
  net_relation relation;
  net_unit unit;
}

%token END 0 START_PROGRAM START_HEADER START_SETTING UNREADABLE
/* Names: the keywords down to MIB may be used as names. */
%token <token> NAME "a name"
%token <token> IMPORT CONST FORMAT DATA QUANTIZE SWEEP SEARCH REQUIRE TRAIN LAYER NETWORK
%token <token> NETC VARY MINIMIZE MAXIMIZE ALL KIB MIB
%token IN "in"
%token <token> STRING INT FLOAT
%token NL LBRACE "{" RBRACE "}" LPAREN "(" RPAREN ")" LBRACKET "[" RBRACKET "]" COMMA ","
%token ARROW "->" PLUS "+" MINUS "-" STAR "*" SLASH "/" RANGE ".." POINT "." PERCENT "%"
%token EQUALS "=" COLON ":" LE "<=" GE ">=" LT "<" GT ">"

%type <token> word
%type <ident> name string pattern
%type <dotted> path
%type <expr> expr sum term range unary primary value
%type <exprs> exprs list dims
%type <arg> arg
%type <args> args arg_list
%type <stage> stage call
%type <param> param
%type <params> params param_list
%type <stmt> stmt
%type <stmts> lines
%type <body> block
%type <entry> entry subject
%type <entries> entries
%type <map> map
%type <decl> decl
%type <decl_kind> block_kind
%type <relation> relation
%type <unit> unit

%start start

%%

start:
  decls                               { (void)yynerrs; /* counted by the reader */ }
| START_SETTING path "=" value        { r->setting_path = $2; r->setting_value = $4; }
;

/* ---- declarations ---- */

/* Lists begin with what opens them, and not with nothing: so there is a place for `error` from the start. */
decls:
  START_PROGRAM
| START_HEADER NETC INT NL {
    r->file->version = $3.integer;
    if ($3.integer != NET_LANGUAGE_VERSION)
      net_reader_error(r, @3, "this program is in version %s of the language, and this netc reads version %d",
                       net_text(r->n, $3.text), NET_LANGUAGE_VERSION);
  }
| START_HEADER error NL               { yyerrok; net_reader_resume(r); }
| decls decl NL                       { net_vec_push(ARENA, &r->file->decls, $2); }
| decls error NL                      { yyerrok; net_reader_resume(r); }
;

decl:
  IMPORT string                       { $$ = declare(r, NET_DECL_IMPORT, @1, (net_ident){0}, @$);
                                        $$->import = $2; }
| CONST name "=" expr                 { $$ = constant(r, NET_DECL_CONST, @1, $2, $4); }
| FORMAT name "=" expr                { $$ = constant(r, NET_DECL_FORMAT, @1, $2, $4); }
| block_kind name map                 { $$ = block(r, $1, @1, $2, $3); }
| TRAIN map                           { $$ = block(r, NET_DECL_TRAIN, @1, (net_ident){0}, $2); }
| TRAIN name map                      { $$ = block(r, NET_DECL_TRAIN, @1, $2, $3); }
| LAYER name params "=" expr          { $$ = module(r, NET_DECL_LAYER, @1, $2, $3, short_body(r, $5)); }
| LAYER name params block             { $$ = module(r, NET_DECL_LAYER, @1, $2, $3, $4); }
| NETWORK name params block           { $$ = module(r, NET_DECL_NETWORK, @1, $2, $3, $4); }
;

block_kind:
  DATA                                { $$ = NET_DECL_DATA; }
| QUANTIZE                            { $$ = NET_DECL_QUANTIZE; }
| SWEEP                               { $$ = NET_DECL_SWEEP; }
| SEARCH                              { $$ = NET_DECL_SEARCH; }
| REQUIRE                             { $$ = NET_DECL_REQUIRE; }
;

params:
  "(" ")"                             { $$ = (net_params){0}; }
| "(" param_list ")"                  { $$ = $2; }
| "(" param_list "," ")"              { $$ = $2; }
| "(" error ")"                       { yyerrok; net_reader_resume(r); $$ = (net_params){0}; }
;

param_list:
  param                               { $$ = (net_params){0}; net_vec_push(ARENA, &$$, $1); }
| param_list "," param                { $$ = $1; net_vec_push(ARENA, &$$, $3); }
;

param:
  name                                { $$ = (net_param){.name = $1, .loc = @$}; }
| name ":" name "[" dims "]"          { $$ = (net_param){.name = $1, .type = $3, .shape = $5, .loc = @$}; }
| name ":" name "[" dims "]" "in" "[" expr "," expr "]" {
    $$ = (net_param){.name = $1, .type = $3, .shape = $5, .low = $9, .high = $11, .loc = @$};
  }
| name "=" expr                       { $$ = (net_param){.name = $1, .value = $3, .loc = @$}; }
;

dims:
  %empty                              { $$ = (net_exprs){0}; }
| exprs
;

/* ---- bodies ---- */

block:
  lines "}"                           { $$ = body(r, $1, @$); }
| lines stmt "}"                      { net_vec_push(ARENA, &$1, $2); $$ = body(r, $1, @$); }
| lines error "}"                     { yyerrok; net_reader_resume(r); $$ = body(r, $1, @$); }
;

lines:
  "{"                                 { $$ = (net_stmts){0}; }
| lines stmt NL                       { $$ = $1; net_vec_push(ARENA, &$$, $2); }
| lines error NL                      { yyerrok; net_reader_resume(r); $$ = $1; }
;

stmt:
  expr                                { $$ = (net_stmt){.value = $1, .loc = @$}; }
| name "=" expr                       { $$ = (net_stmt){.name = $1, .value = $3, .loc = @$}; }
;

/* ---- maps ---- */

map:
  entries "}"                         { $$ = map(r, $1, @$); }
| entries entry "}"                   { net_vec_push(ARENA, &$1, $2); $$ = map(r, $1, @$); }
| entries error "}"                   { yyerrok; net_reader_resume(r); $$ = map(r, $1, @$); }
;

entries:
  "{"                                 { $$ = (net_entries){0}; }
| entries entry sep                   { $$ = $1; net_vec_push(ARENA, &$$, $2); }
| entries error sep                   { yyerrok; net_reader_resume(r); $$ = $1; }
;

sep: "," | NL;

entry:
  path "=" value                      { $$ = (net_entry){NET_ENTRY_SET, .path = $1, .value = $3, .loc = @$}; }
| path map                            { $$ = (net_entry){NET_ENTRY_BLOCK, .path = $1, .loc = @$};
                                        $$.value = map_value(r, $2); }
| pattern map                         { $$ = (net_entry){NET_ENTRY_PATTERN, .pattern = $1, .loc = @$};
                                        $$.value = map_value(r, $2); }
| subject "in" value                  { $$ = $1; $$.value = $3; $$.loc = @$; }
| VARY subject "in" value             { $$ = $2; $$.value = $4; $$.loc = @$; $$.worded = true; }
| MINIMIZE expr                       { $$ = (net_entry){NET_ENTRY_MINIMIZE, .value = $2, .loc = @$}; }
| MAXIMIZE expr                       { $$ = (net_entry){NET_ENTRY_MAXIMIZE, .value = $2, .loc = @$}; }
| path relation expr                  { $$ = (net_entry){NET_ENTRY_REQUIRE, .path = $1, .relation = $2,
                                                         .value = $3, .loc = @$}; }
| REQUIRE path relation expr          { $$ = (net_entry){NET_ENTRY_REQUIRE, .path = $2, .relation = $3,
                                                         .value = $4, .worded = true, .loc = @$}; }
;

/* what a search varies */
subject:
  path                                { $$ = (net_entry){NET_ENTRY_VARY, .path = $1}; }
| ALL path                            { $$ = (net_entry){NET_ENTRY_VARY, .path = $2, .all = true}; }
| pattern "." path                    { $$ = (net_entry){NET_ENTRY_VARY, .path = $3, .pattern = $1}; }
;

pattern: string {
    $$ = $1;
    if (!$1.name.id) net_reader_error(r, @1, "an empty pattern matches nothing: \".*\" matches everything");
  }
;

relation:
  "<="                                { $$ = NET_LESS_EQUAL; }
| ">="                                { $$ = NET_GREATER_EQUAL; }
| "<"                                 { $$ = NET_LESS; }
| ">"                                 { $$ = NET_GREATER; }
;

/* ---- expressions ---- */

value:
  expr
| map                                 { $$ = map_value(r, $1); }
;

expr:
  sum
| expr "->" stage                     { $$ = chain(r, $1, $3); }
;

stage:
  call
| name ":" call                       { $$ = $3; $$.label = $1; $$.loc = @$; }
;

call:
  name                                { $$ = (net_stage){.name = $1, .loc = @$}; }
| name "(" args ")"                   { $$ = (net_stage){.name = $1, .args = $3, .loc = @$}; }
;

args:
  %empty                              { $$ = (net_args){0}; }
| arg_list
| arg_list ","
;

arg_list:
  arg                                 { $$ = (net_args){0}; net_vec_push(ARENA, &$$, $1); }
| arg_list "," arg                    { $$ = $1; net_vec_push(ARENA, &$$, $3); }
;

arg:
  value                               { $$ = (net_arg){.value = $1, .loc = @$}; }
| name "=" value                      { $$ = (net_arg){.name = $1, .value = $3, .loc = @$}; }
;

sum:
  term
| sum "+" term                        { $$ = binary(r, NET_ADD, @2, $1, $3); }
| sum "-" term                        { $$ = binary(r, NET_SUBTRACT, @2, $1, $3); }
;

term:
  range
| term "*" range                      { $$ = binary(r, NET_MULTIPLY, @2, $1, $3); }
| term "/" range                      { $$ = binary(r, NET_DIVIDE, @2, $1, $3); }
;

range:
  unary
| unary ".." unary                    { $$ = leaf(r, NET_EXPR_RANGE, @$);
                                        $$->range.low = $1; $$->range.high = $3; $$ = whole(r, $$); }
;

unary:
  primary
| "-" unary                           { $$ = leaf(r, NET_EXPR_NEGATE, @$); $$->negated = $2;
                                        $$ = whole(r, $$); }
;

primary:
  INT unit                            { $$ = number(r, NET_EXPR_INTEGER, $1, $2, @$); }
| FLOAT unit                          { $$ = number(r, NET_EXPR_REAL, $1, $2, @$); }
| string                              { $$ = leaf(r, NET_EXPR_STRING, @$); $$->string = $1.name;
                                        $$ = whole(r, $$); }
| path                                { $$ = leaf(r, NET_EXPR_PATH, @$); $$->path = $1; $$ = whole(r, $$); }
| path "(" args ")"                   { $$ = leaf(r, NET_EXPR_CALL, @$); $$->call.callee = $1;
                                        $$->call.args = $3; $$ = whole(r, $$); }
| "[" list "]"                        { $$ = leaf(r, NET_EXPR_LIST, @$); $$->list = $2; $$ = whole(r, $$); }
| "(" exprs ")"                       { $$ = in_parentheses(r, $2, @$); }
;

unit:
  %empty                              { $$ = NET_UNIT_NONE; }
| "%"                                 { $$ = NET_UNIT_PERCENT; }
| KIB                                 { $$ = NET_UNIT_KIB; }
| MIB                                 { $$ = NET_UNIT_MIB; }
;

list:
  %empty                              { $$ = (net_exprs){0}; }
| exprs
| exprs ","
;

exprs:
  expr                                { $$ = (net_exprs){0}; net_vec_push(ARENA, &$$, $1); }
| exprs "," expr                      { $$ = $1; net_vec_push(ARENA, &$$, $3); }
;

/* ---- names ---- */

string: STRING                        { $$ = (net_ident){$1.text, @1}; };

path:
  name                                { $$ = (net_dotted){.loc = @$}; net_vec_push(ARENA, &$$.parts, $1); }
| path "." name                       { $$ = $1; net_vec_push(ARENA, &$$.parts, $3); $$.loc = @$; }
;

name: word                            { $$ = (net_ident){$1.text, @1}; };

word:
  NAME | IMPORT | CONST | FORMAT | DATA | QUANTIZE | SWEEP | SEARCH | REQUIRE | TRAIN | LAYER | NETWORK
| NETC | VARY | MINIMIZE | MAXIMIZE | ALL | KIB | MIB
;

%%

/* Bison knows symbols, syntax.c tokens. */
static int yyreport_syntax_error(const yypcontext_t *context, net_reader *r) {
  yysymbol_kind_t kinds[YYNTOKENS];
  int tokens[YYNTOKENS], count = yypcontext_expected_tokens(context, kinds, YYNTOKENS), found = 0;
  for (int i = 0; i < count; i++)
    for (int token = 0; token <= NET_TOKEN_LAST; token++)
      if (YYTRANSLATE(token) == kinds[i] && kinds[i] != YYSYMBOL_YYUNDEF) tokens[found++] = token;
  const net_loc *loc = yypcontext_location(context);
  net_reader_unexpected(r, *loc, tokens, found);
  return 0;
}

/* Only for want of stack: syntax errors are reported above. */
static void net_yyerror(const net_loc *loc, net_reader *r, const char *message) {
  (void)message;
  net_reader_error(r, *loc, "this nests too deeply: name parts of it");
}
