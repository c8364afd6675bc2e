/* A network as it is compiled to objects and C, for this machine and others, against the network as it is
 * emulated. */
#include "driver/verify.h"
#include "driver/witness.h"

#include "runtime/evaluate.h"

#include <math.h>

enum { MOST_EMULATED_ROWS = 2000 };

typedef struct {
  uint64_t elements, different;
  double largest, scale; /* difference; magnitude of what is right */
  bool found;
  uint64_t row, element;
  double expected, actual;
  uint64_t decided, agreeing; /* rows with classes */
} comparison;

/* ---- what is right: the outputs of the network as test and predict compile it ---- */

static bool find_expected(dr_verification *v, net_arena *arena, const dr_rows *rows, float **expected) {
  dr_observation *o = &v->deployed;
  const rt_program *program = pl_program(o->compiled);
  const net_graph *g = v->graph;
  rt_pass pass;
  for (uint32_t i = 0; i < g->outputs.count; i++) {
    uint64_t each = net_shape_elements(&g->values.at[g->outputs.at[i]].shape);
    expected[i] = net_arena_alloc(arena, rows->rows.rows * each * sizeof(float) + 64, 64);
  }
  if (!rt_pass_make(v->n, arena, program, &program->infer, &rows->rows, v->threads, o->variables, &pass))
    return false;
  while (rt_pass_next(&pass))
    for (uint32_t i = 0; i < g->outputs.count; i++)
      for (uint32_t k = 0; k < program->network_outputs; k++) {
        uint64_t each = net_shape_elements(&g->values.at[g->outputs.at[i]].shape);
        if (o->outputs[k] == g->outputs.at[i])
          memcpy(expected[i] + pass.first * each, pass.step.outputs[k], pass.count * each * sizeof(float));
      }
  return true;
}

/* ---- comparing ---- */

static void compare(comparison *c, const net_value *value, const float *expected, const float *actual,
                    uint32_t rows) {
  uint64_t each = net_shape_elements(&value->shape);
  for (uint64_t i = 0; i < rows * each; i++) {
    double a = expected[i], b = actual[i];
    c->elements++;
    if (isfinite(a)) c->scale = fmax(c->scale, fabs(a));
    if (a == b || (isnan(a) && isnan(b))) continue;
    c->different++;
    c->largest = fmax(c->largest, isfinite(a - b) ? fabs(a - b) : INFINITY);
    if (c->found) continue;
    c->found = true;
    c->row = i / each, c->element = i % each, c->expected = a, c->actual = b;
  }
  for (uint32_t k = 0; k < rows && value->shape.rank == 1 && each > 1; k++) {
    c->decided++;
    c->agreeing += dr_largest(expected + k * each, each) == dr_largest(actual + k * each, each);
  }
}

/* Rounded sums of floats may differ from target to target; a number that lies on the edge between two steps
 * of a format may then become another. */
static bool holds(const dr_verification *v, const comparison *c) {
  const double relative = 1e-4;
  if (!c->different || v->formatted) return !c->different || !v->integer_only;
  return c->largest <= relative * fmax(c->scale, 1);
}

static void say(dr_verification *v, const dr_witness *w, const dr_rows *rows, uint32_t count,
                const comparison *c) {
  json_t *fields = json_pack("{s:s, s:s, s:I, s:b, s:I, s:I, s:o, s:o}", "witness", w->name, "inputs",
                             rows->name, "samples", (json_int_t)count, "integer_only", v->integer_only,
                             "elements", (json_int_t)c->elements, "different", (json_int_t)c->different,
                             "mismatch_rate", net_json_number((double)c->different / (double)c->elements),
                             "largest_difference", net_json_number(c->largest));
  json_object_set_new(fields, "class_agreement", net_json_number((double)c->agreeing / (double)c->decided));
  if (!c->different)
    dr_verify_say(v, "objects", true, fields,
                  "%u %s inputs: %s, all rows at once and each by itself, is the same bit for bit", count,
                  rows->name, w->name);
  else if (!holds(v, c))
    dr_verify_say(v, "objects", false, fields,
                  "output %llu of sample %llu of the %s inputs is %.9g by %s, %.9g compiled here",
                  (unsigned long long)c->element, (unsigned long long)c->row, rows->name, c->actual, w->name,
                  c->expected);
  else
    dr_verify_say(
        v, "objects", true, fields,
        "%u %s inputs: %llu of %llu output elements by %s differ, by %.2g at most; the same class in %.4g %%",
        count, rows->name, (unsigned long long)c->different, (unsigned long long)c->elements, w->name,
        c->largest, c->decided ? 100 * (double)c->agreeing / (double)c->decided : 100);
}

/* ---- the checks ---- */

static bool is_wanted(const dr_call *call, const char *name) {
  const char *list = call->value[DR_witness];
  if (!list) return !strcmp(name, "native") || !strcmp(name, "x86_64");
  if (!strcmp(list, "all")) return true;
  for (size_t length = strlen(name); *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == length && !strncmp(list, name, length)) return true;
  return false;
}

bool dr_check_witnesses(dr_call *call) {
  const char *names[16];
  for (uint32_t i = 0; i < dr_witness_count; i++) names[i] = dr_witnesses[i].name;
  const char *list = call->value[DR_witness];
  for (; list && *list && strcmp(list, "all"); list += strcspn(list, ","), list += *list == ',') {
    const char *word = net_arena_copy(&call->n->arena, list, strcspn(list, ","));
    bool known = false;
    for (uint32_t i = 0; i < dr_witness_count; i++) known |= !strcmp(word, names[i]);
    const char *near = net_nearest(word, names, dr_witness_count);
    if (!known)
      return dr_wrong(call,
                      "--witness: '%s' is none%s%s%s; known are all, native, x86_64, x86_64_v3, x86_64_v4, "
                      "c, aarch64, "
                      "riscv64 and armv7",
                      word, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : ""),
             false;
  }
  return true;
}

static bool hear(dr_verification *v, const dr_witness *w, const dr_rows *rows, float *const *expected,
                 net_arena *arena) {
  uint32_t count = rows->rows.rows;
  if (w->emulator && count > MOST_EMULATED_ROWS) count = MOST_EMULATED_ROWS;
  dr_testimony t;
  comparison c = {0};
  if (!dr_witness_hear(v->call, arena, w, v->graph, v->numbers, &rows->rows, count, &t)) return false;
  for (uint32_t i = 0; i < v->graph->outputs.count; i++) {
    const net_value *value = net_graph_value_at(v->graph, v->graph->outputs.at[i]);
    compare(&c, value, expected[i], t.at_once[i], count);
    compare(&c, value, expected[i], t.row_by_row[i], count);
  }
  say(v, w, rows, count, &c);
  return true;
}

bool dr_verify_objects(dr_verification *v, const dr_rows *rows) {
  net_arena arena;
  net_arena_init(&arena, v->n->arena.guard);
  float **expected = NET_NEW_ARRAY(&arena, float *, v->graph->outputs.count + 1);
  bool ok = find_expected(v, &arena, rows, expected);
  for (uint32_t i = 0; i < dr_witness_count && ok; i++) {
    const dr_witness *w = &dr_witnesses[i];
    const char *lacks;
    if (!is_wanted(v->call, w->name)) continue;
    if (!dr_witness_is_here(v->call, w, &lacks)) {
      if (rows == v->sets)
        dr_verify_open(v, "objects", json_pack("{s:s, s:s}", "witness", w->name, "lacks", lacks),
                       "%s: this machine lacks %s", w->name, lacks);
      continue;
    }
    ok = hear(v, w, rows, expected, &arena);
  }
  net_arena_free(&arena);
  return ok;
}
