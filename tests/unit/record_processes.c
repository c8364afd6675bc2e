/* Several processes write one record at once: nothing is lost, nothing is there twice; one of them goes on
 * with an experiment; what a process that was killed had written stays. */
#include "record_support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <cmocka.h>

enum { PROCESSES = 4, RUNS = 25, EPOCHS = 8 };

static rc_db *open_record(record_test *t, rc_mode mode) {
  rc_db *db;
  if (!rc_open(&t->n, record_path(t, "runs"), mode, &db)) {
    net_diagnostics_flush(&t->n, stderr, NET_DIAGNOSTICS_TEXT, false);
    return NULL;
  }
  return db;
}

static rc_epoch row(int process, int run, uint32_t e) {
  return (rc_epoch){e, process + 1, run, e, 0, 0, 0, 0};
}

/* Half of the runs event by event, half of them whole; a trial with each. True: all went well. */
static bool write_runs(record_test *t, int process, rc_mode mode) {
  rc_db *db = open_record(t, mode);
  rc_experiment e = {.kind = RC_SEARCH, .name = net_arena_format(&t->n.arena, "p%d", process)};
  if (!db || !rc_experiment_begin(db, &e)) return false;
  for (int k = 0; k < RUNS; k++) {
    rc_run run = record_run(k);
    rc_epoch rows[EPOCHS];
    for (uint32_t i = 0; i < EPOCHS; i++) rows[i] = row(process, k, i + 1);
    run.experiment = e.id, run.number = k + 1, run.best_epoch = (uint32_t)process + 1;
    if (k % 2) {
      run.status = RC_DONE;
      if (!rc_run_whole(db, &run, rows, EPOCHS)) return false;
    } else {
      if (!rc_run_begin(db, &run)) return false;
      for (uint32_t i = 0; i < EPOCHS / 2; i++)
        if (!rc_run_epochs(db, run.id, rows + i, 1)) return false;
      run.status = RC_DONE;
      if (!rc_run_end(db, &run, rows + EPOCHS / 2, EPOCHS / 2)) return false;
    }
    rc_trial trial = {.experiment = e.id, .number = k + 1, .run = run.id};
    if (!rc_trial_begin(db, &trial)) return false;
    trial.status = RC_DONE;
    if (!rc_trial_end(db, &trial)) return false;
  }
  if (!rc_experiment_end(db, e.id, RC_DONE, NULL)) return false;
  rc_close(db);
  return !t->n.diagnostics.list.count; /* no warning either */
}

static void check_runs(record_test *t) {
  rc_db *db = open_record(t, RC_READ);
  rc_experiment *experiments;
  uint32_t found, count;
  bool seen[PROCESSES] = {0};
  assert_non_null(db);
  assert_true(rc_experiments(db, &(rc_filter){.kind = -1, .status = RC_DONE}, &experiments, &found));
  assert_int_equal(found, PROCESSES);
  for (uint32_t x = 0; x < found; x++) {
    rc_run *runs;
    rc_trial *trials;
    int process = experiments[x].name[1] - '0';
    assert_false(seen[process]);
    seen[process] = true;
    rc_filter of = {.kind = -1, .status = RC_DONE, .experiment = experiments[x].id};
    assert_true(rc_runs(db, &of, &runs, &count));
    assert_int_equal(count, RUNS);
    for (int k = 0; k < RUNS; k++) {
      rc_epoch *rows;
      assert_int_equal(runs[k].number, k + 1);
      assert_int_equal(runs[k].best_epoch, process + 1);
      assert_true(rc_run_read_epochs(db, runs[k].id, &rows, &count));
      assert_int_equal(count, EPOCHS);
      for (uint32_t i = 0; i < EPOCHS; i++) {
        rc_epoch wanted = row(process, k, i + 1);
        assert_int_equal(rows[i].epoch, wanted.epoch);
        assert_true(rows[i].train_loss == wanted.train_loss &&
                    rows[i].train_accuracy == wanted.train_accuracy &&
                    rows[i].validation_loss == wanted.validation_loss);
      }
    }
    assert_true(rc_trials(db, experiments[x].id, &trials, &count));
    assert_int_equal(count, RUNS);
    for (int k = 0; k < RUNS; k++) {
      assert_int_equal(trials[k].number, k + 1);
      assert_int_equal(trials[k].run, runs[k].id);
      assert_int_equal(trials[k].status, RC_DONE);
    }
  }
  rc_run *all;
  assert_true(rc_runs(db, &(rc_filter){.kind = -1, .status = -1}, &all, &count));
  assert_int_equal(count, PROCESSES * RUNS);
  rc_close(db);
}

/* They begin at once, with no record there yet: each a record, and one of them makes it. */
static void four_at_once(rc_mode mode) {
  record_test *t = record_make();
  pid_t pids[PROCESSES];
  for (int p = 0; p < PROCESSES; p++)
    if (!(pids[p] = fork())) _exit(write_runs(t, p, mode) ? 0 : 1);
  for (int p = 0; p < PROCESSES; p++) {
    int status;
    assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
    assert_int_equal(status, 0);
  }
  check_runs(t);
  record_free(t);
}

static void test_strict(void **state) {
  (void)state;
  four_at_once(RC_STRICT);
}

static void test_lenient(void **state) {
  (void)state;
  four_at_once(RC_LENIENT);
}

static const rc_experiment like = {.kind = RC_SWEEP, .name = "s", .settings = "{}"};

/* Says so on the pipe when it holds its experiment, and then does nothing. */
static void hold(record_test *t, int out) {
  rc_db *db = open_record(t, RC_STRICT);
  rc_experiment mine = like;
  rc_run run = record_run(1);
  rc_epoch rows[2] = {row(0, 0, 1), row(0, 0, 2)};
  bool ok = db && rc_experiment_begin(db, &mine);
  run.experiment = mine.id, run.number = 1;
  ok = ok && rc_run_begin(db, &run) && rc_run_epochs(db, run.id, rows, 2) && write(out, "x", 1) == 1;
  while (ok) pause();
  _exit(1);
}

static void test_hold_and_kill(void **state) {
  (void)state;
  record_test *t = record_make();
  int pipe_of[2], status;
  char byte;
  rc_experiment found;
  rc_epoch *rows;
  rc_run *runs;
  uint32_t count;
  assert_int_equal(pipe(pipe_of), 0);
  pid_t pid = fork();
  if (!pid) hold(t, pipe_of[1]);
  assert_int_equal(read(pipe_of[0], &byte, 1), 1);
  rc_db *db = open_record(t, RC_STRICT);
  assert_false(rc_experiment_resume(db, &like, &found));
  assert_true(record_said(&t->n, NET_ERROR, "another process is at work on experiment 1"));
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  assert_true(rc_experiment_resume(db, &like, &found));
  assert_int_equal(found.id, 1);
  assert_int_equal(found.status, RC_RUNNING);
  assert_true(rc_runs(db, &(rc_filter){.kind = -1, .status = RC_RUNNING, .experiment = 1}, &runs, &count));
  assert_int_equal(count, 1);
  assert_true(rc_run_read_epochs(db, runs[0].id, &rows, &count));
  assert_int_equal(count, 2);
  assert_true(rc_experiment_end(db, 1, RC_DONE, NULL));
  rc_close(db);
  assert_int_not_equal(access(record_path(t, "runs/experiment.1.lock"), F_OK), 0);
  record_free(t);
}

/* Killed at any moment while it writes: what others find is whole, run by run. */
static void test_kill_while_writing(void **state) {
  (void)state;
  record_test *t = record_make();
  int64_t before = 0;
  for (int round = 0; round < 10; round++) {
    int status;
    pid_t pid = fork();
    if (!pid)
      for (int p = 0;; p++) write_runs(t, p % PROCESSES, RC_STRICT);
    usleep((useconds_t)(20000 + 7919 * round));
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    rc_db *db = open_record(t, RC_STRICT);
    rc_run *runs;
    rc_epoch *rows;
    uint32_t count, epochs;
    assert_non_null(db);
    assert_true(rc_runs(db, &(rc_filter){.kind = -1, .status = -1}, &runs, &count));
    for (uint32_t i = 0; i < count; i++) {
      assert_true(rc_run_read_epochs(db, runs[i].id, &rows, &epochs));
      assert_true(runs[i].status == RC_DONE ? epochs == EPOCHS : epochs <= EPOCHS / 2);
    }
    assert_true(count >= before);
    before = count;
    rc_close(db);
  }
  assert_true(before > 0);
  record_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strict),
      cmocka_unit_test(test_lenient),
      cmocka_unit_test(test_hold_and_kill),
      cmocka_unit_test(test_kill_while_writing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
