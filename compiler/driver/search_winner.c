/* What a search came to: rows that no other beats, and the winner as files. */
#include "driver/search.h"

#include "pipeline/tables.h"
#include "support/file.h"

#include <math.h>
#include <stdlib.h>

/* ---- rows ---- */

static bool is_feasible(const dr_searching *s, const dr_outcome *o) {
  return o->done && net_search_violation(&s->search, o->quantities) == 0;
}

/* −1, 1: a is better, worse by the first aim in which they differ; 0: they are equal. *dominates: a is
 * nowhere worse. */
static int compare(const dr_searching *s, const dr_outcome *a, const dr_outcome *b, bool *dominates) {
  double x[16], y[16];
  uint32_t count = s->search.aim_count < 16 ? s->search.aim_count : 16;
  int order = 0;
  net_search_objectives(&s->search, a->quantities, x);
  net_search_objectives(&s->search, b->quantities, y);
  *dominates = true;
  for (uint32_t i = 0; i < count; i++) {
    if (x[i] > y[i]) *dominates = false;
    if (!order && x[i] != y[i]) order = x[i] < y[i] ? -1 : 1;
  }
  *dominates = *dominates && order;
  return order;
}

static bool is_beaten(const dr_searching *s, const dr_search_row *rows, uint32_t count,
                      const dr_search_row *row) {
  bool dominates;
  for (uint32_t i = 0; i < count; i++) {
    if (rows[i].outcome == row->outcome) continue;
    int order = compare(s, rows[i].outcome, row->outcome, &dominates);
    if (dominates || (!order && &rows[i] < row)) return true; /* of equals the first */
  }
  return false;
}

dr_search_row *dr_search_rows(dr_searching *s, uint32_t *count) {
  netc *n = s->n;
  uint32_t *front = NET_NEW_ARRAY(&n->arena, uint32_t, sr_trial_count(s->strategy) + 1);
  uint32_t all = sr_front(s->strategy, front), total = 0;
  dr_search_row *rows = NET_NEW_ARRAY(&n->arena, dr_search_row, all + s->tuned_count + 1);
  for (uint32_t i = 0; i < all; i++)
    rows[total++] = (dr_search_row){front[i], false, &s->outcomes.at[front[i]]};
  for (uint32_t i = 0; i < s->tuned_count; i++)
    if (is_feasible(s, &s->tuned_outcomes[i]))
      rows[total++] = (dr_search_row){s->tuned[i], true, &s->tuned_outcomes[i]};
  dr_search_row *kept = NET_NEW_ARRAY(&n->arena, dr_search_row, total + 1);
  bool dominates;
  *count = 0;
  for (uint32_t i = 0; i < total; i++) {
    if (is_beaten(s, rows, total, &rows[i])) continue;
    uint32_t at = (*count)++;
    for (; at && compare(s, rows[i].outcome, kept[at - 1].outcome, &dominates) < 0; at--)
      kept[at] = kept[at - 1];
    kept[at] = rows[i];
  }
  return kept;
}

/* ---- files ---- */

const char *dr_search_block_text(dr_searching *s, const dr_search_row *row) {
  if (!s->search.varies_formats) return NULL;
  const double *x = sr_trial_at(s->strategy, row->trial)->x;
  return net_search_block_text(s->n, &s->points, x, dr_search_block_name(s));
}

/* The weights as they are, with the formats that they are to be quantised by and what was calibrated. */
static bool write_checkpoint(dr_searching *s, const net_program *program, rt_checkpoint *weights,
                             const char *path) {
  netc *n = s->n;
  dr_call call = *s->call;
  call.json = true;
  call.value[DR_out] = NULL;
  call.value[DR_quantize] = dr_search_block_name(s);
  call.value[DR_threads] = "1";
  dr_subject subject = {.call = &call, .program = program, .choice = s->subject.choice};
  subject.choice.quantize = dr_search_block_name(s);
  if (!dr_elaborate(&subject) || !dr_settle_formats(&subject, weights)) return false;
  pl_request request = {.network = subject.experiment.network.graph};
  pl_graphs graphs = {.n = n, .infer = request.network};
  const char *target = rt_checkpoint_metadata(weights, "target");
  pl_tables tables = pl_make_tables(n, &n->arena, &request, &graphs, target ? target : "");
  float *variables = dr_variables(&call, &tables.program);
  if (!dr_load_weights(&subject, weights, &tables.program, variables)) return false;
  rt_train_spec *spec = &subject.experiment.recipe.train;
  spec->program_text = net_program_text(n, program);
  spec->program_name = call.arguments.at[0];
  spec->settings = net_arena_format(&n->arena, "--quantize %s\n", dr_search_block_name(s));
  if (subject.choice.train)
    spec->settings = net_arena_format(&n->arena, "%s--train %s\n", spec->settings, subject.choice.train);
  if (subject.choice.data)
    spec->settings = net_arena_format(&n->arena, "%s--data %s\n", spec->settings, subject.choice.data);
  rt_position position = {.best_loss = INFINITY};
  rt_snapshot snapshot = {
      .program = &tables.program, .spec = spec, .position = &position, .variables = variables};
  snapshot.normalization = rt_checkpoint_normalization(n, weights, &snapshot.input_count);
  snapshot.classes = rt_checkpoint_classes(n, weights, &snapshot.class_count);
  if (!snapshot.normalization)
    return net_error(n, NET_NOWHERE,
                     "the weights carry no normalisation: train them with netc to have a winner"),
           false;
  return rt_checkpoint_save(n, path, &snapshot, true);
}

static bool copy_file(netc *n, const char *from, const char *to) {
  const char *bytes;
  size_t length;
  return net_file_read(n, NET_NOWHERE, from, &bytes, &length) && net_file_write(n, to, bytes, length, true);
}

bool dr_search_write(dr_searching *s, const dr_search_row *winner, const char **checkpoint) {
  netc *n = s->n;
  const net_program *program =
      dr_search_changed(s, sr_trial_at(s->strategy, winner->trial)->x, dr_search_block_name(s));
  if (!program) return false;
  const char *text = net_program_text(n, program);
  const char *path = net_arena_format(&n->arena, "%s/best.safetensors", s->directory);
  const char *beside = net_arena_format(&n->arena, "%s/program.net", s->directory);
  *checkpoint = NULL;
  if (!net_make_directories(n, s->directory) || !net_file_write(n, beside, text, strlen(text), true))
    return false;
  if (dr_has(s->call, DR_output) && !net_file_write(n, s->call->value[DR_output], text, strlen(text), true))
    return false;
  rt_checkpoint *weights = s->weights;
  if (s->trains || winner->tuned) {
    const char *place = dr_search_place(s, winner->trial, winner->tuned);
    const char *from = net_arena_format(&n->arena, "%s/best.safetensors", place);
    if (winner->tuned || !s->search.varies_formats) return *checkpoint = path, copy_file(n, from, path);
    if (!(weights = rt_checkpoint_open(n, from))) return false;
  }
  if (!write_checkpoint(s, program, weights, path)) return false;
  *checkpoint = path;
  return true;
}
