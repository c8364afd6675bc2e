/* Records in folders of their own. */
#ifndef NETC_TESTS_RECORD_SUPPORT_H
#define NETC_TESTS_RECORD_SUPPORT_H

#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  netc n;
  char folder[64];
} record_test;

static inline record_test *record_make(void) {
  record_test *t = calloc(1, sizeof *t);
  const char *temporary = getenv("TMPDIR");
  netc_init(&t->n, NULL);
  snprintf(t->folder, sizeof t->folder, "%.40s/netc-XXXXXX", temporary ? temporary : "/tmp");
  if (!mkdtemp(t->folder)) abort();
  chmod(t->folder, 0755);
  return t;
}

static inline void record_free(record_test *t) {
  char command[96];
  snprintf(command, sizeof command, "rm -rf '%s'", t->folder);
  if (system(command)) abort();
  netc_free(&t->n);
  free(t);
}

static inline const char *record_path(record_test *t, const char *name) {
  return net_arena_format(&t->n.arena, "%s/%s", t->folder, name);
}

/* The last thing that was said, if it has this in it. */
static inline bool record_said(const netc *n, net_severity severity, const char *part) {
  if (!n->diagnostics.list.count) return false;
  const net_diagnostic *last = &n->diagnostics.list.at[n->diagnostics.list.count - 1];
  bool same = last->severity == severity && strstr(last->message, part);
  if (!same) fprintf(stderr, "said: %s\n", last->message);
  return same;
}

/* A run with something in every field that others do not fill in. */
static inline rc_run record_run(int k) {
  rc_run run = rc_run_empty();
  run.network = k % 2 ? "odd" : "even";
  run.recipe = "adam", run.data = "jets";
  run.settings = k % 3 ? "{\"train.epochs\": 50, \"name\": \"x\"}" : "{\"train.epochs\": 5}";
  run.options = "--epochs 5\n";
  run.seed = UINT64_MAX - (uint64_t)k;
  run.program_name = "jets.net", run.program_hash = "0123456789abcdef", run.program = "network n() {}\n";
  run.target = "x86_64", run.machine = "{}", run.version = "0.1", run.command = "netc train jets.net";
  run.validation_loss = k / 8.0;
  return run;
}

#endif
