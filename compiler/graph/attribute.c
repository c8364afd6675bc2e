/* Attributes: making, completing and reading them. */
#include "graph/operator.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

net_attribute net_attribute_int(netc *n, const char *key, int64_t value) {
  return (net_attribute){.key = net_intern(n, key), .kind = NET_ATTRIBUTE_INT, .integer = value};
}
net_attribute net_attribute_real(netc *n, const char *key, double value) {
  return (net_attribute){.key = net_intern(n, key), .kind = NET_ATTRIBUTE_REAL, .real = value};
}
net_attribute net_attribute_bool(netc *n, const char *key, bool value) {
  return (net_attribute){.key = net_intern(n, key), .kind = NET_ATTRIBUTE_BOOL, .integer = value};
}
net_attribute net_attribute_text(netc *n, const char *key, const char *value) {
  return (net_attribute){.key = net_intern(n, key), .kind = NET_ATTRIBUTE_TEXT, .text = net_intern(n, value)};
}
net_attribute net_attribute_ints(netc *n, const char *key, net_shape value) {
  return (net_attribute){.key = net_intern(n, key), .kind = NET_ATTRIBUTE_INTS, .ints = value};
}

static const char *const kind_names[] = {
    [NET_ATTRIBUTE_INT] = "int",   [NET_ATTRIBUTE_REAL] = "real", [NET_ATTRIBUTE_BOOL] = "bool",
    [NET_ATTRIBUTE_TEXT] = "text", [NET_ATTRIBUTE_INTS] = "ints",
};

net_attribute_kind net_op_attribute_kind(const net_op_field *attribute) {
  net_attribute_kind kind = NET_ATTRIBUTE_INT;
  while (strcmp(kind_names[kind], attribute->kind)) kind++; /* the declaration's reader let only these pass */
  return kind;
}

bool net_op_is_internal(const char *attribute) {
  static const char *const names[] = {"training", "stream", "wide", "weight_format", "bias_format", "x_step",
                                      "y_step"};
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(attribute, names[i])) return true;
  return false;
}

bool net_attribute_same(const net_attribute *a, const net_attribute *b) {
  if (!net_name_same(a->key, b->key) || a->kind != b->kind) return false;
  return a->integer == b->integer && net_name_same(a->text, b->text) && net_shape_same(&a->ints, &b->ints) &&
         (a->real == b->real || (isnan(a->real) && isnan(b->real)));
}

static bool read_ints(const char *text, net_shape *ints) {
  if (*text++ != '[') return false;
  for (*ints = (net_shape){0}; *text && *text != ']';) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || ints->rank == NET_MAX_RANK) return false;
    ints->dim[ints->rank++] = (uint32_t)value; /* −1 as UINT32_MAX */
    for (text = end; *text == ',' || *text == ' ';) text++;
  }
  return !strcmp(text, "]");
}

/* The default that a row states. */
static bool read_default(netc *n, const net_op_field *field, net_attribute *attribute) {
  const char *text = field->default_text;
  char *end = NULL;
  *attribute = (net_attribute){.key = net_intern(n, field->name), .kind = net_op_attribute_kind(field)};
  switch (attribute->kind) {
  case NET_ATTRIBUTE_INT: attribute->integer = strtoll(text, &end, 10); break;
  case NET_ATTRIBUTE_REAL: attribute->real = strtod(text, &end); break;
  case NET_ATTRIBUTE_BOOL: return (attribute->integer = !strcmp(text, "true")) || !strcmp(text, "false");
  case NET_ATTRIBUTE_TEXT: return attribute->text = net_intern(n, text), text[0];
  case NET_ATTRIBUTE_INTS: return read_ints(text, &attribute->ints);
  }
  return end != text && !*end;
}

/* Whether a given attribute may stand for a declared one; an int may stand for a real. */
static bool convert(const net_op_field *field, net_attribute *attribute) {
  net_attribute_kind kind = net_op_attribute_kind(field);
  if (kind == NET_ATTRIBUTE_REAL && attribute->kind == NET_ATTRIBUTE_INT) {
    attribute->real = (double)attribute->integer;
    attribute->integer = 0;
    attribute->kind = kind;
  }
  return attribute->kind == kind;
}

static bool is_declared(netc *n, const net_op *op, net_name key) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields);
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(fields[i].name, net_text(n, key))) return true;
  return false;
}

static bool report_unknown(netc *n, const net_op *op, const char *key, net_loc loc) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, count + 1);
  for (uint32_t i = 0; i < count; i++) names[i] = fields[i].name;
  const char *near = net_nearest(key, names, count);
  if (near) net_error(n, loc, "%s has no attribute '%s'; did you mean '%s'?", op->name, key, near);
  else if (count) net_error(n, loc, "%s has no attribute '%s'; it takes %s", op->name, key, op->attributes);
  else net_error(n, loc, "%s has no attribute '%s'; it takes none", op->name, key);
  return false;
}

bool net_op_complete(netc *n, net_arena *arena, const net_op *op, const net_attribute *given, uint32_t count,
                     net_loc loc, const net_attribute **complete, uint32_t *complete_count) {
  const net_op_field *fields;
  uint32_t declared = net_op_attributes(n, op, &fields);
  net_attribute *all = NET_NEW_ARRAY(arena, net_attribute, declared + 1);
  for (uint32_t k = 0; k < count; k++)
    if (!is_declared(n, op, given[k].key)) return report_unknown(n, op, net_text(n, given[k].key), loc);
  for (uint32_t i = 0; i < declared; i++) {
    uint32_t found = 0;
    for (uint32_t k = 0; k < count; k++) {
      if (strcmp(net_text(n, given[k].key), fields[i].name)) continue;
      all[i] = given[k];
      if (found++)
        return net_error(n, loc, "attribute '%s' of %s is given twice", fields[i].name, op->name), false;
      if (!convert(&fields[i], &all[i])) {
        net_error(n, loc, "attribute '%s' of %s must be %s %s, not %s %s", fields[i].name, op->name,
                  strchr("aeiou", fields[i].kind[0]) ? "an" : "a", fields[i].kind,
                  strchr("aeiou", kind_names[given[k].kind][0]) ? "an" : "a", kind_names[given[k].kind]);
        return false;
      }
    }
    if (found) continue;
    if (!fields[i].has_default)
      return net_error(n, loc, "%s needs the attribute '%s'", op->name, fields[i].name), false;
    if (!read_default(n, &fields[i], &all[i])) {
      net_fault(n, loc, "operator %s: cannot read the default '%s'", op->name, fields[i].default_text);
      return false;
    }
  }
  *complete = all;
  *complete_count = declared;
  return true;
}

net_attribute *net_node_find_attribute(const net_graph *graph, net_node_id node, const char *key) {
  const net_node *at = &graph->nodes.at[node];
  for (uint32_t i = 0; i < at->attribute_count; i++) {
    net_attribute *attribute = &graph->attributes.at[at->first_attribute + i];
    if (!strcmp(net_text(graph->n, attribute->key), key)) return attribute;
  }
  return NULL;
}

const net_attribute *net_node_attribute(const net_graph *graph, net_node_id node, const char *key) {
  static const net_attribute none;
  const net_attribute *attribute = net_node_find_attribute(graph, node, key);
  const net_node *at = &graph->nodes.at[node];
  if (attribute) return attribute;
  net_fault(graph->n, at->loc, "node '%s' (%s) has no attribute '%s'", net_text(graph->n, at->name),
            net_node_op(graph, node)->name, key);
  return &none;
}

int64_t net_node_int(const net_graph *graph, net_node_id node, const char *key) {
  return net_node_attribute(graph, node, key)->integer;
}
double net_node_real(const net_graph *graph, net_node_id node, const char *key) {
  return net_node_attribute(graph, node, key)->real;
}
bool net_node_bool(const net_graph *graph, net_node_id node, const char *key) {
  return net_node_attribute(graph, node, key)->integer != 0;
}
