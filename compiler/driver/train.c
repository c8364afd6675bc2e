/* netc train */
#include "driver/progress.h"
#include "driver/recording.h"
#include "driver/runs.h"
#include "driver/training.h"

#include "runtime/signals.h"

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

/* What is said when a run that could begin has ended. */
static void finish(dr_call *call, const rt_train_result *result, const char *directory) {
  if (result->outcome == RT_INTERRUPTED && !call->json)
    fprintf(call->talk, "interrupted and saved; go on with: %s\n", resume_text(call, directory));
  if (result->outcome != RT_DONE) return;
  if (call->json)
    net_json_print(call->out,
                   json_pack("{s:s, s:I, s:I, s:o, s:s?, s:o}", "event", "end", "epochs",
                             (json_int_t)result->epochs, "best_epoch", (json_int_t)result->best_epoch,
                             "best_validation_loss", net_json_number(result->best_validation_loss),
                             "checkpoint", result->checkpoint, "seconds", net_json_number(result->seconds)));
  else
    fprintf(call->out, "best epoch %u: loss %.4f\n%s\n", result->best_epoch, result->best_validation_loss,
            result->checkpoint ? result->checkpoint : directory);
}

/* What can be said before data are read and anything is compiled is said then. */
static int train(dr_subject *subject) {
  dr_call *call = subject->call;
  const char *network = net_text(call->n, subject->experiment.network.graph->name);
  dr_training training = {.subject = subject, .resume = dr_has(call, DR_resume)};
  if (!subject->experiment.data)
    return net_error(call->n, NET_NOWHERE, "the program has no data: training needs a data block"),
           DR_WRONG_INPUT;
  if (training.resume ? !(training.directory = dr_resumed_run(call, network)) : !dr_can_begin(call))
    return DR_WRONG_INPUT;
  dr_progress progress;
  dr_recording recording;
  training.listener = dr_progress_begin(&progress, call);
  dr_recording_begin(&recording, &training, true);
  int code = dr_training_run(&training);
  dr_progress_end(&progress);
  dr_recording_end(&recording);
  dr_flush(call);
  if (training.directory) finish(call, &training.result, training.directory);
  return code;
}

int dr_train(dr_call *call) {
  dr_subject subject;
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  rt_signals signals;
  rt_signals_catch(&signals);
  int code = train(&subject);
  fflush(call->out); /* a signal may end what is left of the process: all is said by then */
  rt_signals_release(&signals);
  return code;
}
