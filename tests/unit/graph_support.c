#include "tests/unit/graph_support.h"

#include "support/file.h"

#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

void support_init(netc *n) {
  netc_init(n, NULL);
  net_ops_install(n);
}

const char *support_message(const netc *n) {
  uint32_t count = n->diagnostics.list.count;
  return count ? n->diagnostics.list.at[count - 1].message : "";
}

const char *support_printed(netc *n, const net_graph *graph) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  net_graph_print(to, graph);
  fclose(to);
  const char *copy = net_arena_copy(&n->arena, text, length);
  free(text);
  return copy;
}

const char *support_file(netc *n, const char *name) {
  const char *text;
  size_t length;
  const char *path = net_arena_format(&n->arena, "%s/tests/graph/%s", NETC_TEST_SOURCE, name);
  if (!net_file_read(n, NET_NOWHERE, path, &text, &length)) fail_msg("%s", support_message(n));
  return text;
}

net_graph *support_parse(netc *n, const char *text) {
  net_graph *graph = net_graph_parse(n, &n->arena, "test.graph", text, strlen(text));
  if (!graph) fail_msg("%s\nin:\n%s", support_message(n), text);
  return graph;
}

/* One attribute, "key=value", by its declared kind. */
static net_attribute attribute_of(netc *n, const net_op *op, const char *text) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields), i = 0;
  const char *value = strchr(text, '=');
  char *key = net_arena_copy(&n->arena, text, value ? (size_t)(value++ - text) : 0);
  while (i < count && strcmp(fields[i].name, key)) i++;
  if (i == count) fail_msg("%s has no attribute for '%s'", op->name, text);
  net_shape ints = {0};
  switch (net_op_attribute_kind(&fields[i])) {
  case NET_ATTRIBUTE_INT: return net_attribute_int(n, key, atoll(value));
  case NET_ATTRIBUTE_REAL: return net_attribute_real(n, key, atof(value));
  case NET_ATTRIBUTE_BOOL: return net_attribute_bool(n, key, !strcmp(value, "true"));
  case NET_ATTRIBUTE_TEXT: return net_attribute_text(n, key, value);
  case NET_ATTRIBUTE_INTS: break; /* "1,2" */
  }
  for (char *end = (char *)value; *end; end += *end == ',')
    ints.dim[ints.rank++] = (uint32_t)strtol(end, &end, 10);
  return net_attribute_ints(n, key, ints);
}

net_value_id support_layer(net_graph *graph, net_value_id x, const char *call) {
  netc *n = graph->n;
  char *rest, *copy = net_arena_copy(&n->arena, call, strlen(call));
  const char *op_name = strtok_r(copy, " ", &rest);
  const net_op *op = net_op_find(n, op_name, NULL);
  if (!op) fail_msg("there is no operator '%s'", op_name);
  net_attribute attributes[8];
  uint32_t count = 0;
  for (char *word; (word = strtok_r(NULL, " ", &rest));) attributes[count++] = attribute_of(n, op, word);
  uint32_t k = support_count(graph, op_name) + 1;
  net_name name = net_intern_format(n, "%s_%u", op_name, k);
  net_node_id node = net_graph_layer(graph, op_name, name, &x, 1, attributes, count, NET_NOWHERE);
  if (node == NET_NONE) fail_msg("%s: %s", call, support_message(n));
  return net_node_output(graph, node, 0);
}

net_graph *support_network(netc *n, const char *name, net_shape shape, const char *layers) {
  net_graph *graph = net_graph_new(n, &n->arena, net_intern(n, name), NET_NOWHERE);
  net_value_id x =
      net_graph_value(graph, NET_VALUE_INPUT, net_intern(n, "x"), NET_F32, shape, true, NET_NOWHERE);
  char *rest, *copy = net_arena_copy(&n->arena, layers, strlen(layers));
  for (char *call = strtok_r(copy, ";", &rest); call; call = strtok_r(NULL, ";", &rest))
    x = support_layer(graph, x, call + strspn(call, " "));
  net_vec_push(graph->arena, &graph->outputs, x);
  return graph;
}

static uint64_t draw(support_random *random) { /* splitmix64 */
  uint64_t z = random->state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

double support_uniform(support_random *random) { return (double)(int64_t)(draw(random) >> 40) * 0x1p-23 - 1; }

uint32_t support_below(support_random *random, uint32_t limit) {
  return (uint32_t)(draw(random) >> 33) % limit;
}

void support_fill(net_run *run, support_random *random, uint32_t classes) {
  const net_graph *g = run->graph;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = &g->values.at[v];
    if (value->kind == NET_VALUE_RESULT || value->kind == NET_VALUE_CONSTANT) continue;
    const char *name = net_text(g->n, value->name);
    bool positive =
        value->kind == NET_VALUE_WEIGHT || strstr(name, "running_var") || strstr(name, "exp_avg_sq");
    uint64_t count = net_run_elements(run, v);
    double *elements = NET_NEW_ARRAY(run->arena, double, count);
    for (uint64_t i = 0; i < count; i++) {
      double u = support_uniform(random);
      if (positive) u = 1.25 + u;
      if (value->kind == NET_VALUE_SCALAR) u = (float)0.1;
      if (value->type == NET_U32) u = support_below(random, classes);
      elements[i] = u;
    }
    net_run_set_doubles(run, v, elements);
  }
}

net_value_id support_find(const net_graph *graph, const char *name) {
  net_value_id v = net_graph_find_value(graph, net_intern(graph->n, name));
  if (v == NET_NONE) fail_msg("there is no value '%s'", name);
  return v;
}

uint32_t support_count(const net_graph *graph, const char *op) {
  uint32_t count = 0;
  for (net_node_id i = 0; i < graph->nodes.count; i++) count += !strcmp(net_node_op(graph, i)->name, op);
  return count;
}
