#include "tests/unit/jit_networks.h"

#include "dsl/elaborate.h"
#include "passes/passes.h"

#define CLASSES(k) .losses = {"cross_entropy"}, .predictions = {"out"}, .classes = (k)
#define VALUES(loss) .losses = {loss}, .predictions = {"out"}

const jit_network jit_networks[] = {
    {.name = "linear", .text = "(x: f32[16]) { x -> out: linear(5) }", CLASSES(5)},
    {.name = "weighted",
     .text = "(x: f32[7]) { x -> linear(13) -> relu -> out: linear(3) }",
     CLASSES(3),
     .weighted = true},
    {.name = "deep",
     .text = "(x: f32[17]) { x -> linear(33) -> relu -> linear(31, bias = false) -> leaky_relu(0.1)"
             " -> linear(64) -> tanh -> out: linear(2) }",
     CLASSES(2)},
    {.name = "smooth",
     .text = "(x: f32[5]) { x -> linear(16) -> gelu -> linear(17) -> silu -> linear(7) -> sigmoid"
             " -> linear(13) -> gelu(approximate = tanh) -> out: linear(1) }",
     VALUES("mse")},
    {.name = "norm",
     .text = "(x: f32[19]) { x -> batch_norm -> relu -> linear(33) -> batch_norm -> relu -> linear(5)"
             " -> out: batch_norm }",
     CLASSES(5),
     .norm = true},
    {.name = "channels",
     .text = "(x: f32[5, 4]) { x -> batch_norm(affine = false) -> tanh -> linear(3) -> batch_norm -> out: "
             "flatten }",
     VALUES("mae"),
     .norm = true},
    {.name = "layers",
     .text = "(x: f32[3, 7]) { x -> layer_norm -> linear(16) -> layer_norm(dims = 2) -> relu -> linear(5)"
             " -> layer_norm(affine = false) -> out: flatten }",
     VALUES("huber")},
    {.name = "attention",
     .text = "(x: f32[3, 13]) { q = x -> linear(7)\n s = q -> softmax(axis = 0)\n v = x -> linear(7)\n"
             " s * v -> sum(axes = [0]) -> out: log_softmax }",
     VALUES("mse"),
     .weighted = true},
    {.name = "residual",
     .text = "(x: f32[31]) { h = x -> linear(31) -> relu\n g = h + x -> linear(31) -> sigmoid\n"
             " (h - x) * g -> linear(17) -> out: batch_norm }",
     VALUES("bce_with_logits"),
     .norm = true},
    {.name = "pieces",
     .text = "(x: f32[2, 6]) { a = x -> linear(8) -> reshape([4, 4]) -> max(axes = [1])\n b = x -> mean(axes "
             "= [0], keep = true)"
             " -> flatten -> linear(5) -> relu\n c = concat(a, b, x -> flatten) -> linear(16) -> relu\n"
             " c -> reshape([4, 4]) -> sum(axes = [0]) -> out: linear(3) }",
     CLASSES(3)},
    {.name = "dropping",
     .text = "(x: f32[33]) { x -> dropout(0.3) -> linear(64) -> relu -> dropout -> out: linear(7) }",
     CLASSES(7)},
    {.name = "two losses",
     .text = "(x: f32[16]) { h = x -> linear(32) -> relu -> linear(16) -> batch_norm -> relu\n"
             " a = h -> out: linear(5)\n b = h -> linear(1) -> mass: silu\n (a -> softmax, b) }",
     .losses = {"cross_entropy", "huber"},
     .predictions = {"out", "mass"},
     .classes = 5,
     .norm = true},
    {.name = "broad",
     .text = "(x: f32[96]) { x -> linear(96) -> batch_norm -> relu -> linear(96) -> batch_norm -> relu"
             " -> out: linear(24) }", /* tiles of every target divide these: their loops can be shared */
     CLASSES(24),
     .norm = true},
    {.name = "wide", .text = "(x: f32[100]) { x -> linear(64) -> relu -> out: linear(100) }", VALUES("mse")},
};
const uint32_t jit_network_count = sizeof jit_networks / sizeof *jit_networks;

const jit_network *jit_network_find(const char *name) {
  for (uint32_t i = 0; i < jit_network_count; i++)
    if (!strcmp(jit_networks[i].name, name)) return &jit_networks[i];
  fail_msg("there is no network '%s'", name);
  return NULL;
}

const char *const jit_mode_names[] = {"sgd", "nesterov", "adam", "adamw", "evaluate"};

/* ---- objectives, optimisers ---- */

static const net_objective *objective_of(netc *n, const jit_network *network, const net_graph *graph) {
  net_objective *objective = NET_NEW(&n->arena, net_objective);
  net_loss_term *terms = NET_NEW_ARRAY(&n->arena, net_loss_term, 2);
  net_target *targets = NET_NEW_ARRAY(&n->arena, net_target, 2);
  net_attribute *smoothing = NET_NEW(&n->arena, net_attribute);
  float *weights = NET_NEW_ARRAY(&n->arena, float, network->classes + 1);
  *smoothing = net_attribute_real(n, "label_smoothing", 0.1);
  for (uint32_t c = 0; c < network->classes; c++) weights[c] = 0.5f + 0.75f * (float)c;
  uint32_t count = network->losses[1] ? 2 : 1;
  for (uint32_t i = 0; i < count; i++) {
    net_name prediction = net_intern(n, network->predictions[i]);
    net_value_id v = net_graph_find_value(graph, prediction);
    if (v == NET_NONE) fail_msg("%s has no '%s'", network->name, network->predictions[i]);
    bool classes = !i && network->classes;
    terms[i] = (net_loss_term){
        .op = network->losses[i], .prediction = prediction, .target = i, .factor = i ? 0.3 : 1};
    if (classes && network->weighted) {
      terms[i].attributes = smoothing, terms[i].attribute_count = 1;
      terms[i].class_weights = weights, terms[i].class_count = network->classes;
    }
    targets[i] = (net_target){.name = net_intern_format(n, classes ? "label%u" : "wanted", network->classes),
                              .type = classes ? NET_U32 : NET_F32,
                              .shape = classes ? (net_shape){0} : net_graph_value_at(graph, v)->shape};
  }
  *objective = (net_objective){.terms = terms,
                               .term_count = count,
                               .targets = targets,
                               .target_count = count,
                               .sample_weights = network->weighted};
  return objective;
}

static const net_optimizer *optimizer_of(netc *n, jit_mode mode) {
  static const char *const ops[] = {"sgd", "sgd", "adam", "adamw"};
  net_optimizer *optimizer = NET_NEW(&n->arena, net_optimizer);
  net_attribute *attributes = NET_NEW_ARRAY(&n->arena, net_attribute, 3);
  *optimizer = (net_optimizer){.op = ops[mode], .attributes = attributes};
#define SET(kind, key, value) attributes[optimizer->attribute_count++] = net_attribute_##kind(n, key, value)
  if (mode == JIT_SGD) SET(real, "momentum", 0.9);
  if (mode == JIT_NESTEROV) {
    SET(real, "momentum", 0.5);
    SET(bool, "nesterov", true);
    SET(real, "weight_decay", 0.1);
    optimizer->clip_norm = 0.5;
  }
  if (mode == JIT_ADAM) optimizer->clip_norm = 1;
  return optimizer;
}

static void freeze(net_graph *graph, uint64_t frozen) {
  for (net_value_id v = 0; v < graph->values.count; v++) {
    if (graph->values.at[v].kind != NET_VALUE_PARAMETER) continue;
    graph->values.at[v].frozen = frozen & 1;
    frozen >>= 1;
  }
}

/* Inputs and first results of nodes may be outputs, some of them twice. */
static void add_outputs(net_graph *graph, uint64_t draws) {
  for (uint32_t i = 0; i < 3; i++) {
    net_value_id v = (net_value_id)jit_random(&draws, 0, graph->values.count);
    const net_value *value = net_graph_value_at(graph, v);
    bool known = value->kind == NET_VALUE_INPUT ||
                 (value->kind == NET_VALUE_RESULT && net_node_output(graph, value->def, 0) == v);
    if (known && value->type == NET_F32) net_vec_push(graph->arena, &graph->outputs, v);
  }
}

net_graph *jit_network_graph(netc *n, const jit_network *network, jit_mode mode) {
  const char *text = net_arena_format(&n->arena, "network n%s\n", network->text);
  net_program *program;
  net_network elaborated;
  if (!net_program_from_text(n, network->name, text, strlen(text), &program) ||
      !net_elaborate_network(n, &n->arena, program, NULL, &elaborated))
    jit_expect_silence(n);
  net_pass_context context = {
      .n = n, .arena = &n->arena, .objective = objective_of(n, network, elaborated.graph), .verify = true};
  if (mode != JIT_EVALUATE) context.optimizer = optimizer_of(n, mode);
  freeze(elaborated.graph, network->frozen);
  const net_graph *graph = elaborated.graph;
  uint32_t have = P_SHAPED;
  for (net_pass_id p = 0; p < NET_PASS_COUNT && graph; p++)
    if (mode != JIT_EVALUATE || p == NET_PASS_losses || p == NET_PASS_eliminate_dead)
      graph = net_pass_run(&context, p, graph, &have);
  jit_expect_silence(n);
  assert_non_null(graph);
  if (mode == JIT_EVALUATE && network->outputs) add_outputs((net_graph *)graph, network->outputs);
  return (net_graph *)graph;
}
