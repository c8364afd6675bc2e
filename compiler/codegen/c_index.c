#include "codegen/c_printer.h"

#include "loops/build.h"
#include "loops/compute.h"

/* Index arithmetic of loop IR does not overflow (the verifier bounds every index), so it is taken apart as
 * constant + Σ coefficient·term and put together as people write it: 16 * o + i + 3. */
enum { MOST_TERMS = 16 };
typedef struct {
  const char *text;
  int64_t coefficient;
  lp_range range;
} term;
typedef struct {
  int64_t constant;
  uint32_t count;
  term terms[MOST_TERMS];
} linear;

static void add_term(cc_printer *p, linear *to, term t) {
  for (uint32_t i = 0; i < to->count; i++)
    if (!strcmp(to->terms[i].text, t.text)) {
      to->terms[i].coefficient += t.coefficient;
      if (!to->terms[i].coefficient) to->terms[i] = to->terms[--to->count];
      return;
    }
  if (to->count == MOST_TERMS) cc_fault(p, "an index has more than %d terms", MOST_TERMS);
  else if (t.coefficient) to->terms[to->count++] = t;
}

static void add_scaled(cc_printer *p, linear *to, const linear *from, int64_t scale) {
  to->constant += from->constant * scale;
  for (uint32_t i = 0; i < from->count; i++) {
    term t = from->terms[i];
    t.coefficient *= scale;
    add_term(p, to, t);
  }
}

static linear variable(cc_printer *p, uint32_t which) {
  const cc_var *var = &p->vars[which];
  if (var->open && var->constant) return (linear){.constant = var->value};
  if (var->open) return (linear){.count = 1, .terms = {{var->name, 1, p->scope.vars[which]}}};
  cc_fault(p, "a loop variable is used outside its loop");
  return (linear){0};
}

static linear opaque(cc_printer *p, lp_expr e) {
  return (linear){.count = 1, .terms = {{cc_operand(p, e, CC_PREFIX), 1, lp_range_of(&p->scope, e)}}};
}

static bool is_row(const cc_printer *p, const lp_expr_info *x) {
  return x->kind == LP_load && p->f->buffers.at[x->which].storage == LP_INDEX;
}

/* Whether a conversion between integers changes nothing. */
static bool keeps(cc_printer *p, const lp_expr_info *x) {
  if (is_row(p, lp_expr_at(p->f, x->operand[0]))) return true;
  if (!lp_is_integer(x->type) || !lp_is_integer(lp_expr_at(p->f, x->operand[0])->type)) return false;
  lp_range r = lp_range_of(&p->scope, x->operand[0]);
  return lp_wrap(x->type, r.lo) == r.lo && lp_wrap(x->type, r.hi) == r.hi && r.hi < INT64_MAX / 8;
}

static linear take_apart(cc_printer *p, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(p->f, e);
  if (x->kind == LP_const) return (linear){.constant = x->integer};
  if (x->kind == LP_var) return variable(p, x->which);
  if (x->kind == LP_count) return (linear){.constant = p->f->batch};
  if (is_row(p, x)) return take_apart(p, lp_list_at(p->f, x->first)[0]); /* row by row: the row itself */
  if (x->kind == LP_convert && keeps(p, x)) return take_apart(p, x->operand[0]);
  bool sum_or_product = x->kind == LP_add || x->kind == LP_sub || x->kind == LP_mul;
  if (x->type != NET_I32 || !sum_or_product) return opaque(p, e);
  linear a = take_apart(p, x->operand[0]), b = take_apart(p, x->operand[1]), sum = {0};
  if (x->kind == LP_mul) {
    if (a.count && b.count) return opaque(p, e);
    add_scaled(p, &sum, a.count ? &a : &b, a.count ? b.constant : a.constant);
  } else {
    add_scaled(p, &sum, &a, 1);
    add_scaled(p, &sum, &b, x->kind == LP_add ? 1 : -1);
  }
  return sum;
}

static const char *text_of(cc_printer *p, const linear *sum) {
  cc_text text = {0};
  for (uint32_t i = 0; i < sum->count; i++) {
    int64_t c = sum->terms[i].coefficient, size = c < 0 ? -c : c;
    cc_append(p, &text, "%s", i ? (c < 0 ? " - " : " + ") : c < 0 ? "-" : "");
    if (size != 1) cc_append(p, &text, "%lld * ", (long long)size);
    cc_append(p, &text, "%s", sum->terms[i].text);
  }
  int64_t c = sum->constant;
  if (!sum->count) cc_append(p, &text, "%lld", (long long)c);
  else if (c) cc_append(p, &text, " %c %lld", c < 0 ? '-' : '+', (long long)(c < 0 ? -c : c));
  return text.at;
}

static int64_t most_of(const linear *sum) {
  __int128 most = sum->constant;
  for (uint32_t i = 0; i < sum->count; i++) {
    const term *t = &sum->terms[i];
    most += (__int128)t->coefficient * (t->coefficient < 0 ? t->range.lo : t->range.hi);
  }
  return most > INT64_MAX ? INT64_MAX : (int64_t)most;
}

const char *cc_integer(cc_printer *p, lp_expr e) {
  linear sum = take_apart(p, e);
  return text_of(p, &sum);
}

bool cc_constant(cc_printer *p, lp_expr e, int64_t *value) {
  linear sum = take_apart(p, e);
  *value = sum.constant;
  return !sum.count;
}

/* Row-major: ((i0·d1 + i1)·d2 + i2)… */
const char *cc_index(cc_printer *p, lp_buffer buffer, uint32_t first, uint32_t count, int64_t *most) {
  const lp_buffer_info *b = &p->f->buffers.at[buffer];
  uint32_t dim[LP_MAX_RANK], rank = b->rank;
  memcpy(dim, b->dim, rank * sizeof *dim);
  if (!rank) {
    if (b->batched) dim[rank++] = p->f->batch;
    for (uint32_t i = 0; i < b->shape.rank; i++) dim[rank++] = b->shape.dim[i];
  }
  if (!rank && count == 1) dim[rank++] = 1;
  *most = 0;
  if (rank != count) {
    cc_fault(p, "'%s' has %u dimensions, but is indexed by %u", net_text(p->n, b->name), rank, count);
    return "0";
  }
  linear sum = {0};
  int64_t strides[LP_MAX_RANK + 1] = {[LP_MAX_RANK] = 1};
  for (uint32_t k = count, stride = 1; k-- > 0; stride *= dim[k]) strides[k] = stride;
  for (uint32_t k = 0; k < count; k++) {
    linear part = take_apart(p, lp_list_at(p->f, first)[k]);
    add_scaled(p, &sum, &part, strides[k]);
  }
  *most = most_of(&sum);
  return text_of(p, &sum);
}
