#include "driver/bench.h"

#include "codegen/jit.h"
#include "loops/loops.h"
#include "runtime/threads.h"

#include <stdlib.h>
#include <time.h>

/* Rows enough to differ from call to call, but few enough to lie in a cache: it is the code that is timed. */
enum { MOST_DATA_BYTES = 8 << 20, BATCHES = 64, EVICTED_BYTES = 64 << 20, MOST_CALLS = 1 << 20 };

static uint32_t draw(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

float dr_random(uint64_t *state) { return (float)draw(state) * 0x1p-30f - 1; }

/* Elements a row of a column, and for class numbers how many there are. */
static void column_form(const rt_program *program, const net_objective *objective, const net_graph *graph,
                        uint32_t slot, uint32_t *width, uint32_t *classes) {
  const rt_column_ref *ref = &program->columns[slot];
  *width = 1;
  *classes = 0;
  if (ref->kind == RT_COLUMN_INPUT) {
    for (net_value_id v = 0; v < graph->values.count; v++)
      if (graph->values.at[v].kind == NET_VALUE_INPUT && graph->values.at[v].column == ref->which)
        *width = (uint32_t)net_shape_elements(&graph->values.at[v].shape);
  } else if (ref->kind == RT_COLUMN_TARGET && objective) {
    const net_target *target = &objective->targets[ref->which];
    *width = (uint32_t)net_shape_elements(&target->shape);
    for (uint32_t t = 0; t < objective->term_count && target->type == NET_U32; t++)
      if (objective->terms[t].target == ref->which) *classes = objective->terms[t].class_count;
  }
}

bool dr_bench_data_make(dr_call *call, const rt_program *program, const net_objective *objective,
                        const net_graph *graph, const rt_function *function, uint32_t batch, uint32_t threads,
                        dr_bench_data *data) {
  net_arena *arena = &call->n->arena;
  uint64_t state = 1;
  size_t row_bytes = 0;
  uint32_t width, classes;
  for (uint32_t c = 0; c < program->column_count; c++) {
    column_form(program, objective, graph, c, &width, &classes);
    row_bytes += 4 * (size_t)width;
  }
  *data = (dr_bench_data){.batches = BATCHES, .padded = function->padded, .count = batch};
  while (data->batches > 1 && row_bytes * batch * data->batches > MOST_DATA_BYTES) data->batches /= 2;
  uint32_t rows = data->batches * batch;
  const void **columns = NET_NEW_ARRAY(arena, const void *, program->column_count + 1);
  for (uint32_t c = 0; c < program->column_count; c++) {
    column_form(program, objective, graph, c, &width, &classes);
    uint32_t *words = net_arena_alloc(arena, (size_t)rows * width * 4 + 64, 64);
    for (size_t i = 0; i < (size_t)rows * width; i++) {
      float x = dr_random(&state);
      if (classes) words[i] = draw(&state) % classes;
      else memcpy(&words[i], &x, sizeof x);
    }
    columns[c] = words;
  }
  data->order = net_arena_alloc(arena, ((size_t)data->batches * data->padded) * sizeof *data->order, 64);
  for (uint32_t b = 0; b < data->batches; b++)
    for (uint32_t i = 0; i < data->padded; i++) data->order[b * data->padded + i] = draw(&state) % rows;
  float *variables = dr_variables(call, program);
  rt_initialize(program, 0, variables);
  float *scalars = net_arena_alloc(arena, (program->scalar_count + 16) * sizeof(float), 64);
  for (uint32_t i = 0; i < program->scalar_count; i++)
    scalars[i] = program->scalars[i].kind == RT_SCALAR_RATE ? 1e-3f : 1;
  void **outputs = NET_NEW_ARRAY(arena, void *, program->output_count + 1);
  for (uint32_t i = 0; i < program->output_count; i++)
    outputs[i] = net_arena_alloc(arena, (size_t)function->padded * program->outputs[i].width * 4 + 64, 64);
  data->step = (rt_step){.columns = columns,
                         .index = data->order,
                         .variables = variables,
                         .scratch = net_arena_alloc(arena, function->scratch_bytes + 64, 64),
                         .scalars = scalars,
                         .outputs = outputs,
                         .loss = &data->loss,
                         .weight_sum = &data->weight_sum,
                         .correct = &data->correct,
                         .count = batch};
  rt_pool *pool = NET_NEW(arena, rt_pool);
  rt_threads_use(pool, threads, &data->step);
  return true;
}

static double nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void evict(volatile uint8_t *memory) {
  for (size_t i = 0; i < EVICTED_BYTES; i += 64) memory[i]++;
}

/* Calls that together take long enough for the clock. */
static uint32_t block_size(dr_timed timed, void *context) {
  enum { LEAST_NANOSECONDS = 1000, MOST_CALLS_AT_ONCE = 1024 };
  timed(context, 3);
  for (uint32_t calls = 1;; calls *= 2) {
    double before = nanoseconds();
    timed(context, calls);
    if (nanoseconds() - before >= LEAST_NANOSECONDS || calls == MOST_CALLS_AT_ONCE) return calls;
  }
}

dr_timing dr_time(netc *n, dr_timed timed, void *context, double seconds, bool cold) {
  uint8_t *evicted = cold ? net_arena_alloc(&n->arena, EVICTED_BYTES, 64) : NULL;
  double *times = NET_NEW_ARRAY(&n->arena, double, MOST_CALLS);
  uint32_t count = 0, calls = cold ? 1 : block_size(timed, context);
  double begin = nanoseconds(), warm = begin + 0.1e9 * seconds, end = begin + 1.1e9 * seconds;
  for (;;) {
    if (cold) evict(evicted);
    double before = nanoseconds();
    timed(context, calls);
    double after = nanoseconds();
    if (after < warm) continue;
    times[count++] = (after - before) / calls;
    if (count == MOST_CALLS || (after > end && count >= 5)) break;
  }
  qsort(times, count, sizeof *times, compare);
  return (dr_timing){times[0], times[count / 2], times[(uint32_t)((double)count * 0.99)], times[count - 1]};
}

typedef struct {
  rt_step_function call;
  dr_bench_data *data;
  uint32_t batch;
} timed_step;

static void call_step(void *context, uint32_t calls) {
  timed_step *t = context;
  for (uint32_t i = 0; i < calls; i++) {
    t->data->step.index = t->data->order + (size_t)(t->batch++ % t->data->batches) * t->data->padded;
    t->call(&t->data->step);
  }
}

dr_timing dr_time_step(netc *n, rt_step_function call, dr_bench_data *data, double seconds, bool cold) {
  timed_step t = {call, data, 0};
  return dr_time(n, call_step, &t, seconds, cold);
}

/* Twelve chains of fused multiply-adds, as many as latency and width need. */
double dr_peak(dr_call *call) {
  enum { CHAINS = 12, ROUNDS = 100000 };
  netc *n = call->n;
  cg_target target;
  if (!cg_target_find(n, NET_NOWHERE, call->value[DR_cpu] ? call->value[DR_cpu] : "native", &target))
    return 0;
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, "peak"), 1, false);
  lp_buffer result = lp_buffer_new(f, net_intern(n, "sink"), NET_F32, (net_shape){1, {CHAINS * target.lanes}},
                                   false, LP_VARIABLE, 0);
  f->buffers.at[result].rank = 1;
  f->buffers.at[result].dim[0] = CHAINS * target.lanes;
  f->lanes = target.lanes, f->tile = f->padded = 1;
  lp_nest_begin(f, f->name);
  lp_reg a = lp_reg_new(f, "a", NET_F32, target.lanes, CHAINS, 1);
  lp_expr zero = lp_int(f, 0), k = lp_begin_for(f, "k", zero, lp_int(f, CHAINS), 1, LP_UNROLL);
  lp_expr at = lp_product(f, k, lp_int(f, target.lanes));
  lp_set(f, a, k, zero, lp_vector_load(f, result, target.lanes, 1, &at));
  lp_end(f);
  lp_begin_for(f, "i", zero, lp_int(f, ROUNDS), 1, 0);
  k = lp_begin_for(f, "k", zero, lp_int(f, CHAINS), 1, LP_UNROLL);
  lp_expr factor = lp_splat_of(f, lp_real(f, 1.0001), target.lanes),
          addend = lp_splat_of(f, lp_real(f, 1e-9), target.lanes);
  lp_set(f, a, k, zero, lp_op3(f, LP_fma, lp_read_reg(f, a, k, zero), factor, addend));
  lp_end(f);
  lp_end(f);
  k = lp_begin_for(f, "k", zero, lp_int(f, CHAINS), 1, LP_UNROLL);
  at = lp_product(f, k, lp_int(f, target.lanes));
  lp_store_at(f, result, 1, &at, lp_read_reg(f, a, k, zero));
  lp_end(f);
  lp_nest_end(f, 1);
  const lp_function *functions[] = {f};
  cg_jit *jit = cg_jit_new(n, &(cg_input){&target, functions, 1}, NULL);
  if (!jit) return 0;
  rt_step_function peak = cg_jit_find(jit, "peak");
  rt_step step = {.variables = net_arena_alloc(&n->arena, CHAINS * target.lanes * sizeof(float), 64)};
  double best = 1e300;
  for (int i = 0; i < 40; i++) {
    double before = nanoseconds();
    peak(&step);
    double after = nanoseconds();
    if (after - before < best) best = after - before;
  }
  cg_jit_free(jit);
  return 2.0 * ROUNDS * CHAINS * target.lanes / best;
}
