#include "driver/subject.h"

#include "driver/runs.h"
#include "dsl/settings.h"

#include <unistd.h>

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && !strcmp(text + n - m, end);
}

static bool apply_settings(dr_subject *subject) {
  dr_call *call = subject->call;
  netc *n = call->n;
  net_chosen chosen = {0};
  net_program *program;
  if (subject->network) chosen.blocks[NET_DECL_NETWORK] = net_intern(n, subject->network);
  if (dr_has(call, DR_train)) chosen.blocks[NET_DECL_TRAIN] = net_intern(n, call->value[DR_train]);
  if (dr_has(call, DR_data)) chosen.blocks[NET_DECL_DATA] = net_intern(n, call->value[DR_data]);
  bool ok = true;
  for (uint32_t i = 0; i < call->settings.count; i++) {
    net_setting setting;
    ok = net_setting_parse(n, call->settings.at[i], &setting) && ok &&
         net_setting_apply(n, subject->program, &setting, &chosen, &program);
    if (ok) subject->program = program;
  }
  return ok;
}

bool dr_open(dr_call *call, dr_subject *subject) {
  netc *n = call->n;
  const char *file = call->arguments.at[0];
  net_program *program;
  *subject = (dr_subject){.call = call};
  if (call->arguments.count > 1) subject->network = call->arguments.at[1];
  if (ends_with(file, ".safetensors")) {
    subject->checkpoint = rt_checkpoint_open(n, file);
    if (!subject->checkpoint) return false;
    const char *text = rt_checkpoint_program(subject->checkpoint);
    if (!text) {
      net_error(n, NET_NOWHERE, "%s carries no program: name the .net file, and this one with --load", file);
      return false;
    }
    if (!subject->network) subject->network = rt_checkpoint_metadata(subject->checkpoint, "network");
    if (!net_program_from_text(n, file, text, strlen(text), &program)) return false;
  } else if (!net_program_load(n, file, &program)) {
    return false;
  }
  subject->program = program;
  return apply_settings(subject);
}

bool dr_elaborate(dr_subject *subject) {
  dr_call *call = subject->call;
  net_choice choice = {subject->network, call->value[DR_train], call->value[DR_data]};
  net_experiment *e = &subject->experiment;
  if (!net_elaborate(call->n, &call->n->arena, subject->program, &choice, e)) return false;
  rt_train_spec *spec = &e->recipe.train;
  uint64_t epochs = spec->epochs, batch = spec->batch_size;
  if (!dr_integer(call, DR_epochs, 1, 1000000000, &epochs) || !dr_integer(call, DR_batch_size, 1, 1u << 24, &batch) ||
      !dr_integer(call, DR_seed, 0, UINT64_MAX, &spec->seed) ||
      !dr_real(call, DR_learning_rate, 0, &spec->rates[0]) || !dr_threads(call, &spec->threads))
    return false;
  spec->epochs = (uint32_t)epochs;
  spec->batch_size = (uint32_t)batch;
  return true;
}

bool dr_threads(dr_call *call, uint32_t *threads) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t count = cores > 0 ? (uint64_t)cores : 1;
  if (!dr_integer(call, DR_threads, 1, 1024, &count)) return false;
  *threads = (uint32_t)count;
  return true;
}

static bool stage(dr_call *call, dr_option_id option, pl_stage *stage) {
  *stage = PL_STAGES;
  if (!dr_has(call, option)) return true;
  *stage = pl_stage_find(call->value[option]);
  if (*stage != PL_STAGES) return true;
  const char *near = net_nearest(call->value[option], pl_stage_names, PL_STAGES);
  dr_wrong(call, "'%s' is no stage%s%s%s (see netc %s --help)", call->value[option], near ? "; did you mean '" : "",
           near ? near : "", near ? "'?" : "", call->verb->name);
  return false;
}

bool dr_compile_options(dr_call *call, pl_options *options) {
  *options = (pl_options){.to = call->out,
                          .print_ir = dr_has(call, DR_print_ir),
                          .print_asm = dr_has(call, DR_print_asm),
                          .time_passes = dr_has(call, DR_time_passes),
                          .verify = dr_has(call, DR_verify_passes)};
  return stage(call, DR_print_after, &options->print_after) && stage(call, DR_stop_after, &options->stop_after);
}

pl_compiled *dr_compile(dr_subject *subject, unsigned functions, uint32_t batch, int *code) {
  dr_call *call = subject->call;
  pl_request request = {.network = subject->experiment.network.graph,
                        .objective = functions == PL_INFER ? NULL : &subject->experiment.recipe.objective,
                        .optimizer = &subject->experiment.recipe.optimizer,
                        .functions = functions,
                        .batch = batch,
                        .target = call->value[DR_target]};
  *code = DR_WRONG_COMMAND;
  if (!dr_compile_options(call, &request.options)) return NULL;
  pl_compiled *compiled = pl_compile(call->n, &request);
  *code = call->n->diagnostics.errors ? DR_WRONG_INPUT : DR_DONE;
  return compiled;
}

rt_checkpoint *dr_find_weights(dr_subject *subject) {
  dr_call *call = subject->call;
  if (dr_has(call, DR_load)) return rt_checkpoint_open(call->n, call->value[DR_load]);
  if (subject->checkpoint) return subject->checkpoint;
  const char *directory = dr_find_run(call, net_text(call->n, subject->experiment.network.graph->name));
  if (!directory) return NULL;
  const char *path = net_arena_format(&call->n->arena, "%s/best.safetensors", directory);
  if (!call->json) fprintf(call->talk, "weights: %s\n", path);
  return rt_checkpoint_open(call->n, path);
}

bool dr_load_weights(dr_subject *subject, const rt_checkpoint *from, const rt_program *program, float *variables) {
  dr_call *call = subject->call;
  rt_match match = RT_MATCH_NETC;
  if (dr_has(call, DR_match)) match = strcmp(call->value[DR_match], "name") ? RT_MATCH_ORDER : RT_MATCH_NAME;
  else if (!rt_checkpoint_is_netc(from)) {
    dr_wrong(call, "%s is no checkpoint of netc's: say how to match its tensors by --match name or --match order",
             call->value[DR_load] ? call->value[DR_load] : "this file");
    return false;
  }
  FILE *talk = match == RT_MATCH_NETC || call->json ? NULL : call->talk;
  return rt_checkpoint_load(call->n, from, program, match, variables, talk);
}

float *dr_variables(dr_call *call, const rt_program *program) {
  return net_arena_alloc(&call->n->arena, (program->variable_floats + 16) * sizeof(float), 64);
}
