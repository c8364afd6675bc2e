/* normalize = … of a data block. */
#include "dsl/elaborate_common.h"

static bool make_step(net_elaborator *e, net_ident name, const net_args *args, net_loc loc,
                      rt_normalize_step *step) {
  netc *n = e->n;
  const char *text = net_text(n, name.name), *names[RT_NORMALIZERS];
  for (rt_normalizer k = 0; k < RT_NORMALIZERS; k++) {
    names[k] = rt_normalizers[k].name;
    if (strcmp(names[k], text)) continue;
    uint32_t given = args ? args->count : 0;
    if (given != rt_normalizers[k].arguments)
      return net_error(n, loc, "'%s' takes %u number%s", text, rt_normalizers[k].arguments,
                       rt_normalizers[k].arguments == 1 ? "" : "s"),
             false;
    double numbers[2] = {0};
    for (uint32_t i = 0; i < given && i < 2; i++)
      if (!net_evaluate_real(n, &e->constants, args->at[i].value, text, &numbers[i])) return false;
    if (k == RT_CLIP && !(numbers[0] < numbers[1]))
      return net_error(n, loc, "clip(lo, hi) wants lo below hi"), false;
    *step = (rt_normalize_step){k, numbers[0], numbers[1], loc};
    return true;
  }
  net_error(n, name.loc, "there is no normalisation '%s'%s", text,
            net_suggestion(n, text, names, RT_NORMALIZERS));
  return false;
}

/* standard, clip(-3, 3), or a chain of them: log1p -> standard */
static bool make_chain(net_elaborator *e, const net_expr *expr, rt_normalize_chain *chain) {
  const net_expr *head = expr->kind == NET_EXPR_CHAIN ? expr->chain.head : expr;
  uint32_t stages = expr->kind == NET_EXPR_CHAIN ? expr->chain.stages.count : 0;
  net_ident name;
  const net_args *args;
  chain->where = expr->loc;
  chain->steps = NET_NEW_ARRAY(&e->n->arena, rt_normalize_step, stages + 1);
  if (net_expr_is(e->n, expr, "none")) return true;
  if (!net_as_call(e, head, "a normalisation", &name, &args) ||
      !make_step(e, name, args, head->loc, &chain->steps[chain->step_count++]))
    return false;
  for (uint32_t i = 0; i < stages; i++) {
    const net_stage *stage = &expr->chain.stages.at[i];
    if (!make_step(e, stage->name, &stage->args, stage->loc, &chain->steps[chain->step_count++]))
      return false;
  }
  return true;
}

/* One chain for all, or a map of them by name of column; `default` is for the others. */
bool net_take_normalize(net_elaborator *e, const net_expr *value, rt_data_spec *spec) {
  const net_map *map = value->kind == NET_EXPR_MAP ? value->map : NULL;
  uint32_t count = map ? map->entries.count : 1;
  rt_normalize_chain *chains = NET_NEW_ARRAY(&e->n->arena, rt_normalize_chain, count + 1);
  spec->normalize = chains;
  if (!map) return spec->normalize_count = 1, make_chain(e, value, chains);
  for (uint32_t i = 0; i < count; i++) {
    const net_entry *one = &map->entries.at[i];
    if (one->kind != NET_ENTRY_SET)
      return net_error(e->n, one->loc, "normalisations by column are written { mass = log1p -> standard }"),
             false;
    const char *name = net_dotted_text(e->n, &one->path);
    chains[i].column = strcmp(name, "default") ? name : NULL;
    if (!make_chain(e, one->value, &chains[i])) return false;
  }
  spec->normalize_count = count;
  return true;
}
