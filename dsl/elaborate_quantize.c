/* A quantize block → rules and settings. */
#include "dsl/elaborate_quantize.h"

#include "formats/formats.h"

/* A quantize block under construction. */
typedef struct {
  net_quantization *quantization;
  net_format_habits habits;
  NET_VEC(net_quantize_rule) rules;
} maker;

/* ---- settings of the block ---- */

static bool take_fold(net_elaborator *e, const net_entry *entry, void *into) {
  return net_evaluate_boolean(e->n, &e->constants, entry->value, "fold_batch_norm",
                              &((maker *)into)->quantization->fold_batch_norm);
}

static bool take_samples(net_elaborator *e, const net_entry *entry, void *into) {
  int64_t samples;
  if (!net_evaluate_integer(e->n, &e->constants, entry->value, "the number of samples", 1, INT32_MAX,
                            &samples))
    return false;
  ((maker *)into)->quantization->samples = (uint64_t)samples;
  return true;
}

static bool take_mase(net_elaborator *e, const net_entry *entry, void *into) {
  return net_evaluate_boolean(e->n, &e->constants, entry->value, "mase_compatible",
                              &((maker *)into)->habits.mase_compatible);
}

static bool take_ste(net_elaborator *e, const net_entry *entry, void *into) {
  static const char *const words[] = {"plain", "clipped", "learned_step"};
  netc *n = e->n;
  net_name word = net_expr_word(entry->value);
  for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
    if (word.id && !strcmp(net_text(n, word), words[i])) return ((maker *)into)->habits.ste = word, true;
  const char *near = word.id ? net_nearest(net_text(n, word), words, 3) : NULL;
  net_error(n, entry->value->loc, "ste is plain, clipped or learned_step%s%s%s",
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return false;
}

static bool take_percentile(net_elaborator *e, const net_entry *entry, void *into) {
  double x;
  if (!net_evaluate_real(e->n, &e->constants, entry->value, "the percentile", &x)) return false;
  if (x > 0 && x <= 1) return ((maker *)into)->quantization->percentile = x, true;
  net_error(e->n, entry->value->loc,
            "the percentile is above 0 and at most 100 %%, like percentile(99.9 %%)");
  return false;
}

static bool take_calibration(net_elaborator *e, const net_entry *entry, void *into) {
  static const char *const names[] = {[NET_CALIBRATE_MINMAX] = "minmax",
                                      [NET_CALIBRATE_PERCENTILE] = "percentile",
                                      [NET_CALIBRATE_MSE] = "mse",
                                      [NET_CALIBRATE_ENTROPY] = "entropy"};
  static const net_key keys[] = {{"percentile", take_percentile, NULL}};
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, entry->value, "a way to calibrate", &name, &args)) return false;
  const char *text = net_text(n, name.name);
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], text)) continue;
    ((maker *)into)->quantization->calibrator = (net_calibrator)i;
    uint32_t takes = i == NET_CALIBRATE_PERCENTILE;
    return net_take_args(e, args, 0, keys, takes, takes, net_arena_format(&n->arena, "'%s'", text), into);
  }
  net_error(n, name.loc, "there is no calibration '%s'%s", text,
            net_suggestion(n, text, names, sizeof names / sizeof *names));
  return false;
}

static const net_key block_keys[] = {{"fold_batch_norm", take_fold, NULL},
                                     {"calibration", take_calibration, NULL},
                                     {"samples", take_samples, NULL},
                                     {"mase_compatible", take_mase, NULL},
                                     {"ste", take_ste, NULL}};
enum { BLOCK_KEYS = sizeof block_keys / sizeof *block_keys };

/* ---- what a rule is about ---- */

bool net_elaborate_rule_scope(net_elaborator *e, net_ident name, net_rule_scope *scope) {
  netc *n = e->n;
  const char *text = net_text(n, name.name);
  const net_op *op = net_op_find(n, text, NULL);
  *scope = NET_RULE_DEFAULT;
  if (!strcmp(text, "default")) return true;
  *scope = NET_RULE_LAYER;
  if (net_program_find(e->program, NET_DECL_LAYER, name.name)) return true;
  *scope = NET_RULE_OPERATOR;
  if (op && op->user && op->class != OP_LOSS) return true;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count + e->program->decls.count + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->op_count; i++)
    if (n->ops[i].user && n->ops[i].class != OP_LOSS) names[count++] = n->ops[i].name;
  for (uint32_t i = 0; i < e->program->decls.count; i++)
    if (e->program->decls.at[i]->kind == NET_DECL_LAYER)
      names[count++] = net_text(n, e->program->decls.at[i]->name.name);
  names[count++] = "default";
  net_error(n, name.loc, "there is no operator or layer '%s'%s (patterns of nodes stand in quotes)", text,
            net_suggestion(n, text, names, count));
  return false;
}

bool net_elaborate_tensor(net_elaborator *e, net_ident name, net_tensor_role *role) {
  netc *n = e->n;
  const char *text = net_text(n, name.name);
  for (*role = 0; *role < NET_TENSORS; ++*role)
    if (!strcmp(text, net_tensor_role_names[*role])) return true;
  net_error(n, name.loc, "there is no tensor of an operator '%s'%s", text,
            net_suggestion(n, text, net_tensor_role_names, NET_TENSORS));
  return false;
}

/* "input and output": what an operator has */
static const char *tensors_text(netc *n, const net_op *op) {
  const char *text = "";
  for (net_tensor_role role = 0; role < NET_TENSORS; role++)
    if (net_op_has(n, op, role))
      text = net_arena_format(&n->arena, "%s%s%s", text, *text ? ", " : "", net_tensor_role_names[role]);
  return text;
}

/* What the operator or the format rules out, whatever network it is. */
static bool suits(net_elaborator *e, const net_quantize_rule *rule, net_tensor_role role, net_ident tensor,
                  net_format_id format, net_loc loc) {
  netc *n = e->n;
  const char *name = net_tensor_role_names[role];
  const net_op *op = rule->scope == NET_RULE_OPERATOR ? net_op_find(n, net_text(n, rule->what), NULL) : NULL;
  bool parameter = role == NET_TENSOR_WEIGHT || role == NET_TENSOR_BIAS;
  if (op && !net_op_has(n, op, role)) {
    net_error(n, tensor.loc, "%s has no %s; it has %s", op->name, name, tensors_text(n, op));
    return false;
  }
  const net_format *row = &net_formats[net_format_at(n, format)->family];
  if (parameter || !(row->flags & NET_FORMAT_WEIGHTS_ONLY)) return true;
  net_error(n, loc, "%s is a format for weights, and cannot be an %s's", row->name, name);
  return false;
}

/* A setting from outside has its own place, whatever it replaces. */
static net_loc place(net_elaborator *e, net_loc tensor, net_loc value) {
  const net_sources *sources = &e->n->sources;
  bool apart = net_sources_find(sources, tensor).source != net_sources_find(sources, value).source;
  return apart ? value : net_loc_join(tensor, value);
}

static bool take_format(net_elaborator *e, net_quantize_rule *rule, net_ident tensor, const net_expr *value,
                        const maker *m) {
  net_tensor_role role;
  net_format_id format;
  if (!net_elaborate_tensor(e, tensor, &role)) return false;
  if (!net_elaborate_format(e, value, &m->habits, &format)) return false;
  if (!suits(e, rule, role, tensor, format, value->loc)) return false;
  rule->tensors[role] = (net_format_choice){format, true, place(e, tensor.loc, value->loc)};
  return true;
}

/* table = 256: of functions that are looked up */
static bool take_table(net_elaborator *e, net_quantize_rule *rule, net_ident name, const net_expr *value) {
  enum { LEAST = 2, MOST = 65536 };
  netc *n = e->n;
  const net_op *op = rule->scope == NET_RULE_OPERATOR ? net_op_find(n, net_text(n, rule->what), NULL) : NULL;
  int64_t entries;
  if (op && !op->table) {
    net_error(n, name.loc, "%s is not looked up in tables; %s are", op->name, net_table_operators(n));
    return false;
  }
  if (!net_evaluate_integer(n, &e->constants, value, "the number of a table's entries", 0, MOST, &entries))
    return false;
  if (entries && (entries < LEAST || (entries & (entries - 1)))) {
    int64_t near = LEAST;
    while (near < entries) near *= 2;
    net_error(n, value->loc,
              "a table's entries are a power of two from %d to %d, like table = %lld; 0 is no table", LEAST,
              MOST, (long long)near);
    return false;
  }
  rule->table = (net_table_choice){(uint32_t)entries, true, place(e, name.loc, value->loc)};
  return true;
}

static bool is_table(netc *n, net_ident name) { return !strcmp(net_text(n, name.name), "table"); }

static bool take_choice(net_elaborator *e, net_quantize_rule *rule, net_ident name, const net_expr *value,
                        const maker *m) {
  return is_table(e->n, name) ? take_table(e, rule, name, value) : take_format(e, rule, name, value, m);
}

/* weight = integer(8, 4) within a rule; of a setting from outside, weight.width = 8 where no weight is set.
 */
static bool take_tensor(net_elaborator *e, net_quantize_rule *rule, const net_entry *entry, const maker *m) {
  netc *n = e->n;
  if (entry->kind != NET_ENTRY_SET)
    return net_error(n, entry->loc, "a rule sets formats: weight = integer(8, 4)"), false;
  if (entry->path.parts.count != 1) {
    net_error(n, entry->path.loc, "there is no format to set '%s' in: set one, like %s = integer(8, 4)",
              net_text(n, entry->path.parts.at[entry->path.parts.count - 1].name),
              net_text(n, entry->path.parts.at[0].name));
    return false;
  }
  return take_choice(e, rule, entry->path.parts.at[0], entry->value, m);
}

/* linear.weight = …, of --set: a rule of one tensor */
static bool take_path(net_elaborator *e, const net_entry *entry, maker *m) {
  netc *n = e->n;
  net_ident kind = entry->path.parts.at[0], tensor = entry->path.parts.at[1];
  net_quantize_rule rule = {.what = kind.name, .loc = entry->path.loc};
  net_tensor_role role;
  if (!net_elaborate_rule_scope(e, kind, &rule.scope)) return false;
  if (!is_table(n, tensor) && !net_elaborate_tensor(e, tensor, &role)) return false;
  if (entry->path.parts.count > 2) {
    net_error(n, entry->path.loc, "%s has no rule for '%s.%s' to set '%s' in: set %s.%s = integer(8, 4)",
              net_text(n, m->quantization->name), net_text(n, kind.name), net_text(n, tensor.name),
              net_text(n, entry->path.parts.at[2].name), net_text(n, kind.name), net_text(n, tensor.name));
    return false;
  }
  if (!take_choice(e, &rule, tensor, entry->value, m)) return false;
  net_vec_push(e->arena, &m->rules, rule);
  return true;
}

static bool is_pattern(netc *n, net_ident pattern) {
  net_quantize_rule rule = {.scope = NET_RULE_QUOTED, .what = pattern.name, .loc = pattern.loc};
  return net_rule_compiles(n, &rule);
}

static bool take_rule(net_elaborator *e, const net_entry *entry, maker *m) {
  netc *n = e->n;
  net_quantize_rule rule = {.scope = NET_RULE_QUOTED, .what = entry->pattern.name, .loc = entry->pattern.loc};
  bool block = entry->kind == NET_ENTRY_BLOCK, ok = true;
  if ((!block && entry->kind != NET_ENTRY_PATTERN) || entry->value->kind != NET_EXPR_MAP)
    return net_error(n, entry->loc,
                     "a rule is written linear { weight = integer(8, 4) } or \"head.*\" { … }"),
           false;
  if (block) {
    rule.what = net_intern(n, net_dotted_text(n, &entry->path));
    rule.loc = entry->path.loc;
    ok = net_elaborate_rule_scope(e, (net_ident){rule.what, rule.loc}, &rule.scope);
    if (!ok) rule.scope = NET_RULE_DEFAULT; /* its formats are looked at all the same */
  } else {
    ok = is_pattern(n, entry->pattern);
  }
  for (uint32_t k = 0; k < entry->value->map->entries.count; k++)
    ok &= take_tensor(e, &rule, &entry->value->map->entries.at[k], m);
  if (ok) net_vec_push(e->arena, &m->rules, rule);
  return ok;
}

/* ---- the block ---- */

static bool is_setting(const net_entry *entry) {
  return entry->kind == NET_ENTRY_SET && entry->path.parts.count == 1;
}

/* linear = integer(8, 4) forgets to say of what. */
static bool is_about_nodes(net_elaborator *e, net_ident name) {
  netc *n = e->n;
  const char *text = net_text(n, name.name);
  const net_op *op = net_op_find(n, text, NULL);
  if (!(op && op->user) && strcmp(text, "default") &&
      !net_program_find(e->program, NET_DECL_LAYER, name.name))
    return false;
  net_error(n, name.loc, "a rule says which tensor takes a format: %s { weight = integer(8, 4) }", text);
  return true;
}

bool net_elaborate_rules(net_elaborator *e, const net_decl *decl, net_quantization *quantization) {
  netc *n = e->n;
  *quantization = (net_quantization){.name = decl->name.name,
                                     .calibrator = NET_CALIBRATE_MSE,
                                     .percentile = 0.999,
                                     .samples = 4096,
                                     .loc = decl->name.loc};
  maker m = {.quantization = quantization};
  net_map settings = *decl->map;
  settings.entries = (net_entries){0};
  bool ok = true;
  for (uint32_t i = 0; i < decl->map->entries.count;
       i++) { /* they hold for every rule, wherever they stand */
    const net_entry *entry = &decl->map->entries.at[i];
    if (!is_setting(entry)) continue;
    if (is_about_nodes(e, entry->path.parts.at[0])) ok = false;
    else net_vec_push(&n->arena, &settings.entries, *entry);
  }
  ok &= net_take_map(e, &settings, block_keys, BLOCK_KEYS, "a quantize block", NULL, &m);
  for (uint32_t i = 0; i < decl->map->entries.count; i++) {
    const net_entry *entry = &decl->map->entries.at[i];
    if (is_setting(entry)) continue;
    ok &= entry->kind == NET_ENTRY_SET ? take_path(e, entry, &m) : take_rule(e, entry, &m);
  }
  quantization->rules = m.rules.at, quantization->rule_count = m.rules.count;
  return ok;
}

/* Which rules mean something in any of the program's networks. False: there is none, or one is wrong, so that
 * nothing can be said of those that mean nothing. */
static bool use_everywhere(net_elaborator *e, const net_quantization *quantization, net_rule_use *uses) {
  netc *n = e->n;
  uint32_t good = 0, bad = 0;
  for (uint32_t i = 0; i < e->program->decls.count; i++) {
    const net_decl *decl = e->program->decls.at[i];
    net_network network;
    net_rules *rules;
    if (decl->kind != NET_DECL_NETWORK) continue;
    net_diagnostics before = n->diagnostics;
    bool ok = net_elaborate_body(e, decl, &network);
    net_diagnostics_forget(n, &before);
    ok = ok && net_rules_begin(n, network.graph, quantization, &rules);
    if (ok) net_rules_use(rules, uses), net_rules_end(rules);
    *(ok ? &good : &bad) += 1;
  }
  return good && !bad;
}

bool net_check_quantize(net_elaborator *e, const net_decl *decl) {
  net_quantization quantization;
  if (!net_elaborate_rules(e, decl, &quantization)) return false;
  net_rule_use *uses = NET_NEW_ARRAY(&e->n->arena, net_rule_use, quantization.rule_count + 1);
  return !use_everywhere(e, &quantization, uses) ||
         net_rules_report(e->n, &quantization, uses, UINT32_MAX, "any network", NULL);
}

bool net_elaborate_quantization(netc *n, net_arena *arena, const net_program *program, const char *name,
                                const net_graph *network, net_quantization *quantization) {
  net_elaborator e;
  net_rules *rules;
  if (!net_elaborator_begin(n, arena, program, &e)) return false;
  const net_decl *decl = net_choose(&e, NET_DECL_QUANTIZE, name, NET_NOWHERE);
  if (!decl || !net_elaborate_codebooks(&e) || !net_elaborate_rules(&e, decl, quantization)) return false;
  uint32_t count = quantization->rule_count;
  net_rule_use *here = NET_NEW_ARRAY(&n->arena, net_rule_use, count + 1);
  net_rule_use *anywhere = NET_NEW_ARRAY(&n->arena, net_rule_use, count + 1);
  if (!net_rules_begin(n, network, quantization, &rules)) return false;
  net_rules_use(rules, here);
  net_rules_end(rules);
  const char *where = net_arena_format(&n->arena, "network '%s'", net_text(n, network->name));
  bool ok = net_rules_report(n, quantization, here, 1u << NET_RULE_QUOTED, where, network);
  if (!use_everywhere(&e, quantization, anywhere)) return ok;
  return net_rules_report(n, quantization, anywhere, ~(1u << NET_RULE_QUOTED), "any network", NULL) && ok;
}
