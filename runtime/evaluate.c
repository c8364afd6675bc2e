#include "runtime/evaluate.h"

#include "runtime/metrics.h"

#include <math.h>

bool rt_pass_make(netc *n, net_arena *arena, const rt_program *program, const rt_function *function,
                  const rt_split *split, uint32_t threads, const float *variables, rt_pass *pass) {
  bool infer = function == &program->infer;
  *pass = (rt_pass){.function = function};
  if (!function->call) {
    net_fault(n, NET_NOWHERE, "network '%s' was compiled without its function for %s", program->network,
              infer ? "prediction" : "evaluation");
    return false;
  }
  pass->cut = rt_cut_make(split->rows, function->batch, false);
  pass->index = net_arena_alloc(arena, function->padded * sizeof(uint32_t), 64);
  void **outputs = NET_NEW_ARRAY(arena, void *, program->output_count);
  for (uint32_t i = 0; i < program->output_count; i++)
    outputs[i] =
        net_arena_alloc(arena, (size_t)function->padded * program->outputs[i].width * sizeof(float), 64);
  pass->step = (rt_step){
      .columns = rt_columns_bind(arena, program, split, !infer),
      .variables = (float *)variables, /* not written: neither function updates */
      .scratch = net_arena_alloc(arena, function->scratch_bytes, 64),
      .scalars = net_arena_alloc(arena, program->scalar_count * sizeof(float), 64),
      .outputs = outputs,
      .index = pass->index,
  };
  rt_threads_use(&pass->pool, threads, &pass->step);
  return true;
}

void rt_pass_rewind(rt_pass *pass) {
  pass->call = 0;
  pass->loss = pass->weight = 0;
  pass->correct = 0;
  pass->step.pool = pass->step.parallel_for ? &pass->pool : NULL; /* the pass may have moved */
  pass->step.loss = &pass->batch_loss;
  pass->step.weight_sum = &pass->batch_weight;
  pass->step.correct = &pass->batch_correct;
}

bool rt_pass_next(rt_pass *pass) {
  if (!pass->call) rt_pass_rewind(pass);
  if (pass->call == pass->cut.calls) return false;
  pass->first = pass->call * pass->cut.batch;
  pass->count = pass->step.count = rt_cut_count(&pass->cut, pass->call);
  for (uint32_t i = 0; i < pass->function->padded; i++)
    pass->index[i] = pass->first + (i < pass->count ? i : 0);
  pass->batch_loss = pass->batch_weight = 0;
  pass->batch_correct = 0;
  pass->function->call(&pass->step); /* a loss that is not finite makes the sum so */
  if (pass->batch_weight != 0) pass->loss += pass->batch_loss * pass->batch_weight;
  pass->weight += pass->batch_weight;
  pass->correct += pass->batch_correct;
  pass->call++;
  return true;
}

bool rt_evaluate(netc *n, const rt_program *program, const rt_data *data, rt_split_name split,
                 const rt_metric *metrics, uint32_t metric_count, uint32_t threads, const float *variables,
                 rt_evaluation *result) {
  const rt_split *rows = &data->split[split];
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  rt_pass pass;
  rt_tally *tally = NULL;
  *result = (rt_evaluation){.samples = rows->rows, .accuracy = NAN, .rmse = NAN};
  bool ok = rt_pass_make(n, &arena, program, &program->evaluate, rows, threads, variables, &pass) &&
            (tally = rt_tally_make(n, &arena, program, rows, metrics, metric_count, result));
  while (ok && rt_pass_next(&pass)) rt_tally_add(tally, pass.step.outputs, pass.first, pass.count);
  if (ok) {
    result->loss = pass.loss / pass.weight;
    if (program->logits != UINT32_MAX) result->accuracy = (double)pass.correct / (double)rows->rows;
    rt_tally_finish(tally);
  }
  net_arena_free(&arena);
  return ok;
}

bool rt_predict(netc *n, const rt_program *program, const rt_split *rows, uint32_t threads,
                const float *variables, float ***outputs) {
  return rt_predict_into(n, &n->arena, program, rows, threads, variables, outputs);
}

bool rt_predict_into(netc *n, net_arena *into, const rt_program *program, const rt_split *rows,
                     uint32_t threads, const float *variables, float ***outputs) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  rt_pass pass;
  bool ok = rt_pass_make(n, &arena, program, &program->infer, rows, threads, variables, &pass);
  if (ok) {
    *outputs = NET_NEW_ARRAY(into, float *, program->network_outputs);
    for (uint32_t i = 0; i < program->network_outputs; i++)
      (*outputs)[i] =
          net_arena_alloc(into, (size_t)rows->rows * program->outputs[i].width * sizeof(float), 64);
  }
  while (ok && rt_pass_next(&pass))
    for (uint32_t i = 0; i < program->network_outputs; i++) {
      size_t width = program->outputs[i].width;
      memcpy((*outputs)[i] + pass.first * width, pass.step.outputs[i], pass.count * width * sizeof(float));
    }
  net_arena_free(&arena);
  return ok;
}
