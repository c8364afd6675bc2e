#include "codegen/c_printer.h"

#include "loops/build.h"
#include "loops/compute.h"

#include <math.h>

/* An expression becomes text from its leaves up. What is used twice, what grows long, and products of floats
 * that are added become constants of their own in front of the statement: C allows contraction within an
 * expression. */
enum { LONG = 70 };

static net_type type_of(const cc_printer *p, lp_expr e) { return lp_expr_at(p->f, e)->type; }
static bool is_wide(net_type type) { return net_type_bytes(type) == 8; }

void cc_begin_statement(cc_printer *p) {
  for (uint32_t i = 0; i < p->touched.count; i++) {
    p->uses[p->touched.at[i]] = 0;
    p->values[p->touched.at[i]].text = NULL;
  }
  p->touched.count = 0;
  lp_scope_change(&p->scope);
}

/* An element of a table lies between its least and its greatest. */
static void note_range(cc_printer *p, lp_expr e, lp_buffer buffer) {
  uint32_t id = cc_table_of(p, buffer); /* may move the tables */
  const cc_table *table = &p->tables.at[id];
  if (!lp_is_integer(table->type) || is_wide(table->type)) return;
  p->scope.ranges[e] = (lp_range){table->least, table->most, 1};
  p->scope.stamp[e] = p->scope.now;
}

void cc_count_uses(cc_printer *p, lp_expr e) {
  if (!e) return;
  const lp_expr_info *x = lp_expr_at(p->f, e);
  if (p->uses[e]++) return;
  bool loads = x->kind == LP_load || x->kind == LP_lookup;
  if (loads && p->f->buffers.at[x->which].storage == LP_CONSTANT) note_range(p, e, x->which);
  net_vec_push(p->arena, &p->touched, e);
  for (uint32_t i = 0; i < 3; i++) cc_count_uses(p, x->operand[i]);
  for (uint32_t i = 0; x->kind == LP_load && i < x->count; i++)
    cc_count_uses(p, p->f->lists.at[x->first + i]);
}

static const char *format(cc_printer *p, const char *text, ...) __attribute__((format(printf, 2, 3)));
static const char *format(cc_printer *p, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const char *result = net_arena_vformat(p->arena, text, arguments);
  va_end(arguments);
  return result;
}

const char *cc_operand(cc_printer *p, lp_expr e, cc_level level) {
  cc_value v = cc_expression(p, e);
  return v.level < level ? format(p, "(%s)", v.text) : v.text;
}

/* ---- integers ---- */

/* Whether the sum, difference or product is what mathematics gives, in an int of C or of its own type. */
static bool is_exact(cc_printer *p, lp_expr e) {
  net_type type = type_of(p, e);
  if (is_wide(type) || !lp_is_signed(type)) return false;
  lp_range r = lp_range_of(&p->scope, e);
  int64_t low = -(INT64_C(1) << (8 * net_type_bytes(type) - 1));
  return r.lo != low || r.hi != -(low + 1);
}

/* A sum in the unsigned type of its width, where it wraps; what wraps inside needs no conversion there. */
static cc_value wrapping(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  const char *to = is_wide(x->type) ? "uint64_t" : "uint32_t";
  bool sum = x->kind == LP_add || x->kind == LP_sub,
       arithmetic = sum || x->kind == LP_mul || x->kind == LP_neg;
  if (x->kind == LP_const && x->integer >= 0)
    return (cc_value){cc_number(p, is_wide(x->type) ? NET_U64 : NET_U32, 0, x->integer), CC_PRIMARY};
  bool own = x->type == (is_wide(x->type) ? NET_U64 : NET_U32);
  if (!arithmetic || p->values[e].text || p->uses[e] > 1 || is_exact(p, e)) {
    cc_value v = cc_expression(p, e);
    if (own) return v;
    const char *text = cc_operand(p, e, CC_PREFIX), *inner = "(int32_t)";
    bool extends = x->kind == LP_load || (x->kind == LP_convert && lp_is_integer(type_of(p, x->operand[0])));
    if (extends && !is_wide(x->type) && !strncmp(text, inner, strlen(inner))) text += strlen(inner);
    return (cc_value){format(p, "(%s)%s", to, text), CC_PREFIX};
  }
  if (x->kind == LP_neg) {
    cc_value v = wrapping(p, x->operand[0]);
    return (cc_value){format(p, v.level < CC_PRODUCT ? "0 - (%s)" : "0 - %s", v.text), CC_SUM};
  }
  cc_value a = wrapping(p, x->operand[0]), b = wrapping(p, x->operand[1]);
  cc_level level = sum ? CC_SUM : CC_PRODUCT;
  const char *left = a.level < level ? format(p, "(%s)", a.text) : a.text;
  const char *right = b.level <= level ? format(p, "(%s)", b.text) : b.text;
  return (cc_value){format(p, "%s %s %s", left, lp_operation_text(x->kind), right), level};
}

static cc_value cast(cc_printer *p, net_type type, cc_value v) {
  const char *name = cc_type_name(type);
  return (cc_value){format(p, v.level < CC_PREFIX ? "(%s)(%s)" : "(%s)%s", name, v.text), CC_PREFIX};
}

static cc_value named(cc_printer *p, lp_expr e, cc_value v);

/* Products of floats that are added are rounded before, whatever the compiler takes for one expression. */
static void round_product(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  if (x->kind == LP_neg) round_product(p, x->operand[0]);
  if (x->kind != LP_mul) return;
  cc_value v = cc_expression(p, e);
  if (v.level < CC_PRIMARY) named(p, e, v);
}

static cc_value binary(cc_printer *p, const lp_expr_info *x, const char *operator, cc_level level) {
  const char *a = cc_operand(p, x->operand[0], level), *b = cc_operand(p, x->operand[1], level + 1);
  return (cc_value){format(p, "%s %s %s", a, operator, b), level};
}

static cc_value arithmetic(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  cc_level level = x->kind == LP_mul || x->kind == LP_div || x->kind == LP_rem ? CC_PRODUCT : CC_SUM;
  const char *text = lp_operation_text(x->kind);
  if (lp_is_float(x->type)) {
    p->floats = true;
    for (uint32_t i = 0; level == CC_SUM && i < 2; i++) round_product(p, x->operand[i]);
    return binary(p, x, text, level);
  }
  if (x->kind == LP_div || x->kind == LP_rem) { /* unsigned, by constants */
    const lp_expr_info *by = lp_constant_at(p->f, x->operand[1]);
    if (is_wide(x->type) && (!by || (by->integer & (by->integer - 1))))
      cc_fault(p, "a division of 64 bits, which small machines do not have");
    cc_value a = wrapping(p, x->operand[0]), b = wrapping(p, x->operand[1]);
    const char *left = a.level < level ? format(p, "(%s)", a.text) : a.text;
    const char *right = b.level <= level ? format(p, "(%s)", b.text) : b.text;
    cc_value v = {format(p, "%s %s %s", left, text, right), level};
    return x->type == NET_U32 || x->type == NET_U64 ? v : cast(p, x->type, v);
  }
  if (is_exact(p, e)) {
    cc_value v = binary(p, x, text, level);
    return net_type_bytes(x->type) < 4 ? cast(p, x->type, v) : v;
  }
  bool own = x->type == NET_U32 || x->type == NET_U64;
  if (own) return binary(p, x, text, level);
  p->uses[e] = 0; /* as an operand of itself, it is not shared */
  return cast(p, x->type, wrapping(p, e));
}

static cc_value negation(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  if (lp_is_float(x->type)) {
    p->floats = true;
    const char *a = cc_operand(p, x->operand[0], CC_PREFIX);
    return (cc_value){format(p, *a == '-' ? "-(%s)" : "-%s", a), CC_PREFIX};
  }
  cc_value a = wrapping(p, x->operand[0]);
  return cast(p, x->type,
              (cc_value){format(p, a.level < CC_PRODUCT ? "0 - (%s)" : "0 - %s", a.text), CC_SUM});
}

static cc_value shift(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  const lp_expr_info *by = lp_constant_at(p->f, x->operand[1]);
  bool known = by && by->integer >= 0 && by->integer < 8 * (int64_t)net_type_bytes(x->type);
  if (!known) {
    const char *name = cc_helper_name(p, x->kind == LP_shl ? CC_shl : CC_shr, x->type);
    const char *a = cc_operand(p, x->operand[0], 0), *b = cc_operand(p, x->operand[1], 0);
    return (cc_value){format(p, "%s(%s, %s)", name, a, b), CC_PRIMARY};
  }
  long long bits = (long long)by->integer;
  if (x->kind == LP_shr) {
    cc_value v = {format(p, "%s >> %lld", cc_operand(p, x->operand[0], CC_PREFIX), bits), CC_TEST};
    return net_type_bytes(x->type) < 4 ? cast(p, x->type, v) : v;
  }
  cc_value a = wrapping(p, x->operand[0]);
  cc_value v = {format(p, a.level < CC_PREFIX ? "(%s) << %lld" : "%s << %lld", a.text, bits), CC_TEST};
  return x->type == NET_U32 || x->type == NET_U64 ? v : cast(p, x->type, v);
}

static cc_value bitwise(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  static const char *const bits[] = {[LP_and] = "&", [LP_or] = "|", [LP_xor] = "^"},
                           *const bools[] = {[LP_and] = "&&", [LP_or] = "||", [LP_xor] = "!="};
  const char *operator=(x->type == NET_BOOL ? bools : bits)[x->kind];
  const char *a = cc_operand(p, x->operand[0], CC_PREFIX), *b = cc_operand(p, x->operand[1], CC_PREFIX);
  if (x->kind == LP_xor && x->type == NET_BOOL && !strcmp(a, b))
    return (cc_value){format(p, "((void)%s, 0)", a), CC_PRIMARY};
  cc_value v = {format(p, "%s %s %s", a, operator, b), CC_TEST};
  return x->type != NET_BOOL && net_type_bytes(x->type) < 4 ? cast(p, x->type, v) : v;
}

/* ---- calls ---- */

static cc_value call(cc_printer *p, cc_helper helper, const lp_expr_info *x) {
  uint32_t count = lp_operand_count(x->kind);
  const char *name = cc_helper_name(p, helper, type_of(p, x->operand[0])), *list = "";
  for (uint32_t i = 0; i < count; i++)
    list = format(p, "%s%s%s", list, i ? ", " : "", cc_operand(p, x->operand[i], 0));
  if (lp_is_float(x->type)) p->floats = true;
  return (cc_value){format(p, "%s(%s)", name, list), CC_PRIMARY};
}

static cc_value absolute(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  if (lp_is_float(x->type)) return call(p, CC_abs, x);
  return lp_is_signed(x->type) ? call(p, CC_abs_integer, x) : cc_expression(p, x->operand[0]);
}

/* The product is rounded. */
static cc_value fused(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  const char *a = cc_operand(p, x->operand[0], CC_PRODUCT), *b = cc_operand(p, x->operand[1], CC_PREFIX);
  p->floats = true;
  round_product(p, x->operand[2]);
  uint32_t name = ++p->temporaries;
  cc_line(p, "const %s t%u = %s * %s;", cc_type_name(x->type), name, a, b);
  return (cc_value){format(p, "t%u + %s", name, cc_operand(p, x->operand[2], CC_PRODUCT)), CC_SUM};
}

/* ---- comparisons, conversions ---- */

static cc_value comparison(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  int known = cc_outcome(p, x);
  if (known >= 0) return (cc_value){known ? "1" : "0", CC_PRIMARY};
  if (lp_is_float(type_of(p, x->operand[0]))) p->floats = true;
  const char *a = cc_operand(p, x->operand[0], CC_SUM), *b = cc_operand(p, x->operand[1], CC_SUM);
  bool same = !strcmp(a, b) && !lp_is_float(type_of(p, x->operand[0]));
  bool holds = x->kind == LP_le || x->kind == LP_ge || x->kind == LP_eq;
  if (same)
    return (cc_value){format(p, "((void)%s, %d)", cc_operand(p, x->operand[0], CC_PREFIX), holds),
                      CC_PRIMARY};
  return (cc_value){format(p, "%s %s %s", a, lp_operation_text(x->kind), b), CC_TEST};
}

static cc_value choice(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  cc_value c = cc_expression(p, x->operand[0]);
  const char *test = c.level < CC_TEST ? format(p, "(%s)", c.text) : c.text;
  const char *yes = cc_operand(p, x->operand[1], CC_TEST), *no = cc_operand(p, x->operand[2], CC_TEST);
  cc_value v = {format(p, "%s ? %s : %s", test, yes, no), CC_CHOICE};
  bool narrow = lp_is_integer(x->type) && net_type_bytes(x->type) < 4;
  return narrow ? cast(p, x->type, v) : v;
}

static cc_value conversion(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  net_type from = type_of(p, x->operand[0]), to = x->type;
  if (lp_is_float(from) && lp_is_integer(to)) { /* C says nothing of what does not fit */
    double low, high, end = ldexp(1, 8 * (int)net_type_bytes(to) - lp_is_signed(to));
    p->floats = true;
    if (!cc_bounds(p, x->operand[0], &low, &high) || low < (lp_is_signed(to) ? -end : 0) || high >= end) {
      const char *a = cc_operand(p, x->operand[0], 0);
      return (cc_value){format(p, "%s(%s)", cc_conversion(p, to, from), a), CC_PRIMARY};
    }
  }
  if (from == to) return cc_expression(p, x->operand[0]);
  return cast(p, to, cc_expression(p, x->operand[0]));
}

static cc_value bitcast(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  net_type from = type_of(p, x->operand[0]), to = x->type;
  cc_value a = cc_expression(p, x->operand[0]);
  if (from == to) return a;
  if (!lp_is_float(from) && !lp_is_float(to)) return cast(p, to, a);
  net_type real = lp_is_float(from) ? from : to, other = lp_is_float(from) ? to : from;
  net_type bits = real == NET_F32 ? NET_U32 : NET_U64;
  const char *name = cc_helper_name(p, lp_is_float(from) ? CC_bits_of : CC_of_bits, real);
  if (lp_is_float(to) && other != bits) a = cast(p, bits, a);
  cc_value v = {format(p, "%s(%s)", name, a.text), CC_PRIMARY};
  return lp_is_float(from) && other != bits ? cast(p, to, v) : v;
}

/* ---- leaves ---- */

static cc_value leaf(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  const char *text;
  switch (x->kind) {
  case LP_const:
    text = x->type == NET_BOOL ? (x->integer ? "1" : "0") : cc_number(p, x->type, x->real, x->integer);
    return (cc_value){text, *text == '-' ? CC_PREFIX : CC_PRIMARY};
  case LP_load: return cc_load(p, x);
  case LP_lookup: return cc_lookup(p, x);
  case LP_count: return (cc_value){format(p, "%uu", p->f->batch), CC_PRIMARY};
  case LP_lanes: return (cc_value){"0", CC_PRIMARY};
  case LP_var: text = cc_integer(p, e); return (cc_value){text, *text == '-' ? CC_PREFIX : CC_PRIMARY};
  case LP_read: return (cc_value){cc_register(p, x->which, x->operand[0], x->operand[1]), CC_PRIMARY};
  case LP_tree: return (cc_value){cc_register(p, x->which, 0, 0), CC_PRIMARY};
  case LP_splat:
  case LP_fold:
  case LP_part: return cc_expression(p, x->operand[0]);
  default:
    cc_fault(p, "an expression of kind %u, which C for one sample does not know", x->kind);
    return (cc_value){"0", CC_PRIMARY};
  }
}

/* By a function of its own, or by a helper. */
static const struct {
  cc_value (*print)(cc_printer *p, lp_expr e);
  cc_helper helper;
  bool called;
} operations[LP_operations] = {
    [LP_add] = {.print = arithmetic},
    [LP_sub] = {.print = arithmetic},
    [LP_mul] = {.print = arithmetic},
    [LP_div] = {.print = arithmetic},
    [LP_rem] = {.print = arithmetic},
    [LP_neg] = {.print = negation},
    [LP_abs] = {.print = absolute},
    [LP_fma] = {.print = fused},
    [LP_and] = {.print = bitwise},
    [LP_or] = {.print = bitwise},
    [LP_xor] = {.print = bitwise},
    [LP_shl] = {.print = shift},
    [LP_shr] = {.print = shift},
    [LP_lt] = {.print = comparison},
    [LP_le] = {.print = comparison},
    [LP_gt] = {.print = comparison},
    [LP_ge] = {.print = comparison},
    [LP_eq] = {.print = comparison},
    [LP_ne] = {.print = comparison},
    [LP_select] = {.print = choice},
    [LP_convert] = {.print = conversion},
    [LP_bitcast] = {.print = bitcast},
    [LP_min] = {.helper = CC_min, .called = true},
    [LP_max] = {.helper = CC_max, .called = true},
    [LP_sqrt] = {.helper = CC_sqrt, .called = true},
    [LP_round] = {.helper = CC_round, .called = true},
    [LP_floor] = {.helper = CC_floor, .called = true},
    [LP_trunc] = {.helper = CC_trunc, .called = true},
    [LP_dot4] = {.helper = CC_dot4, .called = true},
    [LP_dot2] = {.helper = CC_dot2, .called = true},
    [LP_mulhi] = {.helper = CC_mulhi, .called = true},
    [LP_pack16] = {.helper = CC_pack16, .called = true},
    [LP_pack8u] = {.helper = CC_pack8u, .called = true},
    [LP_pack8s] = {.helper = CC_pack8s, .called = true},
};

static cc_value operation(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  if (operations[x->kind].print) return operations[x->kind].print(p, e);
  if (operations[x->kind].called) return call(p, operations[x->kind].helper, x);
  cc_fault(p, "'%s' was not expanded", lp_operation_text(x->kind));
  return (cc_value){"0", CC_PRIMARY};
}

/* A constant in front of the statement. */
static cc_value named(cc_printer *p, lp_expr e, cc_value v) {
  uint32_t name = ++p->temporaries;
  cc_line(p, "const %s t%u = %s;", cc_type_name(type_of(p, e)), name, v.text);
  return p->values[e] = (cc_value){format(p, "t%u", name), CC_PRIMARY};
}

cc_value cc_expression(cc_printer *p, lp_expr e) {
  if (p->values[e].text) return p->values[e];
  const lp_expr_info *x = lp_expr_at(p->f, e);
  bool shared =
      p->uses[e] > 1 && x->kind != LP_const && x->kind != LP_var && x->kind != LP_read && x->kind != LP_count;
  if (x->lanes != 1) cc_fault(p, "a vector of %u lanes: C is printed of loops for one lane", x->lanes);
  cc_value v = p->failed                 ? (cc_value){"0", CC_PRIMARY}
               : x->kind < LP_operations ? operation(p, e)
                                         : leaf(p, e);
  bool is_long = v.level < CC_PRIMARY && strlen(v.text) > LONG && e != p->whole;
  return shared || is_long ? named(p, e, v) : (p->values[e] = v);
}
