/* loss = … → the terms of an objective, and the targets they want. */
#include "dsl/elaborate_train.h"

/* cross_entropy calls its input logits: its targets are class numbers. */
static bool compares_classes(netc *n, const net_op *op) {
  const net_op_field *fields;
  return net_op_inputs(n, op, &fields) && !strcmp(fields[0].name, "logits");
}

static bool default_prediction(net_recipe_maker *m, net_loc loc, net_value_id *value) {
  net_graph *g = m->network->graph;
  if (g->outputs.count == 1) return *value = g->outputs.at[0], true;
  net_error(m->e->n, loc,
            "network '%s' has %u outputs: the loss must name the value it looks at, like "
            "cross_entropy(logits, \"labels\")",
            net_text(m->e->n, g->name), g->outputs.count);
  return false;
}

/* A name that the network's body binds, or the path of a node. */
static bool find_prediction(net_recipe_maker *m, const net_expr *expr, net_value_id *value) {
  netc *n = m->e->n;
  if (expr->kind != NET_EXPR_PATH)
    return net_error(n, expr->loc, "a value of the network is wanted here, not %s", net_expr_kind_text(expr)),
           false;
  const char *text = net_dotted_text(n, &expr->path);
  net_name name = net_intern(n, text);
  const char **names =
      NET_NEW_ARRAY(&n->arena, const char *, m->network->bindings.count + m->network->graph->nodes.count + 1);
  uint32_t count = 0;
  for (uint32_t i = m->network->bindings.count; i-- > 0;) {
    if (net_name_same(m->network->bindings.at[i].name, name))
      return *value = m->network->bindings.at[i].value, true;
    names[count++] = net_text(n, m->network->bindings.at[i].name);
  }
  net_node_id node = net_graph_find(m->network->graph, name);
  if (node != NET_NONE) return *value = net_node_output(m->network->graph, node, 0), true;
  for (uint32_t i = 0; i < m->network->graph->nodes.count; i++)
    names[count++] = net_text(n, m->network->graph->nodes.at[i].name);
  net_error(n, expr->loc, "network '%s' has no value '%s'%s", net_text(n, m->network->graph->name), text,
            net_suggestion(n, text, names, count));
  return false;
}

/* The column of targets called name, made if it is new. Id 0: the one that the data block names. */
static bool find_target(net_recipe_maker *m, net_name name, net_type type, net_shape shape, net_loc loc,
                        uint32_t *index) {
  netc *n = m->e->n;
  for (uint32_t i = 0; i < m->targets.count; i++) {
    const net_target *t = &m->targets.at[i];
    if (m->named.at[i] != (name.id != 0) || (name.id && !net_name_same(t->name, name))) continue;
    if (t->type != type || !net_shape_same(&t->shape, &shape)) {
      net_error(n, loc,
                "two losses want target '%s' differently: class numbers or values, or of another shape",
                net_text(n, t->name));
      net_note(n, t->loc, "the other one is here");
      return false;
    }
    return *index = i, true;
  }
  net_vec_push(m->e->arena, &m->named, name.id != 0);
  if (!name.id) name = net_graph_fresh_name(m->network->graph, "target");
  *index = net_vec_push(m->e->arena, &m->targets, (net_target){name, type, shape, loc});
  return true;
}

static bool class_weights(net_recipe_maker *m, const net_expr *expr, net_loss_term *term, bool *balanced) {
  netc *n = m->e->n;
  net_constant list;
  if (net_expr_is(n, expr, "balanced")) return *balanced = true;
  if (!net_evaluate(n, &m->e->constants, expr, &list)) return false;
  if (list.kind != NET_CONSTANT_LIST || list.list.count != term->class_count)
    return net_error(n, expr->loc, "class_weight is 'balanced' or a list of %u numbers, one a class",
                     term->class_count),
           false;
  float *weights = NET_NEW_ARRAY(m->e->arena, float, term->class_count);
  for (uint32_t i = 0; i < term->class_count; i++) {
    const net_constant *c = &list.list.at[i];
    double w = c->kind == NET_CONSTANT_INTEGER ? (double)c->integer
               : c->kind == NET_CONSTANT_REAL  ? c->real
                                               : -1;
    if (!(w >= 0)) return net_error(n, c->loc, "a class's weight is a number of at least 0"), false;
    weights[i] = (float)w;
  }
  term->class_weights = weights;
  return true;
}

static bool loss_argument(net_recipe_maker *m, const net_op *op, const net_arg *arg, net_loss_term *term,
                          bool *balanced) {
  netc *n = m->e->n;
  const char *name = net_text(n, arg->name.name);
  if (!strcmp(name, "class_weight") && compares_classes(n, op))
    return class_weights(m, arg->value, term, balanced);
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields);
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, count + 2);
  for (uint32_t i = 0; i < count; i++) {
    names[i] = fields[i].name;
    if (strcmp(fields[i].name, name)) continue;
    double real;
    if (!net_evaluate_real(n, &m->e->constants, arg->value, name, &real)) return false;
    net_attribute *all = NET_NEW_ARRAY(&n->arena, net_attribute, term->attribute_count + 1);
    if (term->attribute_count) memcpy(all, term->attributes, term->attribute_count * sizeof *all);
    all[term->attribute_count++] = net_attribute_real(n, name, real);
    term->attributes = all;
    return true;
  }
  if (compares_classes(n, op)) names[count++] = "class_weight";
  net_error(n, arg->name.loc, "'%s' has no argument '%s'%s", op->name, name,
            net_suggestion(n, name, names, count));
  return false;
}

/* name(prediction, "target", …), or just name */
static bool loss_call(net_recipe_maker *m, const net_expr *expr, double factor) {
  netc *n = m->e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(m->e, expr, "a loss", &name, &args)) return false;
  const net_op *op = net_op_find(n, net_text(n, name.name), NULL);
  if (!op || op->class != OP_LOSS) {
    const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->op_count; i++)
      if (n->ops[i].class == OP_LOSS) names[count++] = n->ops[i].name;
    net_error(n, name.loc, "there is no loss '%s'%s", net_text(n, name.name),
              net_suggestion(n, net_text(n, name.name), names, count));
    return false;
  }
  net_loss_term term = {.op = op->name, .factor = factor, .loc = expr->loc};
  bool balanced = false, ok = true;
  net_value_id prediction = NET_NONE;
  net_name target = {0};
  net_loc target_loc = expr->loc;
  uint32_t position = 0;
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    if (arg->name.name.id) continue;
    if (position == 0 && !(args->count == 1 && arg->value->kind == NET_EXPR_STRING)) {
      ok &= find_prediction(m, arg->value, &prediction);
    } else if (!target.id && arg->value->kind == NET_EXPR_STRING) {
      target = arg->value->string, target_loc = arg->loc;
    } else {
      net_error(n, arg->loc,
                "a loss takes a value of the network and the name of a target: %s(logits, \"labels\")",
                op->name);
      ok = false;
    }
    position++;
  }
  if (ok && prediction == NET_NONE) ok = default_prediction(m, expr->loc, &prediction);
  if (!ok) return false;
  const net_value *value = net_graph_value_at(m->network->graph, prediction);
  bool classes = compares_classes(n, op);
  term.prediction = value->name;
  if (classes && value->shape.rank != 1) {
    net_error(n, expr->loc, "%s wants one score a class, f32[classes]: the network gives f32%s", op->name,
              net_shape_text(&n->arena, &value->shape));
    return false;
  }
  if (classes && value->shape.dim[0] < 2) {
    net_error(n, expr->loc,
              "%s wants at least two classes, and the network gives one score: bce_with_logits takes one",
              op->name);
    return false;
  }
  if (classes) term.class_count = value->shape.dim[0];
  for (uint32_t i = 0; args && i < args->count; i++)
    if (args->at[i].name.name.id) ok &= loss_argument(m, op, &args->at[i], &term, &balanced);
  net_shape none = {0};
  if (!find_target(m, target, classes ? NET_U32 : NET_F32, classes ? none : value->shape, target_loc,
                   &term.target))
    return false;
  net_vec_push(m->e->arena, &m->terms, term);
  net_vec_push(m->e->arena, &m->balanced, balanced);
  return ok;
}

/* Whether an expression has a loss in it; else it is a number. */
static bool names_loss(netc *n, const net_expr *expr) {
  const net_dotted *path = expr->kind == NET_EXPR_PATH   ? &expr->path
                           : expr->kind == NET_EXPR_CALL ? &expr->call.callee
                                                         : NULL;
  if (expr->kind == NET_EXPR_BINARY)
    return names_loss(n, expr->binary.left) || names_loss(n, expr->binary.right);
  if (expr->kind == NET_EXPR_NEGATE) return names_loss(n, expr->negated);
  const net_op *op =
      path && path->parts.count == 1 ? net_op_find(n, net_text(n, path->parts.at[0].name), NULL) : NULL;
  return expr->kind == NET_EXPR_CALL || (op && op->class == OP_LOSS);
}

bool net_take_losses(net_recipe_maker *m, const net_expr *expr, double factor) {
  netc *n = m->e->n;
  double number;
  if (expr->kind == NET_EXPR_NEGATE) return net_take_losses(m, expr->negated, -factor);
  if (expr->kind != NET_EXPR_BINARY) return loss_call(m, expr, factor);
  const net_expr *left = expr->binary.left, *right = expr->binary.right;
  switch (expr->binary.op) {
  case NET_ADD:
  case NET_SUBTRACT: {
    bool ok = net_take_losses(m, left, factor);
    return net_take_losses(m, right, expr->binary.op == NET_ADD ? factor : -factor) && ok;
  }
  case NET_MULTIPLY: {
    bool first = !names_loss(n, left);
    if (!first && names_loss(n, right))
      return net_error(n, expr->loc, "a loss times a number is a loss, but not a loss times a loss"), false;
    if (!net_evaluate_real(n, &m->e->constants, first ? left : right, "a loss's factor", &number))
      return false;
    return net_take_losses(m, first ? right : left, factor * number);
  }
  case NET_DIVIDE:
    if (!net_evaluate_real(n, &m->e->constants, right, "a loss's divisor", &number)) return false;
    if (number == 0) return net_error(n, right->loc, "division by zero"), false;
    return net_take_losses(m, left, factor / number);
  }
  return false;
}
