/* The verifier of form 1. */
#include "loops/build.h"
#include "loops/print.h"
#include "loops/verify.h"

#include <stdlib.h>

typedef struct {
  lp_verifier v;
  uint32_t *seen, statement; /* by expression: the last statement that it was seen in, from 1 */
  uint8_t *flags, *left;     /* by axis */
} checker;

static bool uses_batch(const lp_function *f, lp_expr e) { return lp_depends(f, e, 0); }

/* A batched buffer is indexed by the batch axis first and nothing else is; rows of columns come from the
 * index. */
static bool verify_batch(checker *c, lp_buffer buffer, uint32_t first, uint32_t count) {
  const lp_buffer_info *b = &c->v.f->buffers.at[buffer];
  const char *name = net_text(c->v.f->n, b->name);
  for (uint32_t i = 0; i < count; i++) {
    lp_expr index = c->v.f->lists.at[first + i];
    const lp_expr_info *info = lp_expr_at(c->v.f, index);
    if (b->batched && !i) {
      if (b->storage != LP_COLUMN && (info->kind != LP_axis || info->which != 0))
        return lp_verify_fault(&c->v, "%s is batched, but its first index is %s", name,
                               lp_verify_text(&c->v, index));
    } else if (uses_batch(c->v.f, index))
      return lp_verify_fault(&c->v, "index %s of %s depends on the sample", lp_verify_text(&c->v, index),
                             name);
  }
  return true;
}

static bool verify_reduction(checker *c, const lp_expr_info *info) {
  const lp_function *f = c->v.f;
  memset(c->flags, 0, f->axes.count);
  lp_mark_axes(f, info->operand[0], c->flags);
  for (uint32_t i = 0; i < info->count; i++) {
    uint32_t axis = lp_expr_at(f, f->lists.at[info->first + i])->which;
    if (c->flags[axis] & LP_REDUCED)
      return lp_verify_fault(&c->v, "a reduction over axis %s lies inside another over it",
                             net_text(f->n, f->axes.at[axis].name));
  }
  return true;
}

/* A statement may read what it writes only where it writes it: the order of the axes is open. */
static bool verify_own(checker *c, const lp_statement *s, const lp_expr_info *load) {
  if (load->which != s->buffer) return true;
  for (uint32_t i = 0; i < s->count; i++)
    if (c->v.f->lists.at[s->first + i] != c->v.f->lists.at[load->first + i])
      return lp_verify_fault(&c->v, "%s is read at other places than it is written",
                             net_text(c->v.f->n, c->v.f->buffers.at[s->buffer].name));
  return true;
}

/* Everything under an expression, each once. */
static bool verify_value(checker *c, const lp_statement *s, lp_expr e) {
  if (!e || c->seen[e] == c->statement) return true;
  c->seen[e] = c->statement;
  const lp_expr_info *info = lp_expr_at(c->v.f, e);
  bool good = true;
  if (info->lanes != 1 || info->kind == LP_var || info->kind == LP_read ||
      (info->kind >= LP_splat && info->kind <= LP_part))
    return lp_verify_fault(&c->v, "%s belongs to nests", lp_verify_text(&c->v, e));
  if (info->kind == LP_load || info->kind == LP_reduce)
    for (uint32_t i = 0; i < info->count; i++)
      good = verify_value(c, s, c->v.f->lists.at[info->first + i]) && good;
  for (uint32_t i = 0; i < 3; i++) good = verify_value(c, s, info->operand[i]) && good;
  if (info->kind == LP_reduce) return verify_reduction(c, info) && good;
  if (info->kind == LP_lookup) return lp_verify_lookup(&c->v, info) && good;
  if (info->kind != LP_load) return good;
  good = lp_verify_access(&c->v, info->which, info->first, info->count, 1, false) && good;
  return good && verify_own(c, s, info) && verify_batch(c, info->which, info->first, info->count);
}

/* Σ c·axis + constant takes each value once if every |c| is greater than all that the lesser ones add up to.
 */
static bool is_injective(const lp_function *f, lp_linear l) {
  int64_t reach = 0;
  while (l.count) {
    uint32_t least = 0;
    for (uint32_t i = 1; i < l.count; i++)
      if (llabs(l.factor[i]) < llabs(l.factor[least])) least = i;
    uint32_t extent = f->axes.at[lp_expr_at(f, l.atom[least])->which].extent;
    if (extent > 1 && llabs(l.factor[least]) <= reach) return false;
    reach += llabs(l.factor[least]) * (extent - 1);
    l.count--;
    l.atom[least] = l.atom[l.count];
    l.factor[least] = l.factor[l.count];
  }
  return true;
}

/* The left side: affine in axes, and no element assigned twice. Sets c->left for the axes that occur. */
static bool verify_left(checker *c, const lp_statement *s) {
  const lp_function *f = c->v.f;
  uint8_t *left = memset(c->left, 0, f->axes.count);
  const char *name = net_text(f->n, f->buffers.at[s->buffer].name);
  uint32_t undetermined = 0;
  for (uint32_t i = 0; i < s->count; i++) {
    lp_linear l = lp_linear_of(&c->v.scope, f->lists.at[s->first + i]);
    for (uint32_t k = 0; k < l.count; k++) {
      if (lp_expr_at(f, l.atom[k])->kind != LP_axis || !l.known)
        return lp_verify_fault(&c->v, "index %s of %s is not affine in axes",
                               lp_verify_text(&c->v, f->lists.at[s->first + i]), name);
      uint32_t axis = lp_expr_at(f, l.atom[k])->which;
      undetermined += !left[axis];
      left[axis] = 1;
    }
  }
  /* An index determines its axes, once those determined by others are left out of it. 2: determined */
  for (uint32_t round = 0; round < s->count && undetermined; round++)
    for (uint32_t i = 0; i < s->count; i++) {
      lp_linear l = lp_linear_of(&c->v.scope, f->lists.at[s->first + i]), open = {.known = true};
      for (uint32_t k = 0; k < l.count; k++)
        if (left[lp_expr_at(f, l.atom[k])->which] == 1) {
          open.atom[open.count] = l.atom[k];
          open.factor[open.count++] = l.factor[k];
        }
      if (!is_injective(f, open)) continue;
      undetermined -= open.count;
      for (uint32_t k = 0; k < open.count; k++) left[lp_expr_at(f, open.atom[k])->which] = 2;
    }
  return !undetermined || lp_verify_fault(&c->v, "elements of %s are assigned more than once", name);
}

static bool verify_axes(checker *c, const lp_statement *s) {
  const lp_function *f = c->v.f;
  memset(c->flags, 0, f->axes.count);
  lp_mark_axes(f, s->value, c->flags);
  for (uint32_t axis = 0; axis < f->axes.count; axis++) {
    if (!c->flags[axis]) continue;
    const char *name = net_text(f->n, f->axes.at[axis].name);
    if (!c->left[axis] && lp_depends(f, s->value, axis))
      return lp_verify_fault(&c->v, "axis %s is neither on the left nor reduced", name);
    if (c->left[axis] && (c->flags[axis] & LP_REDUCED))
      return lp_verify_fault(&c->v, "axis %s is both on the left and reduced", name);
  }
  return true;
}

static bool verify_statement(checker *c, const lp_statement *s) {
  const lp_function *f = c->v.f;
  bool listed = s->first <= f->lists.count && s->count <= f->lists.count - s->first;
  if (s->buffer >= f->buffers.count || !listed || !s->value || s->value >= f->exprs.count)
    return lp_verify_fault(&c->v, "a statement that points nowhere");
  const lp_buffer_info *b = &f->buffers.at[s->buffer];
  const char *name = net_text(f->n, b->name);
  for (uint32_t i = 0; i < s->count; i++) {
    lp_expr index = f->lists.at[s->first + i];
    if (!index || index >= f->exprs.count)
      return lp_verify_fault(&c->v, "an index of %s that does not exist", name);
    const lp_expr_info *info = lp_expr_at(f, index);
    if (info->lanes != 1 || (info->type != NET_I32 && info->type != NET_U32))
      return lp_verify_fault(&c->v, "index %s of %s is no integer", lp_verify_text(&c->v, index), name);
  }
  const lp_expr_info *value = lp_expr_at(f, s->value);
  if (value->type != b->type)
    return lp_verify_fault(&c->v, "%s is %s, but is assigned %s", name, net_type_name(b->type),
                           net_type_name(value->type));
  if (!lp_is_writable(b->storage)) return lp_verify_fault(&c->v, "%s is only read", name);
  if (b->storage == LP_VARIABLE && !s->update)
    return lp_verify_fault(&c->v, "%s is changed outside of updates", name);
  bool good = verify_value(c, s, s->value);
  for (uint32_t i = 0; i < s->count; i++) good = verify_value(c, s, f->lists.at[s->first + i]) && good;
  return good && lp_verify_access(&c->v, s->buffer, s->first, s->count, 1, false) &&
         verify_batch(c, s->buffer, s->first, s->count) && verify_left(c, s) && verify_axes(c, s);
}

bool lp_verify_statements(const lp_function *f) {
  checker c = {.v = {.f = f}};
  net_arena_init(&c.v.arena, f->arena->guard);
  if (lp_verify_structure(&c.v)) {
    c.v.scope = lp_scope_new(&c.v.arena, f);
    c.seen = NET_NEW_ARRAY(&c.v.arena, uint32_t, f->exprs.count);
    c.flags = NET_NEW_ARRAY(&c.v.arena, uint8_t, f->axes.count);
    c.left = NET_NEW_ARRAY(&c.v.arena, uint8_t, f->axes.count);
    for (uint32_t i = 0; i < f->statements.count; i++) {
      uint32_t node = f->statements.at[i].node;
      if (f->node_name && node != LP_NONE) c.v.in = f->node_name[node];
      c.statement = i + 1;
      verify_statement(&c, &f->statements.at[i]);
    }
  }
  net_arena_free(&c.v.arena);
  return !c.v.faults;
}
