/* Fusion: which statements share a nest.
 *
 * What depends on no sample comes first, then what the loss and metrics need. Statements are placed one by
 * one, in order. Each may join a group no earlier than the last group that writes what it reads (results are
 * never overwritten, so nothing else holds it back; only updates, which are placed last, also stay behind the
 * test of the loss and behind whatever reads what they change). It joins the first group that takes it:
 *   gathered rows         element-wise statements on them, at the same point
 *   forward contraction   element-wise statements on its results, at the same point: the epilogue
 *   feature nest          statistics over the batch per channel, values per channel, element-wise statements
 *                         whose reads of the group's own values are at the same channel
 *   sample nest           anything per sample
 *   weight gradient       updates of what it is the gradient of, if it is summed in panels
 *   flat nest             element-wise statements over the same extents
 * A group of element-wise statements alone stays flexible: statistics of its results make it a feature
 * nest. */
#include "kernels/schedule.h"

enum { MOST_STATEMENTS = 24 };

static bool writes(const kn_schedule_state *s, const kn_group *g, lp_buffer buffer) {
  for (uint32_t i = 0; i < g->statements.count; i++)
    if (kn_statement(s, g->statements.at[i])->buffer == buffer) return true;
  return false;
}

static bool reads(const kn_schedule_state *s, const kn_group *g, lp_buffer buffer) {
  for (uint32_t i = 0; i < g->statements.count; i++) {
    const kn_facts *facts = &s->facts[g->statements.at[i]];
    for (uint32_t k = 0; k < facts->reads.count; k++)
      if (facts->reads.at[k].buffer == buffer) return true;
  }
  return false;
}

static bool elementwise(const kn_facts *facts) {
  return facts->whole && !facts->over_batch && !facts->over_features;
}

/* The element-wise statement and the other have the same left side, axis for axis. */
static bool same_domain(const kn_schedule_state *s, uint32_t a, uint32_t b) {
  const kn_facts *x = &s->facts[a], *y = &s->facts[b];
  if (x->batched != y->batched || x->axis_count != y->axis_count) return false;
  for (uint32_t i = 0; i < x->axis_count; i++)
    if (kn_extent(s->f, x->axes[i]) != kn_extent(s->f, y->axes[i])) return false;
  return true;
}

/* Every read of what the group writes is at the statement's own point [b, axes…]. */
static bool reads_at_point(const kn_schedule_state *s, const kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  for (uint32_t r = 0; r < facts->reads.count; r++)
    if (writes(s, g, facts->reads.at[r].buffer) &&
        !kn_at_point(s->f, &facts->reads.at[r], kn_statement(s, index)))
      return false;
  return true;
}

/* The feature dimension at which every read of the group's own batched values has the given axis; reads of
 * its unbatched values must be at [axis]. LP_NONE when they disagree; `otherwise` when there are none. */
static uint32_t channel_of_reads(const kn_schedule_state *s, const kn_group *g, uint32_t index, uint32_t axis,
                                 uint32_t otherwise) {
  const kn_facts *facts = &s->facts[index];
  uint32_t channel = otherwise;
  for (uint32_t r = 0; r < facts->reads.count; r++) {
    kn_access a = facts->reads.at[r];
    if (!writes(s, g, a.buffer)) continue;
    const lp_expr *at = lp_list_at(s->f, a.first);
    bool batched = s->f->buffers.at[a.buffer].batched;
    if (!batched) {
      if (a.count != 1 || kn_axis_of(s->f, at[0]) != axis) return LP_NONE;
      continue;
    }
    if (kn_axis_of(s->f, at[0]) != 0) return LP_NONE;
    uint32_t found = LP_NONE;
    for (uint32_t i = 1; i < a.count; i++) {
      if (kn_axis_of(s->f, at[i]) == axis) found = i - 1;
      else if (lp_depends(s->f, at[i], axis)) return LP_NONE;
    }
    if (found == LP_NONE || (channel != LP_NONE && channel != found)) return LP_NONE;
    channel = found;
  }
  return channel;
}

static bool shares_reads(const kn_schedule_state *s, const kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  for (uint32_t r = 0; r < facts->reads.count; r++) {
    lp_buffer buffer = facts->reads.at[r].buffer;
    if (s->f->buffers.at[buffer].batched && (reads(s, g, buffer) || writes(s, g, buffer))) return true;
  }
  return false;
}

static bool uses_group(const kn_schedule_state *s, const kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  for (uint32_t r = 0; r < facts->reads.count; r++)
    if (writes(s, g, facts->reads.at[r].buffer)) return true;
  return false;
}

/* Extent of the group's channel: of its first statement. */
static uint32_t channel_extent(const kn_schedule_state *s, const kn_group *g) {
  const kn_facts *facts = &s->facts[g->statements.at[0]];
  return kn_extent(s->f, facts->axes[facts->batched ? g->channel : 0]);
}

/* A statistic per channel: statement[c] = … over the batch, or an element-wise value[c]. */
static bool per_channel(const kn_facts *facts) {
  return !facts->batched && facts->axis_count == 1 && facts->full;
}

static bool feature_takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  if (per_channel(facts) && facts->kind != KN_WEIGHT) {
    if (kn_extent(s->f, facts->axes[0]) != channel_extent(s, g)) return false;
    if (facts->over_batch ? !shares_reads(s, g, index) || !facts->reduction
                          : facts->over_features || !uses_group(s, g, index))
      return false;
    return channel_of_reads(s, g, index, facts->axes[0], g->channel) == g->channel;
  }
  if (!facts->batched || !facts->full || !elementwise(facts) || !uses_group(s, g, index)) return false;
  /* every batched value of the group has the same extents */
  for (uint32_t i = 0; i < g->statements.count; i++)
    if (s->facts[g->statements.at[i]].batched && !same_domain(s, g->statements.at[i], index)) return false;
  if (g->channel >= facts->axis_count) return false;
  uint32_t axis = facts->axes[g->channel];
  return kn_extent(s->f, axis) == channel_extent(s, g) &&
         channel_of_reads(s, g, index, axis, g->channel) == g->channel;
}

/* A group of element-wise statements becomes a feature nest when statistics of its results are wanted. */
static bool becomes_feature(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  if (!g->flexible || !per_channel(facts) || !facts->over_batch || !facts->reduction ||
      facts->kind == KN_WEIGHT || !uses_group(s, g, index))
    return false;
  uint32_t channel = channel_of_reads(s, g, index, facts->axes[0], LP_NONE);
  if (channel == LP_NONE) return false;
  g->channel = channel;
  if (kn_extent(s->f, facts->axes[0]) != channel_extent(s, g)) return false;
  g->kind = KN_FEATURE;
  g->flexible = false;
  return true;
}

static bool sample_takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  if (facts->kind != KN_SAMPLE || !uses_group(s, g, index)) return false;
  for (uint32_t r = 0; r < facts->reads.count; r++) /* sums over the batch are ready only behind the nest */
    if (writes(s, g, facts->reads.at[r].buffer) && !s->f->buffers.at[facts->reads.at[r].buffer].batched)
      return false;
  if (!elementwise(facts) || !facts->batched || !same_domain(s, g->statements.at[0], index) ||
      !reads_at_point(s, g, index))
    g->flexible = false;
  return true;
}

static bool flat_takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  return facts->kind == KN_FLAT && elementwise(facts) && elementwise(&s->facts[g->statements.at[0]]) &&
         same_domain(s, g->statements.at[0], index) && reads_at_point(s, g, index);
}

static bool forward_takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  return facts->kind == KN_SAMPLE && facts->batched && elementwise(facts) && uses_group(s, g, index) &&
         same_domain(s, g->statements.at[0], index) && reads_at_point(s, g, index) &&
         s->f->buffers.at[kn_statement(s, index)->buffer].type != NET_F64;
}

/* An update of what the gradient is of: element-wise, lanes along the last axis. */
static bool weight_takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  const lp_statement *statement = kn_statement(s, index);
  if (!statement->update || facts->kind != KN_FLAT || !facts->full || !elementwise(facts) ||
      !uses_group(s, g, index) || !same_domain(s, g->statements.at[0], index) ||
      !kn_panels_update(s, g->statements.at[0]))
    return false;
  for (uint32_t r = 0; r < facts->reads.count; r++)
    if (facts->reads.at[r].count && !kn_at_point(s->f, &facts->reads.at[r], statement)) return false;
  return true;
}

/* Rows of features that are gathered whole, by blocks of vectors. */
static bool gather_takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  const kn_facts *facts = &s->facts[index], *first = &s->facts[g->statements.at[0]];
  const lp_buffer_info *row = &s->f->buffers.at[kn_statement(s, g->statements.at[0])->buffer];
  return facts->kind == KN_SAMPLE && facts->batched && facts->full && elementwise(facts) &&
         uses_group(s, g, index) && first->full && first->axis_count == 1 &&
         same_domain(s, g->statements.at[0], index) && reads_at_point(s, g, index) &&
         net_shape_elements(&row->shape) > 1 &&
         s->f->buffers.at[kn_statement(s, index)->buffer].type != NET_F64;
}

static bool takes(kn_schedule_state *s, kn_group *g, uint32_t index) {
  if (s->facts[index].kind == KN_SCATTER) return false; /* rows of output have a nest of their own */
  if (g->statements.count >= MOST_STATEMENTS) return false;
  if (s->options->single)
    return elementwise(&s->facts[index]) && uses_group(s, g, index) &&
           same_domain(s, g->statements.at[0], index) && reads_at_point(s, g, index) &&
           kn_single_takes(s, g, index);
  if (g->kind == KN_WEIGHT) return weight_takes(s, g, index);
  if (g->update != kn_statement(s, index)->update) return false;
  switch (g->kind) {
  case KN_DOT:
  case KN_FORWARD: return s->facts[g->statements.at[0]].whole && forward_takes(s, g, index);
  case KN_FEATURE: return feature_takes(s, g, index);
  case KN_SAMPLE: return becomes_feature(s, g, index) || sample_takes(s, g, index);
  case KN_FLAT: return flat_takes(s, g, index);
  case KN_GATHER: return gather_takes(s, g, index);
  default: return false;
  }
}

static void add(kn_schedule_state *s, uint32_t group, uint32_t index) {
  kn_group *g = &s->groups.at[group];
  lp_buffer to = kn_statement(s, index)->buffer;
  net_vec_push(s->f->arena, &g->statements, index);
  s->group_of[index] = group;
  s->writer[to] = group;
  if (s->f->buffers.at[to].storage == LP_RESULT && s->f->buffers.at[to].slot == 0) {
    g->finite = true;
    s->checked = group + 1;
  }
  for (uint32_t r = 0; r < s->facts[index].reads.count; r++) {
    uint32_t *reader = &s->reader[s->facts[index].reads.at[r].buffer];
    if (*reader < group) *reader = group;
  }
}

static void place(kn_schedule_state *s, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  uint32_t earliest = 0;
  for (uint32_t r = 0; r < facts->reads.count; r++) {
    uint32_t w = s->writer[facts->reads.at[r].buffer];
    if (w != LP_NONE && w > earliest) earliest = w;
  }
  uint32_t w = s->writer[kn_statement(s, index)->buffer]; /* parts of one value stay in order */
  if (w != LP_NONE && w > earliest) earliest = w;
  if (kn_statement(s, index)->update) { /* variables change behind the test and behind all who read them */
    uint32_t reader = s->reader[kn_statement(s, index)->buffer];
    if (s->checked > earliest) earliest = s->checked;
    if (reader > earliest) earliest = reader;
  }
  for (uint32_t g = earliest; g < s->groups.count && !s->options->unfused; g++)
    if (takes(s, &s->groups.at[g], index)) return add(s, g, index);
  kn_group fresh = {.kind = facts->kind, .update = kn_statement(s, index)->update};
  fresh.flexible = fresh.kind == KN_SAMPLE && facts->batched && facts->full && elementwise(facts);
  add(s, net_vec_push(s->f->arena, &s->groups, fresh), index);
}

/* Values per network made of variables and constants alone come before everything else, so that nothing is
 * held back by them: the divisor of a mean, a batch_norm's factors in inference. */
static bool in_front(const kn_schedule_state *s, uint32_t index) {
  const kn_facts *facts = &s->facts[index];
  if (facts->kind != KN_FLAT || kn_statement(s, index)->update) return false;
  if (s->f->buffers.at[kn_statement(s, index)->buffer].storage != LP_SCRATCH) return false;
  for (uint32_t r = 0; r < facts->reads.count; r++)
    if (s->written[facts->reads.at[r].buffer] && s->writer[facts->reads.at[r].buffer] == LP_NONE)
      return false;
  return true;
}

static void find_written(kn_schedule_state *s) {
  s->written = NET_NEW_ARRAY(s->f->arena, bool, s->f->buffers.count + 1);
  for (uint32_t i = 0; i < s->f->statements.count; i++)
    if (!kn_statement(s, i)->update) s->written[kn_statement(s, i)->buffer] = true;
}

/* What the results need comes before gradients, so that updates may begin as soon as there are any. */
static const bool *find_wanted(const kn_schedule_state *s) {
  const lp_function *f = s->f;
  bool *needed = NET_NEW_ARRAY(f->arena, bool, f->buffers.count + 1);
  bool *wanted = NET_NEW_ARRAY(f->arena, bool, f->statements.count + 1);
  for (uint32_t i = f->statements.count; i-- > 0;) {
    const lp_statement *statement = kn_statement(s, i);
    bool result = f->buffers.at[statement->buffer].storage == LP_RESULT;
    wanted[i] = !statement->update && (result || needed[statement->buffer]);
    for (uint32_t k = 0; wanted[i] && k < s->facts[i].reads.count; k++)
      needed[s->facts[i].reads.at[k].buffer] = true;
  }
  return wanted;
}

/* A value is local if it lies in scratch and only the group that writes it reads it. */
static void find_locals(kn_schedule_state *s) {
  lp_function *f = s->f;
  s->local = NET_NEW_ARRAY(f->arena, bool, f->buffers.count + 1);
  for (lp_buffer b = 0; b < f->buffers.count; b++)
    s->local[b] = !s->options->unfused && f->buffers.at[b].storage == LP_SCRATCH;
  for (uint32_t i = 0; i < f->statements.count; i++) {
    if (!s->facts[i].live) continue;
    lp_buffer to = kn_statement(s, i)->buffer;
    if (s->writer[to] != s->group_of[i]) s->local[to] = false;
    for (uint32_t r = 0; r < s->facts[i].reads.count; r++) {
      lp_buffer from = s->facts[i].reads.at[r].buffer;
      if (s->writer[from] != s->group_of[i]) s->local[from] = false;
    }
  }
}

void kn_group_statements(kn_schedule_state *s) {
  lp_function *f = s->f;
  s->group_of = NET_NEW_ARRAY(f->arena, uint32_t, f->statements.count + 1);
  s->writer = NET_NEW_ARRAY(f->arena, uint32_t, f->buffers.count + 1);
  s->reader = NET_NEW_ARRAY(f->arena, uint32_t, f->buffers.count + 1);
  for (lp_buffer b = 0; b < f->buffers.count; b++) s->writer[b] = LP_NONE;
  find_written(s);
  for (uint32_t i = 0; i < f->statements.count; i++) s->group_of[i] = LP_NONE;
  for (uint32_t i = 0; i < f->statements.count; i++)
    if (s->facts[i].live && in_front(s, i)) place(s, i);
  const bool *wanted = find_wanted(s);
  for (uint32_t i = 0; i < f->statements.count; i++)
    if (s->facts[i].live && s->group_of[i] == LP_NONE && wanted[i]) place(s, i);
  for (int update = 0; update < 2; update++)
    for (uint32_t i = 0; i < f->statements.count; i++)
      if (s->facts[i].live && s->group_of[i] == LP_NONE && kn_statement(s, i)->update == (bool)update)
        place(s, i);
  find_locals(s);
}

net_name kn_group_name(const kn_schedule_state *s, const kn_group *group) {
  enum { MOST_NAMES = 3 };
  lp_function *f = s->f;
  const char *name = NULL;
  uint32_t count = 0;
  for (uint32_t i = 0; i < group->statements.count; i++) {
    uint32_t node = kn_statement(s, group->statements.at[i])->node;
    bool known = node == LP_NONE;
    for (uint32_t k = 0; k < i && !known; k++) known = kn_statement(s, group->statements.at[k])->node == node;
    if (known || count++ >= MOST_NAMES) continue;
    const char *own = net_text(f->n, f->node_name[node]);
    name = name ? net_arena_format(f->arena, "%s+%s", name, own) : own;
  }
  if (!name) return f->buffers.at[kn_statement(s, group->statements.at[0])->buffer].name;
  if (count > MOST_NAMES) name = net_arena_format(f->arena, "%s+%u more", name, count - MOST_NAMES);
  return net_intern(f->n, name);
}
