/* driver/workers.c: jobs in processes. */
#include "driver/workers.h"

#include "runtime/signals.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { JOBS = 24 };

typedef struct {
  netc *n;
  uint32_t count, begun, ended, told, running, most; /* most: at once */
  uint64_t result[JOBS];
  const char *why[JOBS];
  void (*run)(void *context, uint32_t job, dr_channel *channel);
  size_t length;
  int to; /* a pipe */
} play;

static uint32_t next(void *context) {
  play *p = context;
  if (p->begun == p->count) return DR_NO_JOB;
  if (++p->running > p->most) p->most = p->running;
  return p->begun++;
}

static void heard(void *context, uint32_t job, const void *bytes, size_t length) {
  play *p = context;
  assert_true(job < p->count && length == 5 && !memcmp(bytes, "hello", 5));
  p->told++;
}

static void ended(void *context, uint32_t job, const void *bytes, size_t length, const char *why) {
  play *p = context;
  p->ended++;
  p->running--;
  p->why[job] = why;
  assert_true(!bytes == !!why);
  if (bytes && length == sizeof p->result[job]) memcpy(&p->result[job], bytes, length);
  p->length = length;
}

static dr_workers_outcome work(play *p, uint32_t at_once) {
  dr_jobs jobs = {next, p->run, heard, ended, p};
  return dr_workers_run(p->n, &jobs, at_once);
}

static int setup(void **state) {
  static jmp_buf guard;
  static netc n;
  netc_init(&n, &guard);
  *state = &n;
  return 0;
}

static int teardown(void **state) {
  netc_free(*state);
  return 0;
}

/* ---- what comes back ---- */

static void square(void *context, uint32_t job, dr_channel *channel) {
  (void)context;
  uint64_t result = (uint64_t)job * job;
  dr_channel_tell(channel, "hello", 5);
  dr_channel_tell(channel, "hello", 5);
  dr_channel_give(channel, &result, sizeof result);
}

static void test_results(void **state) {
  for (uint32_t at_once = 1; at_once <= 5; at_once += 2) {
    play p = {.n = *state, .count = JOBS, .run = square};
    assert_int_equal(work(&p, at_once), DR_WORKERS_DONE);
    for (uint32_t i = 0; i < JOBS; i++) assert_true(p.result[i] == (uint64_t)i * i && !p.why[i]);
    assert_int_equal(p.ended, JOBS);
    assert_int_equal(p.told, 2 * JOBS);
    assert_int_equal(p.most, at_once);
  }
  play none = {.n = *state, .run = square};
  assert_int_equal(work(&none, 2), DR_WORKERS_DONE);
}

/* Children change what they see, and their parent does not. */
static void spoil(void *context, uint32_t job, dr_channel *channel) {
  play *p = context;
  p->result[(job + 1) % JOBS] = 17;
  p->count = 1;
  square(context, job, channel);
}

static void test_memory_is_their_own(void **state) {
  play p = {.n = *state, .count = JOBS, .run = spoil};
  assert_int_equal(work(&p, 2), DR_WORKERS_DONE);
  for (uint32_t i = 0; i < JOBS; i++) assert_true(p.result[i] == (uint64_t)i * i);
}

static void give_much(void *context, uint32_t job, dr_channel *channel) {
  (void)context, (void)job;
  size_t length = 3000000;
  char *bytes = malloc(length);
  memset(bytes, 'x', length);
  dr_channel_give(channel, bytes, length);
  free(bytes);
}

static void test_much(void **state) {
  play p = {.n = *state, .count = 3, .run = give_much};
  assert_int_equal(work(&p, 2), DR_WORKERS_DONE);
  assert_int_equal(p.length, 3000000);
  assert_true(!p.why[0] && !p.why[1] && !p.why[2]);
}

/* ---- misfortunes ---- */

static void stumble(void *context, uint32_t job, dr_channel *channel) {
  play *p = context;
  if (job == 1) raise(SIGKILL);
  if (job == 2) return; /* gives nothing */
  if (job == 3) _exit(7);
  if (job == 4) longjmp(*p->n->arena.guard, 1); /* as an arena does without memory */
  square(context, job, channel);
}

static void test_misfortunes(void **state) {
  play p = {.n = *state, .count = 6, .run = stumble};
  assert_int_equal(work(&p, 2), DR_WORKERS_DONE);
  assert_string_equal(p.why[1], "its process was ended by signal 9 (Killed)");
  assert_string_equal(p.why[2], "its process ended with code 0 and no result");
  assert_string_equal(p.why[3], "its process ended with code 7 and no result");
  assert_string_equal(p.why[4], "this machine has no memory left");
  assert_true(!p.why[0] && !p.why[5] && p.result[5] == 25);
}

/* ---- jobs that wait for others ---- */

/* Two at a time: a generation. */
static uint32_t next_of_pair(void *context) {
  play *p = context;
  if (p->begun == p->count) return DR_NO_JOB;
  if (p->begun % 2 == 0 && p->ended < p->begun) return DR_JOB_LATER;
  if (p->begun % 2 == 0) assert_int_equal(p->running, 0);
  p->running++;
  return p->begun++;
}

static void test_generations(void **state) {
  play p = {.n = *state, .count = 10, .run = square};
  dr_jobs jobs = {next_of_pair, square, NULL, ended, &p};
  assert_int_equal(dr_workers_run(p.n, &jobs, 4), DR_WORKERS_DONE);
  assert_int_equal(p.ended, 10);
  assert_true(p.result[9] == 81);
}

/* ---- signals ---- */

/* Until it is told to end; of odd jobs as if nobody had told it. */
static void wait_for_signal(void *context, uint32_t job, dr_channel *channel) {
  dr_channel_tell(channel, "hello", 5);
  if (job % 2) signal(SIGTERM, SIG_DFL);
  while (!rt_signals_caught()) poll(NULL, 0, 5);
  square(context, job, channel);
}

static void heard_and_raise(void *context, uint32_t job, const void *bytes, size_t length) {
  play *p = context;
  heard(context, job, bytes, length);
  if (p->told == 2) raise(SIGINT);
}

static void test_interruption(void **state) {
  play p = {.n = *state, .count = JOBS};
  rt_signals signals;
  rt_signals_catch(&signals);
  dr_jobs jobs = {next, wait_for_signal, heard_and_raise, ended, &p};
  assert_int_equal(dr_workers_run(p.n, &jobs, 2), DR_WORKERS_INTERRUPTED);
  assert_int_equal(rt_signals_caught(), SIGINT);
  rt_signals_release(&signals);
  assert_int_equal(p.begun, 2);
  assert_int_equal(p.ended, 2);
  assert_null(p.why[0]);
  if (p.why[1]) assert_string_equal(p.why[1], "interrupted");
}

/* A signal that came before: nothing begins, and it is not forgotten. */
static void test_interrupted_before(void **state) {
  play p = {.n = *state, .count = JOBS, .run = square};
  rt_signals signals;
  rt_signals_catch(&signals);
  raise(SIGTERM);
  assert_int_equal(work(&p, 2), DR_WORKERS_INTERRUPTED);
  assert_int_equal(rt_signals_caught(), SIGTERM);
  assert_int_equal(p.begun, 0);
  rt_signals_release(&signals);
  assert_int_equal(rt_signals_caught(), 0);
}

static void sleep_long(void *context, uint32_t job, dr_channel *channel) {
  play *p = context;
  (void)job, (void)channel;
  pid_t id = getpid();
  if (write(p->to, &id, sizeof id) != sizeof id) _exit(1);
  poll(NULL, 0, 60000);
}

/* Children of a parent that is killed do not stay. */
static void test_orphans(void **state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t parent = fork();
  if (!parent) {
    close(ends[0]);
    play p = {.n = *state, .count = 2, .run = sleep_long, .to = ends[1]};
    work(&p, 2);
    _exit(0);
  }
  close(ends[1]);
  pid_t child[2];
  for (int i = 0; i < 2; i++) assert_int_equal(read(ends[0], &child[i], sizeof *child), sizeof *child);
  kill(parent, SIGKILL);
  waitpid(parent, NULL, 0);
  char byte; /* the end of the pipe is there when all who could write are gone */
  struct pollfd at = {.fd = ends[0], .events = POLLIN};
  assert_int_equal(poll(&at, 1, 10000), 1);
  assert_int_equal(read(ends[0], &byte, 1), 0);
  close(ends[0]);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_results),     TEST(test_memory_is_their_own), TEST(test_much),
      TEST(test_misfortunes), TEST(test_generations),         TEST(test_interruption),
      TEST(test_orphans),     TEST(test_interrupted_before),
  };
  signal(SIGINT, SIG_DFL); /* which a shell's background jobs ignore */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
