/* From end to end: the network as it is deployed against the interpreter, and an integer-only one against
 * integers. */
#include "driver/verify.h"

#include "interpret/integer.h"
#include "runtime/evaluate.h"

#include <math.h>

/* Two ways to compute the outputs, compared. */
typedef struct {
  uint64_t elements, different;
  double largest;    /* difference */
  uint64_t agreeing; /* samples with the same class */
  bool found;     /* the first difference */
  uint64_t sample, element;
  double expected, actual;
} difference;

typedef struct {
  dr_verification *v;
  const dr_rows *rows;
  difference compiled, integers; /* compiled against interpreted, and against integers */
  uint64_t decided;              /* samples with classes */
  net_integers first;            /* integers of one sample: of what all share, weights mostly */
} ends;

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void compare(difference *d, double expected, double actual, uint64_t sample, uint64_t element) {
  d->elements++;
  if (same(expected, actual)) return;
  d->different++;
  double apart = fabs(expected - actual);
  if (isfinite(apart)) d->largest = fmax(d->largest, apart);
  if (d->found) return;
  d->found = true;
  d->sample = sample, d->element = element, d->expected = expected, d->actual = actual;
}

static uint64_t largest_of(const double *x, uint64_t count) {
  uint64_t largest = 0;
  for (uint64_t i = 1; i < count; i++)
    if (x[i] > x[largest]) largest = i;
  return largest;
}

static uint64_t largest_integer(const net_integers *integers, net_value_id y, uint64_t first,
                                uint64_t count) {
  uint64_t largest = 0;
  for (uint64_t i = 1; i < count; i++)
    if (net_integers_value(integers, y, first + i) > net_integers_value(integers, y, first + largest))
      largest = i;
  return largest;
}

static void set_inputs(ends *e, net_run *run, net_integers *integers, uint32_t first) {
  const net_graph *g = e->v->graph;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    const float *elements = e->v->numbers[v];
    if (value->kind == NET_VALUE_INPUT)
      elements =
          (const float *)e->rows->rows.inputs[value->column].data + first * net_shape_elements(&value->shape);
    if (!elements) continue;
    if (value->kind == NET_VALUE_INPUT && run) net_run_set(run, v, elements);
    if (integers) net_integers_set(integers, v, elements);
  }
}

/* outputs: of the compiled network, by value. */
static bool compare_batch(ends *e, uint32_t first, uint32_t count, float *const *outputs) {
  dr_verification *v = e->v;
  const net_graph *g = v->graph;
  net_arena arena;
  net_arena_init(&arena, v->n->arena.guard);
  net_run run = net_run_begin(v->n, g, &arena, count);
  net_integers integers = {0};
  if (v->integer_only) {
    integers = net_integers_begin(v->n, g, &arena, count);
    net_integers_share(&integers, &e->first);
  }
  for (net_value_id id = 0; id < g->values.count; id++)
    if (v->deployed.constants.values[id]) run.values[id] = v->deployed.constants.values[id];
  set_inputs(e, &run, v->integer_only ? &integers : NULL, first);
  bool ok = true;
  for (net_node_id node = 0; node < g->nodes.count && ok; node++)
    if (!run.values[g->nodes.at[node].first_output]) ok = net_run_node(&run, node);
  ok = ok && (!v->integer_only || net_integers_run(&integers));
  for (uint32_t o = 0; o < g->outputs.count && ok; o++) {
    net_value_id y = g->outputs.at[o];
    const net_value *value = net_graph_value_at(g, y);
    uint64_t each = net_shape_elements(&value->shape);
    if (!outputs[y]) continue; /* no sample changes it */
    for (uint64_t i = 0; i < each * count; i++) {
      compare(&e->compiled, run.values[y][i], outputs[y][i], first + i / each, i % each);
      if (v->integer_only) /* numbers stand for them as binary32 has them */
        compare(&e->integers, (float)net_integers_value(&integers, y, i), outputs[y][i], first + i / each,
                i % each);
    }
    for (uint32_t k = 0; k < count && value->shape.rank == 1 && each > 1; k++) {
      e->decided++;
      uint64_t interpreted = largest_of(run.values[y] + k * each, each);
      e->compiled.agreeing += interpreted == dr_largest(outputs[y] + k * each, each);
      if (v->integer_only)
        e->integers.agreeing +=
            dr_largest(outputs[y] + k * each, each) == largest_integer(&integers, y, k * each, each);
    }
  }
  net_arena_free(&arena);
  return ok;
}

static json_t *fields_of(const ends *e, const difference *d) {
  json_t *fields = json_pack("{s:s, s:I, s:b, s:I, s:I, s:o, s:o}", "inputs", e->rows->name, "samples",
                             (json_int_t)e->rows->rows.rows, "integer_only", e->v->integer_only, "elements",
                             (json_int_t)d->elements, "different", (json_int_t)d->different, "mismatch_rate",
                             net_json_number((double)d->different / (double)d->elements),
                             "largest_difference", net_json_number(d->largest));
  json_object_set_new(fields, "class_agreement", net_json_number((double)d->agreeing / (double)e->decided));
  return fields;
}

/* other: how what is expected came about. */
static void fail(ends *e, const char *check, const difference *d, const char *other, const char *why) {
  dr_verify_say(e->v, check, false, fields_of(e, d),
                "output %llu of sample %llu of the %s inputs is %.9g compiled, %.9g %s%s",
                (unsigned long long)d->element, (unsigned long long)d->sample, e->rows->name, d->actual,
                d->expected, other, why);
}

/* The same bits are promised. */
static void say_same(ends *e, const char *check, const difference *d, const char *text) {
  dr_verify_say(e->v, check, true, fields_of(e, d), "%u %s inputs: %s, bit for bit", e->rows->rows.rows,
                e->rows->name, text);
}

/* How often they differ from the interpreter's, where that is not promised. */
static void say_rate(ends *e, const difference *d) {
  const char *set = e->rows->name, *classes = "";
  uint32_t rows = e->rows->rows.rows;
  if (!d->different) {
    dr_verify_say(e->v, "outputs", true, fields_of(e, d),
                  "%u %s inputs: all %llu output elements are the interpreter's", rows, set,
                  (unsigned long long)d->elements);
    return;
  }
  if (e->decided)
    classes = net_arena_format(&e->v->n->arena, "; the same class in %.4g %% of the samples",
                               100 * (double)d->agreeing / (double)e->decided);
  dr_verify_say(e->v, "outputs", true, fields_of(e, d),
                "%u %s inputs: %llu of %llu output elements differ from the interpreter's, by %.2g at most%s",
                rows, set, (unsigned long long)d->different, (unsigned long long)d->elements, d->largest,
                classes);
}

static void say(ends *e) {
  const difference *c = &e->compiled, *i = &e->integers;
  if (!e->v->exact) say_rate(e, c);
  else if (!c->different) say_same(e, "outputs", c, "compiled and interpreted outputs are the same");
  else fail(e, "outputs", c, "interpreted", ", but the network is integer-only");
  if (!e->v->integer_only) return;
  if (!i->different) say_same(e, "integers", i, "the same computed in integers");
  else fail(e, "integers", i, "in integers", "");
}

bool dr_verify_outputs(dr_verification *v, const dr_rows *rows) {
  dr_observation *o = &v->deployed;
  const rt_program *program = pl_program(o->compiled);
  ends e = {.v = v, .rows = rows};
  net_arena arena;
  net_arena_init(&arena, v->n->arena.guard);
  float **outputs = NET_NEW_ARRAY(&arena, float *, v->graph->values.count + 1);
  rt_pass pass;
  bool ok =
      rt_pass_make(v->n, &arena, program, &program->infer, &rows->rows, v->threads, o->variables, &pass);
  if (ok && v->integer_only) {
    e.first = net_integers_begin(v->n, v->graph, &arena, 1);
    set_inputs(&e, NULL, &e.first, 0);
    ok = net_integers_run(&e.first);
  }
  while (ok && rt_pass_next(&pass)) {
    for (uint32_t i = 0; i < program->network_outputs; i++) outputs[o->outputs[i]] = pass.step.outputs[i];
    ok = compare_batch(&e, pass.first, pass.count, outputs);
  }
  if (ok) say(&e);
  net_arena_free(&arena);
  return ok;
}
