/* The directory that netc quantize --out makes. */
#include "driver/quantize.h"

#include "formats/formats.h"
#include "support/file.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

/* The tables come first. */
enum { GRAPH = DR_QUANTIZE_TABLES, MARKDOWN, JSON, WEIGHTS, FILES };
static const char *const files[FILES] = {"summary.csv", "nodes.csv", "tensors.csv", "costs.csv",
                                         "graph.txt",   "report.md", "report.json", "weights.safetensors"};

/* ---- weights on their grids ---- */

static const rt_variable *find_variable(const rt_program *program, const char *name) {
  for (uint32_t i = 0; i < program->variable_count; i++)
    if (!strcmp(program->variables[i].name, name)) return &program->variables[i];
  return NULL;
}

/* Elements of a value that is known before anything runs: a constant, or a parameter. */
static const float *elements(const net_graph *g, const rt_program *program, const float *variables,
                             net_value_id v) {
  if (v == NET_NONE) return NULL;
  const net_value *value = net_graph_value_at(g, v);
  if (value->kind == NET_VALUE_CONSTANT) return value->data;
  const rt_variable *variable = find_variable(program, net_text(g->n, value->name));
  return variable ? variables + variable->offset : NULL;
}

/* What a quantiser makes of a parameter, in place; whether it leaves that as it is. */
static bool quantize_variable(netc *n, const net_graph *g, net_node_id node, const rt_program *program,
                              float *variables, const rt_variable *variable) {
  net_value_id step = net_node_input(g, node, 1), zero = net_node_input(g, node, 2);
  const float *zeros = elements(g, program, variables, zero);
  net_calibration calibration = {.scale = elements(g, program, variables, step)};
  calibration.count = calibration.scale ? (uint32_t)net_shape_elements(&g->values.at[step].shape) : 0;
  if (zeros) {
    int32_t *whole = NET_NEW_ARRAY(&n->arena, int32_t, calibration.count);
    for (uint32_t i = 0; i < calibration.count; i++) whole[i] = (int32_t)zeros[i];
    calibration.zero = whole;
  }
  float *values = variables + variable->offset;
  size_t count = net_shape_elements(&variable->shape);
  float *again = NET_NEW_ARRAY(&n->arena, float, count);
  const net_format_spec *spec = net_format_at(n, g->values.at[net_node_output(g, node, 0)].format);
  net_format_tensor tensor = {
      .shape = &variable->shape, .values = values, .calibration = calibration.scale ? &calibration : NULL};
  net_format_quantize(spec, &tensor, values);
  net_format_quantize(spec, &tensor, again);
  bool same = true;
  for (size_t i = 0; i < count; i++) same &= values[i] == again[i];
  return same;
}

bool dr_quantize_variables(netc *n, const net_graph *g, const rt_program *program, float *variables) {
  bool same = true;
  uint32_t made = 0;
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    net_tensor_role role = g->nodes.at[i].role;
    if (!net_node_is_quantizer(g, i) || (role != NET_TENSOR_WEIGHT && role != NET_TENSOR_BIAS)) continue;
    const net_value *x = net_graph_value_at(g, net_node_input(g, i, 0));
    const rt_variable *variable =
        x->kind == NET_VALUE_PARAMETER ? find_variable(program, net_text(n, x->name)) : NULL;
    if (variable) same &= quantize_variable(n, g, i, program, variables, variable);
    else made++;
  }
  if (made)
    net_warning(
        n, NET_NOWHERE,
        "weights and biases that are made of others when the network runs (batch_norm is folded into them) "
        "stay as they were: %u",
        made);
  return same;
}

/* ---- the checkpoint ---- */

/* What the command line says that the program does not, a line each, as a checkpoint keeps it. */
static const char *settings_text(dr_subject *subject, bool formats) {
  netc *n = subject->call->n;
  const char *text = "";
  const struct {
    dr_option_id option;
    const char *value;
  } kept[] = {{DR_train, subject->choice.train},
              {DR_data, subject->choice.data},
              {DR_quantize, formats ? subject->choice.quantize : NULL}};
  for (uint32_t i = 0; i < subject->call->settings.count; i++)
    text = net_arena_format(&n->arena, "%s--set %s\n", text, subject->call->settings.at[i]);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (kept[i].value)
      text = net_arena_format(&n->arena, "%s--%s %s\n", text, dr_options[kept[i].option].name, kept[i].value);
  return text;
}

/* One for each input: the checkpoint's, or fitted to the training rows, as they would be without one. */
static bool find_normalization(dr_subject *subject, const rt_checkpoint *weights, rt_snapshot *snapshot,
                               rt_data **data) {
  netc *n = subject->call->n;
  const net_graph *g = subject->plain;
  snapshot->normalization = rt_checkpoint_normalization(n, weights, &snapshot->input_count);
  if (n->diagnostics.errors) return false;
  if (snapshot->normalization) return true;
  if (subject->experiment.data) {
    *data = rt_data_load(n, subject->experiment.data, 1u << RT_TRAIN, NULL);
    if (!*data) return false;
    snapshot->normalization = (*data)->normalization;
    snapshot->input_count = (*data)->split[RT_TRAIN].input_count;
    return true;
  }
  rt_fitted *none = NET_NEW_ARRAY(&n->arena, rt_fitted, g->values.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].kind == NET_VALUE_INPUT)
      none[snapshot->input_count++].width = (uint32_t)net_shape_elements(&g->values.at[v].shape);
  snapshot->normalization = none;
  return true;
}

static bool write_weights(dr_subject *subject, const rt_checkpoint *weights, const rt_program *program,
                          float *variables, const char *path) {
  dr_call *call = subject->call;
  netc *n = call->n;
  rt_train_spec *spec = &subject->experiment.recipe.train;
  rt_position position = {.best_loss = INFINITY};
  rt_data *data = NULL;
  rt_snapshot snapshot = {.program = program, .spec = spec, .position = &position, .variables = variables};
  bool again = dr_quantize_variables(n, subject->experiment.network.graph, program, variables);
  if (!again)
    net_warning(n, NET_NOWHERE,
                "these weights change when they are quantised again, so %s is to be used without --quantize",
                files[WEIGHTS]);
  spec->program_text = net_program_text(n, subject->program);
  spec->program_name = call->arguments.at[0];
  spec->settings = settings_text(subject, again);
  snapshot.classes = rt_checkpoint_classes(n, weights, &snapshot.class_count);
  bool ok =
      find_normalization(subject, weights, &snapshot, &data) && rt_checkpoint_save(n, path, &snapshot, false);
  rt_data_free(data);
  return ok;
}

/* ---- the directory ---- */

bool dr_quantize_can_write(dr_call *call) {
  const char *out = call->value[DR_out];
  struct stat st;
  if (!out || lstat(out, &st) || (S_ISDIR(st.st_mode) && net_is_empty_directory(out))) return true;
  net_error(call->n, NET_NOWHERE,
            "%s is there already, and nothing is overwritten: name another directory with --out", out);
  return false;
}

static bool write_text(const dr_quantize_report *q, const char *path, int which) {
  dr_table tables[DR_QUANTIZE_TABLES];
  dr_quantize_tables(q, tables);
  net_file_out out = net_file_begin(q->n, path);
  if (!out.stream) return false;
  if (which == GRAPH) net_graph_print(out.stream, q->after.graph);
  else if (which == MARKDOWN) dr_quantize_print(out.stream, q, DR_AS_MARKDOWN);
  else if (which == JSON) net_json_print(out.stream, dr_quantize_json(q));
  else dr_table_print(out.stream, &tables[which], DR_AS_CSV);
  return net_file_commit(&out, false);
}

static bool fill(dr_subject *subject, const dr_quantize_report *q, const rt_checkpoint *weights,
                 const rt_program *program, float *variables, const char *directory) {
  netc *n = q->n;
  for (int i = 0; i < WEIGHTS; i++)
    if (!write_text(q, net_path_join(n, directory, files[i]), i)) return false;
  return write_weights(subject, weights, program, variables, net_path_join(n, directory, files[WEIGHTS]));
}

/* Into a directory beside it, which then takes the name. */
static bool write_all(dr_subject *subject, const dr_quantize_report *q, const rt_checkpoint *weights,
                      const rt_program *program, float *variables, const char *directory) {
  netc *n = q->n;
  size_t length = strlen(directory);
  while (length > 1 && directory[length - 1] == '/') length--;
  const char *name = net_arena_copy(&n->arena, directory, length), *parent = net_path_directory(n, name);
  const char *fresh = net_arena_format(&n->arena, "%s.%ld.part", name, (long)getpid());
  if (*parent && !net_make_directories(n, parent)) return false;
  if (mkdir(fresh, 0777)) return net_error_errno(n, NET_NOWHERE, "make directory", fresh), false;
  bool ok = fill(subject, q, weights, program, variables, fresh);
  if (ok && rename(fresh, name)) net_error_errno(n, NET_NOWHERE, "make", name), ok = false;
  for (int i = 0; i < FILES && !ok; i++) unlink(net_path_join(n, fresh, files[i]));
  if (!ok) rmdir(fresh);
  return ok;
}

bool dr_quantize_write(dr_subject *subject, const dr_quantize_report *q, const rt_checkpoint *weights,
                       const char *directory) {
  dr_call *call = subject->call;
  int code;
  pl_compiled *compiled =
      dr_compile(subject, PL_INFER, subject->experiment.recipe.train.batch_size, NULL, &code);
  if (!compiled) return false;
  const rt_program *program = pl_program(compiled);
  float *variables = dr_variables(call, program);
  bool ok = dr_load_weights(subject, weights, program, variables) &&
            write_all(subject, q, weights, program, variables, directory);
  pl_free(compiled);
  if (ok && !call->json) fprintf(call->talk, "%s: weights, graph and tables\n", directory);
  return ok;
}
