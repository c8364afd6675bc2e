/* The verifiers' common part: structure of expressions, and ranges of accesses. */
#include "loops/verify.h"

#include "loops/build.h"
#include "loops/print.h"

#include <stdlib.h>

bool lp_verify_fault(lp_verifier *v, const char *format, ...) {
  if (v->faults++ >= LP_MAX_REPORTS) return false;
  va_list arguments;
  va_start(arguments, format);
  const char *message = net_arena_vformat(&v->arena, format, arguments);
  va_end(arguments);
  net_fault(v->f->n, NET_NOWHERE, "loops of '%s'%s%s: %s", net_text(v->f->n, v->f->name),
            v->in.id ? ", " : "", net_text(v->f->n, v->in), message);
  return false;
}

const char *lp_verify_text(lp_verifier *v, lp_expr e) {
  enum { LONGEST = 100 };
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  if (!to) return "?";
  lp_print_expr(to, v->f, e);
  fclose(to);
  const char *copy = net_arena_format(&v->arena, "%.*s%s", LONGEST, text, length > LONGEST ? " ..." : "");
  free(text);
  return copy;
}

/* ---- structure ---- */

static bool is_list(const lp_function *f, uint32_t first, uint32_t count, lp_expr below) {
  if (first > f->lists.count || count > f->lists.count - first) return false;
  for (uint32_t i = 0; i < count; i++)
    if (!f->lists.at[first + i] || f->lists.at[first + i] >= below) return false;
  return true;
}

static bool are_indices(const lp_function *f, const lp_expr *list, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const lp_expr_info *info = lp_expr_at(f, list[i]);
    if (info->lanes != 1 || (info->type != NET_I32 && info->type != NET_U32)) return false;
  }
  return true;
}

static bool is_index(const lp_function *f, lp_expr e) {
  return !e || (lp_expr_at(f, e)->type == NET_I32 && lp_expr_at(f, e)->lanes == 1);
}

static const char *operation_fault(const lp_function *f, const lp_expr_info *info) {
  net_type types[3];
  for (uint32_t i = 0; i < lp_operand_count(info->kind); i++) {
    const lp_expr_info *operand = lp_expr_at(f, info->operand[i]);
    types[i] = operand->type;
    if (operand->lanes != info->lanes) return "operands of other lanes";
  }
  bool divides = (info->kind == LP_div || info->kind == LP_rem) && !lp_is_float(info->type);
  if (divides && (!lp_constant_at(f, info->operand[1]) || !lp_constant_at(f, info->operand[1])->integer))
    return "integers are divided by constants other than 0 only";
  return lp_type_fault(info->kind, info->type, types);
}

static const char *list_fault(const lp_function *f, const lp_expr_info *info, lp_expr self) {
  if (!is_list(f, info->first, info->count, self)) return "a list that leads nowhere";
  const lp_expr *list = lp_list_at(f, info->first);
  if (info->kind == LP_load) {
    if (info->which >= f->buffers.count) return "a buffer that does not exist";
    if (f->buffers.at[info->which].type != info->type) return "loaded as another type";
    return are_indices(f, list, info->count) ? NULL : "indices are i32 or u32 scalars";
  }
  for (uint32_t i = 0; i < info->count; i++) {
    if (lp_expr_at(f, list[i])->kind != LP_axis) return "reduced over something that is no axis";
    for (uint32_t k = 0; k < i; k++)
      if (list[k] == list[i]) return "reduced over an axis twice";
  }
  const lp_expr_info *body = lp_expr_at(f, info->operand[0]);
  if (info->combine > LP_CHAIN || !info->count) return "no such reduction";
  return body->type == info->type && body->lanes == 1 ? NULL : "a reduction of another type";
}

static const char *register_fault(const lp_function *f, const lp_expr_info *info) {
  if (info->which >= f->regs.count) return "a register that does not exist";
  const lp_reg_info *r = &f->regs.at[info->which];
  if (info->type != r->type || info->lanes != r->lanes) return "a register of another type";
  if (info->kind == LP_read)
    return is_index(f, info->operand[0]) && is_index(f, info->operand[1])
               ? NULL
               : "rows and columns are i32 scalars";
  if (!lp_is_halved(r->lanes)) return "a tree over lanes that cannot be halved";
  bool fits = info->count && info->count <= r->rows && info->count <= r->lanes && info->combine <= LP_MINIMUM;
  return fits ? NULL : "a tree of more registers than there are rows or lanes";
}

static const char *vector_fault(const lp_function *f, const lp_expr_info *info) {
  const lp_expr_info *of = lp_expr_at(f, info->operand[0]);
  if (info->kind == LP_words) {
    uint32_t per = info->integer ? (of->type == NET_I32 ? 4 : 0) : lp_per_word(of->type);
    return per && info->type == NET_I32 && of->lanes == per * info->lanes ? NULL
                                                                          : "words of what makes no words";
  }
  if (info->kind == LP_lookup) {
    const lp_buffer_info *b = info->which < f->buffers.count ? &f->buffers.at[info->which] : NULL;
    if (!b || b->storage != LP_CONSTANT || b->batched || b->shape.rank != 1) return "no vector to look up in";
    return of->type == NET_I32 && of->lanes == info->lanes && b->type == info->type
               ? NULL
               : "a lookup of other types or lanes";
  }
  if (of->type != info->type) return "another type than its operand's";
  if (info->kind == LP_splat) return of->lanes == 1 && info->lanes > 1 ? NULL : "a splat of a vector";
  if (info->kind == LP_fold)
    return of->lanes > 1 && lp_is_halved(of->lanes) && info->lanes == 1 && info->combine <= LP_MINIMUM
               ? NULL
               : "a fold of a scalar or of lanes that cannot be halved";
  bool inside = info->integer >= 0 && info->integer + info->lanes <= of->lanes && info->lanes < of->lanes;
  return inside ? NULL : "lanes that the vector does not have";
}

static const char *leaf_fault(const lp_function *f, const lp_expr_info *info, lp_expr self) {
  bool scalar = info->lanes == 1;
  switch (info->kind) {
  case LP_const:
    return scalar ? NULL : "a constant is a scalar";
  case LP_axis:
    return scalar && info->type == NET_I32 && info->which < f->axes.count ? NULL
                                                                          : "an axis that does not exist";
  case LP_var:
    return scalar && info->type == NET_I32 && info->which < f->vars.count ? NULL
                                                                          : "a variable that does not exist";
  case LP_count:
    return scalar && info->type == NET_U32 ? NULL : "the count is an u32 scalar";
  case LP_param:
    return scalar && info->type == NET_U32 && info->which <= 2 ? NULL : "no such parameter";
  case LP_lanes:
    return !scalar && info->type == NET_I32 ? NULL : "lane numbers are a vector of i32";
  case LP_load:
  case LP_reduce:
    return list_fault(f, info, self);
  case LP_read:
  case LP_tree:
    return register_fault(f, info);
  case LP_splat:
  case LP_fold:
  case LP_words:
  case LP_part:
  case LP_lookup:
    return vector_fault(f, info);
  default:
    return "no such kind of expression";
  }
}

/* How many operands a kind takes at least and at most. */
static void operands_of(uint8_t kind, uint32_t *least, uint32_t *most) {
  bool one =
      kind == LP_reduce || (kind >= LP_splat && kind <= LP_lookup && kind != LP_lanes && kind != LP_tree);
  *least = kind < LP_operations ? lp_operand_count(kind) : one;
  *most = kind == LP_read ? 2 : *least;
}

static const char *expr_fault(const lp_function *f, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind >= LP_expr_kinds || info->type >= NET_TYPE_COUNT) return "no such kind or type";
  if (!info->lanes || info->lanes > LP_MAX_LANES) return "no such vector";
  uint32_t least, most;
  operands_of(info->kind, &least, &most);
  bool pure =
      info->kind != LP_load && info->kind != LP_read && info->kind != LP_tree && info->kind != LP_reduce;
  for (uint32_t i = 0; i < 3; i++) {
    lp_expr operand = info->operand[i];
    if (operand ? operand >= e || i >= most : i < least)
      return "an operand that does not exist or comes later";
    pure = pure && (!operand || lp_expr_at(f, operand)->pure);
  }
  const char *fault = info->kind < LP_operations ? operation_fault(f, info) : leaf_fault(f, info, e);
  if (!fault && pure != info->pure) fault = "wrongly held for pure or not";
  return fault;
}

static const char *buffer_fault(const lp_buffer_info *b) {
  if (b->storage > LP_RESULT || b->type >= NET_TYPE_COUNT || b->shape.rank > NET_MAX_RANK ||
      b->rank > LP_MAX_RANK)
    return "no such storage, type or rank";
  static const net_type results[] = {NET_F64, NET_F64, NET_U32};
  if (b->storage == LP_RESULT && (b->slot > 2 || b->type != results[b->slot])) return "no such result";
  if (b->storage == LP_INDEX && b->type != NET_U32) return "the index holds u32";
  if (b->storage == LP_SCALAR && b->type != NET_F32) return "scalars are f32";
  return NULL;
}

bool lp_verify_structure(lp_verifier *v) {
  for (lp_buffer i = 0; i < v->f->buffers.count; i++) {
    const char *fault = buffer_fault(&v->f->buffers.at[i]);
    if (fault) return lp_verify_fault(v, "buffer %s: %s", net_text(v->f->n, v->f->buffers.at[i].name), fault);
  }
  for (lp_expr e = 1; e < v->f->exprs.count; e++) {
    const char *fault = expr_fault(v->f, e);
    if (!fault) continue;
    uint8_t kind = v->f->exprs.at[e].kind;
    return lp_verify_fault(v, "expression %u (%s): %s", e,
                           kind < LP_operations ? lp_operation_text(kind) : "no operation", fault);
  }
  return true;
}

/* ---- ranges ---- */

bool lp_verify_access(lp_verifier *v, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t lanes,
                      bool form2) {
  const lp_buffer_info *b = &v->f->buffers.at[buffer];
  const char *name = net_text(v->f->n, b->name);
  uint32_t rank = form2 ? b->rank : b->shape.rank + b->batched;
  if (count != rank)
    return lp_verify_fault(v, "%s has %u dimensions, but is used with %u", name, rank, count);
  bool good = true;
  for (uint32_t i = 0; i < count; i++) {
    lp_expr index = v->f->lists.at[first + i];
    bool sample = b->batched && !i && b->storage != LP_INDEX;
    int64_t extent = form2 ? b->dim[i] : b->batched && !i ? v->f->batch : b->shape.dim[i - b->batched];
    if (b->storage == LP_COLUMN && !i) continue; /* how many rows there are is the runtime's business */
    uint32_t more = i + 1 == count ? lanes - 1 : 0;
    if (lp_within(&v->scope, index, more, extent, form2 && sample && b->storage == LP_OUTPUT)) continue;
    lp_range r = lp_range_of(&v->scope, index);
    good = lp_verify_fault(v, "index %s of %s (from %lld to %lld) may leave dimension %u, which has %lld",
                           lp_verify_text(v, index), name, (long long)r.lo, (long long)r.hi + more, i,
                           (long long)extent);
  }
  return good;
}

bool lp_verify_lookup(lp_verifier *v, const lp_expr_info *lookup) {
  const lp_buffer_info *b = &v->f->buffers.at[lookup->which];
  lp_expr place = lookup->operand[0];
  lp_range r = lp_range_of(&v->scope, place);
  if (r.lo >= 0 && r.hi < b->shape.dim[0]) return true;
  return lp_verify_fault(v, "place %s (from %lld to %lld) may leave %s, which has %u",
                         lp_verify_text(v, place), (long long)r.lo, (long long)r.hi,
                         net_text(v->f->n, b->name), b->shape.dim[0]);
}
