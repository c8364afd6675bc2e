/* What a statement does, found from its indices alone: which axes it keeps, which it reduces, what it
 * reads. */
#include "kernels/schedule.h"

uint32_t kn_axis_of(const lp_function *f, lp_expr e) {
  const lp_expr_info *info = lp_expr_at(f, e);
  return info->kind == LP_axis ? info->which : LP_NONE;
}

bool kn_at_point(const lp_function *f, const kn_access *access, const lp_statement *statement) {
  return access->count == statement->count &&
         !memcmp(lp_list_at(f, access->first), lp_list_at(f, statement->first),
                 access->count * sizeof(lp_expr));
}

typedef struct {
  kn_schedule_state *s;
  kn_facts *facts;
  uint32_t reductions;
  uint8_t *seen; /* by expression */
} finder;

static void look(finder *d, lp_expr e) {
  lp_function *f = d->s->f;
  if (!e || d->seen[e]) return;
  d->seen[e] = 1;
  const lp_expr_info *info = lp_expr_at(f, e);
  if (info->kind == LP_load) {
    net_vec_push(f->arena, &d->facts->reads, (kn_access){info->which, info->first, info->count});
    for (uint32_t i = 0; i < info->count; i++) look(d, lp_list_at(f, info->first)[i]);
  } else if (info->kind == LP_reduce) {
    d->facts->reduction = d->reductions++ ? 0 : e;
    for (uint32_t i = 0; i < info->count; i++) {
      uint32_t axis = kn_axis_of(f, lp_list_at(f, info->first)[i]);
      if (f->axes.at[axis].batch) d->facts->over_batch = true;
      else d->facts->over_features = true;
    }
    look(d, info->operand[0]);
  } else {
    for (int i = 0; i < 3; i++) look(d, info->operand[i]);
  }
}

static bool access_depends(const lp_function *f, lp_expr load, uint32_t axis) {
  const lp_expr_info *info = lp_expr_at(f, load);
  for (uint32_t i = 0; i < info->count; i++)
    if (lp_depends(f, lp_list_at(f, info->first)[i], axis)) return true;
  return false;
}

/* The last axis on the left that one load depends on and the other does not. */
static uint32_t only_axis(const kn_facts *facts, const lp_function *f, lp_expr with, lp_expr without) {
  for (uint32_t i = facts->axis_count; i-- > 0;)
    if (access_depends(f, with, facts->axes[i]) && !access_depends(f, without, facts->axes[i]))
      return facts->axes[i];
  return LP_NONE;
}

lp_expr kn_loaded(const lp_function *f, lp_expr e) {
  return lp_expr_at(f, e)->kind == LP_convert ? lp_expr_at(f, e)->operand[0] : e;
}

/* A contraction is a sum of products of two loads in which an axis on the left reuses one of them. In f64 and
 * integers the loads may be converted, and only forward contractions are known. */
static bool contraction(const lp_function *f, kn_facts *facts) {
  if (!facts->reduction) return false;
  const lp_expr_info *sum = lp_expr_at(f, facts->reduction);
  const lp_expr_info *body = lp_expr_at(f, sum->operand[0]);
  if (sum->combine != LP_SUM || body->kind != LP_mul) return false;
  lp_expr a = kn_loaded(f, body->operand[0]), b = kn_loaded(f, body->operand[1]);
  if (lp_expr_at(f, a)->kind != LP_load || lp_expr_at(f, b)->kind != LP_load) return false;
  bool batched_a = f->buffers.at[lp_expr_at(f, a)->which].batched;
  bool batched_b = f->buffers.at[lp_expr_at(f, b)->which].batched;
  if (facts->batched && !facts->over_batch && batched_a != batched_b) {
    lp_expr weight = batched_a ? b : a, x = batched_a ? a : b;
    facts->tile[0] = only_axis(facts, f, weight, x);
    facts->kind = KN_FORWARD;
    return facts->tile[0] != LP_NONE;
  }
  if (!facts->batched && facts->over_batch && batched_a && batched_b && body->type == NET_F32) {
    facts->tile[0] = only_axis(facts, f, a, b);
    facts->tile[1] = only_axis(facts, f, b, a);
    facts->kind = KN_WEIGHT;
    return facts->tile[0] != LP_NONE && facts->tile[1] != LP_NONE;
  }
  return false;
}

static void find(kn_schedule_state *s, uint32_t index, uint8_t *seen) {
  lp_function *f = s->f;
  const lp_statement *statement = kn_statement(s, index);
  kn_facts *facts = &s->facts[index];
  const lp_buffer_info *to = &f->buffers.at[statement->buffer];
  facts->whole = true;
  for (uint32_t i = 0; i < statement->count; i++) {
    uint32_t axis = kn_axis_of(f, lp_list_at(f, statement->first)[i]), k = i - to->batched;
    bool only = k < to->shape.rank && to->shape.dim[k] == 1; /* a dimension of 1 may be indexed by 0 */
    if (axis == LP_NONE && only) {
    } else if (axis == LP_NONE) { /* an affine index: its axes are parallel all the same */
      facts->whole = false;
      for (uint32_t a = 1; a < f->axes.count; a++)
        if (lp_depends(f, lp_list_at(f, statement->first)[i], a)) facts->axes[facts->axis_count++] = a;
    } else if (f->axes.at[axis].batch) {
      facts->batched = true;
    } else {
      facts->axes[facts->axis_count++] = axis;
      if (k < to->shape.rank && kn_extent(f, axis) != to->shape.dim[k]) facts->whole = false;
    }
  }
  facts->full = facts->whole && facts->axis_count + facts->batched == statement->count;
  finder d = {s, facts, 0, seen};
  memset(seen, 0, f->exprs.count);
  look(&d, statement->value);
  bool column = false;
  for (uint32_t i = 0; i < facts->reads.count; i++)
    column |= f->buffers.at[facts->reads.at[i].buffer].storage == LP_COLUMN;
  if (column) facts->kind = KN_GATHER;
  else if (to->storage == LP_OUTPUT) facts->kind = KN_SCATTER;
  else if (contraction(f, facts)) return;
  else if (facts->batched || (facts->over_batch && !facts->axis_count)) facts->kind = KN_SAMPLE;
  else if (facts->over_batch) facts->kind = KN_FEATURE;
  else facts->kind = KN_FLAT;
}

void kn_find_facts(kn_schedule_state *s) {
  lp_function *f = s->f;
  s->facts = NET_NEW_ARRAY(f->arena, kn_facts, f->statements.count + 1);
  uint8_t *seen = NET_NEW_ARRAY(f->arena, uint8_t, f->exprs.count + 1);
  for (uint32_t i = 0; i < f->statements.count; i++) find(s, i, seen);
}

void kn_find_live(kn_schedule_state *s) {
  lp_function *f = s->f;
  bool *needed = NET_NEW_ARRAY(f->arena, bool, f->buffers.count + 1);
  for (uint32_t i = f->statements.count; i-- > 0;) {
    lp_buffer to = kn_statement(s, i)->buffer;
    s->facts[i].live = s->options->unfused || needed[to] || f->buffers.at[to].storage != LP_SCRATCH;
    if (!s->facts[i].live) continue;
    for (uint32_t k = 0; k < s->facts[i].reads.count; k++) needed[s->facts[i].reads.at[k].buffer] = true;
  }
}

double kn_points(const kn_schedule_state *s, uint32_t statement) {
  const lp_function *f = s->f;
  const kn_facts *facts = &s->facts[statement];
  double points = 1;
  for (uint32_t i = 0; i < facts->axis_count; i++) points *= kn_extent(f, facts->axes[i]);
  if (facts->reduction) {
    const lp_expr_info *r = lp_expr_at(f, facts->reduction);
    for (uint32_t i = 0; i < r->count; i++) {
      uint32_t axis = kn_axis_of(f, lp_list_at(f, r->first)[i]);
      if (!f->axes.at[axis].batch) points *= kn_extent(f, axis);
    }
  }
  return points;
}
