/* Features outside, samples inside: statistics over the batch, values per channel made of them, and
 * element-wise statements that use both (batch_norm forward and backward in one nest each).
 *
 * A tile of channels goes through phases. In a phase, values per channel come first (lanes = channels), then
 * one loop over the batch with the phase's element-wise statements and sums (lanes = samples, channels
 * unrolled), then the sums are reduced by a shuffle tree into lanes = channels. A statement belongs to the
 * first phase in which all it reads is there. */
#include "kernels/schedule.h"

typedef enum { ELEMENTWISE, SUM, CHANNEL } role;

typedef struct {
  kn_schedule_state *s;
  const kn_group *group;
  role *roles;     /* by position in the group */
  uint32_t *phase; /* by position in the group */
  uint32_t phases, most_sums;
  uint32_t size;   /* channels of the tile being emitted */
  lp_expr start;   /* its first channel */
  kn_scope *samples, *channels;
} feature_job;

static const kn_facts *facts_at(const feature_job *j, uint32_t k) {
  return &j->s->facts[j->group->statements.at[k]];
}
static const lp_statement *statement_at(const feature_job *j, uint32_t k) {
  return kn_statement(j->s, j->group->statements.at[k]);
}
static uint32_t channel_axis(const feature_job *j, uint32_t k) {
  const kn_facts *facts = facts_at(j, k);
  return facts->axes[facts->batched ? j->group->channel : facts->axis_count - 1];
}

static void find_phases(feature_job *j) {
  for (uint32_t k = 0; k < j->group->statements.count; k++) {
    const kn_facts *facts = facts_at(j, k);
    j->roles[k] = facts->batched ? ELEMENTWISE : facts->over_batch ? SUM : CHANNEL;
    for (uint32_t r = 0; r < facts->reads.count; r++)
      for (uint32_t m = 0; m < k; m++) {
        if (statement_at(j, m)->buffer != facts->reads.at[r].buffer) continue;
        uint32_t earliest = j->phase[m] + (j->roles[m] == SUM);
        if (earliest > j->phase[k]) j->phase[k] = earliest;
      }
    if (j->phase[k] + 1 > j->phases) j->phases = j->phase[k] + 1;
  }
  for (uint32_t p = 0; p < j->phases; p++) {
    uint32_t sums = 0;
    for (uint32_t k = 0; k < j->group->statements.count; k++) sums += j->phase[k] == p && j->roles[k] == SUM;
    if (sums > j->most_sums) j->most_sums = sums;
  }
}

/* Whether a statement has nothing but the batch and the channel: then it may share the phase's loop. */
static bool plain(const feature_job *j, uint32_t k) {
  const kn_facts *facts = facts_at(j, k);
  if (j->roles[k] == ELEMENTWISE) return facts->axis_count == 1;
  return !facts->over_features;
}

/* Only read in the phase that writes it: needs no memory. */
static bool momentary(const feature_job *j, uint32_t k) {
  if (!j->s->local[statement_at(j, k)->buffer]) return false;
  for (uint32_t m = k + 1; m < j->group->statements.count; m++)
    for (uint32_t r = 0; r < facts_at(j, m)->reads.count; r++)
      if (facts_at(j, m)->reads.at[r].buffer == statement_at(j, k)->buffer &&
          (j->phase[m] != j->phase[k] || !plain(j, m)))
        return false;
  return true;
}

static void emit_channel(feature_job *j, uint32_t k, lp_expr reduced) {
  kn_scope *scope = j->channels;
  const lp_statement *statement = statement_at(j, k);
  scope->lanes = j->size;
  scope->vector_axis = channel_axis(j, k);
  scope->axis[channel_axis(j, k)] = j->start;
  kn_scope_renew(scope);
  if (reduced) {
    scope->memo[facts_at(j, k)->reduction] = reduced;
    scope->memo_stamp[facts_at(j, k)->reduction] = scope->stamp;
  }
  kn_assign(scope, statement, kn_value(scope, statement->value));
}

/* An element-wise statement at one point: kept in a register for the statements behind it, stored if
 * needed. */
static void emit_point(feature_job *j, uint32_t k, lp_expr channel) {
  kn_scope *scope = j->samples;
  lp_function *f = j->s->f;
  const lp_statement *statement = statement_at(j, k);
  lp_expr zero = lp_int(f, 0);
  scope->axis[channel_axis(j, k)] = channel;
  kn_scope_renew(scope);
  lp_expr value = kn_value(scope, statement->value);
  lp_reg point = lp_reg_new(f, "y", f->buffers.at[statement->buffer].type, scope->lanes, 1, 1);
  lp_set(f, point, zero, zero, value);
  if (!momentary(j, k)) kn_assign(scope, statement, lp_read_reg(f, point, zero, zero));
  kn_scope_bind(scope, statement->buffer, point, true, zero, zero);
}

static void emit_sum(feature_job *j, uint32_t k, lp_reg acc, lp_expr r, lp_expr channel) {
  kn_scope *scope = j->samples;
  lp_function *f = j->s->f;
  lp_expr zero = lp_int(f, 0);
  lp_expr_info info = *lp_expr_at(f, facts_at(j, k)->reduction);
  scope->axis[channel_axis(j, k)] = channel;
  kn_scope_renew(scope);
  lp_expr before = lp_read_reg(f, acc, r, zero), valid = kn_valid(scope);
  lp_expr after = kn_accumulate(f, info.combine, before, kn_value(scope, info.operand[0]));
  lp_set(f, acc, r, zero, valid ? lp_select(f, valid, after, before) : after);
}

static lp_reg open_sum(feature_job *j, uint32_t k) {
  lp_function *f = j->s->f;
  const lp_expr_info *info = lp_expr_at(f, facts_at(j, k)->reduction);
  lp_combine combine = info->combine;
  net_type type = info->type;
  lp_expr zero = lp_int(f, 0);
  lp_reg acc = lp_reg_new(f, "a", type, j->samples->lanes, j->size, 1);
  lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, j->size), 1, LP_UNROLL);
  lp_set(f, acc, r, zero, kn_initial(f, combine, type, j->samples->lanes));
  lp_end(f);
  return acc;
}

static void close_sum(feature_job *j, uint32_t k, lp_reg acc) {
  lp_function *f = j->s->f;
  lp_combine combine = lp_expr_at(f, facts_at(j, k)->reduction)->combine;
  lp_expr z = j->samples->lanes > 1 ? lp_part_of(f, lp_tree_of(f, combine, acc, j->size), 0, j->size)
                                    : lp_read_reg(f, acc, lp_int(f, 0), lp_int(f, 0));
  emit_channel(j, k, z);
}

/* Adds a part to its total. */
static void carry_sum(feature_job *j, uint32_t k, lp_reg total, lp_reg part) {
  lp_function *f = j->s->f;
  lp_expr r = lp_begin_for(f, "r", lp_int(f, 0), lp_int(f, j->size), 1, LP_UNROLL);
  kn_carry(f, lp_expr_at(f, facts_at(j, k)->reduction)->combine, total, part, r, lp_int(f, 0));
  lp_end(f);
}

/* The batch is two loops, or three where long sums are made of parts: parts, their tiles, vectors of a
 * tile. */
enum { PART, TILE, VECTOR, LOOPS };

static void batch_extents(const feature_job *j, uint32_t *extents) {
  const lp_function *f = j->s->f;
  extents[TILE] = kn_tiles_of_part(f);
  extents[PART] = f->padded / f->tile / extents[TILE];
  extents[VECTOR] = f->tile / j->samples->lanes;
}

static void open_batch(feature_job *j, uint32_t loop, const uint32_t *extents, bool unroll) {
  lp_function *f = j->s->f;
  kn_scope *scope = j->samples;
  lp_expr zero = lp_int(f, 0), extent = lp_int(f, extents[loop]);
  if (loop == PART) {
    scope->tile = extents[PART] > 1 ? lp_begin_for(f, "part", zero, extent, 1, 0) : 0;
  } else if (loop == TILE) {
    lp_expr tile = lp_begin_for(f, "bt", zero, extent, 1, 0);
    scope->tile = scope->tile ? lp_addition(f, lp_product(f, scope->tile, extent), tile) : tile;
  } else {
    bool few = unroll && extents[VECTOR] <= 4;
    scope->within = lp_begin_for(f, "q", zero, lp_int(f, f->tile), scope->lanes, few ? LP_UNROLL : 0);
  }
}

static void close_batch(feature_job *j, uint32_t loop, const uint32_t *extents) {
  if (loop != PART || extents[PART] > 1) lp_end(j->s->f);
}

/* A statement with feature axes beyond the channel: loops of its own. */
static void emit_alone(feature_job *j, uint32_t k) {
  lp_function *f = j->s->f;
  kn_scope *scope = j->samples;
  const kn_facts *facts = facts_at(j, k);
  lp_expr zero = lp_int(f, 0);
  enum { MOST = LP_MAX_RANK + LOOPS };
  uint32_t axes[MOST], extents[MOST], count = LOOPS;
  bool sum = j->roles[k] == SUM, starts[MOST];
  lp_reg sums[MOST];
  lp_expr_info info = sum ? *lp_expr_at(f, facts->reduction) : (lp_expr_info){.count = facts->axis_count};
  batch_extents(j, extents);
  for (uint32_t i = 0; i < info.count; i++) {
    uint32_t axis = sum ? kn_axis_of(f, lp_list_at(f, info.first)[i]) : facts->axes[i];
    if (f->axes.at[axis].batch || axis == channel_axis(j, k)) continue;
    axes[count] = axis;
    extents[count++] = kn_extent(f, axis);
  }
  kn_cascade(count, extents, starts);
  for (uint32_t i = 0; i < count; i++) {
    if (sum) sums[i] = !i || starts[i] ? open_sum(j, k) : sums[i - 1];
    if (i < LOOPS) open_batch(j, i, extents, false);
    else
      scope->axis[axes[i]] =
          lp_begin_for(f, net_text(f->n, f->axes.at[axes[i]].name), zero, lp_int(f, extents[i]), 1, 0);
  }
  lp_expr r = lp_begin_for(f, "r", zero, lp_int(f, j->size), 1, LP_UNROLL);
  scope->bound.count = 0;
  if (sum) emit_sum(j, k, sums[count - 1], r, lp_addition(f, j->start, r));
  else emit_point(j, k, lp_addition(f, j->start, r));
  scope->bound.count = 0;
  lp_end(f);
  for (uint32_t i = count; i-- > 0;) {
    if (i < LOOPS) close_batch(j, i, extents);
    else lp_end(f);
    if (sum && starts[i]) carry_sum(j, k, sums[i - 1], sums[i]);
  }
  if (sum) close_sum(j, k, sums[0]);
}

static bool is_plain_sum(const feature_job *j, uint32_t k, uint32_t phase) {
  return j->phase[k] == phase && j->roles[k] == SUM && plain(j, k);
}

/* All plain statements of a phase in one loop over the batch. */
static void emit_together(feature_job *j, uint32_t phase) {
  lp_function *f = j->s->f;
  uint32_t count = j->group->statements.count, sums = 0, points = 0, extents[LOOPS];
  lp_reg *totals = NET_NEW_ARRAY(f->arena, lp_reg, count + 1),
         *acc = NET_NEW_ARRAY(f->arena, lp_reg, count + 1);
  lp_expr zero = lp_int(f, 0);
  batch_extents(j, extents);
  for (uint32_t k = 0; k < count; k++) {
    if (j->phase[k] != phase || j->roles[k] == CHANNEL || !plain(j, k)) continue;
    if (j->roles[k] == SUM) acc[k] = totals[k] = open_sum(j, k), sums++;
    else points++;
  }
  if (!sums && !points) return;
  /* sums want channels innermost, for independent chains of additions; without sums, channels outermost keep
   * each channel's values in registers */
  lp_expr r = 0;
  if (!sums) r = lp_begin_for(f, "r", zero, lp_int(f, j->size), 1, 0);
  open_batch(j, PART, extents, false);
  for (uint32_t k = 0; k < count && extents[PART] > 1; k++)
    if (is_plain_sum(j, k, phase)) acc[k] = open_sum(j, k);
  open_batch(j, TILE, extents, false);
  open_batch(j, VECTOR, extents, !sums);
  if (sums) r = lp_begin_for(f, "r", zero, lp_int(f, j->size), 1, LP_UNROLL);
  j->samples->bound.count = 0;
  for (uint32_t k = 0; k < count; k++) {
    if (j->phase[k] != phase || j->roles[k] == CHANNEL || !plain(j, k)) continue;
    if (j->roles[k] == SUM) emit_sum(j, k, acc[k], r, lp_addition(f, j->start, r));
    else emit_point(j, k, lp_addition(f, j->start, r));
  }
  j->samples->bound.count = 0;
  if (sums) lp_end(f);
  close_batch(j, VECTOR, extents);
  close_batch(j, TILE, extents);
  for (uint32_t k = 0; k < count && extents[PART] > 1; k++)
    if (is_plain_sum(j, k, phase)) carry_sum(j, k, totals[k], acc[k]);
  close_batch(j, PART, extents);
  if (!sums) lp_end(f);
  for (uint32_t k = 0; k < count; k++)
    if (is_plain_sum(j, k, phase)) close_sum(j, k, totals[k]);
}

static void emit_tile(feature_job *j) {
  uint32_t count = j->group->statements.count;
  for (uint32_t p = 0; p < j->phases; p++) {
    for (uint32_t k = 0; k < count; k++)
      if (j->phase[k] == p && j->roles[k] == CHANNEL) emit_channel(j, k, 0);
    emit_together(j, p);
    for (uint32_t k = 0; k < count; k++)
      if (j->phase[k] == p && j->roles[k] != CHANNEL && !plain(j, k)) emit_alone(j, k);
  }
}

/* Channels of a tile: as many as there are lanes, if the accumulators of a phase fit the registers. */
static uint32_t most_channels(const feature_job *j) {
  const kn_machine *machine = j->s->machine;
  uint32_t most = machine->lanes, room = machine->registers * 5 / 8 / (j->most_sums ? j->most_sums : 1);
  while (most > 1 && most > room) most /= 2;
  return most;
}

void kn_emit_feature(kn_schedule_state *s, const kn_group *group) {
  lp_function *f = s->f;
  uint32_t count = group->statements.count;
  feature_job j = {.s = s, .group = group};
  j.roles = NET_NEW_ARRAY(f->arena, role, count);
  j.phase = NET_NEW_ARRAY(f->arena, uint32_t, count);
  j.samples = kn_scope_new(s, s->machine->lanes, 0);
  j.channels = kn_scope_new(s, 1, LP_NONE);
  find_phases(&j);
  const kn_facts *first = facts_at(&j, 0);
  double work = 0;
  for (uint32_t k = 0; k < count; k++) work += kn_points(s, group->statements.at[k]) * f->padded * 4;
  lp_nest_begin(f, kn_group_name(s, group));
  uint32_t opened = 0; /* a statistic with several axes stands alone: all but the last are plain loops */
  for (uint32_t i = 0; !first->batched && i + 1 < first->axis_count; i++, opened++) {
    lp_expr var = lp_begin_for(f, net_text(f->n, f->axes.at[first->axes[i]].name), lp_int(f, 0),
                               lp_int(f, kn_extent(f, first->axes[i])), 1, 0);
    j.samples->axis[first->axes[i]] = j.channels->axis[first->axes[i]] = var;
  }
  kn_split split = kn_split_evenly(kn_extent(f, channel_axis(&j, 0)), most_channels(&j));
  bool parallel = !opened && !split.n[1];
  for (int part = 0; part < 2; part++) {
    if (!split.n[part]) continue;
    j.size = split.size[part];
    lp_expr t = lp_begin_for(f, "ct", lp_int(f, 0), lp_int(f, split.n[part]), 1, parallel ? LP_PARALLEL : 0);
    j.start = lp_addition(f, lp_int(f, split.start[part]), lp_product(f, t, lp_int(f, j.size)));
    emit_tile(&j);
    lp_end(f);
  }
  while (opened--) lp_end(f);
  lp_nest_end(f, work);
}
