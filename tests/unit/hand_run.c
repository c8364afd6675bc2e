#include "hand_run.h"

#include "support/file.h"
#include "support/json.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

hand_run *hand_run_make(uint32_t rows, uint32_t validation, uint32_t batch, uint32_t epochs) {
  hand_run *run = calloc(1, sizeof *run);
  netc_init(&run->n, NULL);
  const char *base = getenv("TMPDIR");
  snprintf(run->folder, sizeof run->folder, "%s/netc-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
  if (!mkdtemp(run->folder)) abort();
  run->program = hand_program(&run->n.arena, batch);
  run->data = hand_data(&run->n.arena, rows, validation, 100);
  run->spec = hand_spec(epochs, batch);
  hand = (hand_hooks){0};
  return run;
}

static void each_file(hand_run *run, void (*what)(hand_run *, const char *, uint32_t *), uint32_t *count) {
  DIR *d = opendir(run->folder);
  for (struct dirent *e; d && (e = readdir(d));)
    if (e->d_name[0] != '.') what(run, e->d_name, count);
  if (d) closedir(d);
}

static void count_file(hand_run *run, const char *name, uint32_t *count) {
  (void)run, (void)name;
  (*count)++;
}

static void remove_file(hand_run *run, const char *name, uint32_t *count) {
  (void)count;
  unlink(hand_path(run, name));
}

uint32_t hand_files(hand_run *run) {
  uint32_t count = 0;
  each_file(run, count_file, &count);
  return count;
}

void hand_run_free(hand_run *run) {
  each_file(run, remove_file, NULL);
  rmdir(run->folder);
  netc_free(&run->n);
  free(run);
}

rt_outcome hand_train(hand_run *run, bool resume) {
  run->program = hand_program(&run->n.arena, run->spec.batch_size);
  run->variables = hand_variables(&run->n.arena, run->program, run->spec.seed);
  run->result =
      rt_train(&run->n, run->program, run->data, &run->spec, run->folder, resume, run->variables, NULL);
  hand = (hand_hooks){.misaligned = hand.misaligned, .bad_padding = hand.bad_padding};
  return run->result.outcome;
}

const char *hand_path(hand_run *run, const char *name) { return net_path_join(&run->n, run->folder, name); }
bool hand_exists(hand_run *run, const char *name) { return !access(hand_path(run, name), F_OK); }

bool hand_copy(hand_run *run, const char *from, const char *to) {
  const char *bytes;
  size_t length;
  return net_file_read(&run->n, NET_NOWHERE, hand_path(run, from), &bytes, &length) &&
         net_file_write(&run->n, hand_path(run, to), bytes, length, false);
}

bool hand_same_file(hand_run *a, const char *a_name, hand_run *b, const char *b_name) {
  const char *x, *y;
  size_t m, k;
  return net_file_read(&a->n, NET_NOWHERE, hand_path(a, a_name), &x, &m) &&
         net_file_read(&b->n, NET_NOWHERE, hand_path(b, b_name), &y, &k) && m == k && !memcmp(x, y, m);
}

static json_t *read_log(hand_run *run) {
  json_t *rows = json_array();
  FILE *in = fopen(hand_path(run, "log.jsonl"), "r");
  for (char line[4096]; in && fgets(line, sizeof line, in);) {
    json_t *row = json_loads(line, 0, NULL);
    if (row &&
        (!json_is_number(json_object_get(row, "seconds")) || !json_object_get(row, "samples_per_second"))) {
      json_decref(row);
      row = NULL;
    }
    json_object_del(row, "seconds");
    json_object_del(row, "samples_per_second");
    json_array_append_new(rows, row ? row : json_string("broken"));
  }
  if (in) fclose(in);
  return rows;
}

static bool same_log(hand_run *a, hand_run *b) {
  json_t *x = read_log(a), *y = read_log(b);
  bool same = json_array_size(x) == a->result.epochs && json_equal(x, y);
  for (size_t i = 0; i < json_array_size(x); i++)
    same = same && json_integer_value(json_object_get(json_array_get(x, i), "epoch")) == (json_int_t)i + 1;
  json_decref(x);
  json_decref(y);
  return same;
}

bool hand_same(hand_run *a, hand_run *b) {
  return hand_same_file(a, "last.safetensors", b, "last.safetensors") &&
         hand_same_file(a, "best.safetensors", b, "best.safetensors") && same_log(a, b) &&
         !memcmp(a->variables, b->variables, a->program->variable_floats * sizeof(float)) &&
         hand_files(a) == hand_files(b);
}

bool hand_said(const hand_run *run, net_severity severity, const char *part) {
  for (uint32_t i = 0; i < run->n.diagnostics.list.count; i++)
    if (run->n.diagnostics.list.at[i].severity == severity &&
        strstr(run->n.diagnostics.list.at[i].message, part))
      return true;
  return false;
}

rt_checkpoint *hand_parse(netc *n, const char *header, size_t data) {
  size_t length = strlen(header);
  char *bytes = net_arena_alloc(&n->arena, 8 + length + data, 64);
  uint64_t size = length;
  memcpy(bytes, &size, 8);
  memcpy(bytes + 8, header, length);
  return rt_checkpoint_parse(n, "x.safetensors", bytes, 8 + length + data);
}
