#include "driver/deploy.h"

static const pl_port *port_at(const dr_deployed *d, uint32_t i) {
  return i < d->object->input_count ? &d->inputs[i] : &d->outputs[i - d->object->input_count];
}

static bool find_ports(netc *n, const net_graph *graph, dr_deployed *d) {
  const pl_object *o = d->object;
  d->inputs = d->codes ? o->code_inputs : o->inputs, d->outputs = d->codes ? o->code_outputs : o->outputs;
  if (!d->inputs)
    net_error(
        n, NET_NOWHERE,
        "'%s' has no functions of codes: they need a format of integers at every input (--quantize R, with "
        "rules for what reads inputs)",
        net_text(n, graph->name));
  return d->inputs;
}

static bool load(dr_call *call, const char *target_name, dr_deployed *d) {
  netc *n = call->n;
  cg_target target;
  const pl_object *o = d->object;
  d->port_count = o->input_count + o->output_count;
  if (d->port_count > DR_MOST_PORTS) {
    net_error(n, NET_NOWHERE, "networks of more than %d inputs and outputs cannot be called from here",
              DR_MOST_PORTS);
    return false;
  }
  for (uint32_t i = 0; i < d->port_count; i++)
    d->bytes[i] = port_at(d, i)->elements * net_type_bytes(port_at(d, i)->type);
  d->scratch = net_arena_alloc(&n->arena, o->scratch + 64, 64);
  if (!cg_target_find(n, NET_NOWHERE, target_name, &target) ||
      !(d->jit = cg_jit_load(n, &target, o->bytes, o->length)))
    return false;
  for (uint32_t i = 0; i < o->function_count; i++) {
    if (o->functions[i].codes != d->codes) continue;
    void (*function)(void) = cg_jit_symbol(d->jit, o->functions[i].name);
    if (!function) return false;
    *(o->functions[i].rows ? &d->rows : &d->one) = function;
  }
  return true;
}

bool dr_deploy(dr_call *call, const net_graph *graph, const float *const *weights, const char *target,
               bool codes, dr_deployed *d) {
  *d = (dr_deployed){.codes = codes};
  if (!target) target = "native";
  pl_object_request request = {.network = graph, .weights = weights, .target = target, .prefix = "network",
                               .codes = codes};
  if (!dr_compile_options(call, &request.options)) return false;
  d->object = pl_object_make(call->n, &request);
  if (!d->object) return !call->n->diagnostics.errors;
  if (find_ports(call->n, graph, d) && load(call, target, d)) return true;
  dr_deployed_end(d);
  return false;
}

/* As many arguments as there are ports, and scratch behind them. */
#define ARGUMENTS1 p[0]
#define ARGUMENTS2 ARGUMENTS1, p[1]
#define ARGUMENTS3 ARGUMENTS2, p[2]
#define ARGUMENTS4 ARGUMENTS3, p[3]
#define ARGUMENTS5 ARGUMENTS4, p[4]
#define ARGUMENTS6 ARGUMENTS5, p[5]
#define ARGUMENTS7 ARGUMENTS6, p[6]
#define ARGUMENTS8 ARGUMENTS7, p[7]
#define ARGUMENTS9 ARGUMENTS8, p[8]
#define TYPES1 void *
#define TYPES2 TYPES1, void *
#define TYPES3 TYPES2, void *
#define TYPES4 TYPES3, void *
#define TYPES5 TYPES4, void *
#define TYPES6 TYPES5, void *
#define TYPES7 TYPES6, void *
#define TYPES8 TYPES7, void *
#define TYPES9 TYPES8, void *
#define CASES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

/* The arguments of a function; their count. */
static uint32_t arguments(const dr_deployed *d, bool rows, void *const *ports, void **p) {
  const pl_object *o = d->object;
  uint32_t count = d->port_count;
  memcpy(p, ports, count * sizeof *p);
  for (uint32_t i = 0; i < o->function_count; i++)
    if (o->functions[i].rows == rows && o->functions[i].codes == d->codes && o->functions[i].scratch)
      p[count++] = d->scratch;
  return count;
}

void dr_deployed_row(const dr_deployed *d, void *const *ports) {
  void *p[DR_MOST_PORTS + 1];
#define CALL(k) case k: ((void (*)(TYPES##k))d->one)(ARGUMENTS##k); break;
  switch (arguments(d, false, ports, p)) { CASES(CALL) }
#undef CALL
}

void dr_deployed_rows(const dr_deployed *d, size_t count, void *const *ports) {
  void *p[DR_MOST_PORTS + 1];
#define CALL(k) case k: ((void (*)(size_t, TYPES##k))d->rows)(count, ARGUMENTS##k); break;
  switch (arguments(d, true, ports, p)) { CASES(CALL) }
#undef CALL
}

void dr_deployed_end(dr_deployed *d) {
  cg_jit_free(d->jit);
  d->jit = NULL;
}
