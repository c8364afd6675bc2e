/* One operator of a body → a node: its tensors, its attributes. */
#include "dsl/elaborate_body.h"

/* The layers around a node, innermost first. */
static void remember_layers(const net_expansion *b, net_node_id node) {
  net_name layers[NET_MOST_LAYERS_DEEP];
  uint32_t count = 0;
  for (; b->outer && count < NET_MOST_LAYERS_DEEP; b = b->outer) layers[count++] = b->layer;
  net_graph_set_layers(b->graph, node, layers, count);
}

bool net_expansion_node(net_expansion *b, const char *op, net_ident label, net_loc loc,
                        const net_value_id *inputs, uint32_t count, const net_attribute *attributes,
                        uint32_t attribute_count, net_operand *out) {
  netc *n = b->e->n;
  net_name path;
  if (b->graph->nodes.count == NET_MOST_NODES)
    return net_error(n, loc, "a network has at most %d nodes", NET_MOST_NODES), false;
  if (!net_expansion_name(b, label, net_intern(n, op), loc, &path)) return false;
  net_node_id node = net_graph_layer(b->graph, op, path, inputs, count, attributes, attribute_count, loc);
  if (node == NET_NONE) return false;
  b->graph->nodes.at[node].use = b->use;
  remember_layers(b, node);
  *out = net_operand_of(net_node_output(b->graph, node, 0), loc);
  return true;
}

static const net_op_field *find_field(const net_op_field *fields, uint32_t count, const char *name) {
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(fields[i].name, name) && !net_op_is_internal(name)) return &fields[i];
  return NULL;
}

/* "linear(features, bias = true)", in the arena */
static const char *signature(netc *n, const net_op *op) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields), shown = 0;
  const char *text = net_arena_format(&n->arena, "%s(", op->name);
  for (uint32_t i = 0; i < count; i++) {
    if (net_op_is_internal(fields[i].name)) continue;
    text = net_arena_format(&n->arena, "%s%s%s", text, shown++ ? ", " : "", fields[i].name);
    if (fields[i].has_default) text = net_arena_format(&n->arena, "%s = %s", text, fields[i].default_text);
  }
  return net_arena_format(&n->arena, "%s)", text);
}

static bool take_ints(net_expansion *b, const net_constant *c, const net_op_field *field, net_shape *shape) {
  netc *n = b->e->n;
  uint32_t count = c->kind == NET_CONSTANT_LIST ? c->list.count : 1;
  const net_constant *at = c->kind == NET_CONSTANT_LIST ? c->list.at : c;
  if (count > NET_MAX_RANK)
    return net_error(n, c->loc, "'%s' takes at most %d numbers", field->name, NET_MAX_RANK), false;
  for (uint32_t i = 0; i < count; i++) {
    if (at[i].kind != NET_CONSTANT_INTEGER || at[i].integer < -NET_MAX_RANK || at[i].integer > INT32_MAX)
      return net_error(n, at[i].loc, "'%s' takes whole numbers, not %s", field->name,
                       net_constant_text(n, &at[i])),
             false;
    shape->dim[i] = (uint32_t)(int32_t)at[i].integer;
  }
  shape->rank = count;
  return true;
}

static bool take_attribute(net_expansion *b, const net_op_field *field, const net_expr *expr,
                           net_attribute *out) {
  netc *n = b->e->n;
  const char *what = net_arena_format(&n->arena, "'%s'", field->name);
  net_attribute_kind kind = net_op_attribute_kind(field);
  int64_t integer;
  double real;
  bool boolean;
  net_constant constant;
  net_shape ints = {0};
  switch (kind) {
  case NET_ATTRIBUTE_INT:
    if (!net_evaluate_integer(n, &b->constants, expr, what, INT32_MIN, INT32_MAX, &integer)) return false;
    *out = net_attribute_int(n, field->name, integer);
    return true;
  case NET_ATTRIBUTE_REAL:
    if (!net_evaluate_real(n, &b->constants, expr, what, &real)) return false;
    *out = net_attribute_real(n, field->name, real);
    return true;
  case NET_ATTRIBUTE_BOOL:
    if (!net_evaluate_boolean(n, &b->constants, expr, what, &boolean)) return false;
    *out = net_attribute_bool(n, field->name, boolean);
    return true;
  case NET_ATTRIBUTE_TEXT:
    if (!net_expr_word(expr).id)
      return net_error(n, expr->loc, "'%s' is a word, not %s", field->name, net_expr_kind_text(expr)), false;
    *out = net_attribute_text(n, field->name, net_text(n, net_expr_word(expr)));
    return true;
  case NET_ATTRIBUTE_INTS:
    if (!net_evaluate(n, &b->constants, expr, &constant) || !take_ints(b, &constant, field, &ints))
      return false;
    *out = net_attribute_ints(n, field->name, ints);
    return true;
  }
  return false;
}

/* reshape(3, 5): what looks like several numbers is one list. */
static const char *list_hint(netc *n, const net_op_field *fields, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (!net_op_is_internal(fields[i].name) && net_op_attribute_kind(&fields[i]) == NET_ATTRIBUTE_INTS)
      return net_arena_format(&n->arena, ", where %s is one number or a list, like [2, 3]", fields[i].name);
  return "";
}

bool net_expansion_operator(net_expansion *b, const net_op *op, net_ident label, const net_operand *flow,
                            const net_args *args, net_loc loc, net_operand *out) {
  netc *n = b->e->n;
  const net_op_field *inputs, *fields;
  uint32_t input_count = net_op_inputs(n, op, &inputs), field_count = net_op_attributes(n, op, &fields);
  uint32_t wanted = 0, given = 0, attribute_count = 0, position = 0;
  for (uint32_t i = 0; i < input_count; i++) wanted += !strcmp(inputs[i].kind, "data");
  if (input_count && inputs[input_count - 1].variadic) wanted = NET_MOST_DATA_INPUTS;
  net_value_id data[NET_MOST_DATA_INPUTS];
  net_attribute *attributes = NET_NEW_ARRAY(&n->arena, net_attribute, field_count + 1);
  bool ok = true;
  if (flow) data[given++] = flow->value;
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    if (!arg->name.name.id && net_expansion_is_tensor(b, arg->value)) {
      net_operand x;
      if (given == wanted) {
        net_error(n, arg->loc, "'%s' takes %u tensor%s", op->name, wanted, wanted == 1 ? "" : "s");
        ok = false;
      } else if ((ok &= net_expansion_evaluate(b, arg->value, &x))) {
        data[given++] = x.value;
      }
      continue;
    }
    const net_op_field *field = NULL;
    if (arg->name.name.id) {
      field = find_field(fields, field_count, net_text(n, arg->name.name));
    } else {
      while (position < field_count && net_op_is_internal(fields[position].name)) position++;
      if (position < field_count) field = &fields[position++];
    }
    if (!field) {
      const char **names = NET_NEW_ARRAY(&n->arena, const char *, field_count + 1);
      for (uint32_t k = 0; k < field_count; k++)
        names[k] = net_op_is_internal(fields[k].name) ? "" : fields[k].name;
      const char *word = net_text(n, arg->name.name);
      if (*word)
        net_error(n, arg->name.loc, "'%s' has no argument '%s'%s", op->name, word,
                  net_suggestion(n, word, names, field_count));
      else
        net_error(n, arg->loc, "'%s' takes no such argument: %s%s", op->name, signature(n, op),
                  list_hint(n, fields, field_count));
      ok = false;
      continue;
    }
    bool twice = false;
    for (uint32_t k = 0; k < attribute_count; k++)
      twice |= !strcmp(net_text(n, attributes[k].key), field->name);
    if (twice) {
      net_error(n, arg->loc, "'%s' is given twice", field->name);
      ok = false;
    } else if (take_attribute(b, field, arg->value, &attributes[attribute_count])) {
      attribute_count++;
    } else {
      ok = false;
    }
  }
  for (uint32_t i = 0; i < field_count; i++) {
    bool there = fields[i].has_default;
    for (uint32_t k = 0; k < attribute_count; k++)
      there |= !strcmp(net_text(n, attributes[k].key), fields[i].name);
    if (ok && !there) {
      net_error(n, loc, "'%s' needs '%s': %s", op->name, fields[i].name, signature(n, op));
      ok = false;
    }
  }
  if (ok && given < (wanted == NET_MOST_DATA_INPUTS ? 1 : wanted)) {
    net_error(n, loc, "'%s' needs %u tensors, but has %u", op->name, wanted, given);
    ok = false;
  }
  return ok && net_expansion_node(b, op->name, label, loc, data, given, attributes, attribute_count, out);
}
