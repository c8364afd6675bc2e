/* Calls in a body: layers are expanded where they are used. */
#include "dsl/elaborate_body.h"

/* One parameter of a layer in use: a tensor or a constant. */
static bool bind_param(net_expansion *outer, net_expansion *inner, const net_param *p, const net_expr *expr,
                       const net_operand *flow) {
  netc *n = inner->e->n;
  net_operand x;
  if (flow) x = *flow;
  else if (!net_expansion_evaluate(expr == p->value ? inner : outer, expr, &x)) return false;
  if (!x.tensor) {
    if (p->type.name.id) {
      net_error(n, x.loc, "'%s' is a tensor, not %s", net_text(n, p->name.name),
                net_constant_text(n, &x.constant));
      return false;
    }
    net_expansion_bind(inner, p->name, &x);
    return true;
  }
  if (p->type.name.id) {
    net_shape shape = {0};
    const net_value *value = net_graph_value_at(inner->graph, x.value);
    if (!net_expansion_shape(inner->e, &inner->constants, p, &shape)) return false;
    if (!net_shape_same(&shape, &value->shape)) {
      net_error(n, x.loc, "'%s' is f32%s, but is given f32%s", net_text(n, p->name.name),
                net_shape_text(&n->arena, &shape), net_shape_text(&n->arena, &value->shape));
      net_note(n, p->loc, "it is declared here");
      return false;
    }
  }
  net_expansion_bind(inner, p->name, &x);
  return true;
}

static void unknown_param(netc *n, const net_decl *decl, net_ident name) {
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, decl->params.count + 1);
  for (uint32_t k = 0; k < decl->params.count; k++) names[k] = net_text(n, decl->params.at[k].name.name);
  const char *text = net_text(n, name.name);
  net_error(n, name.loc, "layer '%s' has no parameter '%s'%s", net_text(n, decl->name.name), text,
            net_suggestion(n, text, names, decl->params.count));
}

static bool call_layer(net_expansion *b, const net_decl *decl, net_ident label, const net_operand *flow,
                       const net_args *args, net_loc loc, net_operand *out) {
  netc *n = b->e->n;
  if (b->depth == NET_MOST_LAYERS_DEEP) {
    net_error(n, loc, "layers within layers more than %d deep: does '%s' use itself?", NET_MOST_LAYERS_DEEP,
              net_text(n, decl->name.name));
    return false;
  }
  net_name path;
  if (!net_expansion_name(b, label, decl->name.name, loc, &path)) return false;
  net_expansion inner = {.e = b->e,
                         .graph = b->graph,
                         .outer = b,
                         .layer = decl->name.name,
                         .depth = b->depth + 1,
                         .use = b->use.begin ? b->use : loc};
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
      if (arg->name.name.id && k >= params->count) unknown_param(n, decl, arg->name);
      else if (k >= params->count)
        net_error(n, arg->loc, "layer '%s' takes %u argument%s", net_text(n, decl->name.name),
                  params->count - first, params->count - first == 1 ? "" : "s");
      else net_error(n, arg->loc, "'%s' is given twice", net_text(n, params->at[k].name.name));
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
  if (!ok) return false;
  if (net_expansion_run(&inner, decl->body, out, NULL)) return true;
  if (!b->depth) net_note(n, loc, "in the layer that is used here");
  return false;
}

bool net_expansion_call(net_expansion *b, net_ident name, net_ident label, const net_operand *flow,
                        const net_args *args, net_loc loc, net_operand *out) {
  netc *n = b->e->n;
  const char *text = net_text(n, name.name);
  if (flow && !flow->tensor) {
    net_error(n, flow->loc, "only tensors flow: this is %s", net_constant_text(n, &flow->constant));
    return false;
  }
  const net_decl *layer = net_program_find(b->e->program, NET_DECL_LAYER, name.name);
  if (layer) return call_layer(b, layer, label, flow, args, loc, out);
  const net_op *op = net_op_find(n, text, NULL);
  if (op && op->user && op->class != OP_LOSS)
    return net_expansion_operator(b, op, label, flow, args, loc, out);
  if (op && op->class == OP_LOSS) {
    net_error(n, name.loc, "'%s' is a loss: it stands in a train block, not in a network", text);
    return false;
  }
  if (net_program_find(b->e->program, NET_DECL_NETWORK, name.name)) {
    net_error(n, name.loc, "'%s' is a network: what flows on is an operator or a layer", text);
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
