#include "dsl/evaluate.h"

#include "dsl/format.h"

#include <inttypes.h>
#include <math.h>

static const char *const kind_texts[] = {
    [NET_CONSTANT_NONE] = "none",          [NET_CONSTANT_BOOLEAN] = "true or false",
    [NET_CONSTANT_INTEGER] = "an integer", [NET_CONSTANT_REAL] = "a number",
    [NET_CONSTANT_STRING] = "a string",    [NET_CONSTANT_LIST] = "a list",
};

const char *net_constant_kind_text(net_constant_kind kind) { return kind_texts[kind]; }

const char *net_constant_text(netc *n, const net_constant *c) {
  net_arena *arena = &n->arena;
  switch (c->kind) {
  case NET_CONSTANT_NONE:
    return "none";
  case NET_CONSTANT_BOOLEAN:
    return c->boolean ? "true" : "false";
  case NET_CONSTANT_INTEGER:
    return net_arena_format(arena, "%" PRId64, c->integer);
  case NET_CONSTANT_REAL:
    return net_arena_format(arena, "%.17g", c->real);
  case NET_CONSTANT_STRING: {
    net_expr quoted = {.kind = NET_EXPR_STRING, .string = c->string};
    return net_format_expr(n, &quoted);
  }
  case NET_CONSTANT_LIST:
    break;
  }
  const char *text = "[";
  for (uint32_t i = 0; i < c->list.count; i++)
    text = net_arena_format(arena, "%s%s%s", text, i ? ", " : "", net_constant_text(n, &c->list.at[i]));
  return net_arena_format(arena, "%s]", text);
}

/* ---- scopes ---- */

void net_scope_add(netc *n, net_scope *scope, net_name name, net_constant value) {
  net_vec_reserve(&n->arena, &scope->constants, 1);
  uint32_t at = scope->constants.count++;
  scope->constants.at[at].name = name;
  scope->constants.at[at].value = value;
}

const net_constant *net_scope_find(const net_scope *scope, net_name name) {
  for (; scope; scope = scope->outer)
    for (uint32_t i = scope->constants.count; i-- > 0;)
      if (net_name_same(scope->constants.at[i].name, name)) return &scope->constants.at[i].value;
  return NULL;
}

static bool unknown(netc *n, const net_scope *scope, const net_expr *e) {
  NET_VEC(const char *) known = {0};
  for (const net_scope *s = scope; s; s = s->outer)
    for (uint32_t i = 0; i < s->constants.count; i++)
      net_vec_push(&n->arena, &known, net_text(n, s->constants.at[i].name));
  const char *text = net_dotted_text(n, &e->path), *near = net_nearest(text, known.at, known.count);
  if (near)
    net_error(n, e->loc, "there is no constant '%s': did you mean '%s'?", text, near);
  else
    net_error(n, e->loc, "there is no constant '%s'", text);
  return false;
}

/* ---- arithmetic ---- */

static bool is_number(const net_constant *c) {
  return c->kind == NET_CONSTANT_INTEGER || c->kind == NET_CONSTANT_REAL;
}

static double as_real(const net_constant *c) {
  return c->kind == NET_CONSTANT_INTEGER ? (double)c->integer : c->real;
}

static bool need_number(netc *n, net_loc where, const net_constant *c, const char *op) {
  if (is_number(c)) return true;
  net_error(n, where, "'%s' calculates with numbers, and this is %s", op, kind_texts[c->kind]);
  return false;
}

static bool too_large(netc *n, net_loc where) {
  net_error(n, where, "this integer does not fit 64 bits");
  return false;
}

static bool integer_binary(netc *n, const net_expr *e, int64_t a, int64_t b, int64_t *out) {
  switch (e->binary.op) {
  case NET_ADD:
    return !__builtin_add_overflow(a, b, out) || too_large(n, e->loc);
  case NET_SUBTRACT:
    return !__builtin_sub_overflow(a, b, out) || too_large(n, e->loc);
  case NET_MULTIPLY:
    return !__builtin_mul_overflow(a, b, out) || too_large(n, e->loc);
  case NET_DIVIDE:
    break;
  }
  if (b == -1) return !__builtin_sub_overflow(0, a, out) || too_large(n, e->loc);
  if (a % b) {
    net_error(n, e->loc,
              "%" PRId64 " / %" PRId64 " is no integer, and integers must divide exactly: write %" PRId64
              ".0 / %" PRId64 " for a number",
              a, b, a, b);
    return false;
  }
  *out = a / b;
  return true;
}

static bool evaluate_binary(netc *n, const net_scope *scope, const net_expr *e, net_constant *out) {
  const char *op = net_binary_names[e->binary.op];
  net_constant a, b;
  if (!net_evaluate(n, scope, e->binary.left, &a) || !net_evaluate(n, scope, e->binary.right, &b))
    return false;
  if (!need_number(n, e->binary.left->loc, &a, op) || !need_number(n, e->binary.right->loc, &b, op))
    return false;
  if (e->binary.op == NET_DIVIDE && as_real(&b) == 0)
    return net_error(n, e->binary.right->loc, "division by zero"), false;
  if (a.kind == NET_CONSTANT_INTEGER && b.kind == NET_CONSTANT_INTEGER) {
    out->kind = NET_CONSTANT_INTEGER;
    return integer_binary(n, e, a.integer, b.integer, &out->integer);
  }
  double x = as_real(&a), y = as_real(&b);
  const double results[] = {
      [NET_ADD] = x + y, [NET_SUBTRACT] = x - y, [NET_MULTIPLY] = x * y, [NET_DIVIDE] = x / y};
  out->kind = NET_CONSTANT_REAL;
  out->real = results[e->binary.op];
  if (isfinite(out->real)) return true;
  net_error(n, e->loc, "this number is too large for double precision");
  return false;
}

static bool evaluate_negation(netc *n, const net_scope *scope, const net_expr *e, net_constant *out) {
  if (!net_evaluate(n, scope, e->negated, out) || !need_number(n, e->negated->loc, out, "-")) return false;
  if (out->kind == NET_CONSTANT_REAL)
    out->real = -out->real;
  else if (__builtin_sub_overflow(0, out->integer, &out->integer))
    return too_large(n, e->loc);
  return true;
}

/* 1 % is a hundredth, and KiB and MiB are whole numbers of bytes. */
static bool evaluate_number(netc *n, const net_expr *e, net_constant *out) {
  bool integer = e->kind == NET_EXPR_INTEGER;
  net_unit unit = integer ? e->integer.unit : e->real.unit;
  double real = integer ? (double)e->integer.value : e->real.value;
  int64_t factor = unit == NET_UNIT_KIB ? 1 << 10 : unit == NET_UNIT_MIB ? 1 << 20 : 1;
  out->kind = NET_CONSTANT_REAL;
  if (unit == NET_UNIT_PERCENT) return out->real = real / 100, true;
  if (unit == NET_UNIT_NONE && !integer) return out->real = real, true;
  out->kind = NET_CONSTANT_INTEGER;
  if (integer)
    return !__builtin_mul_overflow(e->integer.value, factor, &out->integer) || too_large(n, e->loc);
  real *= (double)factor;
  if (real != floor(real)) {
    net_error(n, e->loc, "%s is not a whole number of bytes", net_format_expr(n, e));
    return false;
  }
  if (real >= 0x1p63) return too_large(n, e->loc);
  out->integer = (int64_t)real;
  return true;
}

static bool evaluate_list(netc *n, const net_scope *scope, const net_expr *e, net_constant *out) {
  out->kind = NET_CONSTANT_LIST;
  out->list.count = e->list.count;
  out->list.at = NET_NEW_ARRAY(&n->arena, net_constant, e->list.count);
  bool ok = true;
  for (uint32_t i = 0; i < e->list.count; i++) ok &= net_evaluate(n, scope, e->list.at[i], &out->list.at[i]);
  return ok;
}

static bool evaluate_path(netc *n, const net_scope *scope, const net_expr *e, net_constant *out) {
  if (net_expr_is(n, e, "none")) return out->kind = NET_CONSTANT_NONE, true;
  out->kind = NET_CONSTANT_BOOLEAN;
  if (net_expr_is(n, e, "true")) return out->boolean = true;
  if (net_expr_is(n, e, "false")) return out->boolean = false, true;
  net_name name = net_expr_word(e);
  const net_constant *found = name.id ? net_scope_find(scope, name) : NULL;
  if (!found) return unknown(n, scope, e);
  *out = *found;
  out->loc = e->loc;
  return true;
}

bool net_evaluate(netc *n, const net_scope *scope, const net_expr *e, net_constant *out) {
  *out = (net_constant){.loc = e->loc};
  switch (e->kind) {
  case NET_EXPR_INTEGER:
  case NET_EXPR_REAL:
    return evaluate_number(n, e, out);
  case NET_EXPR_STRING:
    return out->kind = NET_CONSTANT_STRING, out->string = e->string, true;
  case NET_EXPR_PATH:
    return evaluate_path(n, scope, e, out);
  case NET_EXPR_LIST:
    return evaluate_list(n, scope, e, out);
  case NET_EXPR_NEGATE:
    return evaluate_negation(n, scope, e, out);
  case NET_EXPR_BINARY:
    return evaluate_binary(n, scope, e, out);
  default:
    net_error(n, e->loc, "this must be a constant (a number, a string, or a list of them), and is %s",
              net_expr_kind_text(e));
    return false;
  }
}

/* ---- the constants of a program ---- */

enum { UNKNOWN, ACTIVE, DONE, BAD }; /* of a `const` */

typedef struct {
  netc *n;
  const net_decl **consts;         /* by the id of their names; NULL: none */
  uint8_t *states;                 /* likewise */
  NET_VEC(const net_decl *) stack; /* ACTIVE ones, each needed by the one before */
} order;

/* A constant that the expression needs and that is not evaluated yet: NULL if there is none. */
static const net_decl *needed(const order *o, const net_expr *e) {
  const net_decl *found = NULL;
  net_name word = net_expr_word(e);
  if (word.id) return o->states[word.id] <= ACTIVE ? o->consts[word.id] : NULL;
  if (e->kind == NET_EXPR_NEGATE) return needed(o, e->negated);
  if (e->kind == NET_EXPR_BINARY) {
    found = needed(o, e->binary.left);
    return found ? found : needed(o, e->binary.right);
  }
  for (uint32_t i = 0; e->kind == NET_EXPR_LIST && i < e->list.count && !found; i++)
    found = needed(o, e->list.at[i]);
  return found;
}

static void report_circle(order *o, const net_decl *again) {
  const char *text = net_text(o->n, again->name.name);
  for (uint32_t i = o->stack.count; i-- > 0;) {
    text = net_arena_format(&o->n->arena, "%s needs %s", net_text(o->n, o->stack.at[i]->name.name), text);
    if (o->stack.at[i] == again) break;
  }
  net_error(o->n, again->name.loc, "constants go in a circle: %s", text);
}

/* Evaluates a constant after those it needs, without recursion: a program may have a long row of them. */
static bool evaluate_const(order *o, const net_decl *d, net_scope *scope) {
  bool ok = true;
  net_vec_push(&o->n->arena, &o->stack, d);
  while (o->stack.count) {
    d = o->stack.at[o->stack.count - 1];
    uint8_t *state = &o->states[d->name.name.id];
    const net_decl *next = needed(o, d->value);
    *state = ACTIVE;
    if (next && o->states[next->name.name.id] == UNKNOWN) {
      net_vec_push(&o->n->arena, &o->stack, next);
      continue;
    }
    net_constant value = {.loc = d->loc};
    bool good = !next && net_evaluate(o->n, scope, d->value, &value);
    if (next) report_circle(o, next);
    ok &= good;
    *state = good ? DONE : BAD;
    net_scope_add(o->n, scope, d->name.name, value); /* `none` for a bad one: it is known, at least */
    o->stack.count--;
  }
  return ok;
}

bool net_scope_of_program(netc *n, const net_program *program, net_scope *scope) {
  order o = {.n = n};
  o.consts = NET_NEW_ARRAY(&n->arena, const net_decl *, n->names.texts.count);
  o.states = NET_NEW_ARRAY(&n->arena, uint8_t, n->names.texts.count);
  *scope = (net_scope){0};
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *d = program->decls.at[i];
    if (d->kind == NET_DECL_CONST) o.consts[d->name.name.id] = d;
  }
  bool ok = true;
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *d = program->decls.at[i];
    if (d->kind == NET_DECL_CONST && o.states[d->name.name.id] == UNKNOWN) ok &= evaluate_const(&o, d, scope);
  }
  return ok;
}

/* ---- one kind wanted ---- */

static bool wrong_kind(netc *n, const net_constant *c, const char *what, const char *wanted) {
  net_error(n, c->loc, "%s must be %s, and is %s", what, wanted,
            c->kind == NET_CONSTANT_LIST ? "a list" : net_constant_text(n, c));
  return false;
}

bool net_evaluate_integer(netc *n, const net_scope *scope, const net_expr *e, const char *what, int64_t least,
                          int64_t most, int64_t *out) {
  net_constant c;
  if (!net_evaluate(n, scope, e, &c)) return false;
  if (c.kind != NET_CONSTANT_INTEGER) return wrong_kind(n, &c, what, "an integer");
  *out = c.integer;
  if (c.integer >= least && c.integer <= most) return true;
  if (c.integer < least)
    net_error(n, e->loc, "%s must be at least %" PRId64 ", and is %" PRId64, what, least, c.integer);
  else
    net_error(n, e->loc, "%s must be at most %" PRId64 ", and is %" PRId64, what, most, c.integer);
  return false;
}

bool net_evaluate_real(netc *n, const net_scope *scope, const net_expr *e, const char *what, double *out) {
  net_constant c;
  if (!net_evaluate(n, scope, e, &c)) return false;
  if (!is_number(&c)) return wrong_kind(n, &c, what, "a number");
  *out = as_real(&c);
  return true;
}

bool net_evaluate_boolean(netc *n, const net_scope *scope, const net_expr *e, const char *what, bool *out) {
  net_constant c;
  if (!net_evaluate(n, scope, e, &c)) return false;
  if (c.kind != NET_CONSTANT_BOOLEAN) return wrong_kind(n, &c, what, "true or false");
  *out = c.boolean;
  return true;
}

bool net_evaluate_string(netc *n, const net_scope *scope, const net_expr *e, const char *what,
                         net_name *out) {
  net_constant c;
  if (!net_evaluate(n, scope, e, &c)) return false;
  if (c.kind != NET_CONSTANT_STRING) return wrong_kind(n, &c, what, "a string");
  *out = c.string;
  return true;
}
