#include "driver/evaluation.h"

#include "driver/calibrate.h"
#include "driver/weights.h"

rt_split_name dr_split(const dr_call *call, rt_split_name usual) {
  for (int s = 0; s < RT_SPLITS; s++)
    if (dr_has(call, DR_split) && !strcmp(rt_split_names[s], call->value[DR_split])) return (rt_split_name)s;
  return usual;
}

const char *dr_class_name(netc *n, const rt_data *data, uint32_t c) {
  if (data->classes && c < data->class_count) return data->classes[c];
  return net_arena_format(&n->arena, "%u", c);
}

bool dr_needs_data(dr_subject *subject, const char *what) {
  if (subject->experiment.data) return true;
  net_error(subject->call->n, NET_NOWHERE, "the program has no data: %s needs a data block", what);
  return false;
}

/* The split, normalised as in training, and what balanced losses need. */
static rt_data *load(dr_subject *subject, const rt_checkpoint *weights, rt_split_name split) {
  netc *n = subject->call->n;
  net_experiment *e = &subject->experiment;
  uint32_t fitted_count;
  const rt_fitted *fitted = rt_checkpoint_normalization(n, weights, &fitted_count);
  if (n->diagnostics.errors) return NULL;
  bool balanced = false; /* class weights come from the training rows */
  for (uint32_t t = 0; t < e->recipe.objective.term_count; t++) balanced |= e->recipe.balanced[t];
  return rt_data_load(n, e->data, 1u << split | (balanced ? 1u << RT_TRAIN : 0), fitted);
}

bool dr_evaluate(dr_subject *subject, rt_checkpoint *weights, rt_split_name split, const rt_metric *metrics,
                 uint32_t metric_count, rt_data **data, rt_evaluation *result, int *code) {
  netc *n = subject->call->n;
  net_experiment *e = &subject->experiment;
  *data = NULL;
  *code = DR_WRONG_INPUT;
  if (!dr_needs_data(subject, "testing")) return false;
  if (!dr_settle_formats(subject, weights) || !dr_check_accumulators(subject, weights)) return false;
  if (!(*data = load(subject, weights, split)) || !net_balance_classes(n, &n->arena, *data, &e->recipe))
    return false;
  const float *const *numbers;
  if (!dr_integer_weights(subject, weights, &numbers)) return false;
  pl_compiled *compiled = dr_compile(subject, PL_EVALUATE, e->recipe.train.batch_size, numbers, code);
  if (!compiled) return false;
  const rt_program *program = pl_program(compiled);
  float *variables = dr_variables(subject->call, program);
  *code = DR_WRONG_INPUT;
  bool done = dr_load_weights(subject, weights, program, variables) &&
              rt_evaluate(n, program, *data, split, metrics, metric_count, e->recipe.train.threads, variables,
                          result);
  pl_free(compiled);
  return done;
}
