/* netc search: tries what a search block varies, and says what no other trial beats. */
#include "driver/recording.h"
#include "driver/search.h"

#include "driver/runs.h"
#include "runtime/signals.h"

#include <math.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what is searched ---- */

/* The block: named, or the only one. */
static bool choose(dr_searching *s) {
  dr_call *call = s->call;
  netc *n = s->n;
  const net_decl *only;
  uint32_t count = net_program_count(s->subject.program, NET_DECL_SEARCH, &only);
  const char *name = call->value[DR_search];
  if (!count)
    return net_error(
               n, NET_NOWHERE,
               "the program has no search block: search mixed { vary linear.weight.width in 2..8, minimize "
               "bitops }"),
           false;
  if (!name && count > 1)
    return dr_wrong(call, "%s has several search blocks: name one with --search: %s", call->arguments.at[0],
                    net_program_names(n, s->subject.program, NET_DECL_SEARCH)),
           false;
  if (name && !net_program_find(s->subject.program, NET_DECL_SEARCH, net_intern(n, name)))
    return dr_wrong(call, "there is no search '%s' in %s; it has %s", name, call->arguments.at[0],
                    net_program_names(n, s->subject.program, NET_DECL_SEARCH)),
           false;
  if (!net_elaborate_search(n, &n->arena, s->subject.program, name, &s->search)) return false;
  uint64_t trials = s->search.trials;
  if (!dr_integer(call, DR_trials, 1, 10000000, &trials)) return false;
  s->search.trials = (uint32_t)trials;
  return true;
}

/* What is measured: what the block speaks of, and what a table of results should not be without. */
static void choose_needs(dr_searching *s) {
  memcpy(s->needs, s->search.needs, sizeof s->needs);
  s->needs[NET_BUDGET_loss] = s->needs[NET_BUDGET_accuracy] = true;
  s->needs[NET_BUDGET_bitops] = s->needs[NET_BUDGET_weight_bytes] = true;
}

/* The network as it is. Processes are forked: the one that forks them keeps to one thread. */
static bool open_subject(dr_searching *s) {
  dr_call *call = s->call;
  if (!dr_threads(call, &s->at_once)) return false;
  s->command = dr_command_text(call);
  call->value[DR_threads] = "1";
  if (!dr_open(call, &s->subject) || !choose(s)) return false;
  s->subject.choice.quantize = NULL; /* the base is the search's */
  if (!dr_elaborate(&s->subject)) return false;
  choose_needs(s);
  s->trains = s->search.varies_settings;
  if (s->trains && s->search.fine_tune)
    net_warning(s->n, s->search.loc, "fine_tune is for formats alone: trials of settings are trained anyway");
  if (!s->subject.experiment.data)
    return net_error(s->n, NET_NOWHERE, "the program has no data: a search needs a data block"), false;
  return net_search_begin(s->n, &s->n->arena, s->subject.program, &s->search, s->subject.plain, &s->points);
}

/* The weights of all trials: --load, FILE or the latest run; --out names none here. */
static bool find_weights(dr_searching *s) {
  dr_call *call = s->call;
  const char *out = call->value[DR_out];
  call->value[DR_out] = NULL;
  if (!s->trains) s->weights = dr_find_weights(&s->subject);
  call->value[DR_out] = out;
  if (!s->trains && s->weights && !rt_checkpoint_is_netc(s->weights))
    return net_error(
               s->n, NET_NOWHERE,
               "%s is no checkpoint of netc's, which a search needs: the winner keeps its normalisation "
               "(netc train --load, with --match, makes one)",
               rt_checkpoint_path(s->weights)),
           false;
  return s->trains || s->weights;
}

static bool begin_candidates(dr_searching *s) {
  net_quantization *base = NET_NEW(&s->n->arena, net_quantization);
  if (s->trains) return true;
  *base = s->points.base;
  s->candidates = dr_candidates_begin(&(dr_candidates_request){.subject = &s->subject,
                                                               .weights = s->weights,
                                                               .base = base,
                                                               .split = RT_VALIDATION,
                                                               .drop = s->needs[NET_BUDGET_accuracy_drop]});
  return s->candidates != NULL;
}

/* --out, or one named after the experiment, so that the latest run stays what was trained last. */
static void find_directory(dr_searching *s) {
  netc *n = s->n;
  s->directory = s->call->value[DR_out];
  if (!s->directory)
    s->directory = net_arena_format(&n->arena, "runs/%s/search_%04lld", s->experiment.network,
                                    (long long)s->experiment.id);
}

/* ---- the search ---- */

static void progress(dr_searching *s, bool end) {
  dr_call *call = s->call;
  if (!call->terminal || call->json) return;
  fprintf(call->talk, "\r%u of at most %u trials%s", sr_trial_count(s->strategy),
          sr_trials_expected(s->strategy), end ? "\n" : "");
  fflush(call->talk);
}

/* Where all that varies are widths, those come first that are the same in all layers, for each line that
 * varies something; so what is found is nowhere worse than these. Gives how many. */
static uint32_t uniform_points(dr_searching *s, const double **points) {
  const sr_space *space = &s->points.space;
  const net_vary *varies = s->search.varies;
  double count = 1;
  for (uint32_t v = 0; v < s->search.vary_count; v++) {
    if (varies[v].field != NET_VARY_WIDTH || varies[v].list) return 0;
    count *= varies[v].values.high - varies[v].values.low + 1;
  }
  if (count > s->search.trials / 4) return 0;
  double *x = NET_NEW_ARRAY(&s->n->arena, double, (size_t)count * space->count);
  for (uint32_t k = 0; k < (uint32_t)count; k++) {
    uint32_t rest = k; /* the first line changes fastest */
    for (uint32_t v = 0; v < s->search.vary_count; v++) {
      uint32_t values = (uint32_t)(varies[v].values.high - varies[v].values.low) + 1;
      for (uint32_t i = 0; i < space->count; i++)
        if (s->points.parameters[i].vary == &varies[v])
          x[k * space->count + i] = varies[v].values.low + rest % values;
      rest /= values;
    }
  }
  *points = x;
  return (uint32_t)count;
}

static bool run_trials(dr_searching *s) {
  net_search *search = &s->search;
  sr_setup setup = {.strategy = search->strategy,
                    .space = s->points.space,
                    .objectives = search->aim_count,
                    .trials = search->trials,
                    .population = search->population,
                    .levels = search->levels,
                    .seed = search->seed};
  setup.start_count = uniform_points(s, &setup.starts);
  s->strategy = sr_begin(s->n, &s->n->arena, &setup, search->loc);
  if (!s->strategy) return false;
  for (uint32_t first, count; sr_ask(s->strategy, &first, &count);) {
    progress(s, false);
    if (!dr_search_batch(s, first, count)) return false;
    if (rt_signals_caught()) return s->signal = rt_signals_caught(), false;
  }
  progress(s, true);
  return s->trains || !search->fine_tune || dr_search_tune(s);
}

/* Why there is no winner. */
static int nothing_found(dr_searching *s) {
  uint32_t failed = 0;
  const char *message = NULL;
  for (uint32_t i = 0; i < s->outcomes.count; i++) {
    if (s->outcomes.at[i].done) continue;
    failed++;
    if (!message) message = s->outcomes.at[i].message;
  }
  if (failed == s->outcomes.count)
    net_error(s->n, s->search.loc, "all %u trials failed, the first one so: %s", failed, message);
  else
    net_error(s->n, s->search.loc, "none of %u trials holds all requirements (%u failed)", s->outcomes.count,
              failed);
  return failed == s->outcomes.count ? DR_WRONG_INPUT : DR_DOES_NOT_HOLD;
}

static int interrupted(dr_searching *s) {
  dr_search_record_end(s, RC_INTERRUPTED, NULL);
  if (!s->call->json)
    fprintf(s->call->talk,
            "interrupted, and what was tried is kept; go on with the same command and --resume\n");
  return DR_SIGNAL + s->signal;
}

static int failed(dr_searching *s) {
  const net_diagnostics *d = &s->n->diagnostics;
  const char *message = d->list.count ? d->list.at[d->list.count - 1].message : NULL;
  if (s->db) dr_search_record_end(s, RC_FAILED, message);
  return DR_WRONG_INPUT;
}

static int finish(dr_searching *s, double seconds) {
  uint32_t count;
  const char *checkpoint = NULL;
  dr_search_row *rows = dr_search_rows(s, &count);
  if (!count) {
    int code = nothing_found(s);
    dr_search_record_end(s, RC_DONE, s->n->diagnostics.list.at[s->n->diagnostics.list.count - 1].message);
    return code;
  }
  if (!dr_search_write(s, &rows[0], &checkpoint) || !dr_search_report(s, rows, count, checkpoint, seconds))
    return failed(s);
  return dr_search_record_end(s, RC_DONE, NULL) ? DR_DONE : DR_WRONG_INPUT;
}

static int search(dr_searching *s) {
  double began = now();
  bool ready = open_subject(s) && find_weights(s);
  if (ready && dr_has(s->call, DR_out) && !dr_has(s->call, DR_resume)) ready = dr_can_begin(s->call);
  if (!ready || !begin_candidates(s)) return DR_WRONG_INPUT;
  if (!dr_search_record_begin(s, dr_has(s->call, DR_resume))) return failed(s);
  find_directory(s);
  if (!run_trials(s)) return s->signal ? interrupted(s) : failed(s);
  return finish(s, now() - began);
}

int dr_search(dr_call *call) {
  dr_searching s = {.call = call, .n = call->n};
  dr_form form;
  rt_signals signals;
  if (!dr_table_form(call, &form)) return DR_WRONG_COMMAND;
  rt_signals_catch(&signals);
  int code = search(&s);
  if (s.db) rc_close(s.db);
  dr_candidates_end(s.candidates);
  fflush(call->out);
  rt_signals_release(&signals);
  return code;
}
