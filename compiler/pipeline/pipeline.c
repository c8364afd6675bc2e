#include "pipeline/pipeline.h"

#include "codegen/jit.h"
#include "kernels/kernels.h"
#include "loops/print.h"
#include "pipeline/explain.h"
#include "pipeline/tables.h"

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

struct pl_compiled {
  netc *n;
  net_arena arena; /* graphs, loops, tables */
  rt_program program;
  pl_graphs graphs;
  cg_jit *jit;
  pl_kernel *kernels;
  uint32_t kernel_count;
  double activation_bytes; /* of the first function */
  double seconds;
};

/* A compilation under way. */
typedef struct {
  netc *n;
  net_arena *arena;
  const pl_request *request;
  double times[PL_STAGES];
  bool stopped;
} compilation;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- stages ---- */

static const net_graph *run_pass(compilation *c, pl_stage stage, net_pass_id pass, const net_graph *graph,
                                 uint32_t *have) {
  if (!graph || c->stopped) return graph;
  const pl_request *request = c->request;
  net_pass_context context = {.n = c->n,
                              .arena = c->arena,
                              .objective = request->objective,
                              .optimizer = request->optimizer,
                              .verify = request->options.verify};
  double start = now();
  const net_graph *result = net_pass_run(&context, pass, graph, have);
  c->times[stage] += now() - start;
  if (result && request->options.to && request->options.print_after == stage)
    net_graph_print(request->options.to, result);
  c->stopped |= request->options.stop_after == stage;
  return result;
}

/* The network comes with its number formats: nothing is left to be done, but to show it. */
static void show_formats(compilation *c) {
  const pl_options *options = &c->request->options;
  if (!options->to) return;
  if (options->print_after == PL_quantize) net_graph_print(options->to, c->request->network);
  c->stopped |= options->stop_after == PL_quantize;
}

/* The graph that a function computes. */
static const net_graph *make_graph(compilation *c, unsigned function) {
  const net_graph *g = c->request->network;
  uint32_t have = P_SHAPED;
  bool train = function & (PL_TRAIN | PL_TRAIN_REST);
  if (train) g = run_pass(c, PL_training_mode, NET_PASS_training_mode, g, &have);
  if (function != PL_INFER) g = run_pass(c, PL_losses, NET_PASS_losses, g, &have);
  if (train) g = run_pass(c, PL_differentiate, NET_PASS_differentiate, g, &have);
  return run_pass(c, PL_eliminate_dead, NET_PASS_eliminate_dead, g, &have);
}

static lp_function *make_loops(compilation *c, const net_graph *graph, const kn_bindings *bindings,
                               const cg_target *target, const char *name, uint32_t batch, bool masked) {
  const pl_options *options = &c->request->options;
  double start = now();
  lp_function *f = kn_lower(c->n, c->arena, graph, bindings, net_intern(c->n, name), batch, masked);
  c->times[PL_lower] += now() - start;
  if (!f) return NULL;
  if (options->verify && !lp_verify_statements(f)) return NULL;
  if (options->to && options->print_after == PL_lower) lp_print_statements(options->to, f);
  if ((c->stopped |= options->stop_after == PL_lower)) return f;
  start = now();
  bool ok = kn_schedule(f, &(kn_machine){target->lanes, target->registers}, &(kn_options){c->request->unfused});
  c->times[PL_schedule] += now() - start;
  if (!ok || (options->verify && !lp_verify_nests(f))) return NULL;
  if (options->to && options->print_after == PL_schedule) lp_print_nests(options->to, f);
  c->stopped |= options->stop_after == PL_schedule;
  return f;
}

static cg_jit *make_code(compilation *c, const cg_input *input) {
  const pl_options *options = &c->request->options;
  if (c->stopped) return NULL;
  if (options->to && options->print_ir && !cg_print_ir(c->n, input, options->to)) return NULL;
  if (options->to && options->print_asm && !cg_print_asm(c->n, input, options->to)) return NULL;
  if (options->stop_after != PL_STAGES) return NULL; /* emit … link are one step */
  cg_times times = {0};
  cg_jit *jit = cg_jit_new(c->n, input, &times);
  c->times[PL_emit] = times.emit, c->times[PL_optimise] = times.optimise;
  c->times[PL_generate] = times.generate, c->times[PL_link] = times.link;
  return jit;
}

static void print_times(const compilation *c, double total) {
  FILE *to = c->request->options.to;
  if (!to || !c->request->options.time_passes) return;
  for (pl_stage s = 0; s < PL_STAGES; s++) fprintf(to, "%-16s %9.3f ms\n", pl_stage_names[s], 1e3 * c->times[s]);
  fprintf(to, "%-16s %9.3f ms\n", "total", 1e3 * total);
}

/* ---- the compiler ---- */

static const struct {
  unsigned function;
  const char *name;
  bool masked;
} entries[] = {{PL_TRAIN, "train", false},
               {PL_TRAIN_REST, "train_rest", true},
               {PL_EVALUATE, "evaluate", true},
               {PL_INFER, "infer", true}};
enum { ENTRIES = sizeof entries / sizeof *entries };

/* A function for each nest of f. */
static const lp_function **split_nests(compilation *c, const lp_function *f, pl_compiled *compiled) {
  const lp_function **list = NET_NEW_ARRAY(c->arena, const lp_function *, f->nests.count + ENTRIES);
  compiled->kernels = NET_NEW_ARRAY(c->arena, pl_kernel, f->nests.count + 1);
  compiled->kernel_count = f->nests.count;
  for (uint32_t i = 0; i < f->nests.count; i++) {
    lp_function *one = NET_NEW(c->arena, lp_function);
    *one = *f;
    one->name = net_intern_format(c->n, "%s.kernel_%u", net_text(c->n, f->name), i);
    one->nests.at = &f->nests.at[i];
    one->nests.count = 1;
    list[i] = one;
    compiled->kernels[i] = (pl_kernel){net_text(c->n, f->nests.at[i].name), NULL, f->nests.at[i].work};
  }
  return list;
}

static bool compile(compilation *c, pl_compiled *compiled, bool code) {
  const pl_request *request = c->request;
  cg_target target;
  if (!cg_target_find(c->n, NET_NOWHERE, request->target ? request->target : "native", &target)) return false;

  const net_graph *graphs[ENTRIES] = {0};
  show_formats(c);
  if (c->stopped) return false;
  for (uint32_t i = 0; i < ENTRIES; i++) {
    if (!(request->functions & entries[i].function)) continue;
    bool again = entries[i].function == PL_TRAIN_REST && graphs[0];
    graphs[i] = again ? graphs[0] : make_graph(c, entries[i].function);
    if (!graphs[i]) return false;
    if (c->stopped) return false;
  }
  compiled->graphs = (pl_graphs){c->n, graphs[0] ? graphs[0] : graphs[1], graphs[2], graphs[3], &compiled->program};
  pl_tables tables = pl_make_tables(c->n, c->arena, request, &compiled->graphs, target.string);
  compiled->program = tables.program;

  rt_function *const calls[ENTRIES] = {&compiled->program.train, &compiled->program.train_rest,
                                       &compiled->program.evaluate, &compiled->program.infer};
  const lp_function *functions[ENTRIES] = {0}, **list = NET_NEW_ARRAY(c->arena, const lp_function *, ENTRIES);
  uint32_t count = 0;
  for (uint32_t i = 0; i < ENTRIES; i++) {
    if (!graphs[i]) continue;
    /* a remainder of one sample may join the batch before it */
    uint32_t batch = request->batch + (entries[i].function == PL_TRAIN_REST);
    kn_bindings bindings = pl_bindings(&tables, graphs[i], entries[i].function);
    functions[i] = make_loops(c, graphs[i], &bindings, &target, entries[i].name, batch, entries[i].masked);
    if (!functions[i]) return false;
    list[count++] = functions[i];
  }
  compiled->activation_bytes = list[0]->activation_bytes;
  if (!code) return true;
  if (request->kernels) {
    const lp_function **all = split_nests(c, list[0], compiled);
    memcpy(all + compiled->kernel_count, list, count * sizeof *list);
    list = all, count += compiled->kernel_count;
  }

  compiled->jit = make_code(c, &(cg_input){&target, list, count});
  if (!compiled->jit) return false;
  for (uint32_t i = 0; i < ENTRIES; i++)
    if (functions[i])
      *calls[i] = (rt_function){cg_jit_find(compiled->jit, entries[i].name), functions[i]->batch,
                                functions[i]->padded, !entries[i].masked, functions[i]->scratch_bytes};
  for (uint32_t i = 0; i < compiled->kernel_count; i++)
    compiled->kernels[i].call = cg_jit_find(compiled->jit, net_text(c->n, list[i]->name));
  compiled->program.explain = pl_explain;
  compiled->program.context = &compiled->graphs;
  return true;
}

static pl_compiled *run(netc *n, const pl_request *request, bool code) {
  double start = now();
  pl_compiled *compiled = NET_NEW(&n->arena, pl_compiled);
  compiled->n = n;
  net_arena_init(&compiled->arena, n->arena.guard);
  compilation c = {.n = n, .arena = &compiled->arena, .request = request};
  bool ok = compile(&c, compiled, code);
  compiled->seconds = now() - start;
  print_times(&c, compiled->seconds);
  if (ok) return compiled;
  pl_free(compiled);
  return NULL;
}

pl_compiled *pl_compile(netc *n, const pl_request *request) { return run(n, request, true); }

double pl_activation_bytes(netc *n, const pl_request *request) {
  pl_compiled *compiled = run(n, request, false);
  double bytes = compiled ? compiled->activation_bytes : 0;
  pl_free(compiled);
  return bytes;
}

const pl_kernel *pl_kernels(const pl_compiled *compiled, uint32_t *count) {
  *count = compiled->kernel_count;
  return compiled->kernels;
}

const rt_program *pl_program(const pl_compiled *compiled) { return &compiled->program; }
double pl_seconds(const pl_compiled *compiled) { return compiled->seconds; }

void pl_free(pl_compiled *compiled) {
  if (!compiled) return;
  if (compiled->jit) cg_jit_free(compiled->jit);
  net_arena_free(&compiled->arena);
}
