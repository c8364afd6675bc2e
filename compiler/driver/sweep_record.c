/* Sweeps in the record: an experiment each, and what they go on with. */
#include "config.h"

#include "driver/recording.h"
#include "driver/runs.h"
#include "driver/sweep.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a sweep that goes on must agree on, beside program, network and name. */
static const char *settings_json(dr_call *call) {
  static const dr_option_id kept[] = {DR_train, DR_data, DR_quantize, DR_load, DR_match, DR_test};
  json_t *object = json_object();
  for (uint32_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (dr_has(call, kept[i]))
      json_object_set_new(object, dr_options[kept[i]].name, net_json_text(call->value[kept[i]]));
  json_object_set_new(object, "version", net_json_text(PACKAGE_VERSION));
  char *text = json_dumps(object, JSON_COMPACT);
  const char *copy = net_arena_copy(&call->n->arena, text ? text : "", text ? strlen(text) : 0);
  free(text);
  json_decref(object);
  return copy;
}

static rc_experiment describe(dr_sweeps *s, const dr_sweep *sweep) {
  netc *n = s->call->n;
  const char *text = net_program_text(n, s->base.program);
  return (rc_experiment){.kind = RC_SWEEP,
                         .name = sweep->name,
                         .network = s->network,
                         .program_hash = dr_program_hash(n, text),
                         .program = text,
                         .command = dr_command_text(s->call),
                         .settings = settings_json(s->call),
                         .version = PACKAGE_VERSION,
                         .machine = rc_machine(&n->arena)};
}

/* ---- going on ---- */

static bool is_directory(const char *path) {
  struct stat st;
  return path && !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* What the record knows of the sweep's runs. */
static bool take_runs(dr_sweeps *s, dr_sweep *sweep) {
  rc_filter filter = {.kind = -1, .status = -1, .experiment = sweep->experiment.id};
  rc_run *rows;
  uint32_t count;
  if (!rc_runs(sweep->db, &filter, &rows, &count)) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (rows[i].number < 1 || rows[i].number > sweep->count) continue;
    dr_sweep_run *run = &s->runs[sweep->first + (uint32_t)rows[i].number - 1];
    const char *directory = rows[i].directory;
    run->row = rows[i];
    run->over = rows[i].status == RC_DONE || rows[i].status == RC_FAILED;
    run->directory = run->over || is_directory(directory) ? directory : NULL;
    if (!run->over && run->directory)
      run->resume = !access(net_arena_format(&s->call->n->arena, "%s/last.safetensors", directory), F_OK);
    s->over += run->over;
  }
  return true;
}

/* The newest that is done already. */
static bool find_done(dr_sweep *sweep, const rc_experiment *like) {
  rc_filter filter = {.network = like->network, .kind = RC_SWEEP, .status = RC_DONE};
  rc_experiment *found;
  uint32_t count;
  if (!rc_experiments(sweep->db, &filter, &found, &count)) return false;
  for (uint32_t i = 0; i < count; i++)
    if (found[i].id > sweep->experiment.id && found[i].name && !strcmp(found[i].name, like->name) &&
        !strcmp(found[i].program_hash, like->program_hash) && !strcmp(found[i].settings, like->settings))
      sweep->experiment = found[i];
  return true;
}

static bool begin_or_resume(dr_sweeps *s, dr_sweep *sweep, bool resume) {
  rc_experiment like = describe(s, sweep);
  if (!rc_open(s->call->n, s->record, RC_STRICT, &sweep->db)) return false;
  if (resume) {
    if (!rc_experiment_resume(sweep->db, &like, &sweep->experiment)) return false;
    if (!sweep->experiment.id && !find_done(sweep, &like)) return false;
    if (sweep->experiment.id) return take_runs(s, sweep);
    fprintf(s->call->talk, "%s: there is no sweep of this program to go on with: it begins\n", sweep->name);
  }
  sweep->experiment = like;
  return rc_experiment_begin(sweep->db, &sweep->experiment);
}

bool dr_sweep_open(dr_sweeps *s, bool resume) {
  for (uint32_t i = 0; i < s->sweep_count; i++)
    if (!begin_or_resume(s, &s->sweeps[i], resume)) return false;
  return true;
}

/* A sweep whose runs are all over is done, however the others are. */
void dr_sweep_close(dr_sweeps *s, rc_status status) {
  for (uint32_t i = 0; i < s->sweep_count; i++) {
    dr_sweep *sweep = &s->sweeps[i];
    bool over = true;
    for (uint32_t k = 0; k < sweep->count; k++) over &= s->runs[sweep->first + k].over;
    rc_status now = over ? RC_DONE : status;
    if (sweep->db && sweep->experiment.id && !s->broken && sweep->experiment.status != RC_DONE)
      rc_experiment_end(sweep->db, sweep->experiment.id, now, NULL);
    rc_close(sweep->db);
    sweep->db = NULL;
  }
}

/* ---- runs ---- */

/* Of a run, as far as it is known before it is elaborated. */
static void set_number(const dr_sweeps *s, uint32_t job, rc_run *row) {
  const dr_sweep *sweep = &s->sweeps[s->runs[job].sweep];
  row->experiment = sweep->experiment.id;
  row->number = job - sweep->first + 1;
  row->directory = s->runs[job].directory;
}

bool dr_sweep_begin_run(dr_sweeps *s, uint32_t job) {
  dr_sweep_run *run = &s->runs[job];
  const rc_experiment *e = &s->sweeps[run->sweep].experiment;
  if (!run->directory && !(run->directory = dr_new_run_in(s->call->n, s->folder))) return false;
  run->row = rc_run_empty();
  run->row.network = s->network;
  run->row.program_hash = e->program_hash;
  run->row.program = e->program;
  run->row.version = e->version;
  set_number(s, job, &run->row);
  return rc_run_begin(s->sweeps[run->sweep].db, &run->row);
}

/* A run that could not begin leaves no directory. */
static void drop_directory(dr_sweeps *s, dr_sweep_run *run) {
  netc *n = s->call->n;
  if (access(net_arena_format(&n->arena, "%s/last.safetensors", run->directory), F_OK)) {
    dr_drop_run_in(n, s->folder, run->directory);
    run->directory = run->row.directory = NULL;
  }
}

/* Only what tables show is kept of a run that is over. */
static void forget_texts(rc_run *row) {
  row->program = row->settings = row->options = row->machine = row->command = row->place = NULL;
}

bool dr_sweep_end_run(dr_sweeps *s, uint32_t job, const json_t *result, const char *why) {
  netc *n = s->call->n;
  dr_sweep_run *run = &s->runs[job];
  rc_run begun = run->row;
  const json_t *list = json_object_get(result, "epochs");
  uint32_t count = (uint32_t)json_array_size(list);
  net_arena scratch;
  net_arena_init(&scratch, n->arena.guard);
  rc_epoch *epochs = NET_NEW_ARRAY(&scratch, rc_epoch, count + 1);
  for (uint32_t i = 0; i < count; i++) rc_epoch_from_json(&scratch, json_array_get(list, i), &epochs[i]);
  if (result) {
    rc_run_from_json(&scratch, json_object_get(result, "run"), &run->row);
    run->row.started = begun.started;
  } else {
    run->row.status = !strcmp(why, "interrupted") ? RC_INTERRUPTED : RC_FAILED;
    run->row.message = run->row.status == RC_FAILED ? why : NULL;
  }
  set_number(s, job, &run->row);
  if (run->row.status == RC_FAILED) drop_directory(s, run);
  bool ok = rc_run_whole(s->sweeps[run->sweep].db, &run->row, epochs, count);
  forget_texts(&run->row);
  const char **kept[] = {&run->row.message, &run->row.network, &run->row.weights_hash, &run->row.directory};
  rc_run row = rc_run_empty();
  for (uint32_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (*kept[i]) *kept[i] = net_arena_copy(&n->arena, *kept[i], strlen(*kept[i]));
  row = run->row;
  row.recipe = row.data = row.quantize = row.program_name = row.program_hash = row.data_hash = row.target =
      NULL;
  row.version = row.started = NULL;
  run->row = row;
  run->over = row.status == RC_DONE || row.status == RC_FAILED;
  net_arena_free(&scratch);
  return ok;
}
