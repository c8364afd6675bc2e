/* A point of a search → number formats, a quantize block, a program. */
#include "dsl/elaborate_values.h"
#include "dsl/format.h"
#include "formats/formats.h"

#include <inttypes.h>

bool net_search_quantization(netc *n, net_arena *arena, const net_search_points *points, const double *x,
                             net_quantization *quantization) {
  uint32_t count = 0;
  net_quantize_rule *rules =
      NET_NEW_ARRAY(arena, net_quantize_rule, points->tensor_count + points->base.rule_count + 1);
  for (uint32_t i = 0; i < points->tensor_count; i++) {
    const struct net_search_tensor *t = &points->tensors[i];
    net_loc loc = points->search->loc;
    if (!i || !net_name_same(t->node, points->tensors[i - 1].node))
      rules[count++] = (net_quantize_rule){.scope = NET_RULE_QUOTED, .what = t->node, .loc = loc};
    net_format_choice *choice = &rules[count - 1].tensors[t->tensor];
    *choice = (net_format_choice){.given = true, .loc = loc};
    if (!net_search_format(n, points, i, x, &choice->format)) return false;
  }
  for (uint32_t i = 0; i < points->base.rule_count; i++) rules[count++] = points->base.rules[i];
  *quantization = points->base;
  quantization->rules = rules;
  quantization->rule_count = count;
  return true;
}

/* ---- as a block ---- */

/* A format as a program has it. NULL: reported. */
static net_expr *format_expr(netc *n, net_format_id format) {
  net_setting setting;
  const char *text = net_arena_format(&n->arena, "f = %s", net_format_text(n, format));
  return net_setting_parse(n, text, &setting) ? setting.value : NULL;
}

static void set_entry(netc *n, net_map *map, net_tensor_role role, net_expr *value) {
  net_ident name = {net_intern(n, net_tensor_role_names[role]), NET_NOWHERE};
  net_entry entry = {.kind = NET_ENTRY_SET, .value = value};
  net_vec_push(&n->arena, &entry.path.parts, name);
  for (uint32_t i = 0; i < map->entries.count; i++)
    if (net_dotted_same(&map->entries.at[i].path, &entry.path)) {
      map->entries.at[i].value = value;
      return;
    }
  net_vec_push(&n->arena, &map->entries, entry);
}

static net_map *copy_map(netc *n, const net_map *map) {
  net_map *copy = NET_NEW(&n->arena, net_map);
  if (map) *copy = *map;
  copy->entries = (net_entries){0};
  for (uint32_t i = 0; map && i < map->entries.count; i++)
    net_vec_push(&n->arena, &copy->entries, map->entries.at[i]);
  return copy;
}

/* The formats of a node: of the entry with its exact name, which is made if there is none. */
static net_map *node_map(netc *n, net_map *block, net_name node) {
  for (uint32_t i = 0; i < block->entries.count; i++) {
    net_entry *entry = &block->entries.at[i];
    if (entry->kind != NET_ENTRY_PATTERN || !net_name_same(entry->pattern.name, node)) continue;
    net_expr *value = net_expr_new(n, NET_EXPR_MAP, entry->loc);
    value->map = copy_map(n, entry->value->map);
    value->depth = entry->value->depth;
    return (entry->value = value)->map;
  }
  net_expr *value = net_expr_new(n, NET_EXPR_MAP, NET_NOWHERE);
  value->map = copy_map(n, NULL);
  value->depth = 3;
  net_entry entry = {
      .kind = NET_ENTRY_PATTERN, .pattern = {node, NET_NOWHERE}, .value = value, .breaks = true};
  net_vec_push(&n->arena, &block->entries, entry);
  return value->map;
}

const net_decl *net_search_block(netc *n, const net_search_points *points, const double *x,
                                 const char *name) {
  net_decl *decl = NET_NEW(&n->arena, net_decl);
  if (points->base_block) *decl = *points->base_block;
  decl->kind = NET_DECL_QUANTIZE;
  decl->name.name = net_intern(n, name);
  decl->trivia = NULL;
  decl->map = copy_map(n, points->base_block ? points->base_block->map : NULL);
  decl->map->open = true;
  net_map *map = NULL;
  for (uint32_t i = 0; i < points->tensor_count; i++) {
    const struct net_search_tensor *t = &points->tensors[i];
    net_format_id format;
    if (!net_search_format(n, points, i, x, &format)) return NULL;
    net_expr *value = format_expr(n, format);
    if (!value) return NULL;
    if (!i || !net_name_same(t->node, points->tensors[i - 1].node)) map = node_map(n, decl->map, t->node);
    set_entry(n, map, t->tensor, value);
  }
  return decl;
}

const char *net_search_block_text(netc *n, const net_search_points *points, const double *x,
                                  const char *name) {
  net_decl *decl = (net_decl *)net_search_block(n, points, x, name);
  net_file file = {0};
  if (!decl) return NULL;
  net_vec_push(&n->arena, &file.decls, decl);
  return net_format_file(n, &file);
}

/* ---- settings ---- */

bool net_search_program(netc *n, const net_program *program, const net_chosen *chosen,
                        const net_search_points *points, const double *x, net_program **changed) {
  const net_program *at = program;
  for (uint32_t i = 0; i < points->space.count; i++) {
    const net_vary *v = points->parameters[i].vary;
    if (v->field != NET_VARY_SETTING) continue;
    net_setting setting = {v->path, (net_expr *)net_vary_value(n, v, x[i]), v->loc};
    if (!net_setting_apply(n, at, &setting, chosen, changed)) return false;
    at = *changed;
  }
  *changed = (net_program *)at;
  return true;
}

const char *net_search_value_text(netc *n, const net_search_points *points, uint32_t parameter, double x) {
  return net_format_expr(n, net_vary_value(n, points->parameters[parameter].vary, x));
}
