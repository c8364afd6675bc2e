/* The declarations of operators: small strings in their rows, read once into fields. */
#include "graph/operator.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { INPUTS, OUTPUTS, ATTRIBUTES, PARTS };

typedef struct net_op_signature {
  const net_op *op; /* whose this is: tests change tables */
  struct {
    const net_op_field *fields;
    uint32_t count;
  } part[PARTS];
} net_op_signature;

typedef struct {
  netc *n;
  const net_op *op;
  const char *text, *at; /* whole declaration, rest of it */
} reader;

static void skip_space(reader *r) {
  while (*r->at == ' ') r->at++;
}

static bool take(reader *r, const char *token) {
  skip_space(r);
  size_t length = strlen(token);
  if (strncmp(r->at, token, length)) return false;
  r->at += length;
  return true;
}

static const char *take_word(reader *r) {
  skip_space(r);
  const char *begin = r->at;
  while (isalnum((unsigned char)*r->at) || *r->at == '_') r->at++;
  return net_text(r->n, net_intern_bytes(r->n, begin, (size_t)(r->at - begin)));
}

/* Up to the next comma outside brackets, without spaces at its ends. */
static const char *take_default(reader *r) {
  skip_space(r);
  const char *begin = r->at;
  for (int depth = 0; *r->at && (depth || *r->at != ','); r->at++) depth += (*r->at == '[') - (*r->at == ']');
  const char *end = r->at;
  while (end > begin && end[-1] == ' ') end--;
  return net_text(r->n, net_intern_bytes(r->n, begin, (size_t)(end - begin)));
}

static bool is_kind(int part, const char *kind) {
  static const char *const kinds[PARTS][9] = {
      [INPUTS] = {"data", "parameter", "statistic", "state", "scalar", "target", "weight", "constant"},
      [OUTPUTS] = {"data", "alias", "observes", "keeps", "rounds"},
      [ATTRIBUTES] = {"int", "real", "bool", "text", "ints"},
  };
  for (uint32_t i = 0; kinds[part][i]; i++)
    if (!strcmp(kinds[part][i], kind)) return true;
  return false;
}

/* The input that an output is written over, observes, keeps or rounds. */
static bool read_target(reader *r, net_op_field *field) {
  const net_op_field *inputs;
  const char *name = take_word(r);
  uint32_t count = net_op_inputs(r->n, r->op, &inputs);
  for (field->input = 0; field->input < count; field->input++)
    if (!strcmp(inputs[field->input].name, name)) return true;
  return false;
}

/* field = name ["..."] ["?"] [":" kind ["?"] [input]] ["=" default] */
static bool read_field(reader *r, int part, net_op_field *field) {
  *field = (net_op_field){.name = take_word(r), .input = NET_NONE};
  const char *kind = part == ATTRIBUTES ? "" : "data";
  field->variadic = take(r, "...");
  field->optional = take(r, "?");
  if (take(r, ":")) kind = take_word(r);
  if (take(r, "?")) field->optional = true;
  if (!field->name[0] || !is_kind(part, kind)) return false;
  strcpy(field->kind, kind);
  if (part == OUTPUTS && strcmp(kind, "data") && !read_target(r, field)) return false;
  if (take(r, "=")) field->has_default = true, field->default_text = take_default(r);
  return part == ATTRIBUTES || !field->has_default;
}

static void read_part(netc *n, const net_op *op, int part, net_op_signature *signature) {
  const char *const texts[PARTS] = {op->inputs, op->outputs, op->attributes};
  reader r = {.n = n, .op = op, .text = texts[part] ? texts[part] : ""};
  NET_VEC(net_op_field) fields = {0};
  for (r.at = r.text, skip_space(&r); *r.at;) {
    net_op_field field;
    bool more = fields.count && fields.at[fields.count - 1].variadic; /* nothing may follow */
    if (more || !read_field(&r, part, &field) || (skip_space(&r), *r.at && *r.at != ',')) {
      net_fault(n, NET_NOWHERE, "operator %s: cannot read '%s' at '%s'", op->name, r.text, r.at);
      break;
    }
    net_vec_push(&n->arena, &fields, field);
    take(&r, ",");
    skip_space(&r);
  }
  signature->part[part].fields = fields.at ? fields.at : NET_NEW(&n->arena, net_op_field);
  signature->part[part].count = fields.count;
}

static const net_op_signature *signature_of(netc *n, const net_op *op, int part) {
  net_op_signature *signature;
  if (op >= n->ops && op < n->ops + n->op_count) {
    if (!n->signatures) n->signatures = NET_NEW_ARRAY(&n->arena, net_op_signature, n->op_count);
    signature = &n->signatures[op - n->ops];
  } else {
    signature = NET_NEW(&n->arena, net_op_signature);
  }
  if (signature->op != op) *signature = (net_op_signature){.op = op};
  if (!signature->part[part].fields) read_part(n, op, part, signature);
  return signature;
}

static uint32_t declared(netc *n, const net_op *op, int part, const net_op_field **fields) {
  const net_op_signature *signature = signature_of(n, op, part);
  *fields = signature->part[part].fields;
  return signature->part[part].count;
}

uint32_t net_op_inputs(netc *n, const net_op *op, const net_op_field **fields) {
  return declared(n, op, INPUTS, fields);
}
uint32_t net_op_outputs(netc *n, const net_op *op, const net_op_field **fields) {
  return declared(n, op, OUTPUTS, fields);
}
uint32_t net_op_attributes(netc *n, const net_op *op, const net_op_field **fields) {
  return declared(n, op, ATTRIBUTES, fields);
}

const net_op *net_op_find(const netc *n, const char *name, uint16_t *row) {
  for (uint32_t i = 0; i < n->op_count; i++)
    if (!strcmp(n->ops[i].name, name)) {
      if (row) *row = (uint16_t)i;
      return &n->ops[i];
    }
  return NULL;
}

bool net_op_accepts(const net_op_field *input, net_value_kind kind) {
  static const struct {
    const char *declared;
    uint32_t kinds; /* a bit each */
  } table[] = {
      {"parameter", 1u << NET_VALUE_PARAMETER | 1u << NET_VALUE_CONSTANT | 1u << NET_VALUE_RESULT},
      {"statistic", 1u << NET_VALUE_STATISTIC | 1u << NET_VALUE_CONSTANT},
      {"state", 1u << NET_VALUE_STATE},
      {"scalar", 1u << NET_VALUE_SCALAR},
      {"target", 1u << NET_VALUE_TARGET | 1u << NET_VALUE_INPUT},
      {"weight", 1u << NET_VALUE_WEIGHT},
      {"constant", 1u << NET_VALUE_CONSTANT},
  };
  for (uint32_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strcmp(table[i].declared, input->kind)) return table[i].kinds >> kind & 1;
  return true; /* data */
}

net_value_id net_gradient_call(net_gradient *gradient, const char *op, const char *suffix,
                               const net_value_id *inputs, uint32_t input_count,
                               const net_attribute *attributes, uint32_t attribute_count) {
  net_graph *graph = gradient->graph;
  const net_node *forward = &graph->nodes.at[gradient->node];
  const char *base = net_arena_format(graph->arena, "%s.%s", net_text(graph->n, forward->name), suffix);
  net_loc loc = forward->loc, use = forward->use;
  net_node_id node = net_graph_node(graph, op, net_graph_fresh_name(graph, base), inputs, input_count,
                                    attributes, attribute_count, loc);
  if (node == NET_NONE) return NET_NONE;
  graph->nodes.at[node].use = use;
  return graph->nodes.at[node].first_output;
}

net_value_id net_folding_call(net_folding *folding, const char *op, const char *suffix,
                              const net_value_id *inputs, uint32_t input_count,
                              const net_attribute *attributes, uint32_t attribute_count) {
  netc *n = folding->graph->n;
  const net_node *node = &folding->from->nodes.at[folding->contraction];
  const char *name = net_arena_format(&n->arena, "%s.%s", net_text(n, node->name), suffix);
  net_node_id id = net_graph_node(folding->graph, op, net_graph_fresh_name(folding->graph, name), inputs,
                                  input_count, attributes, attribute_count, node->loc);
  if (id == NET_NONE) return NET_NONE;
  folding->graph->nodes.at[id].use = node->use;
  return net_node_output(folding->graph, id, 0);
}

const char *net_table_operators(netc *n) {
  uint32_t left = 0;
  const char *text = "";
  for (uint32_t i = 0; i < n->op_count; i++) left += n->ops[i].table != NULL;
  for (uint32_t i = 0; i < n->op_count; i++) {
    if (!n->ops[i].table) continue;
    const char *join = !*text ? "" : left == 1 ? " and " : ", ";
    text = net_arena_format(&n->arena, "%s%s%s", text, join, n->ops[i].name);
    left--;
  }
  return text;
}
