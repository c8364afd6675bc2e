/* Statements → nests: facts, groups, layouts, a nest for each group, places. */
#include "kernels/schedule.h"

#include "loops/print.h"

/* Samples of a batch tile: as many vectors as measured best, but no more padding than two vectors' worth: a
 * forward tile broadcasts each weight for two. A batch of less than that takes whole vectors.
 *
 * A forward tile wants two vectors of each feature. Where a batch tile of all features is far more than the
 * first cache holds, steps of a whole tile fall into few of the cache's sets: there the two should lie side
 * by side. */
static void choose_tile(lp_function *f, const kn_machine *machine) {
  enum { MOST_VECTORS = 16, MOST_BYTES = 64 << 10 };
  uint64_t widest = 1;
  for (lp_buffer b = 0; b < f->buffers.count; b++)
    if (f->buffers.at[b].batched && f->buffers.at[b].storage == LP_SCRATCH) {
      uint64_t elements = net_shape_elements(&f->buffers.at[b].shape);
      if (elements > widest) widest = elements;
    }
  uint32_t lanes = machine->lanes, vectors = (f->batch + lanes - 1) / lanes;
  uint32_t tile = vectors >= 2 ? 2 : 1, least = (vectors + tile - 1) / tile * tile;
  uint64_t bytes = widest * lanes * sizeof(float); /* of a vector of samples */
  while (2 * tile <= MOST_VECTORS && least % (2 * tile) == 0 && 2 * tile * bytes <= MOST_BYTES) tile *= 2;
  f->lanes = lanes;
  f->tile = lanes * tile;
  f->padded = lanes * least;
}

static void emit_group(kn_schedule_state *s, const kn_group *group) {
  static void (*const emit[])(kn_schedule_state *, const kn_group *) = {
      [KN_GATHER] = kn_emit_gather, [KN_SCATTER] = kn_emit_scatter, [KN_FORWARD] = kn_emit_forward,
      [KN_DOT] = kn_emit_dot,       [KN_WEIGHT] = kn_emit_weight,   [KN_FEATURE] = kn_emit_feature,
      [KN_SAMPLE] = kn_emit_sample, [KN_FLAT] = kn_emit_flat};
  emit[group->kind](s, group);
}

/* Leave before anything is updated if the loss is not finite. */
static void emit_finite(kn_schedule_state *s) {
  lp_function *f = s->f;
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    if (f->buffers.at[b].storage != LP_RESULT || f->buffers.at[b].slot != 0) continue;
    lp_nest_begin(f, net_intern(f->n, "finite"));
    lp_finite(f, lp_vector_load(f, b, 1, 1, (lp_expr[]){lp_int(f, 0)}));
    lp_nest_end(f, 1);
    return;
  }
}

static bool check_reductions(kn_schedule_state *s) {
  for (uint32_t i = 0; i < s->f->statements.count; i++)
    if (s->facts[i].over_batch && !s->facts[i].reduction) {
      net_fault(s->f->n, NET_NOWHERE, "'%s' is given by several reductions over the batch in one statement",
                net_text(s->f->n, s->f->buffers.at[kn_statement(s, i)->buffer].name));
      return false;
    }
  return true;
}

bool kn_schedule(lp_function *f, const kn_machine *machine, const kn_options *options) {
  kn_schedule_state s = {.f = f, .machine = machine, .options = options, .statement_exprs = f->exprs.count};
  uint32_t faults = f->n->diagnostics.faults;
  if (options->single) f->lanes = machine->lanes, f->tile = f->padded = 1;
  else choose_tile(f, machine);
  kn_find_facts(&s);
  kn_find_live(&s);
  if (options->single) kn_single_begin(&s);
  else kn_find_words(&s);
  if (!check_reductions(&s)) return false;
  kn_group_statements(&s);
  if (!options->single) kn_choose_words(&s);
  kn_find_ahead(&s);
  kn_choose_layouts(&s);
  bool updates = false;
  for (uint32_t i = 0; i < f->statements.count; i++) updates |= f->statements.at[i].update;
  for (uint32_t g = 0; g < s.groups.count; g++) {
    if (options->single) kn_single_emit(&s, &s.groups.at[g]);
    else emit_group(&s, &s.groups.at[g]);
    if (s.groups.at[g].finite && updates) emit_finite(&s);
  }
  kn_place_buffers(&s);
  return f->n->diagnostics.faults == faults;
}
