/* One run of a sweep, in a process of its own: a training as netc train makes it. */
#include "driver/evaluation.h"
#include "driver/recording.h"
#include "driver/sweep.h"

#include "runtime/signals.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* ---- what it is ---- */

static void add_setting(dr_call *call, const char *path, const char *value) {
  net_vec_push(&call->n->arena, &call->settings, net_arena_format(&call->n->arena, "%s=%s", path, value));
}

bool dr_sweep_apply(const dr_sweeps *s, const dr_sweep_run *run, dr_subject *subject, bool seeded) {
  netc *n = s->call->n;
  const net_sweep *sweep = s->sweeps[run->sweep].points;
  for (uint32_t c = 0; c < sweep->column_count; c++) {
    net_setting setting = net_sweep_setting(sweep, run->point, c);
    if (!dr_apply_setting(subject, &setting)) return false;
    add_setting(subject->call, sweep->columns[c].text, net_sweep_at(sweep, run->point, c)->text);
  }
  if (!seeded || (!sweep->seeded && sweep->repeat == 1)) return true;
  uint64_t seed = (sweep->seeded ? sweep->seed : s->seed) + run->repeat;
  net_setting setting = net_sweep_seed(n, sweep, seed);
  add_setting(subject->call, "train.seed", net_arena_format(&n->arena, "%" PRIu64, seed));
  return dr_apply_setting(subject, &setting);
}

/* The command line that would make this run alone; its talk goes nowhere. */
static dr_call make_call(const dr_sweeps *s) {
  dr_call call = *s->call;
  static const dr_option_id ours[] = {DR_sweep, DR_test, DR_plot,  DR_resume, DR_out,
                                      DR_as,    DR_json, DR_color, DR_threads};
  for (uint32_t i = 0; i < sizeof ours / sizeof *ours; i++) call.value[ours[i]] = NULL;
  for (uint32_t v = 0; v < dr_verb_count; v++)
    if (!strcmp(dr_verbs[v].name, "train")) call.verb = &dr_verbs[v];
  call.settings.capacity = call.settings.count; /* what is added goes elsewhere */
  call.talk = call.out = fopen("/dev/null", "w");
  call.json = call.terminal = call.color = false;
  return call;
}

/* ---- what is told of it ---- */

static void tell(void *context, const rt_progress *p) {
  double in_epoch = p->samples_in_epoch ? (double)p->samples / (double)p->samples_in_epoch : 0;
  double part = (p->epoch - 1 + in_epoch) / p->epochs;
  if (!p->epoch_done) dr_channel_tell(context, &part, sizeof part);
}

/* With the place, where there is one. */
static const char *message_text(netc *n, const net_diagnostic *d) {
  net_position at = net_sources_find(&n->sources, d->where);
  if (!at.source) return d->message;
  return net_arena_format(&n->arena, "%s:%u:%u: %s", at.source->path, at.line, at.column, d->message);
}

static const char *first_error(netc *n, uint32_t from) {
  for (uint32_t i = from; i < n->diagnostics.list.count; i++)
    if (n->diagnostics.list.at[i].severity <= NET_FAULT) return message_text(n, &n->diagnostics.list.at[i]);
  return NULL;
}

static json_t *warnings(netc *n, uint32_t from) {
  json_t *list = json_array();
  for (uint32_t i = from; i < n->diagnostics.list.count; i++)
    if (n->diagnostics.list.at[i].severity == NET_WARNING)
      json_array_append_new(list, net_json_text(message_text(n, &n->diagnostics.list.at[i])));
  return list;
}

/* ---- the run ---- */

/* As netc test would evaluate it. */
static bool test(const dr_sweeps *s, const dr_sweep_run *run, dr_call *call, const char *best, rc_run *row) {
  dr_subject subject = s->base;
  dr_call again = *call;
  rt_data *data;
  rt_evaluation result;
  int code;
  subject.call = &again;
  again.settings = s->call->settings;
  again.settings.capacity = again.settings.count;
  if (!dr_sweep_apply(s, run, &subject, true) || !dr_elaborate(&subject)) return false;
  subject.experiment.recipe.train.threads = 1;
  rt_checkpoint *weights = rt_checkpoint_open(call->n, best);
  bool done = weights && dr_evaluate(&subject, weights, RT_TEST, NULL, 0, &data, &result, &code);
  if (done) row->test_loss = result.loss, row->test_accuracy = result.accuracy;
  return done;
}

static rc_status train(const dr_sweeps *s, const dr_sweep_run *run, dr_subject *subject, dr_channel *channel,
                       dr_recording *r) {
  dr_training t = {
      .subject = subject, .directory = run->directory, .resume = run->resume, .listener = {tell, channel}};
  const rt_data_spec *spec = subject->experiment.data;
  subject->experiment.recipe.train.threads = 1;
  if (spec && s->data_text && !strcmp(s->data_text, dr_data_text(s->call->n, spec))) t.data = s->data;
  dr_recording_begin(r, &t, false);
  int code = dr_training_run(&t);
  dr_recording_end(r);
  if (!r->run.options) r->run = dr_describe_run(subject, NULL, NULL, run->resume); /* it did not begin */
  if (code == DR_DONE && s->call->value[DR_test] && t.result.checkpoint &&
      !test(s, run, subject->call, t.result.checkpoint, &r->run))
    code = rt_signals_caught() ? DR_SIGNAL + rt_signals_caught() : DR_WRONG_INPUT;
  return code == DR_DONE ? RC_DONE : code > DR_SIGNAL ? RC_INTERRUPTED : RC_FAILED;
}

void dr_sweep_child(void *context, uint32_t job, dr_channel *channel) {
  dr_sweeps *s = context;
  netc *n = s->call->n;
  const dr_sweep_run *run = &s->runs[job];
  uint32_t from = n->diagnostics.list.count;
  dr_call call = make_call(s);
  dr_subject subject = s->base;
  dr_recording r = {.run = rc_run_empty()};
  subject.call = &call;
  if (!call.talk) return;
  r.run.status = RC_FAILED;
  r.run.network = s->network;
  bool right = dr_sweep_apply(s, run, &subject, true) && dr_elaborate(&subject);
  r.run.command = dr_command_text(&call);
  if (right) r.run.status = train(s, run, &subject, channel, &r);
  if (r.run.status == RC_FAILED) r.run.message = first_error(n, from);
  json_t *epochs = json_array();
  for (uint32_t i = 0; i < r.epochs.count; i++) json_array_append_new(epochs, rc_epoch_json(&r.epochs.at[i]));
  json_t *all = json_pack("{s:o, s:o, s:o}", "run", rc_run_json(&r.run, true), "epochs", epochs, "warnings",
                          warnings(n, from));
  char *text = json_dumps(all, JSON_COMPACT);
  if (text) dr_channel_give(channel, text, strlen(text));
}

/* ---- data ---- */

static json_t *names_json(const char *const *names, uint32_t count) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < count; i++) json_array_append_new(list, net_json_text(names[i]));
  return list;
}

static json_t *column_json(netc *n, const rt_column_spec *c) {
  if (!c) return json_null();
  return json_pack("{s:o, s:o}", "names", names_json(c->names, c->name_count), "shape",
                   net_json_text(net_shape_text(&n->arena, &c->shape)));
}

static json_t *source_json(netc *n, const rt_data_spec *spec, const rt_source_spec *s) {
  json_t *list = json_array();
  for (uint32_t i = 0; s->inputs && i < spec->input_count; i++)
    json_array_append_new(list, column_json(n, &s->inputs[i]));
  for (uint32_t i = 0; s->targets && i < spec->target_count; i++)
    json_array_append_new(list, column_json(n, &s->targets[i]));
  json_array_append_new(list, column_json(n, s->weight));
  return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", "kind", net_json_text(s->kind), "path",
                   net_json_text(s->path), "samples", (json_int_t)s->samples, "classes",
                   (json_int_t)s->classes, "seed", (json_int_t)s->seed, "columns", list);
}

static json_t *normalize_json(const rt_data_spec *spec) {
  json_t *chains = json_array();
  for (uint32_t i = 0; i < spec->normalize_count; i++) {
    const rt_normalize_chain *c = &spec->normalize[i];
    json_t *steps = json_array();
    for (uint32_t k = 0; k < c->step_count; k++)
      json_array_append_new(steps, json_pack("[i, o, o]", (int)c->steps[k].kind,
                                             net_json_number(c->steps[k].a), net_json_number(c->steps[k].b)));
    json_array_append_new(chains, json_pack("[o, o]", net_json_text(c->column), steps));
  }
  return chains;
}

const char *dr_data_text(netc *n, const rt_data_spec *spec) {
  json_t *list = json_array();
  json_array_append_new(list, source_json(n, spec, &spec->source));
  for (int s = 0; s < RT_SPLITS; s++) {
    json_array_append_new(list, source_json(n, spec, &spec->split_source[s]));
    json_array_append_new(list, net_json_number(spec->fraction[s]));
  }
  json_array_append_new(list, json_pack("[b, I]", spec->shuffle, (json_int_t)spec->seed));
  for (uint32_t i = 0; i < spec->input_count; i++)
    json_array_append_new(list, column_json(n, &spec->inputs[i]));
  for (uint32_t i = 0; i < spec->target_count; i++) {
    const rt_target_spec *t = &spec->targets[i];
    json_array_append_new(
        list, json_pack("[i, o, I]", (int)t->kind, column_json(n, &t->column), (json_int_t)t->classes));
  }
  json_array_append_new(list, column_json(n, spec->weight));
  json_array_append_new(list, names_json(spec->classes, spec->classes ? spec->class_count : 0));
  json_array_append_new(list, normalize_json(spec));
  char *text = json_dumps(list, JSON_COMPACT);
  const char *copy = net_arena_format(&n->arena, "%s %s", spec->name, text ? text : "?");
  free(text);
  json_decref(list);
  return copy;
}
