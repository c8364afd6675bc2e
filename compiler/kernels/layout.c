/* Where values lie: physical dimensions of buffers, and places in scratch by life time. */
#include "kernels/schedule.h"

#include <math.h>

/* Batched values are [batch / T, elements, T]: a vector holds one feature of consecutive samples, and a tile
 * of a value is contiguous. Everything else is flat, padded to whole vectors so that a vector may run over
 * its end. */
enum { ALIGN_BYTES = 64 };

void kn_choose_layouts(kn_schedule_state *s) {
  lp_function *f = s->f;
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    lp_buffer_info *info = &f->buffers.at[b];
    uint32_t elements = (uint32_t)net_shape_elements(&info->shape);
    uint32_t dims[3] = {0};
    switch (info->storage) {
    case LP_COLUMN: /* as many rows as there are */
      info->rank = 2, dims[0] = INT32_MAX, dims[1] = elements;
      break;
    case LP_OUTPUT: info->rank = 2, dims[0] = f->padded, dims[1] = elements; break;
    case LP_INDEX: info->rank = 1, dims[0] = f->padded; break;
    case LP_SCALAR:
    case LP_RESULT: info->rank = 1, dims[0] = 1; break;
    default:
      if (info->batched && !s->options->single)
        info->rank = 3, dims[0] = f->padded / f->tile, dims[1] = elements, dims[2] = f->tile;
      else info->rank = 1, dims[0] = (elements + KN_PAD - 1) / KN_PAD * KN_PAD;
    }
    memcpy(info->dim, dims, sizeof dims);
  }
}

typedef struct {
  uint32_t first, last; /* nests that touch the buffer */
  size_t bytes;
} life;

typedef struct {
  lp_function *f;
  life *lives;
  uint32_t nest;
  uint32_t *seen; /* by expression: nest + 1 when last seen */
} walk;

static void touch(walk *w, lp_buffer buffer) {
  life *l = &w->lives[buffer];
  if (l->first == LP_NONE) l->first = w->nest;
  l->last = w->nest;
}

static void walk_expr(walk *w, lp_expr e) {
  if (!e || w->seen[e] == w->nest + 1) return;
  w->seen[e] = w->nest + 1;
  const lp_expr_info *info = lp_expr_at(w->f, e);
  if (info->kind == LP_load) {
    touch(w, info->which);
    for (uint32_t i = 0; i < info->count; i++) walk_expr(w, lp_list_at(w->f, info->first)[i]);
    return;
  }
  for (int i = 0; i < 3; i++) walk_expr(w, info->operand[i]);
}

static void walk_stmts(walk *w, lp_stmt stmt) {
  for (; stmt; stmt = w->f->stmts.at[stmt].next) {
    const lp_stmt_info *info = &w->f->stmts.at[stmt];
    if (info->kind == LP_STORE) touch(w, info->which);
    walk_expr(w, info->value);
    walk_stmts(w, info->body);
  }
}

/* The lowest gap among the placed buffers that live at the same time. */
static size_t find_gap(const lp_function *f, const life *lives, const lp_buffer *placed, uint32_t count,
                       lp_buffer b) {
  size_t at = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (uint32_t i = 0; i < count; i++) {
      const life *other = &lives[placed[i]], *own = &lives[b];
      size_t begin = f->buffers.at[placed[i]].offset, end = begin + other->bytes;
      if (other->last < own->first || own->last < other->first) continue;
      if (at < end && begin < at + own->bytes) at = end, moved = true;
    }
  }
  return at;
}

/* Values of the batch that live at the same time, at the nest where they are largest. */
static double most_alive(const lp_function *f, const life *lives) {
  double most = 0;
  for (uint32_t nest = 0; nest < f->nests.count; nest++) {
    double bytes = 0;
    for (lp_buffer b = 0; b < f->buffers.count; b++) {
      const lp_buffer_info *info = &f->buffers.at[b];
      if (info->storage != LP_SCRATCH || !info->batched || lives[b].first > nest || lives[b].last < nest)
        continue;
      bytes += ceil(f->batch * (double)net_shape_elements(&info->shape) * info->bits / 8);
    }
    if (bytes > most) most = bytes;
  }
  return most;
}

/* Largest first, each at the lowest place free during its life. */
void kn_place_buffers(kn_schedule_state *s) {
  lp_function *f = s->f;
  uint32_t count = f->buffers.count, placed_count = 0;
  walk w = {f, NET_NEW_ARRAY(f->arena, life, count + 1), 0,
            NET_NEW_ARRAY(f->arena, uint32_t, f->exprs.count + 1)};
  for (lp_buffer b = 0; b < count; b++) {
    const lp_buffer_info *info = &f->buffers.at[b];
    size_t bytes = net_type_bytes(info->type);
    for (uint32_t i = 0; i < info->rank && info->storage == LP_SCRATCH; i++) bytes *= info->dim[i];
    w.lives[b] = (life){LP_NONE, 0, (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES};
  }
  for (; w.nest < f->nests.count; w.nest++) walk_stmts(&w, f->nests.at[w.nest].body);
  for (lp_buffer b = 0; b < count; b++) /* what only registers hold needs neither layout nor place */
    if (f->buffers.at[b].storage == LP_SCRATCH && w.lives[b].first == LP_NONE) f->buffers.at[b].rank = 0;
  f->activation_bytes = most_alive(f, w.lives);
  lp_buffer *placed = NET_NEW_ARRAY(f->arena, lp_buffer, count + 1);
  bool *done = NET_NEW_ARRAY(f->arena, bool, count + 1);
  for (;;) {
    lp_buffer next = LP_NONE;
    for (lp_buffer b = 0; b < count; b++) {
      if (done[b] || f->buffers.at[b].storage != LP_SCRATCH || w.lives[b].first == LP_NONE) continue;
      if (next == LP_NONE || w.lives[b].bytes > w.lives[next].bytes) next = b;
    }
    if (next == LP_NONE) break;
    done[next] = true;
    size_t offset = find_gap(f, w.lives, placed, placed_count, next);
    if (s->options->unfused) offset = f->scratch_bytes; /* every value stays to be looked at */
    f->buffers.at[next].offset = offset;
    placed[placed_count++] = next;
    if (offset + w.lives[next].bytes > f->scratch_bytes) f->scratch_bytes = offset + w.lives[next].bytes;
  }
}
