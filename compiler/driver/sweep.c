/* netc sweep: the trainings that sweep blocks stand for, one a core. */
#include "driver/sweep.h"

#include "driver/recording.h"
#include "driver/table_output.h"
#include "runtime/signals.h"

#include <math.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what is to be done ---- */

/* "a,b" */
static uint32_t split_names(dr_call *call, const char ***names) {
  const char *list = call->value[DR_sweep];
  uint32_t count = 0;
  *names = list ? NET_NEW_ARRAY(&call->n->arena, const char *, strlen(list) + 1) : NULL;
  for (const char *at = list; at;) {
    size_t length = strcspn(at, ",");
    (*names)[count++] = net_arena_copy(&call->n->arena, at, length);
    at = at[length] ? at + length + 1 : NULL;
  }
  return count;
}

static bool plan(dr_sweeps *s) {
  netc *n = s->call->n;
  const char **names;
  uint32_t count = split_names(s->call, &names);
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t k = 0; k < i; k++)
      if (!strcmp(names[i], names[k])) return dr_wrong(s->call, "--sweep names '%s' twice", names[i]), false;
  const net_sweep *points = net_elaborate_sweeps(n, &n->arena, s->base.program, names, &count);
  if (!points) return s->call->wrong |= names != NULL, false;
  s->sweep_count = count;
  s->sweeps = NET_NEW_ARRAY(&n->arena, dr_sweep, count);
  for (uint32_t i = 0; i < count; i++) s->run_count += points[i].point_count * points[i].repeat;
  s->runs = NET_NEW_ARRAY(&n->arena, dr_sweep_run, s->run_count);
  uint32_t job = 0;
  for (uint32_t i = 0; i < count; i++) {
    s->sweeps[i] = (dr_sweep){.points = &points[i], .name = net_text(n, points[i].name), .first = job};
    for (uint32_t p = 0; p < points[i].point_count; p++)
      for (uint32_t r = 0; r < points[i].repeat; r++)
        s->runs[job++] = (dr_sweep_run){.sweep = i, .point = p, .repeat = r, .row = rc_run_empty()};
    s->sweeps[i].count = job - s->sweeps[i].first;
  }
  return true;
}

/* The first run that is left, elaborated: for what all have in common. */
static bool look_at_first(dr_sweeps *s, dr_subject *subject) {
  uint32_t first = 0;
  while (first + 1 < s->run_count && s->runs[first].over) first++;
  dr_call *call = NET_NEW(&s->call->n->arena, dr_call);
  *call = *s->call;
  call->settings.capacity = call->settings.count; /* what is added goes elsewhere */
  *subject = s->base;
  subject->call = call;
  bool ok = dr_sweep_apply(s, &s->runs[first], subject, false) && dr_elaborate(subject);
  s->call->wrong |= call->wrong;
  if (ok && !subject->experiment.data)
    return net_error(s->call->n, NET_NOWHERE, "the program has no data: a sweep needs a data block"), false;
  return ok;
}

/* ---- while it runs ---- */

static void print_bar(const dr_sweeps *s) {
  const int cells = 24;
  double done = s->over;
  for (uint32_t i = 0; i < s->run_count; i++)
    if (!s->runs[i].over) done += s->runs[i].progress;
  done /= s->run_count;
  FILE *to = s->call->talk;
  int full = (int)(done * cells + 0.5);
  fprintf(to, "\r\033[K%3.0f %% ", 100 * done);
  for (int i = 0; i < cells; i++) fputs(i < full ? "█" : "░", to);
  fprintf(to, " %u of %u runs, %.0f s", s->over, s->run_count, now() - s->began);
  fflush(to);
}

static void say_ended(const dr_sweeps *s, const dr_sweep_run *run) {
  FILE *to = s->call->talk;
  const rc_run *row = &run->row;
  if (s->call->terminal) fputs("\r\033[K", to);
  fprintf(to, "%s: %s: ", s->sweeps[run->sweep].name, dr_sweep_settings_text(s, run));
  if (row->status == RC_DONE)
    fprintf(to, "loss %.4f, validation %.4f, %.2f s\n", row->train_loss, row->validation_loss, row->seconds);
  else fprintf(to, "%s\n", row->status == RC_INTERRUPTED ? "interrupted and saved" : row->message);
}

static uint32_t next(void *context) {
  dr_sweeps *s = context;
  while (s->next < s->run_count && s->runs[s->next].over) s->next++;
  if (s->next == s->run_count || s->broken) return DR_NO_JOB;
  s->broken = !dr_sweep_begin_run(s, s->next);
  return s->broken ? DR_NO_JOB : s->next++;
}

static void heard(void *context, uint32_t job, const void *bytes, size_t length) {
  dr_sweeps *s = context;
  if (length == sizeof s->runs[job].progress) memcpy(&s->runs[job].progress, bytes, length);
  if (s->call->terminal && !s->json) print_bar(s);
}

/* What children warn of, once: most of it concerns all. */
static void pass_on_warnings(dr_sweeps *s, const json_t *list) {
  netc *n = s->call->n;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    bool known = !text;
    for (uint32_t k = 0; k < n->diagnostics.list.count && !known; k++)
      known = !strcmp(n->diagnostics.list.at[k].message, text);
    if (!known) net_warning(n, NET_NOWHERE, "%s", text);
  }
}

static void ended(void *context, uint32_t job, const void *bytes, size_t length, const char *why) {
  dr_sweeps *s = context;
  json_t *result = bytes ? json_loadb(bytes, length, 0, NULL) : NULL;
  if (!result && !why) why = "its process gave no result that can be read";
  s->broken |= !dr_sweep_end_run(s, job, result, why);
  pass_on_warnings(s, json_object_get(result, "warnings"));
  json_decref(result);
  s->over += s->runs[job].over;
  if (!s->json) say_ended(s, &s->runs[job]);
  dr_flush(s->call);
  for (; s->json && s->printed < s->run_count && s->runs[s->printed].over; s->printed++)
    dr_sweep_print_run(s, s->printed);
}

/* ---- the verb ---- */

static const char *resume_text(dr_call *call) {
  netc *n = call->n;
  const char *out = call->value[DR_out];
  return net_arena_format(&n->arena, "%s --resume%s%s", dr_command_text(call), out ? " --out " : "",
                          out ? dr_quoted(n, out) : "");
}

static int finish(dr_sweeps *s, dr_workers_outcome outcome, int signal) {
  dr_call *call = s->call;
  bool over = s->over == s->run_count;
  dr_sweep_close(s, RC_INTERRUPTED);
  if (outcome == DR_WORKERS_INTERRUPTED && !over) {
    fprintf(call->talk, "interrupted: %u of %u runs are done; go on with: %s\n", s->over, s->run_count,
            resume_text(call));
    return DR_SIGNAL + signal;
  }
  if (!over) return DR_WRONG_INPUT; /* reported */
  dr_sweep_print(s);
  if (dr_has(call, DR_plot) && !dr_sweep_plot(s, call->value[DR_plot])) return DR_WRONG_INPUT;
  for (uint32_t i = 0; i < s->run_count; i++)
    if (s->runs[i].row.status == RC_DONE) return DR_DONE;
  net_error(call->n, NET_NOWHERE, "%s failed", s->run_count == 1 ? "the run" : "all runs");
  return DR_WRONG_INPUT;
}

static int run(dr_sweeps *s) {
  dr_call *call = s->call;
  netc *n = call->n;
  dr_subject first;
  uint32_t threads;
  if (!dr_threads(call, &threads)) return DR_WRONG_COMMAND;
  if (!look_at_first(s, &first)) return DR_WRONG_INPUT;
  const rt_data_spec *spec = first.experiment.data;
  s->network = net_text(n, first.experiment.network.graph->name);
  s->seed = first.experiment.recipe.train.seed;
  s->folder = call->value[DR_out] ? call->value[DR_out] : net_arena_format(&n->arena, "runs/%s", s->network);
  s->record = call->value[DR_out] ? call->value[DR_out] : "runs";
  if (dr_has(call, DR_test) && !(rt_data_splits(spec) >> RT_TEST & 1))
    return net_error(n, spec->where, "--test evaluates on the test split, and these data have none"),
           DR_WRONG_INPUT;
  dr_flush(call);
  rt_data *data = rt_data_load(n, spec, rt_data_splits(spec) & ~(1u << RT_TEST), NULL);
  if (!data) return DR_WRONG_INPUT;
  s->data = data;
  s->data_text = dr_data_text(n, spec);
  int code = DR_WRONG_INPUT;
  if (dr_sweep_open(s, dr_has(call, DR_resume))) {
    dr_jobs jobs = {next, dr_sweep_child, heard, ended, s};
    if (!s->json && s->over < s->run_count)
      fprintf(call->talk, "%s: %u run%s%s, %u at once\n", s->network, s->run_count - s->over,
              s->run_count - s->over == 1 ? "" : "s", s->over ? " left" : "", threads);
    for (; s->json && s->printed < s->run_count && s->runs[s->printed].over; s->printed++)
      dr_sweep_print_run(s, s->printed);
    dr_workers_outcome outcome = dr_workers_run(n, &jobs, threads);
    code = finish(s, outcome, rt_signals_caught());
  } else {
    dr_sweep_close(s, RC_INTERRUPTED);
  }
  rt_data_free(data);
  return code;
}

/* Before anything is computed. */
static bool can_plot(dr_call *call) {
  const char *path = call->value[DR_plot];
  size_t length = path ? strlen(path) : 0;
  if (!path) return true;
  if (length < 5 || (strcmp(path + length - 4, ".svg") && strcmp(path + length - 4, ".png")))
    return dr_wrong(call, "--plot takes a file that ends in .svg or .png, not '%s'", path), false;
  return true;
}

int dr_sweep_verb(dr_call *call) {
  dr_sweeps s = {.call = call, .began = now()};
  dr_form form;
  rt_signals signals;
  if (!dr_table_form(call, &form)) return DR_WRONG_COMMAND;
  if (!can_plot(call)) return DR_WRONG_INPUT;
  s.json = form == DR_AS_JSON;
  if (!dr_open(call, &s.base) || !dr_check_program(&s.base) || !plan(&s)) return DR_WRONG_INPUT;
  if (!rc_available())
    return net_error(call->n, NET_NOWHERE,
                     "a sweep keeps a record of its runs, and this netc was built without SQLite"),
           DR_WRONG_INPUT;
  rt_signals_catch(&signals);
  int code = run(&s);
  fflush(call->out);
  rt_signals_release(&signals);
  return code;
}
