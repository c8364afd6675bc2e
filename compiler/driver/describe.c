/* What a run is made of, as the record keeps it. */
#include "config.h"

#include "driver/recording.h"

#include "dsl/evaluate.h"
#include "dsl/format.h"
#include "runtime/fingerprint.h"
#include "runtime/hash.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- settings by path ---- */

typedef struct {
  netc *n;
  json_t *object;
} settings;

static json_t *constant_json(netc *n, const net_constant *c) {
  switch (c->kind) {
  case NET_CONSTANT_INTEGER: return json_integer(c->integer);
  case NET_CONSTANT_REAL: return net_json_number(c->real);
  case NET_CONSTANT_BOOLEAN: return json_boolean(c->boolean);
  default: return net_json_text(net_constant_text(n, c));
  }
}

static json_t *value_json(netc *n, const net_expr *e) {
  net_scope scope = {0};
  net_constant c;
  bool plain = e->kind == NET_EXPR_INTEGER || e->kind == NET_EXPR_REAL || e->kind == NET_EXPR_NEGATE;
  net_diagnostics before = n->diagnostics;
  if (plain && net_evaluate(n, &scope, e, &c)) return constant_json(n, &c);
  net_diagnostics_forget(n, &before); /* it is a text then: -x */
  if (net_expr_is(n, e, "true") || net_expr_is(n, e, "false")) return json_boolean(net_expr_is(n, e, "true"));
  return net_json_text(e->kind == NET_EXPR_STRING ? net_text(n, e->string) : net_format_expr(n, e));
}

static void put_map(settings *s, const char *prefix, const net_map *map);

/* optimizer = adam(learning_rate = 1e-3): the call by its name, named arguments by theirs. */
static void put(settings *s, const char *path, const net_expr *e) {
  netc *n = s->n;
  if (e->kind == NET_EXPR_MAP) {
    put_map(s, path, e->map);
    return;
  }
  bool named = e->kind == NET_EXPR_CALL && e->call.args.count;
  for (uint32_t i = 0; named && i < e->call.args.count; i++) named = e->call.args.at[i].name.name.id != 0;
  if (!named) {
    json_object_set_new(s->object, path, value_json(n, e));
    return;
  }
  json_object_set_new(s->object, path, net_json_text(net_dotted_text(n, &e->call.callee)));
  for (uint32_t i = 0; i < e->call.args.count; i++) {
    const net_arg *a = &e->call.args.at[i];
    put(s, net_arena_format(&n->arena, "%s.%s", path, net_text(n, a->name.name)), a->value);
  }
}

static void put_map(settings *s, const char *prefix, const net_map *map) {
  for (uint32_t i = 0; map && i < map->entries.count; i++) {
    const net_entry *e = &map->entries.at[i];
    if (e->kind == NET_ENTRY_SET)
      put(s, net_arena_format(&s->n->arena, "%s.%s", prefix, net_dotted_text(s->n, &e->path)), e->value);
  }
}

static const net_decl *data_block(const dr_subject *subject) {
  const rt_data_spec *data = subject->experiment.data;
  return data ? net_program_find(subject->program, NET_DECL_DATA, net_intern(subject->call->n, data->name))
              : NULL;
}

/* 0.8 as 0.8 where that says it all. */
static const char *dump(netc *n, const json_t *object) {
  char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
  json_t *again = text ? json_loads(text, 0, NULL) : NULL;
  if (!json_equal(object, again)) {
    free(text);
    text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
  }
  const char *copy = net_arena_copy(&n->arena, text ? text : "{}", text ? strlen(text) : 2);
  free(text);
  json_decref(again);
  return copy;
}

const char *dr_describe_settings(dr_subject *subject) {
  netc *n = subject->call->n;
  const net_experiment *e = &subject->experiment;
  const rt_train_spec *train = &e->recipe.train;
  const net_decl *data = data_block(subject), *network = e->network.decl;
  settings s = {n, json_object()};
  if (e->recipe.decl) put_map(&s, "train", e->recipe.decl->map);
  json_object_set_new(s.object, "train.epochs", json_integer(train->epochs));
  json_object_set_new(s.object, "train.batch_size", json_integer(train->batch_size));
  json_object_set_new(s.object, "train.optimizer.learning_rate", net_json_number(train->rates[0]));
  json_object_set_new(s.object, "train.seed",
                      train->seed <= INT64_MAX
                          ? json_integer((json_int_t)train->seed)
                          : net_json_text(net_arena_format(&n->arena, "%" PRIu64, train->seed)));
  if (data) put_map(&s, "data", data->map);
  for (uint32_t i = 0; network && i < network->params.count; i++) {
    const net_param *p = &network->params.at[i];
    if (p->value)
      put(&s,
          net_arena_format(&n->arena, "%s.%s", net_text(n, network->name.name), net_text(n, p->name.name)),
          p->value);
  }
  const char *text = dump(n, s.object);
  json_decref(s.object);
  return text;
}

/* ---- the command line ---- */

const char *dr_quoted(netc *n, const char *word) {
  bool plain = *word != 0;
  for (const char *c = word; *c; c++) plain &= isalnum((unsigned char)*c) || strchr("_-./=:,+@%", *c);
  if (plain) return word;
  char *text = net_arena_alloc(&n->arena, 4 * strlen(word) + 3, 1), *at = text;
  *at++ = '\'';
  for (; *word; word++)
    if (*word == '\'') at += sprintf(at, "'\\''");
    else *at++ = *word;
  *at++ = '\'';
  return text;
}

const char *dr_command_text(dr_call *call) {
  netc *n = call->n;
  const char *text = net_arena_format(&n->arena, "netc %s", call->verb->name);
  for (uint32_t i = 0; i < call->arguments.count; i++)
    text = net_arena_format(&n->arena, "%s %s", text, dr_quoted(n, call->arguments.at[i]));
  for (dr_option_id o = 0; o < DR_OPTIONS; o++) {
    if (!dr_has(call, o) || o == DR_set || o == DR_out || o == DR_resume) continue;
    text = net_arena_format(&n->arena, "%s --%s%s%s", text, dr_options[o].name,
                            dr_options[o].argument ? " " : "",
                            dr_options[o].argument ? dr_quoted(n, call->value[o]) : "");
  }
  for (uint32_t i = 0; i < call->settings.count; i++)
    text = net_arena_format(&n->arena, "%s --set %s", text, dr_quoted(n, call->settings.at[i]));
  return text;
}

/* A file by a name that stays its own when `latest` has moved on. */
static const char *fixed_path(netc *n, const char *path) {
  char *real = strstr(path, "latest") ? realpath(path, NULL) : NULL;
  if (!real) return path;
  const char *copy = net_arena_copy(&n->arena, real, strlen(real));
  free(real);
  return copy;
}

/* Options that decide what comes out, a line each. */
static const char *options_text(dr_subject *subject, bool resumed) {
  dr_call *call = subject->call;
  netc *n = call->n;
  static const dr_option_id kept[] = {DR_train, DR_data, DR_epochs, DR_batch_size, DR_learning_rate,
                                      DR_seed,  DR_load, DR_match,  DR_quantize,   DR_cpu};
  const char *text = "";
  for (uint32_t i = 0; i < call->settings.count; i++)
    text = net_arena_format(&n->arena, "%s--set %s\n", text, call->settings.at[i]);
  for (uint32_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (dr_has(call, kept[i]))
      text =
          net_arena_format(&n->arena, "%s--%s %s\n", text, dr_options[kept[i]].name,
                           kept[i] == DR_load ? fixed_path(n, call->value[kept[i]]) : call->value[kept[i]]);
  if (subject->checkpoint && !resumed && !dr_has(call, DR_load))
    text = net_arena_format(&n->arena, "%s--load %s\n", text, fixed_path(n, call->arguments.at[0]));
  return text;
}

/* ---- hashes ---- */

static const char *digits(netc *n, uint64_t hash) { return net_arena_format(&n->arena, "%016" PRIx64, hash); }

const char *dr_program_hash(netc *n, const char *text) { return digits(n, rt_hash(text)); }

const char *dr_weights_hash(netc *n, const char *path) {
  const rt_checkpoint *c = rt_checkpoint_open(n, path);
  return c ? digits(n, rt_fingerprint_weights(c)) : NULL;
}

/* ---- the run ---- */

static const char *name_of(netc *n, net_name name) { return name.id ? net_text(n, name) : NULL; }

rc_run dr_describe_run(dr_subject *subject, const rt_program *program, const rt_data *data, bool resumed) {
  dr_call *call = subject->call;
  netc *n = call->n;
  const net_experiment *e = &subject->experiment;
  rc_run run = rc_run_empty();
  run.network = net_text(n, e->network.graph->name);
  run.recipe = e->recipe.decl ? name_of(n, e->recipe.decl->name.name) : NULL;
  run.data = e->data ? e->data->name : NULL;
  run.quantize = subject->choice.quantize;
  run.settings = dr_describe_settings(subject);
  run.options = options_text(subject, resumed);
  run.seed = e->recipe.train.seed;
  run.program_name = call->arguments.at[0];
  run.program = net_program_text(n, subject->program);
  run.program_hash = dr_program_hash(n, run.program);
  run.data_hash = data ? digits(n, rt_fingerprint_data(data)) : NULL;
  run.target = program ? program->target : NULL;
  run.machine = rc_machine(&n->arena);
  run.version = PACKAGE_VERSION;
  run.command = dr_command_text(call);
  return run;
}
