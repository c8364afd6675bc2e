#include "driver/subject.h"

#include "codegen/target.h"
#include "driver/runs.h"
#include "dsl/settings.h"
#include "passes/quantize.h"
#include "support/file.h"

#include <unistd.h>

bool dr_apply_setting(dr_subject *subject, const net_setting *setting) {
  netc *n = subject->call->n;
  net_chosen chosen = {0};
  net_program *program;
  if (subject->choice.network) chosen.blocks[NET_DECL_NETWORK] = net_intern(n, subject->choice.network);
  if (subject->choice.train) chosen.blocks[NET_DECL_TRAIN] = net_intern(n, subject->choice.train);
  if (subject->choice.data) chosen.blocks[NET_DECL_DATA] = net_intern(n, subject->choice.data);
  if (subject->choice.quantize) chosen.blocks[NET_DECL_QUANTIZE] = net_intern(n, subject->choice.quantize);
  if (!net_setting_apply(n, subject->program, setting, &chosen, &program)) return false;
  subject->program = program;
  return true;
}

static bool apply_settings(dr_subject *subject) {
  dr_call *call = subject->call;
  bool ok = true;
  for (uint32_t i = 0; i < call->settings.count; i++) {
    net_setting setting;
    ok = net_setting_parse(call->n, call->settings.at[i], &setting) && ok &&
         dr_apply_setting(subject, &setting);
  }
  call->wrong |= !ok;
  return ok;
}

/* The argument of an option among the lines that a run keeps of its command line; NULL: it had none. */
static const char *kept_option(dr_subject *subject, dr_option_id option) {
  netc *n = subject->call->n;
  const char *line = subject->checkpoint ? rt_checkpoint_metadata(subject->checkpoint, "settings") : NULL;
  const char *head = net_arena_format(&n->arena, "--%s ", dr_options[option].name);
  for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
    if (!strncmp(line, head, strlen(head))) {
      line += strlen(head);
      return net_arena_copy(&n->arena, line, strcspn(line, "\n"));
    }
  return NULL;
}

static const char *chosen_name(dr_subject *subject, dr_option_id option) {
  const char *given = subject->call->value[option];
  return given ? given : kept_option(subject, option);
}

/* By its name or its first bytes: the length of a header in JSON. */
static bool is_checkpoint(const char *path) {
  unsigned char head[9] = {0};
  if (net_path_ends_with(path, ".safetensors") || net_path_ends_with(path, ".net")) return net_path_ends_with(path, ".safetensors");
  FILE *file = fopen(path, "rb");
  size_t got = file ? fread(head, 1, sizeof head, file) : 0;
  if (file) fclose(file);
  return got == sizeof head && head[8] == '{' && !head[5] && !head[6] && !head[7];
}

/* The blocks that the command line names, or the checkpoint's; then every --set. */
static bool choose(dr_subject *subject, net_program *program) {
  dr_call *call = subject->call;
  subject->program = program;
  subject->choice.train = chosen_name(subject, DR_train);
  subject->choice.data = chosen_name(subject, DR_data);
  subject->choice.quantize = chosen_name(subject, DR_quantize);
  if (subject->choice.quantize && !strcmp(subject->choice.quantize, "none")) subject->choice.quantize = NULL;
  if (!net_choice_check(call->n, program, &subject->choice)) {
    call->wrong = call->arguments.count > 1 || dr_has(call, DR_train) || dr_has(call, DR_data) ||
                  dr_has(call, DR_quantize); /* else a checkpoint's */
    return false;
  }
  return apply_settings(subject);
}

bool dr_open(dr_call *call, dr_subject *subject) {
  netc *n = call->n;
  pl_options options; /* what is wrong with them is said before anything is read */
  if (!dr_compile_options(call, &options)) return false;
  const char *file = call->arguments.at[0];
  net_program *program;
  *subject = (dr_subject){.call = call};
  if (call->arguments.count > 1) subject->choice.network = call->arguments.at[1];
  if (is_checkpoint(file)) {
    subject->checkpoint = rt_checkpoint_open(n, file);
    if (!subject->checkpoint) return false;
    const char *text = rt_checkpoint_program(subject->checkpoint);
    if (!text) {
      net_error(n, NET_NOWHERE, "%s carries no program: name the .net file, and this one with --load", file);
      return false;
    }
    if (!subject->choice.network)
      subject->choice.network = rt_checkpoint_metadata(subject->checkpoint, "network");
    const char *name = rt_checkpoint_metadata(subject->checkpoint, "program_name");
    subject->choice.directory = net_path_directory(n, name ? name : file);
    if (!net_program_from_text(n, file, text, strlen(text), &program)) return false;
  } else if (!net_program_load(n, file, &program)) {
    return false;
  }
  return choose(subject, program);
}

bool dr_open_program(dr_call *call, dr_subject *subject, const char *text, const char *name) {
  netc *n = call->n;
  net_program *program;
  *subject = (dr_subject){.call = call};
  if (call->arguments.count > 1) subject->choice.network = call->arguments.at[1];
  subject->choice.directory = net_path_directory(n, name);
  return net_program_from_text(n, name, text, strlen(text), &program) && choose(subject, program);
}

/* Whether the command line says which network, and which recipe, where there are several. */
static bool is_chosen(dr_subject *subject, net_decl_kind kind, const char *chosen, const char *how) {
  netc *n = subject->call->n;
  const net_decl *first;
  if (chosen || net_program_count(subject->program, kind, &first) < 2) return true;
  if (kind == NET_DECL_TRAIN && net_program_find(subject->program, kind, (net_name){0})) return true;
  dr_wrong(subject->call, "%s has several %s blocks: name one%s: %s", subject->call->arguments.at[0],
           net_decl_rows[kind].keyword, how, net_program_names(n, subject->program, kind));
  return false;
}

/* After a program was refused: when all that is wrong is in the arguments of --set, the command line is. */
static bool refused(dr_subject *subject) {
  const netc *n = subject->call->n;
  bool elsewhere = !n->diagnostics.errors;
  for (uint32_t i = 0; i < n->diagnostics.list.count; i++) {
    const net_diagnostic *d = &n->diagnostics.list.at[i];
    net_position at = net_sources_find(&n->sources, d->where);
    elsewhere |= d->severity == NET_ERROR && (!at.source || strcmp(at.source->path, "--set"));
  }
  subject->call->wrong |= !elsewhere;
  return false;
}

bool dr_check_program(dr_subject *subject) {
  return net_check_program(subject->call->n, subject->program) || refused(subject);
}

static net_graph *run_pass(dr_subject *subject, net_pass_id pass, const net_graph *network,
                           const net_quantization *quantization) {
  netc *n = subject->call->n;
  uint32_t have = P_SHAPED;
  net_pass_context context = {.n = n,
                              .arena = &n->arena,
                              .objective = &subject->experiment.recipe.objective,
                              .quantization = quantization,
                              .verify = dr_has(subject->call, DR_verify_passes)};
  return net_pass_run(&context, pass, network, &have);
}

net_graph *dr_quantized(dr_subject *subject, const net_graph *network, const net_quantization *quantization) {
  network = run_pass(subject, NET_PASS_fold_batch_norm, network, quantization);
  return network ? run_pass(subject, NET_PASS_quantize, network, quantization) : NULL;
}

/* What was a batch-norm's result before it was folded is now that of the node in front of it. */
static void follow_folding(dr_subject *subject, const net_graph *now) {
  net_objective *o = &subject->experiment.recipe.objective;
  const net_graph *plain = subject->plain;
  for (uint32_t i = 0; i < o->term_count; i++) {
    net_loss_term *term = (net_loss_term *)&o->terms[i];
    net_value_id v = net_graph_find_value(plain, term->prediction);
    if (v == NET_NONE || net_graph_find_value(now, term->prediction) != NET_NONE) continue;
    term->prediction = plain->values.at[net_node_input(plain, plain->values.at[v].def, 0)].name;
  }
}

bool dr_set_formats(dr_subject *subject, net_quantization *q) {
  net_network *network = &subject->experiment.network;
  subject->folded = run_pass(subject, NET_PASS_fold_batch_norm, subject->plain, q);
  network->graph = subject->folded ? run_pass(subject, NET_PASS_quantize, subject->folded, q) : NULL;
  subject->quantization = q;
  if (network->graph) follow_folding(subject, network->graph);
  return network->graph != NULL;
}

/* Number formats, as --quantize or the checkpoint asks. */
static bool quantize(dr_subject *subject) {
  netc *n = subject->call->n;
  net_network *network = &subject->experiment.network;
  subject->plain = subject->folded = network->graph;
  subject->quantization = NULL;
  if (!subject->choice.quantize) return true;
  net_quantization *q = NET_NEW(&n->arena, net_quantization);
  if (!net_elaborate_quantization(n, &n->arena, subject->program, subject->choice.quantize, network->graph,
                                  q))
    return refused(subject);
  return dr_set_formats(subject, q);
}

/* With settings: all of the program is looked at, so that none is overlooked because this verb does without
 * it. */
bool dr_elaborate_network(dr_subject *subject) {
  dr_call *call = subject->call;
  net_experiment *e = &subject->experiment;
  *e = (net_experiment){0};
  if (!is_chosen(subject, NET_DECL_NETWORK, subject->choice.network, "")) return false;
  if (call->settings.count && !dr_check_program(subject)) return false;
  if (!net_elaborate_network(call->n, &call->n->arena, subject->program, subject->choice.network,
                             &e->network))
    return refused(subject);
  return quantize(subject);
}

bool dr_elaborate(dr_subject *subject) {
  dr_call *call = subject->call;
  net_experiment *e = &subject->experiment;
  if (!is_chosen(subject, NET_DECL_NETWORK, subject->choice.network, "") ||
      !is_chosen(subject, NET_DECL_TRAIN, subject->choice.train, " with --train"))
    return false;
  if (!net_elaborate(call->n, &call->n->arena, subject->program, &subject->choice, e))
    return refused(subject);
  if (!quantize(subject)) return false;
  rt_train_spec *spec = &e->recipe.train;
  uint64_t epochs = spec->epochs, batch = spec->batch_size;
  if (!dr_integer(call, DR_epochs, 1, 1000000000, &epochs) ||
      !dr_integer(call, DR_batch_size, 1, 1u << 24, &batch) ||
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
  dr_wrong(call, "--%s takes a stage, and '%s' is none%s%s%s (netc %s --help lists them)",
           dr_options[option].name, call->value[option], near ? "; did you mean '" : "", near ? near : "",
           near ? "'?" : "", call->verb->name);
  return false;
}

const char *dr_target(dr_call *call) {
  return cg_target_name(call->n, NET_NOWHERE, call->value[DR_target], call->value[DR_cpu]);
}

bool dr_compile_options(dr_call *call, pl_options *options) {
  *options = (pl_options){.to = call->out,
                          .print_ir = dr_has(call, DR_print_ir),
                          .print_asm = dr_has(call, DR_print_asm),
                          .time_passes = dr_has(call, DR_time_passes),
                          .verify = dr_has(call, DR_verify_passes)};
  if ((dr_has(call, DR_cpu) || dr_has(call, DR_target)) && !dr_target(call)) return call->wrong = true, false;
  return stage(call, DR_print_after, &options->print_after) &&
         stage(call, DR_stop_after, &options->stop_after);
}

pl_compiled *dr_compile(dr_subject *subject, unsigned functions, uint32_t batch, const float *const *weights,
                        int *code) {
  dr_call *call = subject->call;
  pl_request request = {.network = subject->experiment.network.graph,
                        .objective = functions == PL_INFER ? NULL : &subject->experiment.recipe.objective,
                        .optimizer = &subject->experiment.recipe.optimizer,
                        .functions = functions,
                        .batch = batch,
                        .target = call->value[DR_cpu],
                        .weights = weights};
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
  if (access(path, F_OK)) {
    net_error(call->n, NET_NOWHERE,
              "%s has no best.safetensors: no epoch of that run is finished, or it is no run", directory);
    return NULL;
  }
  if (!call->json) fprintf(call->talk, "weights: %s\n", path);
  return rt_checkpoint_open(call->n, path);
}

void dr_set_steps(dr_subject *subject, const rt_program *program, float *variables) {
  netc *n = subject->call->n;
  const net_quantization *q = subject->quantization;
  for (uint32_t i = 0; q && i < program->variable_count; i++) {
    const rt_variable *v = &program->variables[i];
    uint64_t count = net_shape_elements(&v->shape);
    if (v->kind != RT_PARAMETER || !rt_is_learned_step(v->name)) continue;
    for (uint64_t k = 0; k < count; k++) variables[v->offset + k] = (float)v->value;
    for (uint32_t c = 0; c < q->calibrated_count; c++) {
      const net_calibrated *known = &q->calibrated[c];
      const char *tensor = net_quantize_tensor_text(n, known->node, known->tensor, known->input);
      if (strcmp(v->name, net_arena_format(&n->arena, "%s_step", tensor)) || known->count != count) continue;
      memcpy(variables + v->offset, known->steps, count * sizeof(float));
    }
  }
}

bool dr_load_weights(dr_subject *subject, const rt_checkpoint *from, const rt_program *program,
                     float *variables) {
  dr_call *call = subject->call;
  rt_match match = RT_MATCH_NETC;
  dr_set_steps(subject, program, variables); /* of a file that knows nothing of them */
  if (dr_has(call, DR_match)) match = strcmp(call->value[DR_match], "name") ? RT_MATCH_ORDER : RT_MATCH_NAME;
  else if (!rt_checkpoint_is_netc(from)) {
    dr_wrong(call,
             "%s is no checkpoint of netc's: say how to match its tensors by --match name or --match order",
             call->value[DR_load] ? call->value[DR_load] : "this file");
    return false;
  }
  const char *formats = rt_checkpoint_metadata(from, "quantize");
  if (formats && !subject->quantization && !dr_has(call, DR_quantize))
    net_warning(
        call->n, NET_NOWHERE,
        "these weights were trained with --quantize %s, and are used in floats here: name the checkpoint "
        "in place of the program, or choose with --quantize",
        formats);
  FILE *talk = match == RT_MATCH_NETC || call->json ? NULL : call->talk;
  return rt_checkpoint_load(call->n, from, program, match, variables, talk);
}

float *dr_variables(dr_call *call, const rt_program *program) {
  return net_arena_alloc(&call->n->arena, (program->variable_floats + 16) * sizeof(float), 64);
}
