/* optimizer = … and schedule = … of a train block. */
#include "dsl/elaborate_train.h"

/* ---- optimiser ---- */

static bool is_optimizer(netc *n, const net_op *op) {
  const net_op_field *fields;
  uint32_t count = net_op_inputs(n, op, &fields);
  for (uint32_t i = 0; i < count; i++)
    if (op->class == OP_UPDATE && !strcmp(fields[i].name, "rate")) return true;
  return false;
}

bool net_take_optimizer(net_elaborator *e, const net_entry *entry, void *into) {
  net_recipe_maker *m = into;
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, entry->value, "an optimizer", &name, &args)) return false;
  const net_op *op = net_op_find(n, net_text(n, name.name), NULL);
  if (!op || !is_optimizer(n, op)) {
    const char **names = NET_NEW_ARRAY(&n->arena, const char *, n->op_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n->op_count; i++)
      if (is_optimizer(n, &n->ops[i])) names[count++] = n->ops[i].name;
    net_error(n, name.loc, "there is no optimizer '%s'%s", net_text(n, name.name),
              net_suggestion(n, net_text(n, name.name), names, count));
    return false;
  }
  const net_op_field *fields;
  uint32_t count = net_op_attributes(n, op, &fields), given = 0;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, count + 1);
  for (uint32_t k = 0; k < count; k++) names[k] = fields[k].name;
  names[count] = "learning_rate";
  net_attribute *attributes = NET_NEW_ARRAY(e->arena, net_attribute, count + 1);
  bool ok = true;
  for (uint32_t i = 0; args && i < args->count; i++) {
    const net_arg *arg = &args->at[i];
    const char *key = arg->name.name.id ? net_text(n, arg->name.name) : "learning_rate";
    double real;
    bool boolean;
    if (!arg->name.name.id && i) {
      net_error(n, arg->loc, "only the learning rate may stand without a name");
      ok = false;
    } else if (!strcmp(key, "learning_rate")) {
      ok &= net_evaluate_real(n, &e->constants, arg->value, "the learning rate", &real);
      if (ok && !(real > 0)) net_error(n, arg->loc, "the learning rate must be above 0"), ok = false;
      if (ok) m->rates.at[0] = real;
    } else {
      uint32_t k = 0;
      while (k < count && strcmp(fields[k].name, key)) k++;
      if (k == count) {
        net_error(n, arg->name.loc, "'%s' has no argument '%s'%s", op->name, key,
                  net_suggestion(n, key, names, count + 1));
        ok = false;
      } else if (net_op_attribute_kind(&fields[k]) == NET_ATTRIBUTE_BOOL) {
        ok &= net_evaluate_boolean(n, &e->constants, arg->value, key, &boolean);
        if (ok) attributes[given++] = net_attribute_bool(n, key, boolean);
      } else {
        ok &= net_evaluate_real(n, &e->constants, arg->value, key, &real);
        if (ok && !(real >= 0)) net_error(n, arg->loc, "'%s' must be at least 0", key), ok = false;
        if (ok) attributes[given++] = net_attribute_real(n, key, real);
      }
    }
  }
  net_optimizer *optimizer = &m->recipe->optimizer;
  optimizer->op = op->name, optimizer->attributes = attributes, optimizer->attribute_count = given;
  optimizer->loc = entry->loc;
  return ok;
}

/* ---- schedule ---- */

NET_TAKE_REAL(take_minimum, "the lowest learning rate", x >= 0, "at least 0", recipe->train.schedule.minimum)
NET_TAKE_REAL(take_factor, "the factor of the learning rate", x > 0 && x <= 1, "above 0 and at most 1",
              recipe->train.schedule.factor)
NET_TAKE_REAL(take_warmup, "the epochs of warm-up", x >= 0, "at least 0", recipe->train.schedule.warmup)
NET_TAKE_INTEGER(take_every, "the epochs of a step", 1, 1000000000, recipe->train.schedule.every, uint32_t)

static const net_key constant_keys[] = {{"warmup", take_warmup, NULL}};
static const net_key step_keys[] = {
    {"every", take_every, NULL}, {"factor", take_factor, NULL}, {"warmup", take_warmup, NULL}};
static const net_key cosine_keys[] = {{"minimum", take_minimum, NULL}, {"warmup", take_warmup, NULL}};

static const struct {
  const char *name;
  rt_schedule_kind kind;
  const net_key *keys;
  uint32_t key_count;
} schedules[] = {{"constant", RT_CONSTANT, constant_keys, 1},
                 {"step", RT_STEP_DECAY, step_keys, 3},
                 {"cosine", RT_COSINE, cosine_keys, 2}};
enum { SCHEDULES = sizeof schedules / sizeof *schedules };

bool net_take_schedule(net_elaborator *e, const net_entry *entry, void *into) {
  netc *n = e->n;
  net_ident name;
  const net_args *args;
  if (!net_as_call(e, entry->value, "a schedule", &name, &args)) return false;
  const char *text = net_text(n, name.name), *names[SCHEDULES];
  for (uint32_t i = 0; i < SCHEDULES; i++) {
    names[i] = schedules[i].name;
    if (strcmp(schedules[i].name, text)) continue;
    ((net_recipe_maker *)into)->recipe->train.schedule.kind = schedules[i].kind;
    return net_take_args(e, args, 0, schedules[i].keys, schedules[i].key_count, schedules[i].key_count - 1,
                         net_arena_format(&n->arena, "schedule '%s'", text), into);
  }
  net_error(n, name.loc, "there is no schedule '%s'%s", text, net_suggestion(n, text, names, SCHEDULES));
  return false;
}
