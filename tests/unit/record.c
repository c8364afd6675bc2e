/* The record: what is written is read, filtered, sorted, taken over and taken away. */
#include "record_support.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static rc_db *open_record(record_test *t) {
  rc_db *db;
  assert_true(rc_open(&t->n, record_path(t, "runs"), RC_STRICT, &db));
  assert_non_null(db);
  return db;
}

static rc_epoch epoch(uint32_t e) { return (rc_epoch){e, 1.0 / e, NAN, 2.0 / e, 0.5, 1e-3, 0.25, 1e6}; }

static void same_run(const rc_run *a, const rc_run *b) {
  assert_int_equal(a->id, b->id);
  assert_int_equal(a->experiment, b->experiment);
  assert_int_equal(a->number, b->number);
  assert_string_equal(a->network, b->network);
  assert_string_equal(a->recipe, b->recipe);
  assert_string_equal(a->data, b->data);
  assert_true(!a->quantize && !b->quantize);
  assert_string_equal(a->settings, b->settings);
  assert_string_equal(a->options, b->options);
  assert_true(a->seed == b->seed);
  assert_string_equal(a->program_hash, b->program_hash);
  assert_string_equal(a->program, b->program);
  assert_string_equal(a->weights_hash, b->weights_hash);
  assert_string_equal(a->started, b->started);
  assert_int_equal(a->status, b->status);
  assert_int_equal(a->epochs, b->epochs);
  assert_int_equal(a->best_epoch, b->best_epoch);
  assert_true(a->validation_loss == b->validation_loss);
  assert_true(isnan(a->train_loss) ? isnan(b->train_loss) : a->train_loss == b->train_loss);
  assert_true(isnan(a->seconds) ? isnan(b->seconds) : a->seconds == b->seconds);
  assert_true(isnan(a->test_loss) && isnan(b->test_loss));
  assert_string_equal(a->message, b->message);
}

static void test_run(void **state) {
  (void)state;
  record_test *t = record_make();
  rc_db *db = open_record(t);
  rc_epoch rows[3] = {epoch(1), epoch(2), epoch(3)}, *back;
  uint32_t count;
  rc_run run = record_run(0), found;
  assert_true(rc_run_begin(db, &run));
  assert_int_equal(run.id, 1);
  assert_int_equal(strlen(run.started), strlen("2026-01-31T12:34:56.789Z"));
  assert_true(rc_run_epochs(db, run.id, rows, 2));
  assert_true(rc_run_find(db, 1, &found));
  assert_int_equal(found.status, RC_RUNNING);
  assert_true(isnan(found.seconds));
  run.status = RC_DONE, run.seconds = 0.1 + 0.2, run.epochs = 3, run.best_epoch = 2, run.train_loss = 1.0 / 3;
  run.weights_hash = "w", run.message = "quoted ' and \" and\nlines";
  assert_true(rc_run_end(db, &run, rows + 1, 2)); /* the second one again */
  rc_close(db);
  db = open_record(t);
  assert_true(rc_run_find(db, 1, &found));
  same_run(&run, &found);
  assert_true(rc_run_read_epochs(db, 1, &back, &count));
  assert_int_equal(count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(back[i].epoch, i + 1);
    assert_true(back[i].train_loss == rows[i].train_loss && back[i].samples_per_second == 1e6);
    assert_true(isnan(back[i].train_accuracy));
  }
  assert_true(rc_run_find(db, 2, &found));
  assert_int_equal(found.id, 0);
  assert_true(rc_run_delete(db, 1));
  assert_true(rc_run_read_epochs(db, 1, &back, &count));
  assert_int_equal(count, 0);
  rc_run next = record_run(1);
  assert_true(rc_run_begin(db, &next));
  assert_int_equal(next.id, 2); /* numbers are not used again */
  run.id = 1;
  assert_false(rc_run_end(db, &run, NULL, 0));
  assert_true(record_said(&t->n, NET_ERROR, "run 1 was deleted from"));
  rc_close(db);
  record_free(t);
}

/* A directory is the same however it is written, and belongs to its newest run. */
static void test_directories(void **state) {
  (void)state;
  record_test *t = record_make();
  rc_db *db = open_record(t);
  rc_run run = record_run(0), again = record_run(1), found;
  bool is_there;
  mkdir(record_path(t, "runs/n"), 0777);
  mkdir(record_path(t, "runs/n/0001"), 0777);
  assert_int_equal(symlink("0001", record_path(t, "runs/n/latest")), 0);
  run.directory = record_path(t, "runs/n/0001");
  assert_true(rc_run_begin(db, &run));
  assert_string_equal(run.directory, "runs/n/0001");
  rc_epoch rows[2] = {epoch(1), epoch(2)}, *back;
  uint32_t count;
  run.status = RC_INTERRUPTED;
  assert_true(rc_run_end(db, &run, rows, 2));
  again.directory = record_path(t, "runs/../runs/n/latest/");
  assert_true(rc_run_resume(db, &again, &is_there));
  assert_true(is_there);
  assert_int_equal(again.id, run.id);
  assert_string_equal(again.started, run.started);
  assert_true(rc_run_forget(db, run.id, 1));
  assert_true(rc_run_read_epochs(db, run.id, &back, &count));
  assert_int_equal(count, 1);
  again.directory = record_path(t, "runs/n");
  assert_true(rc_run_resume(db, &again, &is_there));
  assert_false(is_there);
  rc_run other = record_run(2);
  other.directory = record_path(t, "runs/n/0001");
  assert_true(rc_run_begin(db, &other));
  assert_true(rc_run_find(db, run.id, &found));
  assert_null(found.directory);
  assert_true(rc_run_find(db, other.id, &found));
  assert_string_equal(found.directory, "runs/n/0001");
  rc_close(db);
  record_free(t);
}

static void count_of(rc_db *db, rc_filter filter, const char *ids) {
  rc_run *runs;
  uint32_t count;
  char text[64] = "";
  assert_true(rc_runs(db, &filter, &runs, &count));
  for (uint32_t i = 0; i < count; i++) sprintf(text + strlen(text), "%d ", (int)runs[i].id);
  assert_string_equal(text, ids);
}

static void test_filters(void **state) {
  (void)state;
  record_test *t = record_make();
  rc_db *db = open_record(t);
  rc_experiment e = {.kind = RC_SWEEP, .name = "s"};
  rc_run *runs;
  uint32_t count;
  assert_true(rc_experiment_begin(db, &e));
  for (int k = 0; k < 6; k++) {
    rc_run run = record_run(k);
    if (k >= 4) run.experiment = e.id, run.number = 10 - k;
    if (k == 3) run.validation_loss = NAN;
    assert_true(rc_run_begin(db, &run));
    run.status = k == 2 ? RC_FAILED : RC_DONE;
    assert_true(rc_run_end(db, &run, NULL, 0));
  }
  rc_filter any = {.kind = -1, .status = -1}, f = any;
  count_of(db, any, "1 2 3 4 5 6 ");
  f.limit = 2;
  count_of(db, f, "5 6 ");
  f.sort = "validation_loss";
  count_of(db, f, "1 2 ");
  f.limit = 0;
  count_of(db, f, "1 2 3 5 6 4 ");
  f.sort = "-validation_loss";
  count_of(db, f, "6 5 3 2 1 4 ");
  f = any, f.network = "odd";
  count_of(db, f, "2 4 6 ");
  f = any, f.kind = RC_SWEEP;
  count_of(db, f, "5 6 ");
  f = any, f.kind = RC_SEARCH;
  count_of(db, f, "");
  f = any, f.kind = RC_KINDS;
  count_of(db, f, "1 2 3 4 ");
  f = any, f.experiment = e.id;
  count_of(db, f, "6 5 "); /* by number */
  f = any, f.status = RC_FAILED;
  count_of(db, f, "3 ");
  rc_condition c[2] = {{"validation_loss", "<", 0.5, NULL}, {"network", "!=", 0, "odd"}};
  f = any, f.conditions = c, f.condition_count = 1;
  count_of(db, f, "1 2 3 ");
  f.condition_count = 2;
  count_of(db, f, "1 3 ");
  c[0] = (rc_condition){"train.epochs", ">=", 50, NULL};
  count_of(db, f, "3 5 ");
  f.condition_count = 1, f.sort = "-train.epochs";
  count_of(db, f, "2 3 5 6 ");
  f.sort = NULL;
  static const char *const bad[] = {"1; DROP TABLE run", "network OR 1", "id)--", "a.b'", "program", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    c[0].column = bad[i];
    assert_false(rc_runs(db, &f, &runs, &count));
    assert_true(record_said(&t->n, NET_ERROR, "runs have no column"));
    rc_filter sorted = {.kind = -1, .status = -1, .sort = bad[i]};
    assert_false(rc_runs(db, &sorted, &runs, &count));
  }
  c[0] = (rc_condition){"id", "LIKE", 1, NULL};
  assert_false(rc_runs(db, &f, &runs, &count));
  assert_true(record_said(&t->n, NET_ERROR, "no comparison"));
  rc_close(db);
  record_free(t);
}

static void test_experiments(void **state) {
  (void)state;
  record_test *t = record_make();
  rc_db *db = open_record(t);
  rc_experiment like = {.kind = RC_SEARCH,
                        .name = "s",
                        .network = "n",
                        .program_hash = "h",
                        .program = "text",
                        .settings = "{}"},
                e = like, other = like, found;
  assert_true(rc_experiment_resume(db, &like, &found));
  assert_int_equal(found.id, 0);
  other.name = NULL;
  assert_true(rc_experiment_begin(db, &e));
  assert_true(rc_experiment_begin(db, &other));
  assert_true(rc_experiment_resume(db, &like, &found));
  assert_int_equal(found.id, e.id);
  assert_string_equal(found.program, "text");
  assert_string_equal(found.started, e.started);
  rc_trial trials[3] =
      {{.experiment = e.id, .number = 1, .parameters = "{\"w\":2}", .feasible = true, .seed = 7},
       {.experiment = e.id, .number = 2, .status = RC_DONE, .objectives = "{\"loss\":0.25}"},
       {.experiment = e.id, .number = 3, .status = RC_FAILED, .message = "why"}},
           *back;
  uint32_t count;
  assert_true(rc_trial_begin(db, &trials[0]));
  assert_true(rc_trials(db, e.id, &back, &count));
  assert_int_equal(count, 1);
  assert_int_equal(back[0].status, RC_RUNNING);
  trials[0].status = RC_DONE, trials[0].run = 5, trials[0].seconds = 0.5;
  assert_true(rc_trial_end(db, &trials[0]));
  assert_true(rc_trials_whole(db, trials + 1, 2));
  assert_true(rc_trials_whole(db, trials + 2, 1)); /* one that failed may be tried again */
  assert_false(rc_trials_whole(db, (rc_trial[]){{.experiment = e.id, .number = 9}, trials[1]}, 2));
  assert_true(record_said(&t->n, NET_ERROR, "trial 2 of experiment 1 is done already"));
  assert_true(rc_trials(db, e.id, &back, &count));
  assert_int_equal(count, 3); /* all of a call or nothing */
  assert_true(back[0].feasible && !back[1].feasible);
  assert_int_equal(back[0].run, 5);
  assert_int_equal(back[0].seed, 7);
  assert_string_equal(back[0].parameters, "{\"w\":2}");
  assert_string_equal(back[1].objectives, "{\"loss\":0.25}");
  assert_string_equal(back[2].message, "why");
  assert_true(rc_experiment_end(db, e.id, RC_DONE, NULL));
  assert_true(rc_experiment_resume(db, &like, &found));
  assert_int_equal(found.id, 0);
  assert_true(rc_experiment_find(db, e.id, &found));
  assert_int_equal(found.status, RC_DONE);
  assert_non_null(found.finished);
  assert_true(rc_experiment_delete(db, e.id));
  assert_true(rc_trials(db, e.id, &back, &count));
  assert_int_equal(count, 0);
  rc_experiment *all;
  assert_true(rc_experiments(db, &(rc_filter){.kind = RC_SEARCH, .status = -1}, &all, &count));
  assert_int_equal(count, 1);
  assert_int_equal(all[0].id, other.id);
  rc_close(db);
  record_free(t);
}

/* What a sweep that was killed left behind. */
static void test_numbers(void **state) {
  (void)state;
  record_test *t = record_make();
  rc_db *db = open_record(t);
  rc_experiment e = {.kind = RC_SWEEP};
  rc_epoch row = epoch(1), *back;
  uint32_t count;
  assert_true(rc_experiment_begin(db, &e));
  rc_run a = record_run(1), b = record_run(2), *runs;
  a.experiment = b.experiment = e.id, a.number = b.number = 4;
  assert_true(rc_run_begin(db, &a));
  assert_true(rc_run_epochs(db, a.id, &row, 1));
  b.status = RC_DONE;
  assert_true(rc_run_whole(db, &b, &row, 1));
  assert_int_equal(b.id, a.id);
  assert_true(rc_run_read_epochs(db, a.id, &back, &count));
  assert_int_equal(count, 1);
  assert_false(rc_run_whole(db, &a, NULL, 0));
  assert_true(record_said(&t->n, NET_ERROR, "run 4 of experiment 1 is done already"));
  assert_true(rc_runs(db, &(rc_filter){.kind = -1, .status = -1}, &runs, &count));
  assert_int_equal(count, 1);
  assert_string_equal(runs[0].network, "even");
  rc_close(db);
  record_free(t);
}

/* From a child to its parent: not a bit is lost. */
static void test_json(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  rc_run run = record_run(1), back;
  rc_epoch row = {7, 0.1, NAN, 1e-300, 2.0 / 3, 5e-324, 1e300, 123456789.125}, row_back;
  run.id = INT64_MAX, run.status = RC_FAILED, run.message = "a \"b\"\n\xC3\xA4",
  run.validation_loss = 0.1 + 0.2;
  run.epochs = UINT32_MAX, run.started = "2026-01-31T12:34:56.789Z", run.weights_hash = "w";
  json_t *object = rc_run_json(&run, true), *epoch_object = rc_epoch_json(&row);
  char *text = json_dumps(object, JSON_REAL_PRECISION(17)),
       *epoch_text = json_dumps(epoch_object, JSON_REAL_PRECISION(17));
  json_decref(object);
  json_decref(epoch_object);
  object = json_loads(text, 0, NULL), epoch_object = json_loads(epoch_text, 0, NULL);
  assert_true(json_is_object(json_object_get(object, "settings")));
  assert_true(json_is_null(json_object_get(object, "experiment")));
  assert_true(json_is_null(json_object_get(object, "test_loss")));
  rc_run_from_json(&n.arena, object, &back);
  rc_epoch_from_json(&n.arena, epoch_object, &row_back);
  assert_string_equal(back.settings, "{\"train.epochs\":50,\"name\":\"x\"}"); /* the same, without spaces */
  back.settings = run.settings;
  same_run(&run, &back);
  assert_true(isnan(back.seconds) && isnan(row_back.train_accuracy));
  assert_true(row_back.epoch == 7 && row_back.train_loss == 0.1 && row_back.validation_loss == 1e-300 &&
              row_back.validation_accuracy == 2.0 / 3 && row_back.learning_rate == 5e-324 &&
              row_back.seconds == 1e300 && row_back.samples_per_second == 123456789.125);
  rc_run_from_json(&n.arena, NULL, &back); /* a child that gave nothing */
  assert_true(!back.id && !back.network && isnan(back.train_loss));
  json_decref(object);
  json_decref(epoch_object);
  free(text);
  free(epoch_text);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_run),         cmocka_unit_test(test_directories), cmocka_unit_test(test_filters),
      cmocka_unit_test(test_experiments), cmocka_unit_test(test_numbers),     cmocka_unit_test(test_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
