/* What a search varies takes: 2..8, 0.1..0.5, log(1e-4..1e-2), [16, 32, 64], [integer(8, 4), ternary]. */
#include "dsl/elaborate_values.h"

#include "dsl/elaborate_quantize.h"
#include "dsl/format.h"

#include <math.h>
#include <stdlib.h>

static double real_of(const net_constant *c) {
  return c->kind == NET_CONSTANT_INTEGER ? (double)c->integer : c->kind == NET_CONSTANT_REAL ? c->real : NAN;
}

/* ---- ranges ---- */

static bool take_range(net_elaborator *e, const net_expr *range, bool log, net_vary *v) {
  netc *n = e->n;
  net_constant low, high;
  if (!net_evaluate(n, &e->constants, range->range.low, &low) ||
      !net_evaluate(n, &e->constants, range->range.high, &high))
    return false;
  v->values = (sr_parameter){v->text, SR_REAL, real_of(&low), real_of(&high), log};
  if (isnan(v->values.low) || isnan(v->values.high))
    return net_error(n, range->loc, "a range goes from a number to a number"), false;
  if (v->values.low > v->values.high)
    return net_error(n, range->loc, "this range is empty: its end is below its beginning"), false;
  if (log && v->values.low <= 0)
    return net_error(n, range->range.low->loc, "a logarithmic range begins above 0"), false;
  if (low.kind == NET_CONSTANT_INTEGER && high.kind == NET_CONSTANT_INTEGER) v->values.kind = SR_INTEGER;
  if (v->values.kind == SR_INTEGER && v->values.high - v->values.low >= 0x1p31)
    return net_error(n, range->loc, "this range has too many integers: at most 2^31"), false;
  if (v->field == NET_VARY_SETTING || v->values.kind == SR_INTEGER) return true;
  net_error(n, range->loc, "bits are counted in whole numbers: %s in 2..8", v->text);
  return false;
}

/* log(1e-6..0.1): its range, else NULL */
static const net_expr *log_range(const netc *n, const net_expr *value) {
  if (value->kind != NET_EXPR_CALL || value->call.callee.parts.count != 1 || value->call.args.count != 1 ||
      strcmp(net_text(n, value->call.callee.parts.at[0].name), "log"))
    return NULL;
  const net_arg *arg = &value->call.args.at[0];
  return !arg->name.name.id && arg->value->kind == NET_EXPR_RANGE ? arg->value : NULL;
}

/* ---- lists ---- */

/* The numbers of a list; false: it has others than numbers (reported if they are wanted). */
static bool take_numbers(net_elaborator *e, const net_exprs *list, bool wanted, double *numbers) {
  net_diagnostics before = e->n->diagnostics;
  bool ok = true;
  for (uint32_t i = 0; i < list->count && ok; i++) {
    net_constant c;
    ok = net_evaluate(e->n, &e->constants, list->at[i], &c);
    if (ok) numbers[i] = real_of(&c);
    if (ok && wanted && c.kind != NET_CONSTANT_INTEGER) {
      net_error(e->n, c.loc, "bits are counted in whole numbers, not in %s", net_constant_text(e->n, &c));
      return false;
    }
    ok = ok && !isnan(numbers[i]);
  }
  if (!ok && !wanted) net_diagnostics_forget(e->n, &before);
  return ok;
}

static bool take_formats(net_elaborator *e, const net_exprs *list, net_vary *v) {
  netc *n = e->n;
  net_format_id *formats = NET_NEW_ARRAY(e->arena, net_format_id, list->count);
  bool ok = true, parameter = v->tensor == NET_TENSOR_WEIGHT || v->tensor == NET_TENSOR_BIAS;
  for (uint32_t i = 0; i < list->count; i++) {
    if (!net_elaborate_format(e, list->at[i], &(net_format_habits){0}, &formats[i])) {
      ok = false;
      continue;
    }
    const net_format *row = &net_formats[net_format_at(n, formats[i])->family];
    if (parameter || !(row->flags & NET_FORMAT_WEIGHTS_ONLY)) continue;
    net_error(n, list->at[i]->loc, "%s is a format for weights, and cannot be an %s's", row->name,
              net_tensor_role_names[v->tensor]);
    ok = false;
  }
  v->formats = formats;
  return ok;
}

static bool has_twice(net_elaborator *e, const net_exprs *list) {
  for (uint32_t i = 0; i < list->count; i++)
    for (uint32_t k = 0; k < i; k++)
      if (net_expr_equal(list->at[i], list->at[k])) {
        net_error(e->n, list->at[i]->loc, "%s is in this list twice", net_format_expr(e->n, list->at[i]));
        return true;
      }
  return false;
}

static bool is_monotonic(const double *numbers, uint32_t count) {
  bool up = true, down = true;
  for (uint32_t i = 1; i < count; i++) {
    up &= numbers[i] > numbers[i - 1];
    down &= numbers[i] < numbers[i - 1];
  }
  return up || down;
}

static bool take_list(net_elaborator *e, const net_expr *value, net_vary *v) {
  const net_exprs *list = &value->list;
  if (!list->count) return net_error(e->n, value->loc, "there is nothing in this list"), false;
  if (has_twice(e, list)) return false;
  for (uint32_t i = 0; i < list->count; i++)
    if (list->at[i]->kind == NET_EXPR_RANGE)
      return net_error(e->n, list->at[i]->loc, "this list names its values one by one, without ranges"),
             false;
  double *numbers = NET_NEW_ARRAY(e->arena, double, list->count);
  bool bits = v->field == NET_VARY_WIDTH || v->field == NET_VARY_FRACTION, ordered = false;
  v->list = (const net_expr *const *)list->at;
  v->count = list->count;
  if (v->field == NET_VARY_FORMAT) {
    if (!take_formats(e, list, v)) return false;
  } else if (take_numbers(e, list, bits, numbers)) {
    v->numbers = numbers;
    ordered = is_monotonic(numbers, list->count);
  } else if (bits) {
    return false;
  }
  v->values = (sr_parameter){v->text, ordered ? SR_INTEGER : SR_CHOICE, 0, list->count - 1.0, false};
  return true;
}

bool net_take_values(net_elaborator *e, const net_expr *value, net_vary *v) {
  const net_expr *logarithmic = log_range(e->n, value);
  if (value->kind == NET_EXPR_LIST) return take_list(e, value, v);
  if (v->field == NET_VARY_FORMAT) {
    net_error(e->n, value->loc, "formats are listed: %s in [integer(8, auto), ternary]", v->text);
    return false;
  }
  if (value->kind == NET_EXPR_RANGE) return take_range(e, value, false, v);
  if (logarithmic) return take_range(e, logarithmic, true, v);
  net_error(e->n, value->loc, "what varies takes a range or a list: 2..8, log(1e-4..1e-2), [16, 32, 64]");
  return false;
}

/* ---- values ---- */

double net_vary_number(const net_vary *v, double x) { return v->numbers ? v->numbers[(uint32_t)x] : x; }

static net_expr *number(netc *n, const net_vary *v, double x) {
  bool whole = v->values.kind == SR_INTEGER;
  net_expr *e = net_expr_new(n, whole ? NET_EXPR_INTEGER : NET_EXPR_REAL, v->loc);
  e->depth = 1;
  if (whole) {
    e->integer.value = (int64_t)x;
    e->integer.text = net_intern_format(n, "%lld", (long long)x);
    return e;
  }
  const char *text = "";
  for (int digits = 6; digits <= 17; digits++) { /* the shortest that reads back as the same */
    text = net_arena_format(&n->arena, "%.*g", digits, x);
    if (strtod(text, NULL) == x) break;
  }
  e->real.value = x;
  e->real.text = net_intern_format(n, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
  return e;
}

const net_expr *net_vary_value(netc *n, const net_vary *v, double x) {
  if (v->list) return v->list[(uint32_t)x];
  net_expr *e = number(n, v, fabs(x));
  if (x >= 0) return e;
  net_expr *negative = net_expr_new(n, NET_EXPR_NEGATE, v->loc);
  negative->negated = e;
  negative->depth = 2;
  return negative;
}
