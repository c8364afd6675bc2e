/* Expressions of a body: tensors and constants. */
#include "dsl/elaborate_body.h"

bool net_expansion_is_tensor(const net_expansion *b, const net_expr *expr) {
  net_value_id value;
  switch (expr->kind) {
  case NET_EXPR_PATH:
    return expr->path.parts.count == 1 && net_expansion_tensor(b, expr->path.parts.at[0].name, &value);
  case NET_EXPR_CHAIN: return true;
  case NET_EXPR_CALL:
    for (uint32_t i = 0; i < expr->call.args.count; i++)
      if (net_expansion_is_tensor(b, expr->call.args.at[i].value)) return true;
    return false;
  case NET_EXPR_NEGATE: return net_expansion_is_tensor(b, expr->negated);
  case NET_EXPR_BINARY:
    return net_expansion_is_tensor(b, expr->binary.left) || net_expansion_is_tensor(b, expr->binary.right);
  default: return false;
  }
}

/* A number beside a tensor becomes a constant of rank 0. */
static net_value_id constant_value(net_expansion *b, double number, net_loc loc) {
  netc *n = b->e->n;
  net_name name = net_graph_fresh_name(b->graph, net_arena_format(&n->arena, "%sconstant", b->prefix));
  net_value_id id = net_graph_value(b->graph, NET_VALUE_CONSTANT, name, NET_F32, (net_shape){0}, false, loc);
  float *data = NET_NEW(b->graph->arena, float);
  *data = (float)number;
  b->graph->values.at[id].data = data;
  return id;
}

static bool as_number(net_expansion *b, const net_operand *x, double *number) {
  if (x->constant.kind == NET_CONSTANT_INTEGER) return *number = (double)x->constant.integer, true;
  if (x->constant.kind == NET_CONSTANT_REAL) return *number = x->constant.real, true;
  net_error(b->e->n, x->loc, "a tensor goes with tensors and numbers, not with %s",
            net_constant_kind_text(x->constant.kind));
  return false;
}

static bool evaluate_binary(net_expansion *b, const net_expr *expr, net_operand *out) {
  static const char *const ops[] = {[NET_ADD] = "add", [NET_SUBTRACT] = "sub", [NET_MULTIPLY] = "mul"};
  netc *n = b->e->n;
  net_operand sides[2];
  if (!net_expansion_evaluate(b, expr->binary.left, &sides[0]) ||
      !net_expansion_evaluate(b, expr->binary.right, &sides[1]))
    return false;
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
    sides[i] = net_operand_of(constant_value(b, number, sides[i].loc), sides[i].loc);
  }
  if (op == NET_DIVIDE)
    return net_error(n, expr->loc, "tensors are not divided: '/' takes a number behind it"), false;
  return net_expansion_node(b, ops[op], (net_ident){0}, expr->loc,
                            (net_value_id[]){sides[0].value, sides[1].value}, 2, NULL, 0, out);
}

static bool unknown_name(net_expansion *b, const net_expr *expr) {
  netc *n = b->e->n;
  const char *text = net_dotted_text(n, &expr->path);
  const net_op *op = net_op_find(n, text, NULL);
  bool layer = expr->path.parts.count == 1 &&
               net_program_find(b->e->program, NET_DECL_LAYER, expr->path.parts.at[0].name);
  if ((op && op->user) || layer) {
    net_error(n, expr->loc, "'%s' is %s: a tensor flows into it (x -> %s)", text,
              layer ? "a layer" : "an operator", text);
    return false;
  }
  uint32_t count = b->bindings.count, known = 0;
  for (const net_scope *scope = &b->constants; scope; scope = scope->outer) count += scope->constants.count;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, count + 1);
  for (uint32_t i = 0; i < b->bindings.count; i++) names[known++] = net_text(n, b->bindings.at[i].name);
  for (const net_scope *scope = &b->constants; scope; scope = scope->outer)
    for (uint32_t i = 0; i < scope->constants.count; i++)
      names[known++] = net_text(n, scope->constants.at[i].name);
  net_error(n, expr->loc, "nothing is called '%s' here%s", text, net_suggestion(n, text, names, known));
  return false;
}

static bool evaluate_chain(net_expansion *b, const net_expr *expr, net_operand *out) {
  net_operand x;
  if (!net_expansion_evaluate(b, expr->chain.head, &x)) return false;
  for (uint32_t i = 0; i < expr->chain.stages.count; i++) {
    const net_stage *stage = &expr->chain.stages.at[i];
    net_operand next;
    if (!net_expansion_call(b, stage->name, stage->label, &x, &stage->args, stage->loc, &next)) return false;
    x = next;
  }
  *out = x;
  return true;
}

bool net_expansion_evaluate(net_expansion *b, const net_expr *expr, net_operand *out) {
  netc *n = b->e->n;
  net_value_id value;
  switch (expr->kind) {
  case NET_EXPR_PATH:
    if (expr->path.parts.count == 1 && net_expansion_tensor(b, expr->path.parts.at[0].name, &value)) {
      *out = net_operand_of(value, expr->loc);
      return true;
    }
    if (expr->path.parts.count == 1 && !net_scope_find(&b->constants, expr->path.parts.at[0].name) &&
        !net_expr_is(n, expr, "true") && !net_expr_is(n, expr, "false") && !net_expr_is(n, expr, "none"))
      return unknown_name(b, expr);
    break;
  case NET_EXPR_CHAIN: return evaluate_chain(b, expr, out);
  case NET_EXPR_CALL:
    if (expr->call.callee.parts.count != 1) {
      net_error(n, expr->call.callee.loc, "there is no operator or layer '%s'",
                net_dotted_text(n, &expr->call.callee));
      return false;
    }
    return net_expansion_call(b, expr->call.callee.parts.at[0], (net_ident){0}, NULL, &expr->call.args,
                              expr->loc, out);
  case NET_EXPR_BINARY:
    if (net_expansion_is_tensor(b, expr)) return evaluate_binary(b, expr, out);
    break;
  case NET_EXPR_NEGATE:
    if (net_expansion_is_tensor(b, expr)) {
      net_operand x;
      return net_expansion_evaluate(b, expr->negated, &x) &&
             net_expansion_node(b, "negate", (net_ident){0}, expr->loc, &x.value, 1, NULL, 0, out);
    }
    break;
  case NET_EXPR_TUPLE:
    net_error(n, expr->loc, "several values can only be the result of a network");
    return false;
  default: break;
  }
  *out = (net_operand){.loc = expr->loc};
  return net_evaluate(n, &b->constants, expr, &out->constant);
}
