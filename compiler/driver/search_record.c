/* A search in the record: its experiment, and every trial as it ends. */
#include "config.h"

#include "driver/recording.h"
#include "driver/search.h"

#include <math.h>

json_t *dr_search_parameters_json(const dr_searching *s, const double *x) {
  json_t *object = json_object();
  for (uint32_t i = 0; i < s->points.space.count; i++)
    json_object_set_new(object, s->points.parameters[i].name, net_json_number(x[i]));
  return object;
}

json_t *dr_search_quantities_json(const dr_outcome *outcome) {
  json_t *object = json_object();
  for (int i = 0; i < NET_BUDGETS; i++)
    if (!isnan(outcome->quantities[i]))
      json_object_set_new(object, net_budgets[i].name, net_json_number(outcome->quantities[i]));
  return object;
}

static const char *text_of(netc *n, json_t *json) {
  char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
  const char *copy = net_arena_copy(&n->arena, text ? text : "{}", text ? strlen(text) : 2);
  free(text);
  json_decref(json);
  return copy;
}

/* What a search that goes on must agree on, beside the program. */
static const char *settings_of(const dr_searching *s) {
  netc *n = s->n;
  const net_search *search = &s->search;
  const char *weights = s->weights ? dr_weights_hash(n, rt_checkpoint_path(s->weights)) : NULL;
  const rt_train_spec *train = &s->subject.experiment.recipe.train;
  return text_of(n, json_pack("{s:s, s:I, s:I, s:I, s:I, s:s?, s:s?, s:s?, s:s?, s:I, s:I, s:I}", "strategy",
                              search->strategy->name, "trials", (json_int_t)search->trials, "seed",
                              (json_int_t)search->seed, "population", (json_int_t)search->population,
                              "fine_tune", (json_int_t)search->fine_tune, "weights", weights, "out",
                              s->call->value[DR_out], "train", s->subject.choice.train, "data",
                              s->subject.choice.data, "epochs", (json_int_t)train->epochs, "batch_size",
                              (json_int_t)train->batch_size, "train_seed", (json_int_t)train->seed));
}

bool dr_search_record_begin(dr_searching *s, bool resume) {
  netc *n = s->n;
  if (!dr_record_open(n, RC_STRICT, &s->db)) return false;
  const char *program = net_program_text(n, s->subject.program);
  s->experiment = (rc_experiment){.kind = RC_SEARCH,
                                  .name = net_text(n, s->search.name),
                                  .network = net_text(n, s->subject.plain->name),
                                  .program = program,
                                  .program_hash = dr_program_hash(n, program),
                                  .command = s->command,
                                  .settings = settings_of(s),
                                  .version = PACKAGE_VERSION,
                                  .machine = rc_machine(&n->arena)};
  if (n->diagnostics.errors) return false;
  if (!resume) return rc_experiment_begin(s->db, &s->experiment);
  rc_experiment found;
  if (!rc_experiment_resume(s->db, &s->experiment, &found)) return false;
  if (!found.id) {
    net_error(n, NET_NOWHERE,
              "there is no search '%s' of '%s' to go on with: all are done, or program, weights and options "
              "were others",
              s->experiment.name, s->experiment.network);
    return false;
  }
  s->experiment = found;
  s->resumed = true;
  return rc_trials(s->db, found.id, &s->known, &s->known_count);
}

/* Whether the trial in the record was of this point. */
static bool same_point(const dr_searching *s, const json_t *parameters, const double *x) {
  for (uint32_t i = 0; i < s->points.space.count; i++) {
    const json_t *value = json_object_get(parameters, s->points.parameters[i].name);
    if (!json_is_number(value) || json_number_value(value) != x[i]) return false;
  }
  return true;
}

bool dr_search_recall(dr_searching *s, uint32_t number, const double *x, dr_outcome *outcome) {
  const rc_trial *trial = NULL;
  for (uint32_t i = 0; i < s->known_count && !trial; i++)
    if (s->known[i].number == number) trial = &s->known[i];
  if (!trial || (trial->status != RC_DONE && trial->status != RC_FAILED)) return false;
  json_t *parameters = json_loads(trial->parameters ? trial->parameters : "", 0, NULL);
  json_t *quantities = json_loads(trial->objectives ? trial->objectives : "", 0, NULL);
  bool same = parameters && quantities && same_point(s, parameters, x);
  *outcome = (dr_outcome){.done = trial->status == RC_DONE, .seconds = trial->seconds};
  snprintf(outcome->message, sizeof outcome->message, "%s", trial->message ? trial->message : "");
  for (int i = 0; i < NET_BUDGETS; i++) {
    const json_t *value = json_object_get(quantities, net_budgets[i].name);
    outcome->quantities[i] = json_is_number(value) ? json_number_value(value) : (double)NAN;
  }
  json_decref(parameters);
  json_decref(quantities);
  return same;
}

rc_trial dr_search_row_of(dr_searching *s, uint32_t number, const double *x, const dr_outcome *outcome) {
  double violation = outcome->done ? net_search_violation(&s->search, outcome->quantities) : (double)NAN;
  return (rc_trial){.experiment = s->experiment.id,
                    .number = number,
                    .parameters = text_of(s->n, dr_search_parameters_json(s, x)),
                    .objectives = text_of(s->n, dr_search_quantities_json(outcome)),
                    .feasible = violation == 0,
                    .status = outcome->done ? RC_DONE : RC_FAILED,
                    .seed = s->search.seed,
                    .seconds = outcome->seconds,
                    .message = outcome->done ? NULL : outcome->message};
}

bool dr_search_record_end(dr_searching *s, rc_status status, const char *message) {
  bool ok = !s->experiment.id || rc_experiment_end(s->db, s->experiment.id, status, message);
  rc_close(s->db);
  s->db = NULL;
  return ok;
}
