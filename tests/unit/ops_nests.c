/* ops/: every operator and its gradient lowered, scheduled and run, against the interpreter: by the evaluator
 * for 16, 8, 4 and 1 lanes, fused and not, and compiled for every instruction set that this machine has. */
#include "tests/unit/ops_cases.h"

#include "kernels/kernels.h"
#include "loops/print.h"
#include "tests/codegen/check.h"

enum { MOST = 64 };

/* Everything of a graph bound: variables one behind the other, columns and scalars by name, results as
 * outputs. */
typedef struct {
  kn_bindings bindings;
  kn_variable variables[MOST];
  net_name columns[MOST], scalars[MOST];
  net_value_id variable_ids[MOST], column_ids[MOST], scalar_ids[MOST], outputs[MOST];
} tables;

static bool is_written(const net_graph *graph, net_value_id v) {
  net_node_id node = net_graph_value_at(graph, v)->def;
  if (node == NET_NONE) return false;
  for (uint32_t i = 0; i < net_graph_at(graph, node)->output_count; i++)
    if (net_node_alias(graph, node, i) != NET_NONE) return false; /* its variable is looked at */
  bool norm =
      !strcmp(net_node_op(graph, node)->name, "batch_norm") && !net_node_bool(graph, node, "training");
  return !norm || v == net_node_output(graph, node, 0);
}

/* Outputs are rows, one for each sample: what there is once is expanded. */
static void add_outputs(net_graph *graph, tables *t) {
  netc *n = graph->n;
  for (net_value_id v = 0, end = graph->values.count; v < end; v++) {
    net_value value = *net_graph_value_at(graph, v);
    net_value_id rows = v;
    if (!is_written(graph, v)) continue;
    if (value.type == NET_F64) { /* outputs are f32 */
      net_value_id exact[] = {v, NET_NONE, NET_NONE};
      net_attribute format = net_attribute_text(n, "format", "float32");
      rows = net_graph_call(graph, "quantize", net_intern_format(n, "%s.rounded", net_text(n, value.name)),
                            exact, 3, &format, 1);
    }
    if (!value.batched)
      rows =
          net_graph_call(graph, "expand", net_intern_format(n, "%s.rows", net_text(n, value.name)), &rows, 1,
                         (net_attribute[]){net_attribute_ints(n, "shape", value.shape),
                                           net_attribute_bool(n, "batched", true)},
                         2);
    assert_int_not_equal(rows, NET_NONE);
    t->outputs[t->bindings.output_count++] = rows;
  }
}

static void bind(const net_graph *graph, tables *t) {
  kn_bindings *b = &t->bindings;
  uint32_t floats = 0;
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = net_graph_value_at(graph, v);
    switch (value->kind) {
    case NET_VALUE_PARAMETER:
    case NET_VALUE_STATISTIC:
    case NET_VALUE_STATE:
      t->variable_ids[b->variable_count] = v;
      t->variables[b->variable_count++] = (kn_variable){value->name, floats};
      floats += ((uint32_t)net_shape_elements(&value->shape) + 15) / 16 * 16;
      break;
    case NET_VALUE_INPUT:
    case NET_VALUE_TARGET:
    case NET_VALUE_WEIGHT:
      t->column_ids[b->column_count] = v;
      t->columns[b->column_count++] = value->name;
      break;
    case NET_VALUE_SCALAR:
      t->scalar_ids[b->scalar_count] = v;
      t->scalars[b->scalar_count++] = value->name;
      break;
    case NET_VALUE_CONSTANT:
    case NET_VALUE_RESULT:
      break;
    }
  }
  b->variables = t->variables, b->columns = t->columns, b->scalars = t->scalars, b->outputs = t->outputs;
}

static void put(const net_run *run, net_value_id v, void *to) {
  bool integers = net_graph_value_at(run->graph, v)->type == NET_U32;
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) {
    if (integers)
      ((uint32_t *)to)[i] = (uint32_t)run->values[v][i];
    else
      ((float *)to)[i] = (float)run->values[v][i];
  }
}

static void give(const net_run *run, const tables *t, const lp_function *f, lp_memory *memory) {
  const kn_bindings *b = &t->bindings;
  for (uint32_t i = 0; i < b->variable_count; i++)
    put(run, t->variable_ids[i], lp_memory_at(f, memory, LP_VARIABLE, i));
  for (uint32_t i = 0; i < b->scalar_count; i++) put(run, t->scalar_ids[i], &memory->scalars[i]);
  for (uint32_t i = 0; i < b->column_count; i++) {
    void *rows = net_arena_alloc(f->arena, net_run_elements(run, t->column_ids[i]) * 4 + 64, 64);
    put(run, t->column_ids[i], rows);
    for (lp_buffer k = 0; k < f->buffers.count; k++)
      if (f->buffers.at[k].storage == LP_COLUMN && f->buffers.at[k].slot == i) memory->buffers[k] = rows;
  }
  uint32_t *index = lp_memory_at(f, memory, LP_INDEX, 0);
  for (uint32_t i = 0; index && i < f->padded; i++) index[i] = i < run->count ? i : 0;
}

/* Gradients are sums whose terms cancel, so their errors are measured beside those of all values together. */
static void compare(const net_run *run, net_value_id v, const double *expected, const float *found,
                    const char *where) {
  double ulps = 32, largest = 1;
  for (uint64_t i = 0; i < net_run_elements(run, v); i++) largest = fmax(largest, fabs(expected[i]));
  for (uint64_t i = 0; i < net_run_elements(run, v); i++)
    if (!(fabs(found[i] - expected[i]) <= ulps * 0x1p-23 * largest))
      fail_msg("%s: %s, element %llu: nests %.9g, interpreter %.9g", where,
               net_text(run->n, net_graph_value_at(run->graph, v)->name), (unsigned long long)i, found[i],
               expected[i]);
}

/* A case, scheduled, with its inputs in memory and what the interpreter makes of them. */
typedef struct {
  tables tables;
  net_run run;
  lp_function *f;
  lp_memory memory;
  const char *where;
} trial;

static trial *prepare(netc *n, const char *lines, const char *name, kn_machine machine, uint32_t batch,
                      uint32_t count, kn_options options) {
  trial *t = NET_NEW(&n->arena, trial);
  net_graph *graph = ops_test_graph(n, lines);
  net_node_id node = ops_test_node(graph);
  const net_op *op = net_node_op(graph, node);
  bool inference = !strcmp(op->name, "batch_norm") && !net_node_bool(graph, node, "training");
  net_value_id dy;
  if (op->gradient && !inference) ops_test_gradient(graph, node, 0.7, &dy);
  add_outputs(graph, &t->tables);
  bind(graph, &t->tables);
  t->where =
      net_arena_format(&n->arena, "%s%u lanes, batch %u, count %u%s%s", lines, machine.lanes, batch, count,
                       options.single ? ", one sample" : "", options.unfused ? ", unfused" : "");

  t->run = net_run_begin(n, graph, &n->arena, count);
  t->run.step = 3;
  t->run.key[0] = 99;
  ops_test_fill(&t->run, count + batch);
  if (!net_run_all(&t->run)) fail_msg("%s: %s", t->where, ops_test_message(n));

  t->f = kn_lower(n, &n->arena, graph, &t->tables.bindings, net_intern(n, name), batch, batch != count);
  if (!t->f || !kn_schedule(t->f, &machine, &options) || !lp_verify_nests(t->f))
    fail_msg("%s: %s", t->where, ops_test_message(n));
  if (!t->f->scratch_bytes) t->f->scratch_bytes = 64; /* variables lie at their offsets all the same */
  t->memory = lp_memory_new(&n->arena, t->f, true);
  lp_memory_fill(t->f, &t->memory, 5);
  t->memory.count = count;
  t->memory.params[0] = t->run.step;
  t->memory.params[1] = t->run.key[0];
  t->memory.params[2] = t->run.key[1];
  give(&t->run, &t->tables, t->f, &t->memory);
  return t;
}

static void judge(const trial *t) {
  const kn_bindings *b = &t->tables.bindings;
  for (uint32_t i = 0; i < b->output_count; i++)
    compare(&t->run, b->outputs[i], t->run.values[b->outputs[i]],
            lp_memory_at(t->f, &t->memory, LP_OUTPUT, i), t->where);
  for (uint32_t i = 0; i < b->variable_count; i++)
    compare(&t->run, t->tables.variable_ids[i], net_run_updated(&t->run, t->tables.variable_ids[i]),
            lp_memory_at(t->f, &t->memory, LP_VARIABLE, i), t->where);
}

static void check_evaluated(const char *lines, uint32_t lanes, uint32_t batch, uint32_t count,
                            kn_options options) {
  netc n;
  ops_test_begin(&n);
  trial *t = prepare(&n, lines, "f", (kn_machine){lanes, lanes >= 16 ? 32 : 16, true}, batch, count, options);
  if (lp_evaluate_nests(t->f, &t->memory)) fail_msg("%s: %s", t->where, ops_test_message(&n));
  judge(t);
  netc_free(&n);
}

static void test_nests(void **state) {
  (void)state;
  static const uint32_t lanes[] = {16, 8, 4, 1};
  for (uint32_t i = 0; i < ops_case_count; i++)
    for (uint32_t l = 0; l < sizeof lanes / sizeof *lanes; l++)
      for (int unfused = 0; unfused < 2; unfused++) {
        kn_options options = {.unfused = unfused}, single = {.unfused = unfused, .single = true};
        check_evaluated(ops_cases[i], lanes[l], 32, 32, options); /* whole tiles: all samples are there */
        check_evaluated(ops_cases[i], lanes[l], 2, 1, options);
        check_evaluated(ops_cases[i], lanes[l], 40, 33, options);
        check_evaluated(ops_cases[i], lanes[l], 1, 1, single);
      }
}

/* All cases as one object for the target. */
static void check_object(check *c, uint32_t batch, uint32_t count, kn_options options) {
  trial **trials = NET_NEW_ARRAY(&c->n.arena, trial *, ops_case_count);
  const lp_function **functions = NET_NEW_ARRAY(&c->n.arena, const lp_function *, ops_case_count);
  for (uint32_t i = 0; i < ops_case_count; i++) {
    const char *name = net_arena_format(&c->n.arena, "case_%u", i);
    trials[i] =
        prepare(&c->n, ops_cases[i], name, (kn_machine){c->lanes, c->target.registers, c->target.has_dot4},
                batch, count, options);
    trials[i]->where = net_arena_format(&c->n.arena, "%s%s", trials[i]->where, c->target.name);
    functions[i] = trials[i]->f;
  }
  cg_jit *jit = check_compile(c, functions, ops_case_count);
  for (uint32_t i = 0; i < ops_case_count; i++) {
    rt_step step = check_step(c, functions[i], &trials[i]->memory);
    assert_int_equal(cg_jit_find(jit, net_text(&c->n, functions[i]->name))(&step), 0);
    judge(trials[i]);
  }
  cg_jit_free(jit);
}

static void check_compiled(check *c) {
  net_ops_install(&c->n);
  check_object(c, 40, 33, (kn_options){0});
  check_object(c, 1, 1, (kn_options){.single = true});
}

static void test_compiled(void **state) {
  (void)state;
  check_instruction_sets(check_compiled);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nests), cmocka_unit_test(test_compiled)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
