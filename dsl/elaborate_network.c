/* A network's body → its graph: statements, names, and what a network takes and gives. */
#include "dsl/elaborate_body.h"

#include <math.h>

/* ---- names ---- */

bool net_expansion_name(net_expansion *b, net_ident label, net_name kind, net_loc loc, net_name *path) {
  netc *n = b->e->n;
  net_name own = label.name;
  if (!own.id) {
    uint32_t i = 0;
    while (i < b->counters.count && !net_name_same(b->counters.at[i].kind, kind)) i++;
    if (i == b->counters.count) {
      net_vec_reserve(&n->arena, &b->counters, 1);
      b->counters.count++;
      b->counters.at[i].kind = kind;
      b->counters.at[i].count = 0;
    }
    own = net_intern_format(n, "%s_%u", net_text(n, kind), ++b->counters.at[i].count);
  }
  for (uint32_t i = 0; i < b->node_names.count; i++)
    if (net_name_same(b->node_names.at[i].name, own)) {
      net_error(n, label.name.id ? label.loc : loc, "two nodes are called '%s%s'", b->prefix,
                net_text(n, own));
      net_note(n, b->node_names.at[i].loc, "the other one is here");
      return false;
    }
  net_vec_push(&n->arena, &b->node_names, (net_ident){own, label.name.id ? label.loc : loc});
  *path = net_intern_format(n, "%s%s", b->prefix, net_text(n, own));
  return true;
}

void net_expansion_bind(net_expansion *b, net_ident name, const net_operand *value) {
  net_arena *arena = &b->e->n->arena;
  if (!value->tensor) net_scope_add(b->e->n, &b->constants, name.name, value->constant);
  net_vec_push(arena, &b->bindings,
               (net_binding){name.name, value->tensor ? value->value : NET_NONE, name.loc});
}

bool net_expansion_tensor(const net_expansion *b, net_name name, net_value_id *value) {
  for (uint32_t i = b->bindings.count; i-- > 0;)
    if (net_name_same(b->bindings.at[i].name, name)) return (*value = b->bindings.at[i].value) != NET_NONE;
  return false;
}

/* ---- bodies ---- */

bool net_expansion_shape(net_elaborator *e, const net_scope *scope, const net_param *p, net_shape *shape) {
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

bool net_expansion_run(net_expansion *b, const net_body *text, net_operand *result, net_value_ids *outputs) {
  netc *n = b->e->n;
  bool ok = true;
  for (uint32_t i = 0; i < text->stmts.count; i++) {
    const net_stmt *s = &text->stmts.at[i];
    bool last = i + 1 == text->stmts.count;
    net_operand x;
    if (last && outputs && s->value->kind == NET_EXPR_TUPLE) {
      for (uint32_t k = 0; k < s->value->tuple.count; k++) {
        if (!net_expansion_evaluate(b, s->value->tuple.at[k], &x)) return false;
        if (!x.tensor) return net_error(n, x.loc, "a network gives tensors"), false;
        net_vec_push(b->graph->arena, outputs, x.value);
      }
      return ok;
    }
    if (!net_expansion_evaluate(b, s->value, &x)) {
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
      if (outputs) net_vec_push(b->graph->arena, outputs, x.value);
      else *result = x;
    } else {
      net_expansion_bind(b, s->name, &x);
    }
  }
  return ok;
}

/* What an input can be. Inputs are binary32: so are the bounds. */
static bool input_range(net_expansion *b, const net_param *p, net_range *range) {
  netc *n = b->e->n;
  double low, high;
  *range = NET_RANGE_UNKNOWN;
  if (!p->low) return true;
  if (!net_evaluate_real(n, &b->constants, p->low, "the lower bound", &low) ||
      !net_evaluate_real(n, &b->constants, p->high, "the upper bound", &high))
    return false;
  *range = (net_range){(float)low, (float)high};
  for (int i = 0; i < 2; i++) {
    if (isfinite(i ? range->hi : range->lo)) continue;
    net_error(
        n, (i ? p->high : p->low)->loc,
        "bounds are of single precision, at most 3.4e38: leave 'in' out where an input can be anything");
    return false;
  }
  if (range->lo <= range->hi) return true;
  net_error(n, net_loc_join(p->low->loc, p->high->loc),
            "'%s' cannot be from %g to %g: the lower bound comes first, 'in [%g, %g]'",
            net_text(n, p->name.name), low, high, high, low);
  return false;
}

static bool declare_params(net_expansion *b, const net_decl *decl) {
  netc *n = b->e->n;
  bool ok = true;
  uint32_t inputs = 0;
  for (uint32_t i = 0; i < decl->params.count; i++) {
    const net_param *p = &decl->params.at[i];
    net_constant constant;
    net_shape shape = {0};
    net_range range;
    if (p->value) {
      if (!net_evaluate(n, &b->constants, p->value, &constant)) ok = false;
      else net_expansion_bind(b, p->name, &(net_operand){.constant = constant});
    } else if (!p->type.name.id) {
      net_error(n, p->loc,
                "'%s' needs a type to be an input (%s: f32[16]) or a default to be a parameter (%s = 16)",
                net_text(n, p->name.name), net_text(n, p->name.name), net_text(n, p->name.name));
      ok = false;
    } else if (!net_expansion_shape(b->e, &b->constants, p, &shape) || !input_range(b, p, &range)) {
      ok = false;
    } else {
      net_value_id id =
          net_graph_value(b->graph, NET_VALUE_INPUT, p->name.name, NET_F32, shape, true, p->loc);
      b->graph->values.at[id].column = inputs++;
      b->graph->values.at[id].range = range;
      net_vec_push(&n->arena, &b->node_names,
                   p->name); /* in listings and patterns it is a node like others */
      net_operand input = net_operand_of(id, p->loc);
      net_expansion_bind(b, p->name, &input);
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
  net_expansion b = {.e = e, .graph = network->graph, .prefix = ""};
  b.constants.outer = &e->constants;
  if (!declare_params(&b, decl) || !net_expansion_run(&b, decl->body, NULL, &network->graph->outputs))
    return false;
  for (uint32_t i = 0; i < b.bindings.count; i++) {
    const net_binding *from = &b.bindings.at[i];
    if (from->value == NET_NONE) continue;
    net_vec_reserve(&n->arena, &network->bindings, 1);
    uint32_t k = network->bindings.count++;
    network->bindings.at[k].name = from->name;
    network->bindings.at[k].value = from->value;
  }
  return true;
}
