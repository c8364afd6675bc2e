/* A network's body → its graph: layers are expanded, every node gets its path. */
#include "dsl/elaborate_common.h"

enum { MOST_LAYERS_DEEP = 64, MOST_DATA_INPUTS = 64 };

/* What an expression of a body stands for. */
typedef struct {
  bool tensor;
  net_value_id value;
  net_constant constant; /* if no tensor */
  net_loc loc;
} operand;

/* The inside of a network or of one use of a layer. */
typedef struct body body;
struct body {
  net_elaborator *e;
  net_graph *graph;
  const char *prefix; /* "dense_2." */
  net_scope constants;
  uint32_t depth;
  net_loc use; /* of the outermost layer; NET_NOWHERE in the network itself */
  NET_VEC(struct {
    net_name name;
    net_value_id value;
    net_loc loc;
  })
  tensors;
  NET_VEC(struct {
    net_name kind;
    uint32_t count;
  })
  counters;                      /* unlabelled nodes so far, by operator or layer */
  NET_VEC(net_ident) node_names; /* labels and numbered names given so far */
};

static bool evaluate(body *b, const net_expr *expr, operand *out);

/* ---- names ---- */

/* dense_2: the label, or kind_k. The same path twice is an error. */
static bool name_node(body *b, net_ident label, net_ident kind, net_loc loc, net_name *path) {
  netc *n = b->e->n;
  net_name own = label.name;
  if (!own.id) {
    uint32_t i = 0;
    while (i < b->counters.count && !net_name_same(b->counters.at[i].kind, kind.name)) i++;
    if (i == b->counters.count) {
      net_vec_reserve(&n->arena, &b->counters, 1);
      b->counters.count++;
      b->counters.at[i].kind = kind.name;
      b->counters.at[i].count = 0;
    }
    own = net_intern_format(n, "%s_%u", net_text(n, kind.name), ++b->counters.at[i].count);
  }
  for (uint32_t i = 0; i < b->node_names.count; i++)
    if (net_name_same(b->node_names.at[i].name, own)) {
      net_error(n, loc, "two nodes are called '%s'", net_text(n, own));
      net_note(n, b->node_names.at[i].loc, "the other one is here");
      return false;
    }
  net_vec_push(&n->arena, &b->node_names, (net_ident){own, loc});
  *path = net_intern_format(n, "%s%s", b->prefix, net_text(n, own));
  return true;
}

static void bind(body *b, net_name name, net_value_id value, net_loc loc) {
  net_vec_reserve(&b->e->n->arena, &b->tensors, 1);
  uint32_t i = b->tensors.count++;
  b->tensors.at[i].name = name;
  b->tensors.at[i].value = value;
  b->tensors.at[i].loc = loc;
}

static bool find_tensor(const body *b, net_name name, net_value_id *value) {
  for (uint32_t i = b->tensors.count; i-- > 0;)
    if (net_name_same(b->tensors.at[i].name, name)) return *value = b->tensors.at[i].value, true;
  return false;
}

static operand of_value(net_value_id value, net_loc loc) {
  return (operand){.tensor = true, .value = value, .loc = loc};
}

/* ---- operators ---- */

/* Adds a node as a user writes it; gives its first output. */
static bool add_node(body *b, const char *op, net_ident label, net_loc loc, const net_value_id *inputs,
                     uint32_t count, const net_attribute *attributes, uint32_t attribute_count,
                     operand *out) {
  netc *n = b->e->n;
  net_name path;
  net_ident kind = {net_intern(n, op), loc};
  if (!name_node(b, label, kind, loc, &path)) return false;
  uint32_t reported = n->diagnostics.errors;
  net_node_id node = net_graph_layer(b->graph, op, path, inputs, count, attributes, attribute_count, loc);
  if (node == NET_NONE) {
    if (n->diagnostics.errors > reported && b->use.begin)
      net_note(n, b->use, "in the layer that is used here");
    return false;
  }
  b->graph->nodes.at[node].use = b->use;
  *out = of_value(net_node_output(b->graph, node, 0), loc);
  return true;
}

/* Attributes that passes set, not people. */
static bool internal(const char *name) { return !strcmp(name, "training") || !strcmp(name, "stream"); }

static const net_op_field *find_field(const net_op_field *fields, uint32_t count, const char *name) {
  for (uint32_t i = 0; i < count; i++)
    if (!strcmp(fields[i].name, name) && !internal(name)) return &fields[i];
  return NULL;
}

/* "linear(features, bias = true)", in the arena */
static const char *signature(netc *n, const net_op *op) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields), shown = 0;
  const char *text = net_arena_format(&n->arena, "%s(", op->name);
  for (uint32_t i = 0; i < count; i++) {
    if (internal(fields[i].name)) continue;
    text = net_arena_format(&n->arena, "%s%s%s", text, shown++ ? ", " : "", fields[i].name);
    if (fields[i].has_default) text = net_arena_format(&n->arena, "%s = %s", text, fields[i].default_text);
  }
  return net_arena_format(&n->arena, "%s)", text);
}

static bool take_ints(body *b, const net_constant *c, const net_op_field *field, net_shape *shape) {
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

static bool take_attribute(body *b, const net_op_field *field, const net_expr *expr, net_attribute *out) {
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

/* Whether an expression is a tensor, without making it: a bound name, or anything built on one. */
static bool names_tensor(const body *b, const net_expr *expr) {
  net_value_id value;
  switch (expr->kind) {
  case NET_EXPR_PATH:
    return expr->path.parts.count == 1 && find_tensor(b, expr->path.parts.at[0].name, &value);
  case NET_EXPR_CHAIN:
    return true;
  case NET_EXPR_CALL:
    for (uint32_t i = 0; i < expr->call.args.count; i++)
      if (names_tensor(b, expr->call.args.at[i].value)) return true;
    return false;
  case NET_EXPR_NEGATE:
    return names_tensor(b, expr->negated);
  case NET_EXPR_BINARY:
    return names_tensor(b, expr->binary.left) || names_tensor(b, expr->binary.right);
  default:
    return false;
  }
}

static bool call_operator(body *b, const net_op *op, net_ident name, net_ident label, const operand *flow,
                          const net_args *args, net_loc loc, operand *out) {
  netc *n = b->e->n;
  const net_op_field *inputs, *fields;
  uint32_t input_count = net_op_inputs(n, op, &inputs), field_count = net_op_attributes(n, op, &fields);
  uint32_t wanted = 0, given = 0, attribute_count = 0, position = 0;
  for (uint32_t i = 0; i < input_count; i++) wanted += !strcmp(inputs[i].kind, "data");
  if (input_count && inputs[input_count - 1].variadic) wanted = MOST_DATA_INPUTS;
  net_value_id data[MOST_DATA_INPUTS];
  net_attribute *attributes = NET_NEW_ARRAY(&n->arena, net_attribute, field_count + 1);
  bool ok = true;
  if (flow) data[given++] = flow->value;
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    if (!arg->name.name.id && names_tensor(b, arg->value)) {
      operand x;
      if (given == wanted) {
        net_error(n, arg->loc, "'%s' takes %u tensor%s", op->name, wanted, wanted == 1 ? "" : "s");
        ok = false;
      } else if ((ok &= evaluate(b, arg->value, &x))) {
        data[given++] = x.value;
      }
      continue;
    }
    const net_op_field *field = NULL;
    if (arg->name.name.id) {
      field = find_field(fields, field_count, net_text(n, arg->name.name));
    } else {
      while (position < field_count && internal(fields[position].name)) position++;
      if (position < field_count) field = &fields[position++];
    }
    if (!field) {
      const char **names = NET_NEW_ARRAY(&n->arena, const char *, field_count + 1);
      for (uint32_t k = 0; k < field_count; k++) names[k] = internal(fields[k].name) ? "" : fields[k].name;
      const char *word = net_text(n, arg->name.name);
      if (*word)
        net_error(n, arg->name.loc, "'%s' has no argument '%s'%s", op->name, word,
                  net_suggestion(n, word, names, field_count));
      else
        net_error(n, arg->loc, "'%s' takes no such argument: %s", op->name, signature(n, op));
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
  if (ok && given < (wanted == MOST_DATA_INPUTS ? 1 : wanted)) {
    net_error(n, loc, "'%s' needs %u tensors, but has %u", op->name, wanted, given);
    ok = false;
  }
  (void)name;
  return ok && add_node(b, op->name, label, loc, data, given, attributes, attribute_count, out);
}

/* ---- layers ---- */

static bool run_body(body *b, const net_body *text, operand *result, net_value_ids *outputs);

static bool type_shape(net_elaborator *e, const net_scope *scope, const net_param *p, net_shape *shape) {
  netc *n = e->n;
  if (strcmp(net_text(n, p->type.name), "f32")) {
    net_error(n, p->type.loc, "tensors are f32: '%s' is no type", net_text(n, p->type.name));
    return false;
  }
  if (p->shape.count > NET_MAX_RANK)
    return net_error(n, p->loc, "tensors have at most %d dimensions", NET_MAX_RANK), false;
  uint64_t elements = 1;
  for (uint32_t i = 0; i < p->shape.count; i++) {
    int64_t dim;
    if (!net_evaluate_integer(n, scope, p->shape.at[i], "a dimension", 1, 1 << 24, &dim)) return false;
    shape->dim[i] = (uint32_t)dim;
    elements *= (uint64_t)dim;
    if (elements > 1 << 24)
      return net_error(n, p->loc, "'%s' has more than %d elements", net_text(n, p->name.name), 1 << 24),
             false;
  }
  shape->rank = p->shape.count;
  return true;
}

/* One parameter of a layer in use: a tensor or a constant. */
static bool bind_param(body *outer, body *inner, const net_param *p, const net_expr *expr,
                       const operand *flow) {
  netc *n = inner->e->n;
  operand x;
  if (flow)
    x = *flow;
  else if (!evaluate(expr == p->value ? inner : outer, expr, &x))
    return false;
  if (!x.tensor) {
    if (p->type.name.id) {
      net_error(n, x.loc, "'%s' is a tensor, not %s", net_text(n, p->name.name),
                net_constant_text(n, &x.constant));
      return false;
    }
    net_scope_add(n, &inner->constants, p->name.name, x.constant);
    return true;
  }
  if (p->type.name.id) {
    net_shape shape = {0};
    const net_value *value = net_graph_value_at(inner->graph, x.value);
    if (!type_shape(inner->e, &inner->constants, p, &shape)) return false;
    if (!net_shape_same(&shape, &value->shape)) {
      net_error(n, x.loc, "'%s' is f32%s, but is given f32%s", net_text(n, p->name.name),
                net_shape_text(&n->arena, &shape), net_shape_text(&n->arena, &value->shape));
      net_note(n, p->loc, "it is declared here");
      return false;
    }
  }
  bind(inner, p->name.name, x.value, p->loc);
  return true;
}

static bool call_layer(body *b, const net_decl *decl, net_ident label, const operand *flow,
                       const net_args *args, net_loc loc, operand *out) {
  netc *n = b->e->n;
  if (b->depth == MOST_LAYERS_DEEP) {
    net_error(n, loc, "layers within layers more than %d deep: does '%s' use itself?", MOST_LAYERS_DEEP,
              net_text(n, decl->name.name));
    return false;
  }
  net_name path;
  if (!name_node(b, label, decl->name, loc, &path)) return false;
  body inner = {.e = b->e, .graph = b->graph, .depth = b->depth + 1, .use = b->use.begin ? b->use : loc};
  inner.prefix = net_arena_format(&n->arena, "%s.", net_text(n, path));
  inner.constants.outer = &b->e->constants;
  const net_params *params = &decl->params;
  const net_expr **given = NET_NEW_ARRAY(&n->arena, const net_expr *, params->count + 1);
  uint32_t first = flow != NULL;
  bool ok = true;
  if (first && !params->count) {
    net_error(n, loc, "layer '%s' takes no tensor", net_text(n, decl->name.name));
    return false;
  }
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    uint32_t k = arg->name.name.id ? 0 : first + i;
    while (arg->name.name.id && k < params->count && !net_name_same(params->at[k].name.name, arg->name.name))
      k++;
    if (k >= params->count || given[k] || (k == 0 && first)) {
      if (arg->name.name.id && k >= params->count)
        net_error(n, arg->name.loc, "layer '%s' has no parameter '%s'", net_text(n, decl->name.name),
                  net_text(n, arg->name.name));
      else if (k >= params->count)
        net_error(n, arg->loc, "layer '%s' takes %u argument%s", net_text(n, decl->name.name),
                  params->count - first, params->count - first == 1 ? "" : "s");
      else
        net_error(n, arg->loc, "'%s' is given twice", net_text(n, params->at[k].name.name));
      net_note(n, decl->name.loc, "'%s' is defined here", net_text(n, decl->name.name));
      ok = false;
      continue;
    }
    given[k] = arg->value;
  }
  for (uint32_t k = 0; ok && k < params->count; k++) {
    const net_param *p = &params->at[k];
    const net_expr *expr = given[k] ? given[k] : p->value;
    if (!expr && !(first && !k)) {
      net_error(n, loc, "layer '%s' needs '%s'", net_text(n, decl->name.name), net_text(n, p->name.name));
      net_note(n, p->loc, "it is declared here");
      return false;
    }
    ok &= bind_param(b, &inner, p, expr, first && !k ? flow : NULL);
  }
  return ok && run_body(&inner, decl->body, out, NULL);
}

/* A call by name, of an operator or a layer. */
static bool call(body *b, net_ident name, net_ident label, const operand *flow, const net_args *args,
                 net_loc loc, operand *out) {
  netc *n = b->e->n;
  const char *text = net_text(n, name.name);
  if (flow && !flow->tensor) {
    net_error(n, flow->loc, "only tensors flow: this is %s", net_constant_text(n, &flow->constant));
    return false;
  }
  const net_decl *layer = net_program_find(b->e->program, NET_DECL_LAYER, name.name);
  if (layer) return call_layer(b, layer, label, flow, args, loc, out);
  const net_op *op = net_op_find(n, text, NULL);
  if (op && op->user && op->class != OP_LOSS) return call_operator(b, op, name, label, flow, args, loc, out);
  if (op && op->class == OP_LOSS) {
    net_error(n, name.loc, "'%s' is a loss: it stands in a train block, not in a network", text);
    return false;
  }
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count + b->e->program->decls.count + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->op_count; i++)
    if (n->ops[i].user && n->ops[i].class != OP_LOSS) names[count++] = n->ops[i].name;
  for (uint32_t i = 0; i < b->e->program->decls.count; i++)
    if (b->e->program->decls.at[i]->kind == NET_DECL_LAYER)
      names[count++] = net_text(n, b->e->program->decls.at[i]->name.name);
  net_error(n, name.loc, "there is no operator or layer '%s'%s", text, net_suggestion(n, text, names, count));
  return false;
}

/* ---- expressions ---- */

/* A number beside a tensor becomes a constant of rank 0. */
static net_value_id constant_value(body *b, double number, net_loc loc) {
  netc *n = b->e->n;
  net_name name = net_graph_fresh_name(b->graph, net_arena_format(&n->arena, "%sconstant", b->prefix));
  net_value_id id = net_graph_value(b->graph, NET_VALUE_CONSTANT, name, NET_F32, (net_shape){0}, false, loc);
  float *data = NET_NEW(b->graph->arena, float);
  *data = (float)number;
  b->graph->values.at[id].data = data;
  return id;
}

static bool as_number(body *b, const operand *x, double *number) {
  if (x->constant.kind == NET_CONSTANT_INTEGER) return *number = (double)x->constant.integer, true;
  if (x->constant.kind == NET_CONSTANT_REAL) return *number = x->constant.real, true;
  net_error(b->e->n, x->loc, "a tensor goes with tensors and numbers, not with %s",
            net_constant_kind_text(x->constant.kind));
  return false;
}

static bool evaluate_binary(body *b, const net_expr *expr, operand *out) {
  static const char *const ops[] = {[NET_ADD] = "add", [NET_SUBTRACT] = "sub", [NET_MULTIPLY] = "mul"};
  netc *n = b->e->n;
  operand sides[2];
  if (!evaluate(b, expr->binary.left, &sides[0]) || !evaluate(b, expr->binary.right, &sides[1])) return false;
  net_binary op = expr->binary.op;
  for (int i = 0; i < 2; i++) {
    double number;
    if (sides[i].tensor) continue;
    if (!as_number(b, &sides[i], &number)) return false;
    if (op == NET_DIVIDE && i == 1) {
      if (number == 0) return net_error(n, sides[i].loc, "division by zero"), false;
      number = 1 / number;
      op = NET_MULTIPLY;
    }
    sides[i] = of_value(constant_value(b, number, sides[i].loc), sides[i].loc);
  }
  if (op == NET_DIVIDE)
    return net_error(n, expr->loc, "tensors are not divided: '/' takes a number behind it"), false;
  return add_node(b, ops[op], (net_ident){0}, expr->loc, (net_value_id[]){sides[0].value, sides[1].value}, 2,
                  NULL, 0, out);
}

static bool unknown_name(body *b, const net_expr *expr) {
  netc *n = b->e->n;
  const char *text = net_dotted_text(n, &expr->path);
  const net_op *op = net_op_find(n, text, NULL);
  if (op && op->user) {
    net_error(n, expr->loc, "'%s' is an operator: a tensor flows into it (x -> %s)", text, text);
    return false;
  }
  const char **names =
      NET_NEW_ARRAY(&n->arena, const char *, b->tensors.count + b->constants.constants.count + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < b->tensors.count; i++) names[count++] = net_text(n, b->tensors.at[i].name);
  for (uint32_t i = 0; i < b->constants.constants.count; i++)
    names[count++] = net_text(n, b->constants.constants.at[i].name);
  net_error(n, expr->loc, "nothing is called '%s' here%s", text, net_suggestion(n, text, names, count));
  return false;
}

static bool evaluate_chain(body *b, const net_expr *expr, operand *out) {
  operand x;
  if (!evaluate(b, expr->chain.head, &x)) return false;
  for (uint32_t i = 0; i < expr->chain.stages.count; i++) {
    const net_stage *stage = &expr->chain.stages.at[i];
    operand next;
    if (!call(b, stage->name, stage->label, &x, &stage->args, stage->loc, &next)) return false;
    x = next;
  }
  *out = x;
  return true;
}

static bool evaluate(body *b, const net_expr *expr, operand *out) {
  netc *n = b->e->n;
  net_value_id value;
  switch (expr->kind) {
  case NET_EXPR_PATH:
    if (expr->path.parts.count == 1 && find_tensor(b, expr->path.parts.at[0].name, &value)) {
      *out = of_value(value, expr->loc);
      return true;
    }
    if (expr->path.parts.count == 1 && !net_scope_find(&b->constants, expr->path.parts.at[0].name) &&
        !net_expr_is(n, expr, "true") && !net_expr_is(n, expr, "false") && !net_expr_is(n, expr, "none"))
      return unknown_name(b, expr);
    break;
  case NET_EXPR_CHAIN:
    return evaluate_chain(b, expr, out);
  case NET_EXPR_CALL:
    if (expr->call.callee.parts.count != 1) {
      net_error(n, expr->call.callee.loc, "there is no operator or layer '%s'",
                net_dotted_text(n, &expr->call.callee));
      return false;
    }
    return call(b, expr->call.callee.parts.at[0], (net_ident){0}, NULL, &expr->call.args, expr->loc, out);
  case NET_EXPR_BINARY:
    if (names_tensor(b, expr)) return evaluate_binary(b, expr, out);
    break;
  case NET_EXPR_NEGATE:
    if (names_tensor(b, expr)) {
      operand x;
      return evaluate(b, expr->negated, &x) &&
             add_node(b, "negate", (net_ident){0}, expr->loc, &x.value, 1, NULL, 0, out);
    }
    break;
  case NET_EXPR_TUPLE:
    net_error(n, expr->loc, "several values can only be the result of a network");
    return false;
  default:
    break;
  }
  *out = (operand){.loc = expr->loc};
  return net_evaluate(n, &b->constants, expr, &out->constant);
}

/* ---- bodies ---- */

/* result: of a layer; outputs: of a network, which may give several. */
static bool run_body(body *b, const net_body *text, operand *result, net_value_ids *outputs) {
  netc *n = b->e->n;
  bool ok = true;
  for (uint32_t i = 0; i < text->stmts.count; i++) {
    const net_stmt *s = &text->stmts.at[i];
    bool last = i + 1 == text->stmts.count;
    operand x;
    if (last && outputs && s->value->kind == NET_EXPR_TUPLE) {
      for (uint32_t k = 0; k < s->value->tuple.count; k++) {
        if (!evaluate(b, s->value->tuple.at[k], &x)) return false;
        if (!x.tensor) return net_error(n, x.loc, "a network gives tensors"), false;
        net_vec_push(b->graph->arena, outputs, x.value);
      }
      return ok;
    }
    if (!evaluate(b, s->value, &x)) {
      ok = false;
      /* what the statement would have bound is not missed by the statements behind it */
      if (s->name.name.id) return false;
      continue;
    }
    if (!last && !s->name.name.id) {
      net_error(n, s->loc, "nothing uses this value: name it, or let it flow on");
      ok = false;
    } else if (last && !x.tensor) {
      net_error(n, s->loc, "the result must be a tensor, not %s", net_constant_text(n, &x.constant));
      ok = false;
    } else if (last) {
      if (outputs)
        net_vec_push(b->graph->arena, outputs, x.value);
      else
        *result = x;
    } else if (x.tensor) {
      bind(b, s->name.name, x.value, s->name.loc);
    } else {
      net_scope_add(n, &b->constants, s->name.name, x.constant);
    }
  }
  return ok;
}

static bool declare_params(body *b, const net_decl *decl) {
  netc *n = b->e->n;
  bool ok = true;
  uint32_t inputs = 0;
  for (uint32_t i = 0; i < decl->params.count; i++) {
    const net_param *p = &decl->params.at[i];
    net_constant constant;
    net_shape shape = {0};
    if (p->value) {
      if (!net_evaluate(n, &b->constants, p->value, &constant))
        ok = false;
      else
        net_scope_add(n, &b->constants, p->name.name, constant);
    } else if (!p->type.name.id) {
      net_error(n, p->loc,
                "'%s' needs a type to be an input (%s: f32[16]) or a default to be a parameter (%s = 16)",
                net_text(n, p->name.name), net_text(n, p->name.name), net_text(n, p->name.name));
      ok = false;
    } else if (!type_shape(b->e, &b->constants, p, &shape)) {
      ok = false;
    } else {
      net_value_id id =
          net_graph_value(b->graph, NET_VALUE_INPUT, p->name.name, NET_F32, shape, true, p->loc);
      b->graph->values.at[id].column = inputs++;
      bind(b, p->name.name, id, p->loc);
    }
  }
  if (ok && !inputs) {
    net_error(n, decl->name.loc, "a network needs an input: %s(x: f32[16])", net_text(n, decl->name.name));
    ok = false;
  }
  return ok;
}

bool net_elaborate_body(net_elaborator *e, const net_decl *decl, net_network *network) {
  netc *n = e->n;
  *network = (net_network){.decl = decl};
  network->graph = net_graph_new(n, e->arena, decl->name.name, decl->name.loc);
  body b = {.e = e, .graph = network->graph, .prefix = ""};
  b.constants.outer = &e->constants;
  if (!declare_params(&b, decl) || !run_body(&b, decl->body, NULL, &network->graph->outputs)) return false;
  for (uint32_t i = 0; i < b.tensors.count; i++) {
    net_vec_reserve(&n->arena, &network->bindings, 1);
    uint32_t k = network->bindings.count++;
    network->bindings.at[k].name = b.tensors.at[i].name;
    network->bindings.at[k].value = b.tensors.at[i].value;
  }
  return true;
}
