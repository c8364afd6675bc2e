#include "pipeline/pipeline.h"

#include "codegen/jit.h"
#include "pipeline/compilation.h"
#include "pipeline/explain.h"
#include "pipeline/tables.h"

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

/* The weights of the network by the values of a graph that was made of it. */
static const float *const *weights_in(pl_compilation *c, const pl_request *request, const net_graph *graph) {
  const net_graph *network = request->network;
  const float **weights = NET_NEW_ARRAY(c->arena, const float *, graph->values.count + 1);
  for (net_value_id v = 0; v < graph->values.count; v++) {
    net_value_id own = net_graph_find_value(network, graph->values.at[v].name);
    if (own != NET_NONE && graph->values.at[v].kind == network->values.at[own].kind)
      weights[v] = request->weights[own];
  }
  return weights;
}

/* The graph that a function computes. */
static const net_graph *make_graph(pl_compilation *c, const pl_request *request, unsigned function) {
  const net_graph *g = request->network;
  uint32_t have = P_SHAPED;
  bool train = function & (PL_TRAIN | PL_TRAIN_REST);
  if (train) g = pl_run_pass(c, PL_training_mode, NET_PASS_training_mode, g, &have);
  if (function != PL_INFER) g = pl_run_pass(c, PL_losses, NET_PASS_losses, g, &have);
  if (train) g = pl_run_pass(c, PL_differentiate, NET_PASS_differentiate, g, &have);
  if (!train && g && request->weights) {
    c->context.data = weights_in(c, request, g);
    g = pl_run_pass(c, PL_freeze, NET_PASS_freeze, g, &have);
    g = pl_run_pass(c, PL_lower_integer, NET_PASS_lower_integer, g, &have);
  }
  return pl_run_pass(c, PL_eliminate_dead, NET_PASS_eliminate_dead, g, &have);
}

static cg_jit *make_code(pl_compilation *c, const cg_input *input) {
  const pl_options *options = c->options;
  if (c->stopped) return NULL;
  if (options->to && options->print_ir && !cg_print_ir(c->n, input, options->to)) return NULL;
  if (options->to && options->print_asm && !cg_print_asm(c->n, input, options->to)) return NULL;
  if (options->stop_after != PL_STAGES) return NULL; /* emit … link are one step */
  cg_times times = {0};
  cg_jit *jit = cg_jit_new(c->n, input, &times);
  pl_note_times(c, &times);
  return jit;
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
static const lp_function **split_nests(pl_compilation *c, const lp_function *f, pl_compiled *compiled) {
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

static bool compile(pl_compilation *c, const pl_request *request, pl_compiled *compiled, bool code) {
  cg_target target;
  if (!cg_target_find(c->n, NET_NOWHERE, request->target ? request->target : "native", &target)) return false;

  const net_graph *graphs[ENTRIES] = {0};
  pl_show_formats(c, request->network);
  if (c->stopped) return false;
  for (uint32_t i = 0; i < ENTRIES; i++) {
    if (!(request->functions & entries[i].function)) continue;
    bool again = entries[i].function == PL_TRAIN_REST && graphs[0];
    graphs[i] = again ? graphs[0] : make_graph(c, request, entries[i].function);
    if (!graphs[i]) return false;
    if (c->stopped) return false;
  }
  compiled->graphs =
      (pl_graphs){c->n, graphs[0] ? graphs[0] : graphs[1], graphs[2], graphs[3], &compiled->program};
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
    functions[i] = pl_make_loops(c, graphs[i], &bindings, &target, &(kn_options){.unfused = request->unfused},
                                 entries[i].name, batch, entries[i].masked);
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
  double start = pl_now();
  pl_compiled *compiled = NET_NEW(&n->arena, pl_compiled);
  compiled->n = n;
  net_arena_init(&compiled->arena, n->arena.guard);
  pl_compilation c = pl_compilation_begin(n, &compiled->arena, &request->options);
  c.context.objective = request->objective, c.context.optimizer = request->optimizer;
  bool ok = compile(&c, request, compiled, code);
  compiled->seconds = pl_now() - start;
  pl_print_times(&c, compiled->seconds);
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
