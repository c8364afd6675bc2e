#include "driver/training.h"

#include "driver/calibrate.h"
#include "driver/runs.h"
#include "driver/weights.h"
#include "runtime/batches.h"
#include "runtime/signals.h"
#include "support/file.h"

#include <unistd.h>

const char *dr_settings_text(dr_call *call) {
  const char *text = "";
  static const dr_option_id kept[] = {DR_train,         DR_data, DR_epochs, DR_batch_size,
                                      DR_learning_rate, DR_seed, DR_load,   DR_quantize};
  for (uint32_t i = 0; i < call->settings.count; i++)
    text = net_arena_format(&call->n->arena, "%s--set %s\n", text, call->settings.at[i]);
  for (uint32_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (dr_has(call, kept[i]))
      text = net_arena_format(&call->n->arena, "%s--%s %s\n", text, dr_options[kept[i]].name,
                              call->value[kept[i]]);
  return text;
}

/* The functions that the splits need: the exact step, the one for a remainder, evaluation. */
static unsigned functions(const rt_data *data, const rt_train_spec *spec, bool join) {
  rt_cut cut = rt_cut_make(data->split[RT_TRAIN].rows, spec->batch_size, join);
  return PL_EVALUATE | (cut.full ? PL_TRAIN : 0) | (cut.rest ? PL_TRAIN_REST : 0);
}

static bool has_statistics(const net_graph *g) {
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].kind == NET_VALUE_STATISTIC) return true;
  return false;
}

/* A signal before there is a run: nothing is lost, and nothing is left behind. */
static bool is_interrupted(dr_call *call, int *code) {
  int signal = rt_signals_caught();
  if (!signal) return false;
  fprintf(call->talk, "netc: interrupted before the first step: nothing is saved\n");
  *code = DR_SIGNAL + signal;
  return true;
}

/* Weights to start from: of --load, or of FILE. */
static bool load(const dr_training *t, const rt_program *program, float *variables) {
  dr_subject *subject = t->subject;
  if (!dr_has(subject->call, DR_load) && (!subject->checkpoint || t->resume)) return true;
  rt_checkpoint *weights = dr_find_weights(subject);
  return weights && dr_load_weights(subject, weights, program, variables);
}

/* Formats that are left open are settled before anything is compiled, and stay so while the run goes on. */
static bool settle_formats(const dr_training *t) {
  dr_subject *subject = t->subject;
  dr_call *call = subject->call;
  rt_checkpoint *weights = NULL;
  if (!dr_needs_calibration(subject)) return dr_settle_formats(subject, NULL);
  if (t->resume)
    weights =
        rt_checkpoint_open(call->n, net_arena_format(&call->n->arena, "%s/last.safetensors", t->directory));
  else if (dr_has(call, DR_load) || subject->checkpoint) weights = dr_find_weights(subject);
  else
    net_warning(
        call->n, NET_NOWHERE,
        "number formats are calibrated on the initial weights: train in floats first, and go on with --load");
  dr_flush(call);
  return !call->n->diagnostics.errors && dr_settle_formats(subject, weights);
}

/* The program beside the weights; a resumed run mostly has it. */
static bool write_program(netc *n, const char *directory, const char *text) {
  const char *path = net_arena_format(&n->arena, "%s/program.net", directory), *old;
  size_t length;
  if (!access(path, R_OK) && net_file_read(n, NET_NOWHERE, path, &old, &length) && length == strlen(text) &&
      !memcmp(old, text, length))
    return true;
  return net_file_write(n, path, text, strlen(text), false);
}

/* What netc test would refuse, of the weights that training gives. */
static void check_accumulators(dr_subject *subject, const rt_program *program, const char *path,
                               float *variables) {
  netc *n = subject->call->n;
  rt_checkpoint *best = path ? rt_checkpoint_open(n, path) : NULL;
  if (best && rt_checkpoint_load(n, best, program, RT_MATCH_NETC, variables, NULL))
    dr_warn_of_accumulators(subject, program, variables);
}

static int code_of(const rt_train_result *result) {
  if (result->outcome == RT_INTERRUPTED) return DR_SIGNAL + result->signal;
  return result->outcome == RT_DONE ? DR_DONE : DR_WRONG_INPUT;
}

static int train(dr_training *t, const rt_data *data, const rt_program *program) {
  dr_subject *subject = t->subject;
  dr_call *call = subject->call;
  netc *n = call->n;
  rt_train_spec *spec = &subject->experiment.recipe.train;
  int code = DR_WRONG_INPUT;
  float *variables = dr_variables(call, program);
  rt_initialize(program, spec->seed, variables);
  dr_set_steps(subject, program, variables);
  if (!load(t, program, variables)) return DR_WRONG_INPUT;
  bool holds = t->resume || dr_warn_of_accumulators(subject, program, variables);
  dr_flush(call);
  const char *stored =
      subject->checkpoint ? rt_checkpoint_metadata(subject->checkpoint, "program_name") : NULL;
  spec->program_text = net_program_text(n, subject->program);
  spec->program_name = stored ? stored : call->arguments.at[0];
  spec->settings = dr_settings_text(call);
  if (is_interrupted(call, &code)) return code;
  bool made = !t->directory;
  if (made && !(t->directory = dr_new_run(call, program->network))) return DR_WRONG_INPUT;
  if (!write_program(n, t->directory, spec->program_text)) {
    if (made) dr_drop_run(call, program->network, t->directory), t->directory = NULL;
    return DR_WRONG_INPUT;
  }
  if (t->begun) t->begun(t, program, data);
  t->result = rt_train(n, program, data, spec, t->directory, t->resume, variables, &t->listener);
  if (holds && t->result.outcome == RT_DONE)
    check_accumulators(subject, program, t->result.checkpoint, variables);
  dr_flush(call);
  bool begun = !access(net_arena_format(&n->arena, "%s/last.safetensors", t->directory), F_OK);
  if (made && t->result.outcome == RT_FAILED && !begun)
    dr_drop_run(call, program->network, t->directory), t->directory = NULL;
  return code_of(&t->result);
}

static int compile_and_train(dr_training *t, const rt_data *data) {
  dr_subject *subject = t->subject;
  dr_call *call = subject->call;
  net_experiment *e = &subject->experiment;
  int code = DR_WRONG_INPUT;
  if (!net_balance_classes(call->n, &call->n->arena, data, &e->recipe) || is_interrupted(call, &code))
    return code;
  dr_flush(call);
  const rt_train_spec *spec = &e->recipe.train;
  unsigned wanted = functions(data, spec, has_statistics(e->network.graph));
  pl_compiled *compiled = dr_compile(subject, wanted, spec->batch_size, NULL, &code);
  if (!compiled) return code;
  const rt_program *program = pl_program(compiled);
  if (!call->json)
    fprintf(call->talk, "%s: compiled in %.3f s for %s\n", program->network, pl_seconds(compiled),
            program->target);
  code = train(t, data, program);
  pl_free(compiled);
  return code;
}

int dr_training_run(dr_training *t) {
  netc *n = t->subject->call->n;
  const rt_data_spec *spec = t->subject->experiment.data;
  t->result = (rt_train_result){.outcome = RT_FAILED};
  if (!spec)
    return net_error(n, NET_NOWHERE, "the program has no data: training needs a data block"), DR_WRONG_INPUT;
  if (!settle_formats(t)) return DR_WRONG_INPUT;
  if (t->data) return compile_and_train(t, t->data);
  rt_data *data = rt_data_load(n, spec, rt_data_splits(spec) & ~(1u << RT_TEST), NULL);
  int code = data ? compile_and_train(t, data) : DR_WRONG_INPUT;
  rt_data_free(data);
  return code;
}
