/* Number formats as a program writes them → formats of the run. */
#include "dsl/elaborate_quantize.h"

#include "formats/formats.h"

#include <math.h>

static bool is_codebook(net_elaborator *e, const net_decl *decl) {
  return decl->value->kind == NET_EXPR_CALL &&
         !strcmp(net_dotted_text(e->n, &decl->value->call.callee), "codebook");
}

/* An argument from outside (--set, a sweep) lies in another text than the call. */
static bool is_set(net_elaborator *e, const net_expr *call, const net_arg *arg) {
  const net_source *here = net_sources_find(&e->n->sources, call->loc).source;
  return arg->name.name.id && net_sources_find(&e->n->sources, arg->loc).source != here;
}

static bool take_ints(net_elaborator *e, const net_constant *list, net_format_argument *out) {
  netc *n = e->n;
  out->kind = NET_FORMAT_INTS;
  if (list->list.count > NET_MAX_RANK)
    return net_error(n, list->loc, "a block has at most %d dimensions", NET_MAX_RANK), false;
  for (uint32_t i = 0; i < list->list.count; i++) {
    const net_constant *c = &list->list.at[i];
    if (c->kind != NET_CONSTANT_INTEGER || c->integer < -1 || c->integer == 0 || c->integer > INT32_MAX)
      return net_error(n, c->loc,
                       "a block's dimension is a whole number of at least 1, or -1 for all, not %s",
                       net_constant_text(n, c)),
             false;
    out->ints.dim[out->ints.rank++] = (uint32_t)c->integer;
  }
  return true;
}

/* multiplier(31), as one word; false: it is none, or reported. */
static bool take_numbered(net_elaborator *e, const net_expr *expr, net_format_argument *out) {
  netc *n = e->n;
  if (expr->kind != NET_EXPR_CALL) return false;
  const net_args *args = &expr->call.args;
  const char *word = net_dotted_text(n, &expr->call.callee);
  int64_t number;
  if (!net_format_word_takes_number(word)) return false;
  out->kind = NET_FORMAT_WORD;
  out->word = word;
  if (args->count != 1 || args->at[0].name.name.id) return true; /* which is not known */
  if (!net_evaluate_integer(n, &e->constants, args->at[0].value, "a number of bits", INT32_MIN, INT32_MAX,
                            &number))
    return false;
  out->word = net_arena_format(&n->arena, "%s(%lld)", word, (long long)number);
  return true;
}

/* A word that is no constant of the program stands for itself: auto, channel, unsigned. */
static bool take_argument(net_elaborator *e, const net_expr *call, const net_arg *arg,
                          net_format_argument *out) {
  netc *n = e->n;
  *out = (net_format_argument){.loc = arg->value->loc, .replaces = is_set(e, call, arg)};
  if (arg->name.name.id) out->name = net_text(n, arg->name.name), out->loc = arg->loc;
  net_name word = net_expr_word(arg->value);
  if (word.id && !net_scope_find(&e->constants, word)) {
    bool yes = net_expr_is(n, arg->value, "true");
    out->kind = yes || net_expr_is(n, arg->value, "false") ? NET_FORMAT_BOOL : NET_FORMAT_WORD;
    out->integer = yes;
    out->word = net_text(n, word);
    return true;
  }
  uint32_t errors = n->diagnostics.errors;
  if (take_numbered(e, arg->value, out)) return true;
  net_constant c;
  if (n->diagnostics.errors > errors || !net_evaluate(n, &e->constants, arg->value, &c)) return false;
  switch (c.kind) {
  case NET_CONSTANT_INTEGER: return out->kind = NET_FORMAT_INT, out->integer = c.integer, true;
  case NET_CONSTANT_BOOLEAN: return out->kind = NET_FORMAT_BOOL, out->integer = c.boolean, true;
  case NET_CONSTANT_LIST: return take_ints(e, &c, out);
  default:
    net_error(n, arg->value->loc, "a format is made of whole numbers, words and lists, not of %s",
              net_constant_text(n, &c));
    return false;
  }
}

static bool has(const net_format_argument *at, uint32_t count, const char *name) {
  for (uint32_t i = 0; i < count; i++)
    if (at[i].name && !strcmp(at[i].name, name)) return true;
  return false;
}

/* ---- bits before the point and behind it ---- */

/* integer(w, f) counts bits behind the point, ap_fixed(W, I) those before it. */
static void note_bits(netc *n, net_loc loc) {
  net_note(n, loc,
           "integer(width, fraction) counts bits behind the point, ap_fixed(width, integer) bits before it: "
           "ap_fixed(8, 3) is integer(8, 5) with floor and wrap");
}

/* What may well be meant, but mostly is a slip: steps above 1, or a range below ½. */
static void question_bits(netc *n, const char *name, const net_format_spec *spec, net_loc loc) {
  bool ap = !strcmp(name, "ap_fixed");
  int width = spec->width, fraction = spec->fraction, second = ap ? width - fraction : fraction;
  if (!net_format_has_point(spec) || fraction == NET_FORMAT_AUTO) return;
  if (fraction <= width && (!ap || fraction >= 0)) return;
  for (uint32_t i = 0; i < n->diagnostics.list.count; i++) { /* said already: programs are read again */
    const net_diagnostic *d = &n->diagnostics.list.at[i];
    if (d->severity == NET_WARNING && d->where.begin == loc.begin && d->where.end == loc.end) return;
  }
  const char *swap = "";
  if (second > width && second <= 32)
    swap = net_arena_format(&n->arena, "; did you mean %s(%d, %d)?", name, second, width);
  if (fraction < 0)
    net_warning(n, loc,
                "%s(%d, %d) has %d bits before the point, but only %d in all: it holds multiples of %g%s",
                name, width, second, second, width, ldexp(1, -fraction), swap);
  else
    net_warning(n, loc,
                "%s(%d, %d) has %d bits behind the point, but only %d in all: it holds nothing from %g on%s",
                name, width, second, fraction, width, ldexp(1, width - !spec->is_unsigned - fraction), swap);
  note_bits(n, loc);
}

/* ---- formats ---- */

static bool make(net_elaborator *e, const char *name, const net_expr *expr, const net_args *args,
                 const net_format_habits *habits, net_format_id *format) {
  netc *n = e->n;
  uint32_t given = args ? args->count : 0, count = 0;
  net_format_argument *at = NET_NEW_ARRAY(&n->arena, net_format_argument, given + 2);
  bool ok = net_format_known(n, name, expr->loc);
  for (uint32_t i = 0; i < given && ok; i++) ok = take_argument(e, expr, &args->at[i], &at[count++]);
  if (!ok) return false;
  if (!strcmp(name, "float32") && !count) return *format = NET_FORMAT_FLOAT32, true;
  if (habits->mase_compatible && !has(at, given, "mase_compatible"))
    at[count++] = (net_format_argument){.name = "mase_compatible", .kind = NET_FORMAT_BOOL, .integer = true};
  if (habits->ste.id && !has(at, given, "ste"))
    at[count++] =
        (net_format_argument){.name = "ste", .kind = NET_FORMAT_WORD, .word = net_text(n, habits->ste)};
  uint32_t id;
  if (net_format_make(n, name, at, count, expr->loc, &id)) {
    question_bits(n, name, net_format_at(n, id), expr->loc);
    return *format = id, true;
  }
  static const char *const of_integer[] = {"fraction", "frac", "f"}, *const of_ap[] = {"integer", "int", "I",
                                                                                       "W"};
  bool integer = !strcmp(name, "integer") || !strcmp(name, "fixed"), mixed = false;
  for (int i = 0; i < 3 && !strcmp(name, "ap_fixed"); i++) mixed |= has(at, given, of_integer[i]);
  for (int i = 0; i < 4 && integer; i++) mixed |= has(at, given, of_ap[i]);
  if (mixed) note_bits(n, expr->loc);
  return false;
}

bool net_elaborate_format(net_elaborator *e, const net_expr *expr, const net_format_habits *habits,
                          net_format_id *format) {
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  for (uint32_t hops = 0;; hops++) { /* format act = integer(8, 4) is another name for it */
    if (!net_as_call(e, expr, "a number format such as integer(8, 4)", &name, &args)) return false;
    const net_decl *decl = net_program_find(e->program, NET_DECL_FORMAT, name.name);
    if (!decl || is_codebook(e, decl)) break;
    if (args && args->count) {
      net_error(n, expr->loc, "format '%s' is complete: it takes no arguments", net_text(n, name.name));
      net_note(n, decl->name.loc, "it is defined here");
      return false;
    }
    if (hops > e->program->decls.count)
      return net_error(n, decl->name.loc, "format '%s' is defined by itself", net_text(n, name.name)), false;
    expr = decl->value;
  }
  return make(e, net_text(n, name.name), expr, args, habits, format);
}

/* ---- codebooks ---- */

static bool take_values(net_elaborator *e, const net_expr *expr, double **values, uint32_t *count) {
  netc *n = e->n;
  net_constant list;
  if (!net_evaluate(n, &e->constants, expr, &list)) return false;
  if (list.kind != NET_CONSTANT_LIST)
    return net_error(n, expr->loc, "a codebook is made of a list of numbers: codebook([-1.0, 0.0, 1.0])"),
           false;
  *values = NET_NEW_ARRAY(&n->arena, double, list.list.count + 1);
  bool ok = true;
  for (uint32_t i = 0; i < list.list.count; i++) {
    const net_constant *c = &list.list.at[i];
    if (c->kind == NET_CONSTANT_INTEGER) (*values)[i] = (double)c->integer;
    else if (c->kind == NET_CONSTANT_REAL) (*values)[i] = c->real;
    else net_error(n, c->loc, "a codebook's values are numbers, not %s", net_constant_text(n, c)), ok = false;
  }
  *count = list.list.count;
  return ok;
}

static bool define_codebook(net_elaborator *e, const net_decl *decl) {
  netc *n = e->n;
  const net_args *args = &decl->value->call.args;
  net_format_argument *at = NET_NEW_ARRAY(&n->arena, net_format_argument, args->count + 1);
  double *values = NULL;
  uint32_t count = 0, given = 0;
  bool ok = true;
  for (uint32_t i = 0; i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    bool is_values = arg->name.name.id ? !strcmp(net_text(n, arg->name.name), "values") : i == 0;
    ok &= is_values ? take_values(e, arg->value, &values, &count)
                    : take_argument(e, decl->value, arg, &at[given++]);
  }
  if (ok && !values)
    return net_error(n, decl->value->loc, "a codebook needs its values: codebook([-1.0, 0.0, 1.0])"), false;
  return ok && net_format_define(n, net_text(n, decl->name.name), values, count, at, given, decl->value->loc);
}

bool net_elaborate_codebooks(net_elaborator *e) {
  bool ok = true;
  net_format_id unused;
  const net_decls *decls = &e->program->decls;
  for (uint32_t i = 0; i < decls->count; i++)
    if (decls->at[i]->kind == NET_DECL_FORMAT && is_codebook(e, decls->at[i]))
      ok &= define_codebook(e, decls->at[i]);
  for (uint32_t i = 0; i < decls->count; i++) /* what they are called by other names */
    if (decls->at[i]->kind == NET_DECL_FORMAT && !is_codebook(e, decls->at[i]))
      ok &= net_elaborate_format(e, decls->at[i]->value, &(net_format_habits){0}, &unused);
  return ok;
}
