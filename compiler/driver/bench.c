/* netc bench: times a network's compiled step, or the object that it is deployed as, on random data in
 * memory. */
#include "driver/bench.h"

#include "driver/calibrate.h"
#include "driver/table_output.h"
#include "graph/cost.h"
#include "support/table.h"

typedef struct {
  dr_call *call;
  dr_subject subject;
  bool train, list_kernels;
  uint64_t batch, threads;
  double peak;
  const char *target; /* string of what was timed; NULL: nothing was, as asked */
  dr_timing time, plain; /* plain: in floats, beside a quantised object; median 0: not timed */
  dr_table kernels;
} bench;

/* ---- a step, or an inference of the JIT kernel by kernel ---- */

static dr_table time_kernels(netc *n, const pl_compiled *compiled, dr_bench_data *data) {
  static const dr_column columns[] = {{"kernel", "kernel", DR_WORD},
                                      {"ns", "ns", DR_COUNT},
                                      {"share", "share", DR_SHARE},
                                      {"GOP/s", "gops", DR_REAL},
                                      {0}};
  dr_table t = dr_table_new(n, "kernels", "Kernels", columns);
  uint32_t count;
  const pl_kernel *kernels = pl_kernels(compiled, &count);
  double *ns = NET_NEW_ARRAY(&n->arena, double, count + 1), sum = 0;
  for (uint32_t i = 0; i < count; i++)
    sum += ns[i] = dr_time_step(n, kernels[i].call, data, 0.02, false).median;
  for (uint32_t i = 0; i < count; i++) {
    dr_table_word(&t, kernels[i].name);
    dr_table_number(&t, ns[i]);
    dr_table_number(&t, ns[i] / sum);
    dr_table_number(&t, kernels[i].work / ns[i]);
  }
  return t;
}

static bool time_step(bench *b) {
  dr_call *call = b->call;
  netc *n = call->n;
  net_experiment *e = &b->subject.experiment;
  pl_request request = {.network = e->network.graph,
                        .objective = b->train ? &e->recipe.objective : NULL,
                        .optimizer = &e->recipe.optimizer,
                        .functions = b->train ? PL_TRAIN : PL_INFER,
                        .batch = (uint32_t)b->batch,
                        .target = call->value[DR_cpu],
                        .kernels = b->list_kernels};
  if (!dr_compile_options(call, &request.options)) return false;
  pl_compiled *compiled = pl_compile(n, &request);
  if (!compiled) return !n->diagnostics.errors;
  const rt_program *program = pl_program(compiled);
  const rt_function *function = b->train ? &program->train : &program->infer;
  dr_bench_data data;
  bool ok = dr_bench_data_make(call, program, request.objective, e->network.graph, function,
                               (uint32_t)b->batch, (uint32_t)b->threads, &data);
  if (ok) {
    b->target = program->target;
    b->time = dr_time_step(n, function->call, &data, 1, dr_has(call, DR_cold));
    if (b->list_kernels) b->kernels = time_kernels(n, compiled, &data);
  }
  pl_free(compiled);
  return ok;
}

/* ---- an object ---- */

static bool time_object(bench *b) {
  dr_subject *subject = &b->subject;
  dr_call *call = b->call;
  const char *plain;
  rt_checkpoint *weights = NULL;
  if (dr_has(call, DR_load) || subject->checkpoint) {
    weights = dr_find_weights(subject);
    if (!weights || !dr_settle_formats(subject, weights)) return false;
  }
  const net_graph *g = subject->experiment.network.graph;
  uint32_t batch = (uint32_t)b->batch, threads = (uint32_t)b->threads;
  const char *cpu = call->value[DR_cpu];
  if (!(dr_has(call, DR_codes) ? dr_bench_codes : dr_bench_infer)(subject, g, weights, cpu, batch, threads, 1,
                                                                  &b->time, &b->target))
    return false;
  if (!b->target || g == subject->plain) return true;
  if (!dr_bench_infer(subject, subject->plain, weights, cpu, batch, threads, 1, &b->plain, &plain))
    return false;
  if (b->time.median > b->plain.median)
    net_warning(call->n, NET_NOWHERE, "quantised, '%s' is slower than in floats: %.4g ns a call against %.4g",
                net_text(call->n, g->name), b->time.median, b->plain.median);
  return true;
}

/* ---- what comes of it ---- */

static void print_json(const bench *b, double gflops) {
  const dr_timing *t = &b->time;
  json_t *ns =
      json_pack("{s:o, s:o, s:o, s:o}", "min", net_json_number(t->min), "median", net_json_number(t->median),
                "p99", net_json_number(t->p99), "max", net_json_number(t->max));
  const char *network = net_text(b->call->n, b->subject.experiment.network.graph->name);
  json_t *object = json_pack(
      "{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:s}", "network", network, "mode",
      b->train ? "train" : "infer", "batch", (json_int_t)b->batch, "threads", (json_int_t)b->threads, "ns",
      ns, "samples_per_second", net_json_number(1e9 * (double)b->batch / t->median), "gflops",
      net_json_number(gflops), "peak_gflops", net_json_number(b->peak), "target", b->target);
  if (dr_has(b->call, DR_codes)) json_object_set_new(object, "codes", json_true());
  if (b->plain.median > 0) json_object_set_new(object, "float_median_ns", net_json_number(b->plain.median));
  if (b->list_kernels) json_object_set_new(object, b->kernels.name, dr_table_json(&b->kernels));
  net_json_print(b->call->out, object);
}

/* Short times with their decimals. */
static const char *ns_text(netc *n, double ns) {
  return net_arena_format(&n->arena, ns < 1000 ? "%.1f" : "%.0f", ns);
}

static void print_text(const bench *b, double gflops) {
  netc *n = b->call->n;
  FILE *out = b->call->out;
  const dr_timing *t = &b->time;
  fprintf(out, "%s, %s%s, batch %llu, %llu thread%s, %s\n",
          net_text(n, b->subject.experiment.network.graph->name), b->train ? "train" : "infer",
          dr_has(b->call, DR_codes) ? " on codes" : "", (unsigned long long)b->batch,
          (unsigned long long)b->threads, b->threads == 1 ? "" : "s", b->target);
  fprintf(out, "ns a call          min %s  median %s  p99 %s  max %s\n", ns_text(n, t->min),
          ns_text(n, t->median), ns_text(n, t->p99), ns_text(n, t->max));
  if (b->plain.median > 0) fprintf(out, "in floats          median %s\n", ns_text(n, b->plain.median));
  fprintf(out, "samples a second   %s\nGFLOP/s            %.1f of %.1f\n",
          net_thousands(&n->arena, 1e9 * (double)b->batch / t->median), gflops, b->peak);
  if (b->list_kernels) fprintf(out, "\n"), dr_table_print(out, &b->kernels, DR_AS_TEXT);
}

static void report(bench *b) {
  net_graph *g = b->subject.experiment.network.graph;
  net_graph_cost(g);
  double macs = net_graph_cost_total(g, (uint32_t)b->batch).macs;
  double gflops = 2 * macs * (b->train ? 3 : 1) / b->time.median; /* backward is twice forward */
  if (b->call->json) print_json(b, gflops);
  else print_text(b, gflops);
}

int dr_bench(dr_call *call) {
  bench b = {.call = call, .batch = 256, .threads = 1, .list_kernels = dr_has(call, DR_kernels)};
  if (!dr_integer(call, DR_batch, 1, 1 << 24, &b.batch) || !dr_integer(call, DR_threads, 1, 1024, &b.threads))
    return DR_WRONG_COMMAND;
  b.train = !dr_has(call, DR_mode) || !strcmp(call->value[DR_mode], "train");
  if (b.train && dr_has(call, DR_load))
    return dr_wrong(call, "--load is for --mode infer: training begins anew");
  if (dr_has(call, DR_codes) && (b.train || b.list_kernels))
    return dr_wrong(call, "--codes is for --mode infer%s: it is objects that have functions of codes",
                    b.train ? "" : " without --kernels");
  if (!dr_open(call, &b.subject)) return DR_WRONG_INPUT;
  bool data = b.train || dr_has(call, DR_load) || b.subject.checkpoint; /* formats may be calibrated anew */
  if (data ? !dr_elaborate(&b.subject) : !dr_elaborate_network(&b.subject)) return DR_WRONG_INPUT;
  if (!(b.train || b.list_kernels ? time_step(&b) : time_object(&b))) return DR_WRONG_INPUT;
  if (!b.target) return DR_DONE;
  if ((b.peak = dr_peak(call)) <= 0) return DR_WRONG_INPUT;
  report(&b);
  return DR_DONE;
}
