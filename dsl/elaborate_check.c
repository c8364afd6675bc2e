/* netc check: everything in a program, whether or not a command line would use it. */
#include "dsl/elaborate_common.h"
#include "dsl/settings.h"

/* ---- attempts: a recipe need not fit every network ---- */

/* Takes back what was reported since. */
static void forget(netc *n, const net_diagnostics *before) {
  n->diagnostics.list.count = before->list.count;
  n->diagnostics.errors = before->errors;
  n->diagnostics.warnings = before->warnings;
}

static bool fits(net_elaborator *e, const net_decl *network, const net_decl *train) {
  net_network body;
  net_recipe recipe;
  const net_decl *data = NULL;
  rt_data_spec *spec;
  if (!net_elaborate_body(e, network, &body) || !net_elaborate_train(e, train, &body, &recipe, &data))
    return false;
  return !data || net_elaborate_data(e, data, &body, &recipe, &spec);
}

/* The errors reported are those with the first network, if no network fits. */
static bool check_train(net_elaborator *e, const net_decl *train) {
  net_diagnostics before = e->n->diagnostics;
  for (uint32_t i = 0; i < e->program->decls.count; i++) {
    if (e->program->decls.at[i]->kind != NET_DECL_NETWORK) continue;
    bool ok = fits(e, e->program->decls.at[i], train);
    forget(e->n, &before);
    if (ok) return true;
  }
  const net_decl *first = NULL;
  return !net_program_count(e->program, NET_DECL_NETWORK, &first) || fits(e, first, train);
}

/* Networks, data and recipes. */
static bool check_blocks(netc *n, const net_program *program) {
  net_elaborator e;
  bool ok = net_elaborator_begin(n, &n->arena, program, &e);
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *decl = program->decls.at[i];
    net_network network;
    if (decl->kind == NET_DECL_NETWORK) ok &= net_elaborate_body(&e, decl, &network);
    else if (decl->kind == NET_DECL_DATA) ok &= net_check_data(&e, decl);
  }
  for (uint32_t i = 0, fit = ok; fit && i < program->decls.count;
       i++) /* recipes need whole networks and data */
    if (program->decls.at[i]->kind == NET_DECL_TRAIN) ok &= check_train(&e, program->decls.at[i]);
  return ok;
}

/* ---- blocks that later stages use: names ---- */

static const char *const tensors[] = {"input", "weight", "bias", "output", "accumulator"};
static const char *const rule_settings[] = {"mase_compatible", "ste", "fold_batch_norm"};
static const char *const formats[] = {
    "integer",    "fixed",          "ap_fixed",        "minifloat",  "minifloat_denorm",
    "log",        "block_fp",       "block_minifloat", "block_log",  "binary",
    "ternary",    "mxint",          "mxfp8_e4m3",      "mxfp8_e5m2", "mxfp6_e3m2",
    "mxfp6_e2m3", "mxfp4",          "mxint8",          "bfloat16",   "float16",
    "float32",    "scaled_integer", "residual_binary", "lutnet",     "logicnets",
    "codebook"};
static const char *const aims[] = {"accuracy",     "loss",         "bitops", "flops",
                                   "weight_bytes", "average_bits", "latency"};
static const char *const budgets[] = {"flash",       "ram",           "stack",        "scratch",
                                      "accumulator", "accuracy_drop", "accuracy",     "loss",
                                      "bitops",      "weight_bytes",  "average_bits", "latency"};
static const char *const require_settings[] = {"quantize", "target", "arithmetic"};
static const char *const search_settings[] = {"strategy", "trials", "seed", "fine_tune"};
static const char *const sweep_settings[] = {"sample", "repeat", "seed"};
#define COUNT(names) (sizeof names / sizeof *names)

static bool is_one(const char *word, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(word, names[i])) return true;
  return false;
}

static bool want_one(net_elaborator *e, const char *word, net_loc loc, const char *const *names, size_t count,
                     const char *what) {
  if (is_one(word, names, count)) return true;
  net_error(e->n, loc, "there is no %s '%s'%s", what, word,
            net_suggestion(e->n, word, names, (uint32_t)count));
  return false;
}

static bool check_format(net_elaborator *e, const net_entry *entry) {
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  const char *tensor = net_dotted_text(n, &entry->path);
  if (entry->kind != NET_ENTRY_SET)
    return net_error(n, entry->loc, "a rule sets formats: weight = integer(8, 4)"), false;
  if (!want_one(e, tensor, entry->path.loc, tensors, COUNT(tensors), "tensor of an operator")) return false;
  if (!net_as_call(e, entry->value, "a number format", &name, &args)) return false;
  if (net_program_find(e->program, NET_DECL_FORMAT, name.name)) return true;
  return want_one(e, net_text(n, name.name), name.loc, formats, COUNT(formats), "number format");
}

/* What a rule may name without quotes: an operator, a user's layer, `default`. */
static bool is_rule_kind(net_elaborator *e, net_ident name) {
  netc *n = e->n;
  const char *text = net_text(n, name.name);
  const net_op *op = net_op_find(n, text, NULL);
  if ((op && op->user && op->class != OP_LOSS) || !strcmp(text, "default") ||
      net_program_find(e->program, NET_DECL_LAYER, name.name))
    return true;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count + e->program->decls.count);
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->op_count; i++)
    if (n->ops[i].user && n->ops[i].class != OP_LOSS) names[count++] = n->ops[i].name;
  for (uint32_t i = 0; i < e->program->decls.count; i++)
    if (e->program->decls.at[i]->kind == NET_DECL_LAYER)
      names[count++] = net_text(n, e->program->decls.at[i]->name.name);
  net_error(n, name.loc, "there is no operator or layer '%s'%s (patterns of nodes stand in quotes)", text,
            net_suggestion(n, text, names, count));
  return false;
}

static bool check_quantize(net_elaborator *e, const net_decl *decl) {
  netc *n = e->n;
  bool ok = true;
  for (uint32_t i = 0; i < decl->map->entries.count; i++) {
    const net_entry *rule = &decl->map->entries.at[i];
    const char *name = net_dotted_text(n, &rule->path);
    if (rule->kind == NET_ENTRY_SET) {
      ok &= want_one(e, name, rule->path.loc, rule_settings, COUNT(rule_settings), "setting of quantize");
      continue;
    }
    if ((rule->kind != NET_ENTRY_BLOCK && rule->kind != NET_ENTRY_PATTERN) ||
        rule->value->kind != NET_EXPR_MAP) {
      net_error(n, rule->loc, "a rule is written linear { weight = integer(8, 4) } or \"head.*\" { … }");
      ok = false;
      continue;
    }
    if (rule->kind == NET_ENTRY_BLOCK)
      ok &= is_rule_kind(e, (net_ident){net_intern(n, name), rule->path.loc});
    for (uint32_t k = 0; k < rule->value->map->entries.count; k++)
      ok &= check_format(e, &rule->value->map->entries.at[k]);
  }
  return ok;
}

/* One of the values that an entry of a sweep stands for: of a list, of log(1e-6..0.1), of 2..8. */
static net_expr *first_value(net_expr *value) {
  if (value->kind == NET_EXPR_LIST && value->list.count) return value->list.at[0];
  if (value->kind == NET_EXPR_CALL && value->call.callee.parts.count == 1 && value->call.args.count)
    return first_value(value->call.args.at[0].value);
  return value->kind == NET_EXPR_RANGE ? value->range.low : value;
}

/* What a sweep sets must be there, and take such values: the program with it is checked as if it were the
 * file. */
static bool check_setting(net_elaborator *e, const net_entry *entry) {
  net_setting setting = {entry->path, first_value(entry->value), entry->loc};
  net_program *changed;
  if (!net_setting_apply(e->n, e->program, &setting, NULL, &changed)) return false;
  if (check_blocks(e->n, changed)) return true;
  const net_diagnostics *d = &e->n->diagnostics;
  net_loc last = d->list.at[d->list.count - 1].where;
  if (last.begin < entry->loc.begin || last.begin >= entry->loc.end)
    net_note(e->n, entry->loc, "with what this sweep sets");
  return false;
}

static bool check_sweep(net_elaborator *e, const net_map *map) {
  bool ok = true;
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *entry = &map->entries.at[i];
    const char *name = entry->path.parts.count ? net_dotted_text(e->n, &entry->path) : "";
    if (entry->kind == NET_ENTRY_BLOCK && !strcmp(name, "zip") && entry->value->kind == NET_EXPR_MAP) {
      ok &= check_sweep(e, entry->value->map);
    } else if (entry->kind != NET_ENTRY_SET) {
      net_error(e->n, entry->loc, "a sweep sets lists: train.batch_size = [64, 128]");
      ok = false;
    } else if (!is_one(name, sweep_settings, COUNT(sweep_settings))) {
      ok &= check_setting(e, entry);
    }
  }
  return ok;
}

/* linear.weight.width: an operator, a layer or a pattern in quotes; a tensor of it; what of its format varies
 */
static bool check_vary(net_elaborator *e, const net_entry *entry) {
  netc *n = e->n;
  const net_idents *parts = &entry->path.parts;
  bool quoted = entry->pattern.name.id != 0;
  if (parts->count != (quoted ? 2u : 3u)) {
    net_error(n, entry->path.loc,
              "what varies is a part of a format: linear.weight.width, \"head.*\".weight.width");
    return false;
  }
  net_ident kind = parts->at[0], tensor = parts->at[quoted ? 0 : 1];
  if (!quoted && !is_rule_kind(e, kind)) return false;
  return want_one(e, net_text(n, tensor.name), tensor.loc, tensors, COUNT(tensors), "tensor of an operator");
}

static bool check_search(net_elaborator *e, const net_map *map) {
  bool ok = true;
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *entry = &map->entries.at[i];
    const char *name = entry->path.parts.count ? net_dotted_text(e->n, &entry->path) : "";
    switch (entry->kind) {
    case NET_ENTRY_SET:
      ok &= want_one(e, name, entry->path.loc, search_settings, COUNT(search_settings), "setting of search");
      break;
    case NET_ENTRY_MINIMIZE:
    case NET_ENTRY_MAXIMIZE:
      ok &= want_one(e, name, entry->path.loc, aims, COUNT(aims), "quantity to aim at");
      break;
    case NET_ENTRY_REQUIRE:
      ok &= want_one(e, name, entry->path.loc, budgets, COUNT(budgets), "budget");
      break;
    case NET_ENTRY_VARY: ok &= check_vary(e, entry); break;
    default: net_error(e->n, entry->loc, "a search varies, aims and requires"), ok = false;
    }
  }
  return ok;
}

static bool check_require(net_elaborator *e, const net_map *map) {
  netc *n = e->n;
  bool ok = true;
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *entry = &map->entries.at[i];
    const char *name = entry->path.parts.count ? net_dotted_text(n, &entry->path) : "";
    if (entry->kind == NET_ENTRY_REQUIRE) {
      ok &= want_one(e, name, entry->path.loc, budgets, COUNT(budgets), "budget");
    } else if (entry->kind != NET_ENTRY_SET) {
      net_error(n, entry->loc, "a require block has budgets: flash <= 32 KiB");
      ok = false;
    } else if (!want_one(e, name, entry->path.loc, require_settings, COUNT(require_settings),
                         "setting of require")) {
      ok = false;
    } else if (!strcmp(name, "quantize")) {
      ok &= net_choose(e, NET_DECL_QUANTIZE, net_text(n, net_expr_word(entry->value)), entry->value->loc) !=
            NULL;
    }
  }
  return ok;
}

bool net_check_program(netc *n, const net_program *program) {
  net_elaborator e;
  if (!net_elaborator_begin(n, &n->arena, program, &e)) return false;
  bool ok = check_blocks(n, program);
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *decl = program->decls.at[i];
    switch (decl->kind) {
    case NET_DECL_QUANTIZE: ok &= check_quantize(&e, decl); break;
    case NET_DECL_SEARCH: ok &= check_search(&e, decl->map); break;
    case NET_DECL_REQUIRE: ok &= check_require(&e, decl->map); break;
    default: break;
    }
  }
  for (uint32_t i = 0, good = ok; good && i < program->decls.count;
       i++) /* each checks the program again, changed */
    if (program->decls.at[i]->kind == NET_DECL_SWEEP) ok &= check_sweep(&e, program->decls.at[i]->map);
  if (ok) net_warn_unused(n, program);
  return ok;
}
