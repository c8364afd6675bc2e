/* netc bench: times a network's compiled step, or its inference, on random data in memory. */
#include "driver/bench.h"

#include "driver/table_output.h"
#include "graph/cost.h"
#include "support/table.h"

static void print_json(dr_call *call, const char *network, const char *mode, uint32_t batch, uint32_t threads,
                       const dr_timing *t, double gflops, double peak, const dr_table *kernels) {
  json_t *ns =
      json_pack("{s:o, s:o, s:o, s:o}", "min", net_json_number(t->min), "median", net_json_number(t->median),
                "p99", net_json_number(t->p99), "max", net_json_number(t->max));
  json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "network", network, "mode", mode,
                             "batch", (json_int_t)batch, "threads", (json_int_t)threads, "ns", ns,
                             "samples_per_second", net_json_number(1e9 * batch / t->median), "gflops",
                             net_json_number(gflops), "peak_gflops", net_json_number(peak));
  if (kernels) json_object_set_new(object, kernels->name, dr_table_json(kernels));
  net_json_print(call->out, object);
}

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
  for (uint32_t i = 0; i < count; i++) sum += ns[i] = dr_time(n, kernels[i].call, data, 0.02, false).median;
  for (uint32_t i = 0; i < count; i++) {
    dr_table_word(&t, kernels[i].name);
    dr_table_number(&t, ns[i]);
    dr_table_number(&t, ns[i] / sum);
    dr_table_number(&t, kernels[i].work / ns[i]);
  }
  return t;
}

int dr_bench(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  uint64_t batch = 256, threads = 1;
  if (!dr_integer(call, DR_batch, 1, 1 << 24, &batch) || !dr_integer(call, DR_threads, 1, 1024, &threads))
    return DR_WRONG_COMMAND;
  const char *mode = dr_has(call, DR_mode) ? call->value[DR_mode] : "train";
  bool train = !strcmp(mode, "train");
  if (!dr_open(call, &subject)) return DR_WRONG_INPUT;
  if (train ? !dr_elaborate(&subject) : !dr_elaborate_network(&subject)) return DR_WRONG_INPUT;
  net_experiment *e = &subject.experiment;
  pl_request request = {.network = e->network.graph,
                        .objective = train ? &e->recipe.objective : NULL,
                        .optimizer = &e->recipe.optimizer,
                        .functions = train ? PL_TRAIN : PL_INFER,
                        .batch = (uint32_t)batch,
                        .target = call->value[DR_target],
                        .kernels = dr_has(call, DR_kernels)};
  if (!dr_compile_options(call, &request.options)) return DR_WRONG_COMMAND;
  pl_compiled *compiled = pl_compile(n, &request);
  if (!compiled) return n->diagnostics.errors ? DR_WRONG_INPUT : DR_DONE;
  const rt_program *program = pl_program(compiled);
  const rt_function *function = train ? &program->train : &program->infer;
  dr_bench_data data;
  int code = DR_WRONG_INPUT;
  double peak = dr_peak(call);
  if (peak > 0 && dr_bench_data_make(call, program, request.objective, e->network.graph, function,
                                     (uint32_t)batch, (uint32_t)threads, &data)) {
    dr_timing t = dr_time(n, function->call, &data, 1, dr_has(call, DR_cold));
    net_graph_cost(e->network.graph);
    double macs = net_graph_cost_total(e->network.graph, (uint32_t)batch).macs;
    double gflops = 2 * macs * (train ? 3 : 1) / t.median; /* backward is twice forward */
    const char *network = net_text(n, e->network.graph->name);
    dr_table kernels = {0};
    if (request.kernels) kernels = time_kernels(n, compiled, &data);
    if (call->json) {
      print_json(call, network, mode, (uint32_t)batch, (uint32_t)threads, &t, gflops, peak,
                 request.kernels ? &kernels : NULL);
    } else {
      fprintf(call->out,
              "%s, %s, batch %llu, %llu thread%s, %s\n"
              "ns a call          min %.0f  median %.0f  p99 %.0f  max %.0f\n"
              "samples a second   %s\n"
              "GFLOP/s            %.1f of %.1f\n",
              network, mode, (unsigned long long)batch, (unsigned long long)threads, threads == 1 ? "" : "s",
              program->target, t.min, t.median, t.p99, t.max,
              net_thousands(&n->arena, 1e9 * (double)batch / t.median), gflops, peak);
      if (request.kernels) fprintf(call->out, "\n"), dr_table_print(call->out, &kernels, DR_AS_TEXT);
    }
    code = DR_DONE;
  }
  pl_free(compiled);
  return code;
}
