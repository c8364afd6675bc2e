/* Interruptions: whatever happens to a run, going on gives the bytes of one that was left alone. */
#include "config.h"

#include "hand_run.h"

#include "runtime/checkpoint.h"
#include "runtime/signals.h"
#include "support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { EPOCHS = 3, BATCH = 8 };

/* 33 rows: the last batch of an epoch takes a ninth sample. 37: it has 5. 32: there is none. */
static const uint32_t row_counts[] = {33, 37, 32};

static hand_run *undisturbed(uint32_t rows) {
  hand_run *run = hand_run_make(rows, 20, BATCH, EPOCHS);
  assert_int_equal(hand_train(run, false), RT_DONE);
  return run;
}

static uint32_t steps_of(uint32_t rows) { return EPOCHS * (rows == 37 ? 5 : 4); }

static void test_every_step(void **state) {
  (void)state;
  for (int r = 0; r < 3; r++) {
    hand_run *whole = undisturbed(row_counts[r]);
    for (uint32_t k = 1; k <= steps_of(row_counts[r]); k++) {
      hand_run *run = hand_run_make(row_counts[r], 20, BATCH, EPOCHS);
      hand.raise_at = k;
      hand.number = k % 2 ? SIGINT : SIGTERM;
      assert_int_equal(hand_train(run, false), RT_INTERRUPTED);
      assert_int_equal(run->result.signal, k % 2 ? SIGINT : SIGTERM);
      rt_position at;
      assert_true(rt_checkpoint_position(
          &run->n, rt_checkpoint_open(&run->n, hand_path(run, "last.safetensors")), &at));
      assert_int_equal(at.steps, k);
      assert_int_equal(hand_train(run, true), RT_DONE);
      assert_true(hand_same(run, whole));
      assert_int_equal(run->n.diagnostics.list.count, 0);
      hand_run_free(run);
    }
    hand_run_free(whole);
  }
}

/* One step at a time, each in a "process" of its own, and once in the middle of each validation. */
static void test_again_and_again(void **state) {
  (void)state;
  hand_run *whole = undisturbed(33), *run = hand_run_make(33, 20, BATCH, EPOCHS);
  uint32_t processes = 0;
  for (rt_outcome outcome = RT_INTERRUPTED; outcome == RT_INTERRUPTED; processes++) {
    hand.raise_at = 1;
    hand.evaluate_raise_at = processes % 2; /* a resumed process may begin with validation */
    hand.number = SIGTERM;
    outcome = hand_train(run, processes > 0);
    assert_true(outcome == RT_DONE || outcome == RT_INTERRUPTED);
  }
  assert_true(processes > steps_of(33));
  assert_true(hand_same(run, whole));
  hand_run_free(run);
  hand_run_free(whole);
}

static void test_finished_run(void **state) {
  (void)state;
  hand_run *whole = undisturbed(37), *run = undisturbed(37);
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_int_equal(run->result.epochs, EPOCHS);
  assert_true(hand_same(run, whole));
  /* With more epochs and no schedule that depends on them it goes on as if it had been meant to be longer. */
  hand_run *longer = hand_run_make(37, 20, BATCH, 5), *first = hand_run_make(37, 20, BATCH, 2);
  longer->spec.schedule.kind = first->spec.schedule.kind = RT_CONSTANT;
  assert_int_equal(hand_train(longer, false), RT_DONE);
  assert_int_equal(hand_train(first, false), RT_DONE);
  first->spec.epochs = 5;
  assert_int_equal(hand_train(first, true), RT_DONE);
  assert_true(hand_same(first, longer));
  hand_run_free(first);
  hand_run_free(longer);
  hand_run_free(run);
  hand_run_free(whole);
}

/* kill -9 at random moments, with files written all the time. */
static void test_killed(void **state) {
  (void)state;
  hand_run *whole = hand_run_make(37, 20, BATCH, 40), *run = hand_run_make(37, 20, BATCH, 40);
  run->spec.flush_seconds = 1e-6;
  assert_int_equal(hand_train(whole, false), RT_DONE);
  unsigned seed = 5;
  int killed = 0;
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    if (!child) {
      hand.pause = 100;
      bool begun = hand_exists(run, "last.safetensors");
      _exit(hand_train(run, begun) == RT_DONE ? 0 : 1);
    }
    usleep(500 + (unsigned)rand_r(&seed) % 20000);
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    killed += WIFSIGNALED(status);
  }
  assert_true(killed > 0);
  assert_int_equal(hand_train(run, hand_exists(run, "last.safetensors")), RT_DONE);
  assert_true(hand_same(run, whole));
  hand_run_free(run);
  hand_run_free(whole);
}

/* The states between the renamings, laid out by hand. */
static void test_crash_points(void **state) {
  (void)state;
  hand_run *whole = undisturbed(33), *run = hand_run_make(33, 20, BATCH, EPOCHS);
  assert_int_equal(whole->result.best_epoch, EPOCHS);
  hand.raise_at = 10;
  hand.number = SIGINT;
  assert_int_equal(hand_train(run, false), RT_INTERRUPTED);
  assert_true(hand_copy(run, "best.safetensors", "older"));
  assert_true(hand_copy(run, "last.safetensors", "older-last"));
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_copy(run, "best.safetensors", "newer"));
  /* last was replaced, best not yet */
  assert_true(hand_copy(run, "newer", "best.safetensors.next") &&
              hand_copy(run, "older", "best.safetensors"));
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_same_file(run, "best.safetensors", whole, "best.safetensors"));
  assert_false(hand_exists(run, "best.safetensors.next"));
  /* next was written, last not yet replaced; temporary files lie about */
  assert_true(hand_copy(run, "older-last", "last.safetensors") &&
              hand_copy(run, "older", "best.safetensors") &&
              hand_copy(run, "newer", "best.safetensors.next") &&
              hand_copy(run, "newer", "last.safetensors.aB3xYz") &&
              hand_copy(run, "newer", "best.safetensors.next.Q12345"));
  hand.raise_at = 1;
  hand.number = SIGINT;
  assert_int_equal(hand_train(run, true), RT_INTERRUPTED);
  assert_true(hand_same_file(run, "best.safetensors", run, "older"));
  assert_int_equal(hand_files(run), 3 + 3);
  assert_int_equal(hand_train(run, true), RT_DONE);
  unlink(hand_path(run, "older"));
  unlink(hand_path(run, "older-last"));
  unlink(hand_path(run, "newer"));
  assert_true(hand_same(run, whole));
  /* neither is right */
  unlink(hand_path(run, "best.safetensors"));
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "best.safetensors is not of epoch 3"));
  hand_run_free(run);
  hand_run_free(whole);
}

static void test_log_is_cut_back(void **state) {
  (void)state;
  hand_run *whole = undisturbed(37), *run = hand_run_make(37, 20, BATCH, EPOCHS);
  hand.raise_at = 7;
  hand.number = SIGINT;
  assert_int_equal(hand_train(run, false), RT_INTERRUPTED);
  FILE *log = fopen(hand_path(run, "log.jsonl"), "a");
  fprintf(log, "{\"event\":\"epoch\",\"epoch\":2}\n{\"event\":\"ep");
  fclose(log);
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_same(run, whole));
  unlink(hand_path(run, "log.jsonl"));
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_said(run, NET_WARNING, "rows of 0 epochs only, and 3 are done"));
  hand_run_free(run);
  hand_run_free(whole);
}

/* What a resumed run must share, and what it should. */
static void test_circumstances(void **state) {
  (void)state;
  hand_run *run = undisturbed(37);
  rt_train_spec spec = run->spec;
  run->spec.seed = 12;
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "it was trained with seed = 11"));
  run->spec = spec, run->spec.shuffle = false;
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "shuffle = 1, which is 0 now"));
  run->spec = spec, run->spec.batch_size = 4;
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "batch_size = 8, which is 4 now"));
  run->spec = spec, run->data = hand_data(&run->n.arena, 36, 20, 0);
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "rows of training data = 37, which is 36 now"));
  run->data = hand_data(&run->n.arena, 37, 20, 0);
  run->data->normalization[0].steps[0].offset[2] = 0;
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "normalisation have changed"));
  run->data->normalization[0].steps[0].offset[2] = -1;
  assert_int_equal(run->n.diagnostics.warnings, 0);
  run->spec.program_text = "network blobs(x: f32[4]) { }\n";
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_said(run, NET_WARNING, "has changed since"));
  assert_int_equal(hand_train(run, false), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "holds a run already"));
  int fd = open(run->folder, O_RDONLY);
  assert_int_equal(flock(fd, LOCK_EX), 0);
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "another process is training"));
  close(fd);
  hand_run_free(run);
}

/* Code for another target gives other last bits: go on, but say so. */
static void test_other_target(void **state) {
  (void)state;
  hand_run *run = undisturbed(37);
  run->program->target = "x86_64-avx2";
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, true, run->variables, NULL);
  assert_int_equal(run->result.outcome, RT_DONE);
  assert_true(hand_said(run, NET_WARNING, "for target by-hand, and this is x86_64-avx2"));
  run->program->variable_count--;
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, true, run->variables, NULL);
  assert_int_equal(run->result.outcome, RT_FAILED);
  assert_true(hand_said(run, NET_ERROR, "the network or its optimizer has changed"));
  run->program->variables[0].shape.dim[0] = 7;
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, true, run->variables, NULL);
  assert_true(hand_said(run, NET_ERROR, "'linear_1.weight' is [8, 4] in"));
  hand_run_free(run);
}

/* Sizes of files: room for the new best but not for last; for neither; for a part of the log only. */
enum { BEST_ONLY = 2000, LOG_ONLY = 1000, PART_OF_LOG = 400 };
static rlim_t size_limit;

/* A disk that fills up: one message, the old checkpoint as it was, and all goes on once there is room. */
static void check_full_disk(hand_run *run, hand_run *whole, void (*fill)(hand_run *),
                            void (*drain)(hand_run *)) {
  run->spec.schedule.kind = whole->spec.schedule.kind = RT_CONSTANT;
  whole->spec.epochs = EPOCHS;
  assert_int_equal(hand_train(whole, false), RT_DONE);
  run->spec.epochs = 1;
  assert_int_equal(hand_train(run, false), RT_DONE);
  hand_run *kept = hand_run_make(37, 20, BATCH, 1);
  kept->spec.schedule.kind = RT_CONSTANT;
  assert_int_equal(hand_train(kept, false), RT_DONE);
  assert_true(hand_copy(run, "log.jsonl", "log.before"));
  fill(run);
  uint32_t files = hand_files(run);
  run->spec.epochs = EPOCHS;
  assert_int_equal(hand_train(run, true), RT_FAILED);
  assert_int_equal(run->n.diagnostics.list.count, 1);
  assert_true(hand_said(run, NET_ERROR, "cannot write"));
  assert_true(hand_said(run, NET_ERROR, run->folder));
  assert_int_equal(hand_files(run), files);
  assert_true(hand_same_file(run, "last.safetensors", kept, "last.safetensors"));
  assert_true(hand_same_file(run, "best.safetensors", kept, "best.safetensors"));
  if (size_limit == PART_OF_LOG) assert_true(hand_same_file(run, "log.jsonl", run, "log.before"));
  drain(run);
  unlink(hand_path(run, "log.before"));
  assert_int_equal(hand_train(run, true), RT_DONE);
  assert_true(hand_same(run, whole));
  hand_run_free(kept);
}

static void limit_size(hand_run *run) {
  (void)run;
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = size_limit;
  setrlimit(RLIMIT_FSIZE, &limit);
}

static void lift_limit(hand_run *run) {
  (void)run;
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_file_too_large(void **state) {
  (void)state;
  static const rlim_t limits[] = {BEST_ONLY, LOG_ONLY, PART_OF_LOG};
  for (int i = 0; i < 3; i++) {
    hand_run *run = hand_run_make(37, 20, BATCH, 1), *whole = hand_run_make(37, 20, BATCH, 1);
    size_limit = limits[i];
    check_full_disk(run, whole, limit_size, lift_limit);
    hand_run_free(run);
    hand_run_free(whole);
  }
  size_limit = 0;
}

static void fill_disk(hand_run *run) {
  char page[4096] = {0};
  int fd = open(hand_path(run, "filler"), O_WRONLY | O_CREAT, 0600);
  while (write(fd, page, sizeof page) > 0) {}
  assert_int_equal(errno, ENOSPC);
  close(fd);
}

static void drain_disk(hand_run *run) { unlink(hand_path(run, "filler")); }

static void test_full_disk(void **state) {
  (void)state;
  hand_run *run = hand_run_make(37, 20, BATCH, 1), *whole = hand_run_make(37, 20, BATCH, 1);
  /* in a name space of this process's own, so that the mount goes with it in any case */
  bool mounted = !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
                 !mount("netc", run->folder, "tmpfs", 0, "size=64k");
  if (mounted) {
    check_full_disk(run, whole, fill_disk, drain_disk);
    umount(run->folder);
  }
  hand_run_free(run);
  hand_run_free(whole);
  if (!mounted) skip(); /* only root can make a small disk */
}

/* ---- signals themselves ---- */

static int ends_by(int first, int second) {
  pid_t child = fork();
  if (!child) {
    rt_signals signals;
    rt_signals_catch(&signals);
    raise(first);
    if (rt_signals_caught() != first) _exit(1);
    raise(second);
    _exit(2);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_second_signal(void **state) {
  (void)state;
  assert_int_equal(ends_by(SIGINT, SIGINT), SIGINT);
  assert_int_equal(ends_by(SIGINT, SIGTERM), SIGTERM);
  assert_int_equal(ends_by(SIGTERM, SIGINT), SIGINT);
  rt_signals signals;
  signal(SIGINT, SIG_IGN); /* as nohup and shells do for work in the background */
  rt_signals_catch(&signals);
  raise(SIGINT);
  assert_int_equal(rt_signals_caught(), 0);
  rt_signals_release(&signals);
  signal(SIGINT, SIG_DFL);
}

int main(void) {
  signal(SIGINT, SIG_DFL); /* a job in the background has it ignored, and the loop leaves it so */
  signal(SIGTERM, SIG_DFL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_step),      cmocka_unit_test(test_again_and_again),
      cmocka_unit_test(test_finished_run),    cmocka_unit_test(test_killed),
      cmocka_unit_test(test_crash_points),    cmocka_unit_test(test_log_is_cut_back),
      cmocka_unit_test(test_circumstances),   cmocka_unit_test(test_other_target),
      cmocka_unit_test(test_file_too_large),  cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_second_signal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
