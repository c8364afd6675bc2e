#include "driver/workers.h"

#include "runtime/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOLD, GIVEN };
enum { LONGEST = 1 << 28 }; /* bytes of a message */

/* Before every message. */
typedef struct {
  uint32_t kind, length;
} head;

struct dr_channel {
  int to;
};

typedef struct {
  pid_t id;
  uint32_t job;
  int from;
  char *buffer; /* what has come of messages, as yet unread */
  size_t filled, size;
  void *given; /* the job's result */
  size_t given_length;
} worker;

typedef struct {
  netc *n;
  const dr_jobs *jobs;
  worker *workers; /* those that run, at first */
  struct pollfd *polled;
  uint32_t running, at_once, job; /* job: to begin next; DR_JOB_LATER: to be asked for */
  bool over, told;                /* no more jobs; children were told to end */
} pool;

/* ---- in the child ---- */

static void write_all(int to, const void *bytes, size_t length) {
  for (const char *at = bytes; length;) {
    ssize_t written = write(to, at, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return; /* nobody listens any more */
    at += written;
    length -= (size_t)written;
  }
}

static void send_message(dr_channel *channel, uint32_t kind, const void *bytes, size_t length) {
  head h = {kind, (uint32_t)length};
  if (length > LONGEST) return;
  write_all(channel->to, &h, sizeof h);
  write_all(channel->to, bytes, length);
}

void dr_channel_tell(dr_channel *channel, const void *bytes, size_t length) {
  send_message(channel, TOLD, bytes, length);
}

void dr_channel_give(dr_channel *channel, const void *bytes, size_t length) {
  send_message(channel, GIVEN, bytes, length);
}

enum { NO_MEMORY = 99 }; /* exit code */

/* Memory that runs out ends here, not where the parent would go on. */
static _Noreturn void be_child(const pool *p, uint32_t job, int to, pid_t parent) {
  dr_channel channel = {to};
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  if (p->n->arena.guard && setjmp(*p->n->arena.guard)) _exit(NO_MEMORY);
  p->jobs->run(p->jobs->context, job, &channel);
  _exit(0);
}

/* ---- in the parent ---- */

static bool begin(pool *p, uint32_t job) {
  int ends[2];
  if (pipe(ends)) return false;
  for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  fflush(NULL); /* else the child has it, too */
  pid_t parent = getpid(), id = fork();
  if (!id) {
    close(ends[0]);
    be_child(p, job, ends[1], parent);
  }
  close(ends[1]);
  if (id < 0) return close(ends[0]), false;
  setpgid(id, id); /* whoever of both is first */
  p->workers[p->running++] = (worker){.id = id, .job = job, .from = ends[0]};
  return true;
}

static void take_messages(pool *p, worker *w) {
  size_t at = 0;
  head h;
  while (w->filled - at >= sizeof h) {
    memcpy(&h, w->buffer + at, sizeof h);
    if (w->filled - at - sizeof h < h.length) break;
    const char *bytes = w->buffer + at + sizeof h;
    if (h.kind == GIVEN) {
      free(w->given);
      w->given = malloc(h.length + 1);
      w->given_length = h.length;
      if (w->given) memcpy(w->given, bytes, h.length);
    } else if (p->jobs->heard) {
      p->jobs->heard(p->jobs->context, w->job, bytes, h.length);
    }
    at += sizeof h + h.length;
  }
  memmove(w->buffer, w->buffer + at, w->filled - at);
  w->filled -= at;
}

/* False: the child has closed its end. */
static bool listen_to(pool *p, worker *w) {
  if (w->size - w->filled < 4096) {
    char *larger = realloc(w->buffer, 2 * w->size + 8192);
    if (!larger) return false;
    w->buffer = larger;
    w->size = 2 * w->size + 8192;
  }
  ssize_t got = read(w->from, w->buffer + w->filled, w->size - w->filled);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  w->filled += (size_t)got;
  take_messages(p, w);
  return true;
}

static const char *why(const pool *p, int status) {
  if (WIFSIGNALED(status))
    return p->told && WTERMSIG(status) == SIGTERM
               ? "interrupted"
               : net_arena_format(&p->n->arena, "its process was ended by signal %d (%s)", WTERMSIG(status),
                                  strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) == NO_MEMORY) return "this machine has no memory left";
  return net_arena_format(&p->n->arena, "its process ended with code %d and no result", WEXITSTATUS(status));
}

static void end(pool *p, worker *w) {
  int status = 0;
  worker gone = *w;
  close(gone.from);
  while (waitpid(gone.id, &status, 0) < 0 && errno == EINTR) {
  }
  *w = p->workers[--p->running];
  p->jobs->ended(p->jobs->context, gone.job, gone.given, gone.given_length,
                 gone.given ? NULL : why(p, status));
  free(gone.given);
  free(gone.buffer);
}

static void tell_to_end(pool *p) {
  if (p->told || !rt_signals_caught()) return;
  p->over = p->told = true;
  for (uint32_t i = 0; i < p->running; i++) kill(p->workers[i].id, SIGTERM);
}

/* Waits a little for the children, hears what they say, and buries them. */
static void attend(pool *p) {
  uint32_t waited = p->running;
  for (uint32_t i = 0; i < waited; i++)
    p->polled[i] = (struct pollfd){.fd = p->workers[i].from, .events = POLLIN};
  if (poll(p->polled, waited, 100) <= 0) return;
  for (uint32_t i = waited; i-- > 0;) /* from the end: the last takes the place of one that goes */
    if (p->polled[i].revents && !listen_to(p, &p->workers[i])) end(p, &p->workers[i]);
}

/* Begins jobs while there is room. False: no process can be made, not even when all others have ended. */
static bool fill(pool *p) {
  while (!p->over && p->running < p->at_once) {
    if (p->job == DR_JOB_LATER) p->job = p->jobs->next(p->jobs->context);
    if (p->job == DR_JOB_LATER && p->running) return true;
    p->over = p->job == DR_NO_JOB || p->job == DR_JOB_LATER;
    if (p->over) return true;
    if (begin(p, p->job)) {
      p->job = DR_JOB_LATER;
      continue;
    }
    if (p->running) return true; /* again when one has ended */
    net_error_errno(p->n, NET_NOWHERE, "make", "a process");
    return false;
  }
  return true;
}

dr_workers_outcome dr_workers_run(netc *n, const dr_jobs *jobs, uint32_t at_once) {
  pool p = {.n = n, .jobs = jobs, .at_once = at_once ? at_once : 1, .job = DR_JOB_LATER};
  rt_signals signals;
  bool ok = true;
  p.workers = NET_NEW_ARRAY(&n->arena, worker, p.at_once);
  p.polled = NET_NEW_ARRAY(&n->arena, struct pollfd, p.at_once);
  rt_signals_catch(&signals);
  do {
    tell_to_end(&p);
    ok = fill(&p);
    if (p.running) attend(&p);
  } while (ok && (p.running || !p.over));
  rt_signals_release(&signals);
  return !ok ? DR_WORKERS_FAILED : p.told ? DR_WORKERS_INTERRUPTED : DR_WORKERS_DONE;
}
