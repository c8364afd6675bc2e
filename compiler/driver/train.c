/* netc train */
#include "driver/progress.h"
#include "driver/runs.h"
#include "driver/subject.h"

#include "runtime/batches.h"
#include "support/file.h"

#include <signal.h>

/* Options and settings that made this run other than its program says, a line each. */
static const char *settings_text(dr_call *call) {
  const char *text = "";
  static const dr_option_id kept[] = {DR_train, DR_data, DR_epochs, DR_batch_size, DR_learning_rate, DR_seed, DR_load};
  for (uint32_t i = 0; i < call->settings.count; i++)
    text = net_arena_format(&call->n->arena, "%s--set %s\n", text, call->settings.at[i]);
  for (uint32_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (dr_has(call, kept[i]))
      text = net_arena_format(&call->n->arena, "%s--%s %s\n", text, dr_options[kept[i]].name, call->value[kept[i]]);
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

static int finish(dr_call *call, const rt_train_result *result, const char *directory) {
  if (result->outcome == RT_FAILED || result->outcome == RT_NOT_FINITE) return DR_WRONG_INPUT;
  if (result->outcome == RT_INTERRUPTED) {
    if (!call->json)
      fprintf(call->talk, "interrupted and saved; go on with: netc train %s%s%s --resume --out %s\n",
              call->arguments.at[0], call->arguments.count > 1 ? " " : "",
              call->arguments.count > 1 ? call->arguments.at[1] : "", directory);
    return DR_SIGNAL + result->signal;
  }
  if (call->json)
    net_json_print(call->out, json_pack("{s:s, s:I, s:I, s:o, s:s?, s:o}", "event", "end", "epochs",
                                        (json_int_t)result->epochs, "best_epoch", (json_int_t)result->best_epoch,
                                        "best_validation_loss", net_json_number(result->best_validation_loss),
                                        "checkpoint", result->checkpoint, "seconds", net_json_number(result->seconds)));
  else
    fprintf(call->out, "best epoch %u: loss %.4f\n%s\n", result->best_epoch, result->best_validation_loss,
            result->checkpoint ? result->checkpoint : directory);
  return DR_DONE;
}

int dr_train(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  if (dr_has(call, DR_quantize))
    return net_error(n, NET_NOWHERE, "quantisation-aware training is not built yet"), DR_WRONG_COMMAND;
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  net_experiment *e = &subject.experiment;
  const char *network = net_text(n, e->network.graph->name);
  if (!e->data) return net_error(n, NET_NOWHERE, "the program has no data: training needs a data block"), DR_WRONG_INPUT;

  const char *directory = NULL;
  if (dr_has(call, DR_resume) && !(directory = dr_find_run(call, network))) return DR_WRONG_INPUT;
  rt_data *data = rt_data_load(n, e->data, 1 << RT_TRAIN | 1 << RT_VALIDATION, NULL);
  if (!data || !net_balance_classes(n, &n->arena, data, &e->recipe)) return DR_WRONG_INPUT;
  dr_flush(call);

  rt_train_spec *spec = &e->recipe.train;
  int code;
  pl_compiled *compiled =
      dr_compile(&subject, functions(data, spec, has_statistics(e->network.graph)), spec->batch_size, &code);
  if (!compiled) return rt_data_free(data), code;
  if (!call->json)
    fprintf(call->talk, "%s: compiled in %.3f s for %s\n", network, pl_seconds(compiled), pl_program(compiled)->target);

  float *variables = dr_variables(call, pl_program(compiled));
  rt_initialize(pl_program(compiled), spec->seed, variables);
  bool ok = true;
  if (dr_has(call, DR_load) || (subject.checkpoint && !dr_has(call, DR_resume))) {
    rt_checkpoint *weights = dr_find_weights(&subject);
    ok = weights && dr_load_weights(&subject, weights, pl_program(compiled), variables);
  }
  if (ok && !directory) ok = (directory = dr_new_run(call, network)) != NULL;
  spec->program_text = net_program_text(n, subject.program);
  spec->program_name = call->arguments.at[0];
  spec->settings = settings_text(call);
  const char *copy = ok ? net_arena_format(&n->arena, "%s/program.net", directory) : NULL;
  if (ok) ok = net_file_write(n, copy, spec->program_text, strlen(spec->program_text), false);
  code = DR_WRONG_INPUT;
  if (ok) {
    dr_progress progress;
    rt_listener listener = dr_progress_begin(&progress, call);
    rt_train_result result = rt_train(n, pl_program(compiled), data, spec, directory, dr_has(call, DR_resume), variables,
                                      &listener);
    dr_progress_end(&progress);
    dr_flush(call);
    code = finish(call, &result, directory);
  }
  pl_free(compiled);
  rt_data_free(data);
  return code;
}
