/* The text form of a graph; its grammar is in README.md, parse.c reads it. */
#include "formats/formats.h"
#include "graph/operator.h"
#include "graph/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

const text_kind text_kinds[NET_VALUE_RESULT] = {
    [NET_VALUE_INPUT] = {"input", TEXT_BATCHED},      [NET_VALUE_TARGET] = {"target", TEXT_BATCHED},
    [NET_VALUE_WEIGHT] = {"weight", TEXT_BATCHED},    [NET_VALUE_PARAMETER] = {"parameter", TEXT_INIT},
    [NET_VALUE_STATISTIC] = {"statistic", TEXT_INIT}, [NET_VALUE_STATE] = {"state", TEXT_INIT},
    [NET_VALUE_SCALAR] = {"scalar", TEXT_SCALAR},     [NET_VALUE_CONSTANT] = {"constant", TEXT_DATA},
};

/* The shortest decimal that reads back as the same number. */
static void print_real(FILE *to, double value) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  fputs(isnan(value) ? "nan" : text, to);
}

static void print_float(FILE *to, float value) {
  char text[40];
  for (int digits = 6; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)value);
    if ((float)strtod(text, NULL) == value) break;
  }
  fputs(isnan(value) ? "nan" : text, to);
}

/* Words (letters, digits, _ and ., first a letter or _) as they are, all else quoted: "_" means absent. */
static void print_name(FILE *to, const char *text) {
  bool word = (isalpha((unsigned char)text[0]) || text[0] == '_') && strcmp(text, "_");
  for (const char *c = text; *c; c++) word &= isalnum((unsigned char)*c) || *c == '_' || *c == '.';
  if (word) {
    fputs(text, to);
    return;
  }
  putc('"', to);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\') fprintf(to, "\\%c", *c);
    else if (*c < ' ' || *c == 127) fprintf(to, "\\x%02x", *c);
    else putc(*c, to);
  }
  putc('"', to);
}

static void print_value_name(FILE *to, const net_graph *graph, net_value_id value) {
  if (value == NET_NONE) putc('_', to);
  else print_name(to, net_text(graph->n, graph->values.at[value].name));
}

/* ": f32[b, 32]", then what is known of the value */
static void print_type(FILE *to, const net_graph *graph, const net_value *value) {
  fprintf(to, ": %s", net_type_name(value->type));
  const char *separator = "[";
  if (value->batched) fprintf(to, "%sb", separator), separator = ", ";
  for (uint32_t i = 0; i < value->shape.rank; i++, separator = ", ")
    fprintf(to, "%s%u", separator, value->shape.dim[i]);
  if (value->batched || value->shape.rank) putc(']', to);
  if (value->format != NET_FORMAT_FLOAT32)
    fprintf(to, " format %s", net_format_text(graph->n, value->format));
  if (value->range.lo <= value->range.hi) {
    fputs(" in [", to);
    print_real(to, value->range.lo);
    fputs(", ", to);
    print_real(to, value->range.hi);
    putc(']', to);
  }
}

static void print_call(FILE *to, const char *word, double value) {
  fprintf(to, "%s(", word);
  print_real(to, value);
  putc(')', to);
}

static void print_init(FILE *to, const net_init *init) {
  if (init->kind == NET_INIT_FILL) print_real(to, init->value);
  else print_call(to, init->kind == NET_INIT_UNIFORM ? "uniform" : "normal", init->value);
}

static void print_element(FILE *to, const net_value *value, uint64_t index) {
  double number = net_type_element(value->type, value->data, index);
  if (value->type == NET_F32) print_float(to, (float)number);
  else if (value->type == NET_F64) print_real(to, number);
  else fprintf(to, "%lld", (long long)net_type_integer(value->type, value->data, index));
}

static void print_definition(FILE *to, const net_value *value, uint32_t ordinal) {
  switch (text_kinds[value->kind].rest) {
  case TEXT_BATCHED:
    if (value->kind != NET_VALUE_WEIGHT && value->column != ordinal) fprintf(to, " column %u", value->column);
    break;
  case TEXT_INIT:
    fputs(" = ", to);
    print_init(to, &value->init);
    if (value->frozen) fputs(" frozen", to);
    if (value->group) fprintf(to, " group %u", value->group);
    break;
  case TEXT_SCALAR:
    fputs(" = ", to);
    if (value->scalar == NET_SCALAR_RATE) fprintf(to, "rate(%u)", value->group);
    else print_call(to, value->scalar == NET_SCALAR_CORRECTION1 ? "correction1" : "correction2", value->beta);
    break;
  case TEXT_DATA:
    fputs(" = [", to);
    for (uint64_t i = 0, count = net_shape_elements(&value->shape); i < count && value->data; i++) {
      if (i) fputs(", ", to);
      print_element(to, value, i);
    }
    putc(']', to);
    break;
  }
}

static void print_attribute(FILE *to, const net_graph *graph, const net_attribute *attribute) {
  fprintf(to, "%s = ", net_text(graph->n, attribute->key));
  switch (attribute->kind) {
  case NET_ATTRIBUTE_INT: fprintf(to, "%lld", (long long)attribute->integer); break;
  case NET_ATTRIBUTE_REAL: print_real(to, attribute->real); break;
  case NET_ATTRIBUTE_BOOL: fputs(attribute->integer ? "true" : "false", to); break;
  case NET_ATTRIBUTE_TEXT: print_name(to, net_text(graph->n, attribute->text)); break;
  case NET_ATTRIBUTE_INTS:
    putc('[', to);
    for (uint32_t i = 0; i < attribute->ints.rank; i++)
      fprintf(to, "%s%d", i ? ", " : "", (int32_t)attribute->ints.dim[i]);
    putc(']', to);
    break;
  }
}

static void print_node(FILE *to, const net_graph *graph, net_node_id id) {
  const net_node *node = &graph->nodes.at[id];
  const net_op_field *outputs;
  net_op_outputs(graph->n, net_node_op(graph, id), &outputs);
  print_name(to, net_text(graph->n, node->name));
  for (uint32_t i = 0; i < node->output_count; i++) {
    if (i) fprintf(to, ", %s", outputs[i].name);
    print_type(to, graph, &graph->values.at[node->first_output + i]);
  }
  fprintf(to, " = %s(", net_node_op(graph, id)->name);
  for (uint32_t i = 0; i < node->input_count; i++) {
    if (i) fputs(", ", to);
    print_value_name(to, graph, graph->edges.at[node->first_input + i]);
  }
  putc(')', to);
  for (uint32_t i = 0; i < node->attribute_count; i++) {
    fputs(i ? ", " : " {", to);
    print_attribute(to, graph, &graph->attributes.at[node->first_attribute + i]);
  }
  if (node->attribute_count) putc('}', to);
  if (node->owner.id) {
    fprintf(to, " for %s of ", net_tensor_role_names[node->role]);
    print_name(to, net_text(graph->n, node->owner));
  }
  for (uint32_t i = 0; i < node->layer_count; i++) {
    fputs(i ? ", " : " within ", to);
    print_name(to, net_text(graph->n, net_node_layer(graph, id, i)));
  }
}

static void print_list(FILE *to, const net_graph *graph, const char *word, const net_value_id *ids,
                       uint32_t count) {
  if (count) fprintf(to, "  %s ", word);
  for (uint32_t i = 0; i < count; i++) {
    if (i) fputs(", ", to);
    print_value_name(to, graph, ids[i]);
  }
  if (count) putc('\n', to);
}

void net_graph_print(FILE *to, const net_graph *graph) {
  uint32_t ordinals[NET_VALUE_RESULT] = {0};
  fputs("graph ", to);
  print_name(to, net_text(graph->n, graph->name));
  putc('\n', to);
  for (net_value_id v = 0; v < graph->values.count; v++) {
    const net_value *value = &graph->values.at[v];
    if (value->kind == NET_VALUE_RESULT && v != graph->nodes.at[value->def].first_output) continue;
    fputs("  ", to);
    if (value->kind == NET_VALUE_RESULT) {
      print_node(to, graph, value->def);
    } else {
      fprintf(to, "%s ", text_kinds[value->kind].word);
      print_value_name(to, graph, v);
      print_type(to, graph, value);
      print_definition(to, value, ordinals[value->kind]++);
    }
    putc('\n', to);
  }
  print_list(to, graph, "output", graph->outputs.at, graph->outputs.count);
  print_list(to, graph, "losses", graph->losses.at, graph->losses.count);
  print_list(to, graph, "observed", graph->observed.at, graph->observed.count);
}
