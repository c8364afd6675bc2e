/* graph/: declarations, attributes, building, copying, and what the verifier catches. */
#include "tests/unit/tiny_ops.h"

#include <math.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static net_graph *parse_tiny(netc *n) {
  net_graph *graph = net_graph_parse(n, &n->arena, "tiny.graph", tiny_text, strlen(tiny_text));
  if (!graph) fail_msg("%s", tiny_message(n));
  return graph;
}

/* ---- declarations ---- */

static void test_declarations(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  const net_op_field *fields;
  uint16_t row;
  const net_op *dense = net_op_find(&n, "dense", &row);
  assert_ptr_equal(dense, &tiny_ops[row]);
  assert_null(net_op_find(&n, "dens", NULL));
  assert_int_equal(net_op_inputs(&n, dense, &fields), 3);
  assert_string_equal(fields[0].name, "x");
  assert_string_equal(fields[0].kind, "data");
  assert_string_equal(fields[2].name, "bias");
  assert_string_equal(fields[2].kind, "parameter");
  assert_true(fields[2].optional && !fields[1].optional);
  assert_int_equal(net_op_attributes(&n, dense, &fields), 2);
  assert_false(fields[0].has_default);
  assert_true(fields[1].has_default);
  assert_string_equal(fields[1].default_text, "true");
  const net_op *norm = net_op_find(&n, "norm", NULL);
  assert_int_equal(net_op_outputs(&n, norm, &fields), 3);
  assert_string_equal(fields[1].kind, "observes");
  assert_int_equal(fields[1].input, 1);
  assert_int_equal(net_op_attributes(&n, norm, &fields), 4);
  assert_string_equal(fields[3].default_text, "[0, -1]"); /* the comma in brackets ends nothing */
  assert_int_equal(net_op_inputs(&n, net_op_find(&n, "join", NULL), &fields), 1);
  assert_true(fields[0].variadic);
  assert_string_equal(fields[0].name, "xs");
  assert_int_equal(net_op_outputs(&n, net_op_find(&n, "step", NULL), &fields), 2);
  assert_string_equal(fields[1].kind, "alias");
  assert_int_equal(fields[1].input, 3);
  assert_int_equal(n.diagnostics.faults, 0);
  netc_free(&n);
}

static void test_broken_declarations(void **state) {
  (void)state;
  static const struct {
    const char *inputs, *outputs, *attributes;
  } broken[] = {
      {"x: nothing", "y", ""},  {"xs..., x", "y", ""},      {"x = 1", "y", ""}, {"x y", "y", ""},
      {"x", "y: alias z", ""},  {"x", "y", "p: float = 1"}, {"x", "y", "p"},    {",x", "y", ""},
      {"x", "y: observes", ""}, {"x", "y: parameter", ""},  {"x", "y: keeps", ""},
  };
  for (uint32_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    netc n;
    tiny_init(&n);
    net_op op = {.name = "bad",
                 .inputs = broken[i].inputs,
                 .outputs = broken[i].outputs,
                 .attributes = broken[i].attributes};
    const net_op_field *fields;
    net_op_inputs(&n, &op, &fields);
    net_op_outputs(&n, &op, &fields);
    net_op_attributes(&n, &op, &fields);
    if (n.diagnostics.faults != 1) fail_msg("case %u: %u faults", i, n.diagnostics.faults);
    netc_free(&n);
  }
}

/* ---- attributes ---- */

static void test_attributes(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  const net_op *norm = net_op_find(&n, "norm", NULL);
  const net_attribute *all;
  uint32_t count;
  net_attribute given[] = {net_attribute_text(&n, "mode", "fancy"), net_attribute_int(&n, "momentum", 1)};
  assert_true(net_op_complete(&n, &n.arena, norm, given, 2, NET_NOWHERE, &all, &count));
  assert_int_equal(count, 4);
  assert_int_equal(all[0].kind, NET_ATTRIBUTE_REAL); /* an int stands for a real */
  assert_true(all[0].real == 1);
  assert_int_equal(all[1].kind, NET_ATTRIBUTE_BOOL);
  assert_int_equal(all[1].integer, 0);
  assert_string_equal(net_text(&n, all[2].text), "fancy");
  assert_int_equal(all[3].ints.rank, 2);
  assert_int_equal(all[3].ints.dim[1], UINT32_MAX);
  assert_true(net_attribute_same(&all[2], &given[0]));
  assert_false(net_attribute_same(&all[0], &given[1]));

  const net_op *dense = net_op_find(&n, "dense", NULL);
  const struct {
    net_attribute given[2];
    uint32_t count;
    const char *message;
  } wrong[] = {
      {{{.kind = NET_ATTRIBUTE_INT}}, 0, "dense needs the attribute 'features'"},
      {{net_attribute_int(&n, "featuers", 3)},
       1,
       "dense has no attribute 'featuers'; did you mean 'features'?"},
      {{net_attribute_int(&n, "width", 3)},
       1,
       "dense has no attribute 'width'; it takes features: int, bias: bool = true"},
      {{net_attribute_real(&n, "features", 3)},
       1,
       "attribute 'features' of dense must be an int, not a real"},
      {{net_attribute_int(&n, "features", 3), net_attribute_int(&n, "features", 4)},
       2,
       "attribute 'features' of dense is given twice"},
      {{net_attribute_int(&n, "features", 3), net_attribute_int(&n, "bias", 1)},
       2,
       "attribute 'bias' of dense must be a bool, not an int"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(
        net_op_complete(&n, &n.arena, dense, wrong[i].given, wrong[i].count, NET_NOWHERE, &all, &count));
    assert_string_equal(tiny_message(&n), wrong[i].message);
  }
  net_op bad = {.name = "bad", .inputs = "x", .outputs = "y", .attributes = "p: int = much"};
  assert_false(net_op_complete(&n, &n.arena, &bad, NULL, 0, NET_NOWHERE, &all, &count));
  assert_int_equal(n.diagnostics.faults, 1);
  netc_free(&n);
}

/* ---- building ---- */

static net_value_id add_input(netc *n, net_graph *graph, const char *name, uint32_t features) {
  return net_graph_value(graph, NET_VALUE_INPUT, net_intern(n, name), NET_F32, (net_shape){1, {features}},
                         true, NET_NOWHERE);
}

static void test_building(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  net_graph *graph = net_graph_new(&n, &n.arena, net_intern(&n, "g"), NET_NOWHERE);
  net_value_id x = add_input(&n, graph, "x", 3);
  net_attribute features = net_attribute_int(&n, "features", 2);
  net_node_id d = net_graph_layer(graph, "dense", net_intern(&n, "d"), &x, 1, &features, 1, NET_NOWHERE);
  assert_int_equal(d, 0);
  assert_int_equal(graph->values.count, 4);
  const net_value *weight = net_graph_value_at(graph, net_node_input(graph, d, 1));
  assert_string_equal(net_text(&n, weight->name), "d.weight");
  assert_int_equal(weight->kind, NET_VALUE_PARAMETER);
  assert_int_equal(weight->init.kind, NET_INIT_UNIFORM);
  assert_true(weight->range.lo > weight->range.hi); /* not known */
  assert_int_equal(net_graph_parameters(graph), 8);
  assert_int_equal(net_node_int(graph, d, "features"), 2);
  assert_true(net_node_bool(graph, d, "bias"));
  net_value_id y = net_node_output(graph, d, 0);
  assert_int_equal(net_graph_value_at(graph, y)->shape.dim[0], 2);
  assert_true(net_graph_value_at(graph, y)->batched);
  assert_int_equal(net_graph_find(graph, net_intern(&n, "d")), d);
  assert_int_equal(net_graph_find_value(graph, net_intern(&n, "d.bias")), net_node_input(graph, d, 2));
  assert_int_equal(net_graph_find(graph, net_intern(&n, "d.bias")), NET_NONE);

  net_attribute no_bias[] = {features, net_attribute_bool(&n, "bias", false)};
  net_node_id e = net_graph_layer(graph, "dense", net_intern(&n, "e"), &y, 1, no_bias, 2, NET_NOWHERE);
  assert_int_equal(net_node_input(graph, e, 2), NET_NONE);
  assert_int_equal(net_graph_find_value(graph, net_intern(&n, "e.bias")), NET_NONE);

  net_value_id call = net_graph_call(graph, "join", net_intern(&n, "d"), (net_value_id[]){x, y}, 2, NULL, 0);
  assert_string_equal(net_text(&n, net_graph_value_at(graph, call)->name), "d.2"); /* d is taken */
  call = net_graph_call(graph, "join", (net_name){0}, (net_value_id[]){x, y}, 2, NULL, 0);
  assert_string_equal(net_text(&n, net_graph_value_at(graph, call)->name), "join");
  net_name first = net_graph_value_at(graph, call)->name;
  call = net_graph_call(graph, "join", first, (net_value_id[]){x}, 1, NULL, 0);
  assert_string_equal(net_text(&n, net_graph_value_at(graph, call)->name), "join.2");
  assert_true(net_graph_verify(&n, graph));
  assert_int_equal(n.diagnostics.list.count, 0);
  assert_int_equal(net_node_int(graph, e, "nonsense"), 0);
  assert_int_equal(n.diagnostics.faults, 1);
  netc_free(&n);
}

/* What cannot be built is reported and leaves nothing behind. */
static void test_refused(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  net_graph *graph = net_graph_new(&n, &n.arena, net_intern(&n, "g"), NET_NOWHERE);
  net_value_id x = add_input(&n, graph, "x", 3);
  net_value_id w = net_graph_value(graph, NET_VALUE_PARAMETER, net_intern(&n, "w"), NET_F32,
                                   (net_shape){2, {2, 4}}, false, NET_NOWHERE);
  net_attribute features = net_attribute_int(&n, "features", 2);
  const struct {
    const char *op;
    net_value_id inputs[4];
    uint32_t count;
    const char *message;
  } wrong[] = {
      {"dens", {x}, 1, "there is no operator 'dens'"},
      {"dense", {x}, 1, "dense takes 2 to 3 inputs (x, weight: parameter, bias: parameter?), not 1"},
      {"dense", {x, w, w, w}, 4, "dense takes 2 to 3 inputs (x, weight: parameter, bias: parameter?), not 4"},
      {"dense", {x, NET_NONE}, 2, "input 'weight' of dense is missing"},
      {"dense", {x, x}, 2, "input 'weight' of dense must be a parameter, but 'x' is not"},
      {"dense", {x, w}, 2, "shapes do not fit"},
      {"dense", {x, 99}, 2, "input 'weight' of dense is no value of the graph"},
      {"join", {0}, 0, "join takes at least 1 input (xs...), not 0"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    net_node_id node =
        net_graph_node(graph, wrong[i].op, net_intern(&n, "d"), wrong[i].inputs, wrong[i].count, &features,
                       strcmp(wrong[i].op, "join") != 0, NET_NOWHERE);
    assert_int_equal(node, NET_NONE);
    assert_string_equal(tiny_message(&n), wrong[i].message);
  }
  assert_int_equal(net_graph_layer(graph, "dense", net_intern(&n, "d"), NULL, 0, &features, 1, NET_NOWHERE),
                   NET_NONE);
  assert_string_equal(tiny_message(&n), "dense lacks its input 'x'");
  net_value_id two[] = {x, x};
  assert_int_equal(net_graph_layer(graph, "dense", net_intern(&n, "d"), two, 2, &features, 1, NET_NOWHERE),
                   NET_NONE);
  assert_string_equal(tiny_message(&n), "dense takes 1 input, not 2");
  assert_int_equal(graph->values.count, 2);
  net_value_id flat = net_graph_value(graph, NET_VALUE_INPUT, net_intern(&n, "flat"), NET_F32,
                                      (net_shape){2, {3, 1}}, true, NET_NOWHERE);
  assert_int_equal(net_graph_layer(graph, "dense", net_intern(&n, "d"), &flat, 1, &features, 1, NET_NOWHERE),
                   NET_NONE);
  assert_string_equal(tiny_message(&n), "shapes do not fit");
  assert_int_equal(graph->values.count, 3); /* no parameters of a node that is none */
  assert_int_equal(graph->nodes.count, 0);
  assert_int_equal(graph->edges.count, 0);
  assert_int_equal(graph->attributes.count, 0);
  netc_free(&n);
}

static const char *printed(netc *n, const net_graph *graph) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  net_graph_print(to, graph);
  fclose(to);
  const char *copy = net_arena_copy(&n->arena, text, length);
  free(text);
  return copy;
}

static void test_copy(void **state) {
  (void)state;
  netc n;
  tiny_init(&n);
  net_arena own;
  net_arena_init(&own, NULL);
  net_graph *graph = net_graph_copy(&own, parse_tiny(&n)); /* the copy lives in an arena of its own */
  net_graph *copy = net_graph_copy(&n.arena, graph);
  net_value_id c = net_graph_find_value(graph, net_intern(&n, "c"));
  assert_ptr_not_equal(copy->values.at[c].data, graph->values.at[c].data);
  graph->values.at[c].range = (net_range){0, 1};
  graph->nodes.at[0].op = 2;
  graph->edges.at[0] = 7;
  graph->attributes.at[0].integer = 9;
  graph->outputs.at[0] = 1;
  net_arena_free(&own);
  assert_string_equal(printed(&n, copy), tiny_text);
  assert_true(net_graph_verify(&n, copy));
  netc_free(&n);
}

/* ---- damage: each must be a fault ---- */

static net_value *value_named(netc *n, net_graph *g, const char *name) {
  net_value_id v = net_graph_find_value(g, net_intern(n, name));
  assert_int_not_equal(v, NET_NONE);
  return &g->values.at[v];
}
static net_node *node_named(netc *n, net_graph *g, const char *name) {
  net_node_id i = net_graph_find(g, net_intern(n, name));
  assert_int_not_equal(i, NET_NONE);
  return &g->nodes.at[i];
}
static net_value_id id_of(netc *n, net_graph *g, const char *name) {
  return (net_value_id)(value_named(n, g, name) - g->values.at);
}

#define VALUE(name) value_named(n, g, name)
#define NODE(name) node_named(n, g, name)
#define ID(name) id_of(n, g, name)
/* Each: what to do to graph g, and a part of the message. */
#define DAMAGES                                                                                              \
  DAMAGE(kind, VALUE("x")->kind = 77, "is of no kind")                                                       \
  DAMAGE(rank, VALUE("x")->shape.rank = 7, "has 7 axes")                                                     \
  DAMAGE(zero_axis, VALUE("x")->shape.dim[0] = 0, "has an axis of no elements")                              \
  DAMAGE(elements, VALUE("d.weight")->shape = ((net_shape){2, {1 << 20, 1 << 20}}), "more than 2^31")        \
  DAMAGE(type, VALUE("d.bias")->type = NET_I8, "is i8, but neither a node's result nor a constant")          \
  DAMAGE(integers, VALUE("d.bias")->type = NET_U32, "is u32, but no target")                                 \
  DAMAGE(exact_source, VALUE("d.bias")->type = NET_F64,                                                      \
         "is f64, but neither a node's result nor a constant")                                               \
  DAMAGE(nan_range, VALUE("d")->range.lo = NAN, "has NaN for a bound")                                       \
  DAMAGE(defined_input, VALUE("x")->def = 0, "has a node that defines it")                                   \
  DAMAGE(unbatched_input, VALUE("x")->batched = false, "is not there for each sample")                       \
  DAMAGE(batched_parameter, VALUE("d.bias")->batched = true, "is there for each sample")                     \
  DAMAGE(vector_weight, VALUE("w")->shape = ((net_shape){1, {2}}), "is more than one number")                \
  DAMAGE(vector_scalar, VALUE("rate")->shape = ((net_shape){1, {2}}), "is more than one number")             \
  DAMAGE(frozen_input, VALUE("x")->frozen = true, "cannot be frozen")                                        \
  DAMAGE(grouped_input, VALUE("x")->group = 1, "cannot have a learning rate")                                \
  DAMAGE(no_data, VALUE("c")->data = NULL, "has no data")                                                    \
  DAMAGE(data, VALUE("d.bias")->data = VALUE("c")->data, "has data")                                         \
  DAMAGE(init, VALUE("d.bias")->init.value = INFINITY, "has inf to start from")                              \
  DAMAGE(negative_init, VALUE("d.weight")->init.value = -1, "has -1 to start from")                          \
  DAMAGE(beta, (VALUE("rate")->scalar = NET_SCALAR_CORRECTION1, VALUE("rate")->beta = 1), "a decay of 1")    \
  DAMAGE(no_name, VALUE("x")->name.id = 0, "is a value without a name")                                      \
  DAMAGE(same_name, VALUE("c")->name = VALUE("x")->name, "is the name of two values")                        \
  DAMAGE(column, (VALUE("w")->kind = NET_VALUE_INPUT, VALUE("w")->column = 0), "is the same column as 'x'")  \
  DAMAGE(op, NODE("d")->op = 99, "out of place")                                                             \
  DAMAGE(first_input, NODE("n")->first_input++, "out of place")                                              \
  DAMAGE(first_output, NODE("m")->first_output = NODE("d")->first_output, "out of place")                    \
  DAMAGE(first_attribute, NODE("n")->first_attribute--, "out of place")                                      \
  DAMAGE(edges, g->edges.count--, "out of place")                                                            \
  DAMAGE(order, g->edges.at[NODE("d")->first_input] = ID("j"), "comes before its input 'x'")                 \
  DAMAGE(itself, g->edges.at[NODE("d")->first_input] = ID("d"), "comes before its input 'x'")                \
  DAMAGE(missing, g->edges.at[NODE("d")->first_input + 1] = NET_NONE, "lacks the input 'weight'")            \
  DAMAGE(input_kind, g->edges.at[NODE("d")->first_input + 1] = ID("x"), "that is no parameter")              \
  DAMAGE(scalar_kind, g->edges.at[NODE("u")->first_input + 2] = ID("c"), "that is no scalar")                \
  DAMAGE(state_kind, g->edges.at[NODE("u")->first_input + 3] = ID("c"), "that is no state")                  \
  DAMAGE(target_kind, g->edges.at[NODE("l")->first_input + 1] = ID("c"), "that is no target")                \
  DAMAGE(constant_kind, g->edges.at[NODE("l")->first_input + 2] = ID("j"), "that is no constant")            \
  DAMAGE(weight_kind, g->edges.at[NODE("l")->first_input + 3] = ID("x"), "that is no weight")                \
  DAMAGE(statistic_kind, g->edges.at[NODE("n")->first_input + 1] = ID("x"), "that is no statistic")          \
  DAMAGE(attribute_key, g->attributes.at[0].key = net_intern(n, "width"), "that is not 'features: int'")     \
  DAMAGE(attribute_kind, g->attributes.at[1].kind = NET_ATTRIBUTE_REAL, "that is not 'bias: bool'")          \
  DAMAGE(result_kind, VALUE("d")->kind = NET_VALUE_CONSTANT, "does not define its output 'y'")               \
  DAMAGE(result_def, VALUE("d")->def = 1, "does not define its output 'y'")                                  \
  DAMAGE(output_name, VALUE("n.mean")->name = net_intern(n, "mean"), "its output 'mean' named 'mean'")       \
  DAMAGE(stray_result, (VALUE("x")->kind = NET_VALUE_RESULT, VALUE("x")->def = 0), "is a result of no node") \
  DAMAGE(stray_def, (VALUE("x")->kind = NET_VALUE_RESULT, VALUE("x")->def = 99), "is a result of no node")   \
  DAMAGE(shape, VALUE("j")->shape.dim[0] = 8, "is f32[b][8], but the operator gives f32[b][7]")              \
  DAMAGE(result_type, VALUE("n.spread")->type = NET_U32, "is u32[], but the operator gives f32[]")           \
  DAMAGE(result_batched, VALUE("n.mean")->batched = true, "is f32[b][2], but the operator gives f32[2]")     \
  DAMAGE(input_shape, VALUE("x")->shape.dim[0] = 4, "has inputs whose shapes do not fit")                    \
  DAMAGE(frozen_update, VALUE("d.weight")->frozen = true, "updates 'd.weight', which is frozen")             \
  DAMAGE(output_list, g->outputs.at[0] = 99, "has for output 0 no value")                                    \
  DAMAGE(loss_list, g->losses.at[0] = ID("j"), "is more than one number, but listed as loss")                \
  DAMAGE(losses, g->losses.count = 1, "has 1 losses")                                                        \
  DAMAGE(observed_list, g->observed.at[0] = ID("labels"), "is u32, but listed as observed value")

#define DAMAGE(name, action, message)                                                                        \
  static void damage_##name(netc *n, net_graph *g) {                                                         \
    (void)n;                                                                                                 \
    action;                                                                                                  \
  }
DAMAGES
#undef DAMAGE

static const struct {
  const char *name, *message;
  void (*act)(netc *n, net_graph *g);
} damages[] = {
#define DAMAGE(name, action, message) {#name, message, damage_##name},
    DAMAGES
#undef DAMAGE
};

static void test_damage(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof damages / sizeof *damages; i++) {
    netc n;
    tiny_init(&n);
    net_graph *graph = parse_tiny(&n);
    assert_true(net_graph_verify(&n, graph));
    assert_int_equal(n.diagnostics.list.count, 0);
    damages[i].act(&n, graph);
    if (net_graph_verify(&n, graph)) fail_msg("damage '%s' is not seen", damages[i].name);
    bool said = false;
    for (uint32_t k = 0; k < n.diagnostics.list.count; k++)
      said |= strstr(n.diagnostics.list.at[k].message, damages[i].message) != NULL;
    if (!said) fail_msg("damage '%s' is reported as: %s", damages[i].name, tiny_message(&n));
    assert_true(n.diagnostics.faults > 0);
    netc_free(&n);
  }
}

/* Updates that are wrong in ways that only building on shows. */
static void test_updates(void **state) {
  (void)state;
  static const struct {
    const char *lines, *message;
  } wrong[] = {
      {"  z: f32[b, 2] = dense(x, d.weight, d.bias) {features = 2, bias = true}\n",
       "reads 'd.weight', which an update has written"},
      {"  z: f32[2, 3], new_velocity: f32 = step(d.weight, g, rate, _)\n",
       "reads 'd.weight', which an update has written"},
      {"  z: f32[b, 5] = join(u, x) {axis = 0}\n", "reads the result of an update"},
      {"  z: f32[2], new_velocity: f32 = step(n.mean, g, rate, _)\n",
       "updates 'n.mean', which is no variable"},
      {"  z: f32[2], new_velocity: f32 = step(d.bias, g, rate, _)\n", "updates 'd.bias', which is frozen"},
  };
  for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    netc n;
    tiny_init(&n);
    const char *text = net_arena_format(&n.arena, "%s%s", tiny_text, wrong[i].lines);
    net_graph *graph = net_graph_parse(&n, &n.arena, "tiny.graph", text, strlen(text));
    if (!graph) fail_msg("%s", tiny_message(&n));
    assert_false(net_graph_verify(&n, graph));
    if (!strstr(tiny_message(&n), wrong[i].message)) fail_msg("%s", tiny_message(&n));
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_declarations), cmocka_unit_test(test_broken_declarations),
      cmocka_unit_test(test_attributes),   cmocka_unit_test(test_building),
      cmocka_unit_test(test_refused),      cmocka_unit_test(test_copy),
      cmocka_unit_test(test_damage),       cmocka_unit_test(test_updates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
