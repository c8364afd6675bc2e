/* Every value lies in its interval and, if it is quantised, on its format's grid; no sum overflows. */
#include "driver/verify.h"

#include "formats/formats.h"
#include "runtime/evaluate.h"

#include <math.h>

/* ---- grids ---- */

/* The steps and zero points of a quantiser; false: it has none. */
static bool calibration_of(dr_observation *o, net_node_id node, net_calibration *calibration) {
  const net_graph *g = o->graph;
  net_value_id step = net_node_input(g, node, 1), zero = net_node_input(g, node, 2);
  if (step == NET_NONE) return false;
  uint32_t count = (uint32_t)net_shape_elements(&g->values.at[step].shape);
  const float *zeros = zero == NET_NONE ? NULL : dr_observed_constant(o, zero);
  int32_t *points = NET_NEW_ARRAY(&o->arena, int32_t, count);
  for (uint32_t i = 0; zeros && i < count; i++) points[i] = (int32_t)zeros[i];
  *calibration = (net_calibration){dr_observed_constant(o, step), zeros ? points : NULL, count};
  return true;
}

/* One quantiser of the graph. */
typedef struct {
  net_node_id node;
  net_value_id value;
  const net_format_spec *spec;
  net_calibration calibration;
  bool calibrated, off; /* off: some of its values were not on the grid */
} quantizer;

static void look(quantizer *q, const net_graph *g, const float *values, uint32_t samples) {
  const net_value *value = net_graph_value_at(g, q->value);
  net_shape shape = value->shape;
  if (value->batched) { /* samples come first */
    shape = (net_shape){.rank = value->shape.rank + 1, .dim = {samples}};
    for (uint32_t i = 0; i < value->shape.rank; i++) shape.dim[i + 1] = value->shape.dim[i];
  }
  net_format_tensor tensor = {.shape = &shape, .batched = value->batched, .values = values};
  if (q->calibrated) tensor.calibration = &q->calibration;
  q->off |= !net_format_on_grid(q->spec, &tensor);
}

static void say_grids(dr_verification *v, const dr_rows *rows, const quantizer *list, uint32_t count) {
  uint32_t off = 0;
  const quantizer *first = NULL;
  for (uint32_t i = 0; i < count; i++)
    if (list[i].off && !off++) first = &list[i];
  json_t *fields =
      json_pack("{s:s, s:I, s:I, s:I, s:o}", "inputs", rows->name, "samples", (json_int_t)rows->rows.rows,
                "values", (json_int_t)count, "off_grid", (json_int_t)off, "node",
                net_json_text(first ? net_text(v->n, v->graph->nodes.at[first->node].name) : NULL));
  if (off)
    dr_verify_say(v, "grid", false, fields, "'%s' gives numbers that are none of %s",
                  net_text(v->n, v->graph->nodes.at[first->node].name),
                  net_format_spec_text(v->n, first->spec));
  else
    dr_verify_say(v, "grid", true, fields, "%u %s inputs: all %u quantised tensors lie on their grids",
                  rows->rows.rows, rows->name, count);
}

/* ---- ranges ---- */

/* The first value that leaves its interval: an input, or what a node gives. */
typedef struct {
  net_value_id value; /* NET_NONE: there is none */
  double number;
  net_range range;
} escape;

static void say_input(dr_verification *v, const dr_rows *rows, const dr_escape *e) {
  const char *name = net_text(v->n, v->graph->values.at[e->input].name);
  json_t *fields = json_pack("{s:s, s:I, s:s, s:I, s:I, s:o}", "inputs", rows->name, "samples",
                             (json_int_t)rows->rows.rows, "value", name, "sample", (json_int_t)e->sample,
                             "element", (json_int_t)e->element, "number", net_json_number(e->number));
  dr_verify_say(v, "ranges", false, fields,
                "'%s' is %.9g in sample %llu, element %llu of the %s inputs, but is declared to be from %.9g "
                "to %.9g",
                name, e->number, (unsigned long long)e->sample, (unsigned long long)e->element, rows->name,
                e->range.lo, e->range.hi);
}

static void watch(const dr_verification *v, net_value_id value, const float *numbers, uint32_t samples,
                  escape *e) {
  uint64_t each = net_shape_elements(&v->graph->values.at[value].shape);
  for (uint64_t i = 0; i < samples * each && e->value == NET_NONE; i++) {
    net_range in = v->ranges->elements[value][i % each];
    bool known = isfinite(in.lo) && isfinite(in.hi); /* else there may be NaN */
    if (known && !(numbers[i] >= in.lo && numbers[i] <= in.hi)) *e = (escape){value, numbers[i], in};
  }
}

static void say_ranges(dr_verification *v, const dr_rows *rows, const escape *e) {
  json_t *fields = json_pack("{s:s, s:I}", "inputs", rows->name, "samples", (json_int_t)rows->rows.rows);
  if (e->value == NET_NONE) {
    dr_verify_say(v, "ranges", true, fields, "%u %s inputs: no value leaves its interval", rows->rows.rows,
                  rows->name);
    return;
  }
  const char *name = net_text(v->n, v->graph->values.at[e->value].name);
  json_object_set_new(fields, "value", net_json_text(name));
  json_object_set_new(fields, "number", net_json_number(e->number));
  dr_verify_say(v, "ranges", false, fields, "'%s' is %.9g, but can be from %.9g to %.9g", name, e->number,
                e->range.lo, e->range.hi);
}

bool dr_verify_grids(dr_verification *v, const dr_rows *rows) {
  dr_observation *o = &v->seen;
  const net_graph *g = v->graph;
  const rt_program *program = pl_program(o->compiled);
  quantizer *list = NET_NEW_ARRAY(&v->n->arena, quantizer, g->nodes.count + 1);
  uint32_t count = 0;
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    if (!net_node_is_quantizer(g, i)) continue;
    quantizer *q = &list[count++];
    net_value_id y = g->nodes.at[i].first_output;
    *q = (quantizer){.node = i, .value = y, .spec = net_format_at(v->n, g->values.at[y].format)};
    q->calibrated = calibration_of(o, i, &q->calibration);
    const float *shared = g->values.at[y].batched ? NULL : dr_observed_constant(o, y);
    if (shared) look(q, g, shared, 1);
  }
  net_arena arena;
  net_arena_init(&arena, v->n->arena.guard);
  rt_pass pass;
  bool ok =
      rt_pass_make(v->n, &arena, program, &program->infer, &rows->rows, v->threads, o->variables, &pass);
  escape escaped = {.value = NET_NONE};
  dr_escape input = dr_escape_find(g, &rows->rows);
  while (ok && rt_pass_next(&pass))
    for (uint32_t i = 0; i < program->network_outputs; i++) {
      watch(v, o->outputs[i], pass.step.outputs[i], pass.count, &escaped);
      for (uint32_t k = 0; k < count; k++)
        if (list[k].value == o->outputs[i]) look(&list[k], g, pass.step.outputs[i], pass.count);
    }
  if (ok && input.input != NET_NONE) say_input(v, rows, &input);
  else if (ok) say_ranges(v, rows, &escaped);
  if (ok && count) say_grids(v, rows, list, count);
  net_arena_free(&arena);
  return ok;
}

/* ---- sums ---- */

enum { MOST_BITS = 64 }; /* of an integer in machine code */

void dr_verify_accumulators(dr_verification *v) {
  netc *n = v->n;
  const net_graph *g = v->graph;
  uint32_t errors = n->diagnostics.errors, said = n->diagnostics.list.count, sums = 0;
  int most = 0;
  const char *widest = NULL;
  bool ok = net_ranges_check(v->ranges, NET_ERROR);
  for (net_node_id i = 0; i < g->nodes.count; i++) {
    net_accumulator a;
    const char *name = net_text(n, g->nodes.at[i].name);
    if (!net_accumulator_find(v->ranges, i, &a)) continue;
    sums++;
    if (a.bits > most) most = a.bits, widest = name;
    ok &= a.bits <= MOST_BITS;
    if (!v->call->json) continue;
    int fraction;
    bool power = net_accumulator_fraction(&a, &fraction);
    json_t *fields =
        json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "node", name, "bits", a.bits, "fraction",
                  power ? json_integer(fraction) : json_null(), "unit", net_json_number(a.unit), "low",
                  net_json_number(a.range.lo), "high", net_json_number(a.range.hi));
    dr_verify_say(v, "accumulator", a.bits <= MOST_BITS, fields, "%s", "");
  }
  const char *why = n->diagnostics.errors > errors ? n->diagnostics.list.at[said].message : "";
  json_t *fields = json_pack("{s:I, s:o, s:o, s:o}", "sums", (json_int_t)sums, "most_bits",
                             sums ? json_integer(most) : json_null(), "node", net_json_text(widest), "reason",
                             *why ? net_json_text(why) : json_null());
  if (!ok && *why) dr_verify_say(v, "accumulators", false, fields, "%s", why);
  else if (!ok) dr_verify_say(v, "accumulators", false, fields, "'%s' needs %d bits", widest, most);
  else if (!sums) dr_verify_say(v, "accumulators", true, fields, "no node sums integers");
  else
    dr_verify_say(v, "accumulators", true, fields,
                  "%u sums of integers cannot overflow: at most %d bits, in '%s'", sums, most, widest);
}
