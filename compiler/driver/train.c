/* netc train */
#include "driver/calibrate.h"
#include "driver/progress.h"
#include "driver/runs.h"
#include "driver/weights.h"

#include "runtime/batches.h"
#include "runtime/signals.h"
#include "support/file.h"

#include <unistd.h>

/* Options and settings that made this run other than its program says, a line each. */
static const char *settings_text(dr_call *call) {
  const char *text = "";
  static const dr_option_id kept[] = {DR_train,         DR_data, DR_epochs, DR_batch_size,
                                      DR_learning_rate, DR_seed, DR_load, DR_quantize};
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

/* The command line that goes on with a run. */
static const char *resume_text(dr_call *call, const char *directory) {
  net_arena *arena = &call->n->arena;
  const char *text = "netc train";
  for (uint32_t i = 0; i < call->arguments.count; i++)
    text = net_arena_format(arena, "%s %s", text, call->arguments.at[i]);
  for (dr_option_id o = 0; o < DR_OPTIONS; o++) {
    if (!dr_has(call, o) || o == DR_set || o == DR_out || o == DR_resume || o == DR_load || o == DR_match)
      continue;
    text = net_arena_format(arena, "%s --%s%s%s", text, dr_options[o].name, dr_options[o].argument ? " " : "",
                            dr_options[o].argument ? call->value[o] : "");
  }
  for (uint32_t i = 0; i < call->settings.count; i++)
    text = net_arena_format(arena, "%s --set '%s'", text, call->settings.at[i]);
  return net_arena_format(arena, "%s --resume --out %s", text, directory);
}

static int finish(dr_call *call, const rt_train_result *result, const char *directory) {
  if (result->outcome == RT_FAILED || result->outcome == RT_NOT_FINITE) return DR_WRONG_INPUT;
  if (result->outcome == RT_INTERRUPTED) {
    if (!call->json)
      fprintf(call->talk, "interrupted and saved; go on with: %s\n", resume_text(call, directory));
    return DR_SIGNAL + result->signal;
  }
  if (call->json)
    net_json_print(call->out,
                   json_pack("{s:s, s:I, s:I, s:o, s:s?, s:o}", "event", "end", "epochs",
                             (json_int_t)result->epochs, "best_epoch", (json_int_t)result->best_epoch,
                             "best_validation_loss", net_json_number(result->best_validation_loss),
                             "checkpoint", result->checkpoint, "seconds", net_json_number(result->seconds)));
  else
    fprintf(call->out, "best epoch %u: loss %.4f\n%s\n", result->best_epoch, result->best_validation_loss,
            result->checkpoint ? result->checkpoint : directory);
  return DR_DONE;
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
static bool load(dr_subject *subject, const rt_program *program, float *variables) {
  dr_call *call = subject->call;
  if (!dr_has(call, DR_load) && (!subject->checkpoint || dr_has(call, DR_resume))) return true;
  rt_checkpoint *weights = dr_find_weights(subject);
  return weights && dr_load_weights(subject, weights, program, variables);
}

/* Formats that are left open are settled before anything is compiled, and stay so while the run goes on. */
static bool settle_formats(dr_subject *subject, const char *resumed) {
  dr_call *call = subject->call;
  rt_checkpoint *weights = NULL;
  if (!dr_needs_calibration(subject)) return dr_settle_formats(subject, NULL);
  if (resumed)
    weights = rt_checkpoint_open(call->n, net_arena_format(&call->n->arena, "%s/last.safetensors", resumed));
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

static int train(dr_subject *subject, rt_data *data, const pl_compiled *compiled, const char *directory) {
  dr_call *call = subject->call;
  netc *n = call->n;
  const rt_program *program = pl_program(compiled);
  rt_train_spec *spec = &subject->experiment.recipe.train;
  bool resume = directory != NULL;
  int code = DR_WRONG_INPUT;
  float *variables = dr_variables(call, program);
  rt_initialize(program, spec->seed, variables);
  dr_set_steps(subject, program, variables);
  if (!load(subject, program, variables)) return DR_WRONG_INPUT;
  bool holds = resume || dr_warn_of_accumulators(subject, program, variables);
  dr_flush(call);
  const char *stored =
      subject->checkpoint ? rt_checkpoint_metadata(subject->checkpoint, "program_name") : NULL;
  spec->program_text = net_program_text(n, subject->program);
  spec->program_name = stored ? stored : call->arguments.at[0];
  spec->settings = settings_text(call);
  if (is_interrupted(call, &code)) return code;
  if (!resume && !(directory = dr_new_run(call, program->network))) return DR_WRONG_INPUT;
  if (!write_program(n, directory, spec->program_text)) {
    if (!resume) dr_drop_run(call, program->network, directory);
    return DR_WRONG_INPUT;
  }
  dr_progress progress;
  rt_listener listener = dr_progress_begin(&progress, call);
  rt_train_result result = rt_train(n, program, data, spec, directory, resume, variables, &listener);
  dr_progress_end(&progress);
  if (holds && result.outcome == RT_DONE) check_accumulators(subject, program, result.checkpoint, variables);
  dr_flush(call);
  code = finish(call, &result, directory);
  bool begun = !access(net_arena_format(&n->arena, "%s/last.safetensors", directory), F_OK);
  if (!resume && result.outcome == RT_FAILED && !begun) dr_drop_run(call, program->network, directory);
  return code;
}

/* What can be said before data are read and anything is compiled is said then. */
static int prepare(dr_subject *subject) {
  dr_call *call = subject->call;
  netc *n = call->n;
  net_experiment *e = &subject->experiment;
  const char *network = net_text(n, e->network.graph->name), *directory = NULL;
  if (!e->data)
    return net_error(n, NET_NOWHERE, "the program has no data: training needs a data block"), DR_WRONG_INPUT;
  if (dr_has(call, DR_resume) ? !(directory = dr_resumed_run(call, network)) : !dr_can_begin(call))
    return DR_WRONG_INPUT;
  if (!settle_formats(subject, directory)) return DR_WRONG_INPUT;
  rt_data *data = rt_data_load(n, e->data, rt_data_splits(e->data) & ~(1u << RT_TEST), NULL);
  int code = DR_WRONG_INPUT;
  pl_compiled *compiled = NULL;
  if (data && net_balance_classes(n, &n->arena, data, &e->recipe) && !is_interrupted(call, &code)) {
    dr_flush(call);
    rt_train_spec *spec = &e->recipe.train;
    unsigned wanted = functions(data, spec, has_statistics(e->network.graph));
    compiled = dr_compile(subject, wanted, spec->batch_size, NULL, &code);
    if (compiled && !call->json)
      fprintf(call->talk, "%s: compiled in %.3f s for %s\n", network, pl_seconds(compiled),
              pl_program(compiled)->target);
    if (compiled) code = train(subject, data, compiled, directory);
    pl_free(compiled);
  }
  rt_data_free(data);
  return code;
}

int dr_train(dr_call *call) {
  dr_subject subject;
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  rt_signals signals;
  rt_signals_catch(&signals);
  int code = prepare(&subject);
  fflush(call->out); /* a signal may end what is left of the process: all is said by then */
  rt_signals_release(&signals);
  return code;
}
