#include "pipeline/compilation.h"

#include "loops/print.h"

#include <time.h>

const char *const pl_stage_names[PL_STAGES] = {
#define STAGE(name, text) #name,
#include "pipeline/stages.def"
#undef STAGE
};
const char *const pl_stage_texts[PL_STAGES] = {
#define STAGE(name, text) text,
#include "pipeline/stages.def"
#undef STAGE
};

pl_stage pl_stage_find(const char *name) {
  pl_stage stage = 0;
  while (stage < PL_STAGES && strcmp(pl_stage_names[stage], name)) stage++;
  return stage;
}

pl_compilation pl_compilation_begin(netc *n, net_arena *arena, const pl_options *options) {
  return (pl_compilation){.n = n,
                          .arena = arena,
                          .options = options,
                          .context = {.n = n, .arena = arena, .verify = options->verify}};
}

double pl_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void pl_show_formats(pl_compilation *c, const net_graph *network) {
  if (!c->options->to) return;
  if (c->options->print_after == PL_quantize) net_graph_print(c->options->to, network);
  c->stopped |= c->options->stop_after == PL_quantize;
}

const net_graph *pl_run_pass(pl_compilation *c, pl_stage stage, net_pass_id pass, const net_graph *graph,
                             uint32_t *have) {
  if (!graph || c->stopped) return graph;
  double start = pl_now();
  const net_graph *result = net_pass_run(&c->context, pass, graph, have);
  c->times[stage] += pl_now() - start;
  if (result && c->options->to && c->options->print_after == stage) net_graph_print(c->options->to, result);
  c->stopped |= c->options->stop_after == stage;
  return result;
}

lp_function *pl_make_loops(pl_compilation *c, const net_graph *graph, const kn_bindings *bindings,
                           const cg_target *target, const kn_options *how, const char *name, uint32_t batch,
                           bool masked) {
  const pl_options *options = c->options;
  double start = pl_now();
  lp_function *f = kn_lower(c->n, c->arena, graph, bindings, net_intern(c->n, name), batch, masked);
  c->times[PL_lower] += pl_now() - start;
  if (!f) return NULL;
  if (options->verify && !lp_verify_statements(f)) return NULL;
  if (options->to && options->print_after == PL_lower) lp_print_statements(options->to, f);
  if ((c->stopped |= options->stop_after == PL_lower)) return f;
  start = pl_now();
  bool ok = kn_schedule(f, &(kn_machine){target->lanes, target->registers, target->has_dot4}, how);
  c->times[PL_schedule] += pl_now() - start;
  if (!ok || (options->verify && !lp_verify_nests(f))) return NULL;
  if (options->to && options->print_after == PL_schedule) lp_print_nests(options->to, f);
  c->stopped |= options->stop_after == PL_schedule;
  return f;
}

void pl_note_times(pl_compilation *c, const cg_times *times) {
  c->times[PL_emit] = times->emit, c->times[PL_optimise] = times->optimise;
  c->times[PL_generate] = times->generate, c->times[PL_link] = times->link;
}

void pl_print_times(const pl_compilation *c, double total) {
  FILE *to = c->options->to;
  if (!to || !c->options->time_passes) return;
  for (pl_stage s = 0; s < PL_STAGES; s++)
    fprintf(to, "%-16s %9.3f ms\n", pl_stage_names[s], 1e3 * c->times[s]);
  fprintf(to, "%-16s %9.3f ms\n", "total", 1e3 * total);
}
