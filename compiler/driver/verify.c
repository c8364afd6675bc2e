/* netc verify: interpreter and compiled code agree, values lie on their grids, sums cannot overflow, layers
 * are as far from float as this, budgets hold. */
#include "driver/verify.h"

#include "driver/calibrate.h"
#include "driver/table_output.h"

#include "codegen/target.h"
#include "formats/formats.h"
#include "graph/operator.h"

enum { BATCH = 256 };

/* ---- what comes of a check ---- */

static void say(dr_verification *v, const char *check, json_t *holds, const char *word, json_t *fields,
                const char *text) {
  if (!v->call->json) {
    json_decref(holds);
    json_decref(fields);
    fprintf(v->call->out, "%-6s %-13s %s\n", word, check, text);
    return;
  }
  json_t *object = json_pack("{s:s, s:o}", "check", check, "holds", holds);
  if (fields) json_object_update_missing(object, fields);
  json_decref(fields);
  if (*text) json_object_set_new(object, "text", net_json_text(text));
  net_json_print(v->call->out, object);
}

void dr_verify_say(dr_verification *v, const char *check, bool holds, json_t *fields, const char *format,
                   ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *text = net_arena_vformat(&v->n->arena, format, arguments);
  va_end(arguments);
  v->failed += !holds;
  say(v, check, json_boolean(holds), holds ? "holds" : "FAILS", fields, text);
}

void dr_verify_open(dr_verification *v, const char *check, json_t *fields, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *text = net_arena_vformat(&v->n->arena, format, arguments);
  va_end(arguments);
  say(v, check, json_null(), "open", fields, text);
}

/* ---- what is verified ---- */

static bool compile(dr_verification *v, dr_observation *o, bool all) {
  const net_graph *g = v->graph;
  *o = (dr_observation){.subject = v->subject, .graph = g, .weights = v->weights};
  if (!all && v->integer_only) o->frozen = v->numbers;
  net_arena_init(&o->arena, v->n->arena.guard);
  bool *wanted = NET_NEW_ARRAY(&o->arena, bool, g->values.count + 1);
  for (net_value_id i = 0; i < g->values.count; i++) wanted[i] = all;
  for (uint32_t i = 0; i < g->outputs.count; i++) wanted[g->outputs.at[i]] = true;
  return dr_observe_compile(o, wanted, v->batch, NULL);
}

/* Whether the emulation rounds nothing but where the integers do: by the formats, or as ranges tell with
 * these weights. */
static bool is_exact(const dr_verification *v) {
  const net_graph *g = v->graph;
  bool fixed = true, known = true;
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    net_value_id y = g->nodes.at[i].first_output;
    const net_value *value = net_graph_value_at(g, y);
    if (net_node_is_quantizer(g, i))
      fixed &= net_format_grid_of(net_format_at(v->n, value->format)) != NET_GRID_STEPS;
    for (uint64_t k = 0; value->batched && k < net_shape_elements(&value->shape); k++)
      known &= v->ranges->grids[y][k] != NET_NO_GRID;
  }
  return v->integer_only && (fixed || known);
}

static bool prepare(dr_verification *v) {
  dr_subject *subject = v->subject;
  if (!(v->weights = dr_find_weights(subject)) || !dr_settle_formats(subject, v->weights)) return false;
  v->graph = subject->experiment.network.graph;
  v->plain = subject->plain;
  v->formatted = v->graph != v->plain;
  v->batch = BATCH;
  for (int s = 0; s < RT_SPLITS; s++)
    if (dr_has(v->call, DR_split) && !strcmp(rt_split_names[s], v->call->value[DR_split]))
      v->split = (rt_split_name)s;
  if (!dr_threads(v->call, &v->threads) || !dr_verify_rows(v)) return false;
  if (!(v->numbers = dr_graph_weights(subject, v->graph, v->weights))) return false;
  v->ranges = net_ranges_find(v->n, &v->n->arena, v->graph, v->numbers);
  v->integer_only = net_integer_only(v->n, v->graph, &v->broken);
  v->exact = is_exact(v);
  return true;
}

static bool run(dr_verification *v, const net_requirements *requirements) {
  bool ok = compile(v, &v->seen, true) && compile(v, &v->deployed, false);
  dr_rows interpreted[DR_ROW_SETS];
  for (uint32_t i = 0; i < v->set_count; i++) {
    interpreted[i] = v->sets[i];
    if (!strcmp(interpreted[i].name, "random") && interpreted[i].rows.rows > DR_INTERPRETED_ROWS)
      interpreted[i].rows.rows = DR_INTERPRETED_ROWS;
  }
  for (uint32_t i = 0; i < v->set_count && ok; i++) ok = dr_verify_nodes(v, &interpreted[i]);
  for (uint32_t i = 0; i < v->set_count && ok; i++) ok = dr_verify_outputs(v, &interpreted[i]);
  for (uint32_t i = 0; i < v->set_count && ok; i++) ok = dr_verify_objects(v, &v->sets[i]);
  for (uint32_t i = 0; i < v->set_count && ok; i++) ok = dr_verify_grids(v, &interpreted[i]);
  if (ok && v->formatted) dr_verify_accumulators(v);
  if (ok && v->formatted) ok = dr_verify_layers(v);
  return ok && (!requirements || dr_verify_requirements(v, requirements));
}

/* The formats that a require block is about are those that are verified, unless the command line says others.
 */
static bool take_requirements(dr_subject *subject, net_requirements *requirements) {
  dr_call *call = subject->call;
  netc *n = call->n;
  if (!net_elaborate_requirements(n, &n->arena, subject->program, call->value[DR_require], requirements)) {
    call->wrong |=
        !net_program_find(subject->program, NET_DECL_REQUIRE, net_intern(n, call->value[DR_require]));
    return false;
  }
  cg_target target;
  if (requirements->target.id &&
      !cg_target_find(n, requirements->target_loc, net_text(n, requirements->target), &target))
    return false;
  const char *wanted = requirements->quantize.id ? net_text(n, requirements->quantize) : NULL;
  if (!wanted) return true;
  if (dr_has(call, DR_quantize) && strcmp(call->value[DR_quantize], wanted)) {
    dr_wrong(call, "require '%s' is about quantize = %s, not %s: leave --quantize out",
             call->value[DR_require], wanted, call->value[DR_quantize]);
    return false;
  }
  subject->choice.quantize = wanted;
  return true;
}

int dr_verify(dr_call *call) {
  dr_subject subject;
  net_requirements requirements;
  dr_form form;
  dr_verification v = {.subject = &subject, .call = call, .n = call->n, .split = RT_TEST};
  bool required = dr_has(call, DR_require), sensitivity = dr_has(call, DR_sensitivity);
  if (!dr_table_form(call, &form) || !dr_check_witnesses(call)) return DR_WRONG_COMMAND;
  if (!sensitivity && form != DR_AS_TEXT && form != DR_AS_JSON)
    return dr_wrong(call, "--as %s is for --sensitivity: checks come as text or --json", call->value[DR_as]);
  if (sensitivity && required) return dr_wrong(call, "--sensitivity and --require do not go together");
  if (!dr_open(call, &subject) || (required && !take_requirements(&subject, &requirements)) ||
      !dr_elaborate(&subject))
    return DR_WRONG_INPUT;
  if (sensitivity && !subject.quantization)
    return dr_wrong(call, "--sensitivity quantises a layer at a time: name a quantize block with --quantize");
  net_arena_init(&v.seen.arena, call->n->arena.guard);
  net_arena_init(&v.deployed.arena, call->n->arena.guard);
  bool ok = prepare(&v) && (sensitivity ? dr_sensitivity(&v) : run(&v, required ? &requirements : NULL));
  dr_observe_end(&v.seen);
  dr_observe_end(&v.deployed);
  dr_verify_rows_free(&v);
  if (!ok) return DR_WRONG_INPUT;
  if (v.failed && !call->json)
    fprintf(call->talk, "%u check%s not hold\n", v.failed, v.failed == 1 ? " does" : "s do");
  return v.failed ? DR_DOES_NOT_HOLD : DR_DONE;
}
