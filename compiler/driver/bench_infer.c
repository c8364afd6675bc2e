/* netc bench --mode infer: a network as an object has it, one row at a time or many. */
#include "driver/bench.h"

#include "driver/deploy.h"
#include "driver/weights.h"
#include "runtime/threads.h"

#include <math.h>

/* Rows enough to differ from call to call, but few enough to lie in a cache: it is the code that is timed. */
enum { MOST_DATA_BYTES = 8 << 20, MOST_BATCHES = 64 };

typedef struct {
  const dr_deployed *deployed;
  uint8_t *data[DR_MOST_PORTS]; /* of inputs: batches · rows; of outputs: rows */
  uint32_t rows, batches;
  uint32_t batch, repeats; /* under way */
  rt_step threads;         /* only who shares the work */
  uint32_t thread_count;
} inference;

/* Codes are those of the format: others would be no place in a table. */
static void fill(const netc *n, const pl_port *port, uint8_t *data, size_t count, uint64_t *state) {
  double low = 0, high = 0;
  size_t bytes = net_type_bytes(port->type);
  if (port->type != NET_F32) net_format_steps(net_format_at(n, port->format), &low, &high);
  for (size_t i = 0; i < count * port->elements; i++) {
    float x = dr_random(state);
    int64_t code = (int64_t)floor(low + (high - low + 1) * (0.5 * (double)x + 0.5));
    if (port->type == NET_F32) memcpy(data + i * bytes, &x, bytes);
    else memcpy(data + i * bytes, &code, bytes);
  }
}

static void prepare(dr_call *call, const dr_deployed *d, uint32_t rows, uint32_t threads, inference *run) {
  net_arena *arena = &call->n->arena;
  uint64_t state = 1;
  size_t row_bytes = 1;
  for (uint32_t i = 0; i < d->object->input_count; i++) row_bytes += d->bytes[i];
  *run = (inference){.deployed = d, .rows = rows, .batches = MOST_BATCHES, .thread_count = threads};
  while (run->batches > 1 && row_bytes * rows * run->batches > MOST_DATA_BYTES) run->batches /= 2;
  for (uint32_t i = 0; i < d->port_count; i++) {
    bool input = i < d->object->input_count;
    size_t count = (size_t)rows * (input ? run->batches : 1);
    run->data[i] = net_arena_alloc(arena, count * d->bytes[i] + 64, 64);
    if (input) fill(call->n, &d->inputs[i], run->data[i], count, &state);
  }
  rt_pool *pool = NET_NEW(arena, rt_pool);
  rt_threads_use(pool, threads, &run->threads);
}

/* Where rows lie, of the batch under way. */
static void ports_at(const inference *run, uint32_t batch, uint32_t row, void **ports) {
  const dr_deployed *d = run->deployed;
  for (uint32_t i = 0; i < d->port_count; i++) {
    uint64_t at = row + (i < d->object->input_count ? (uint64_t)batch * run->rows : 0);
    ports[i] = run->data[i] + at * d->bytes[i];
  }
}

/* One row a call. The usual function is called as a user's program would. */
static void call_one(void *context, uint32_t repeats) {
  const inference *run = context;
  const dr_deployed *d = run->deployed;
  void *ports[DR_MOST_PORTS];
  if (d->port_count == 2 && !d->object->scratch) {
    void (*one)(const void *, void *) = (void (*)(const void *, void *))d->one;
    for (uint32_t k = 0; k < repeats; k++)
      one(run->data[0] + (k & (MOST_BATCHES - 1)) % run->batches * d->bytes[0], run->data[1]);
    return;
  }
  for (uint32_t k = 0; k < repeats; k++) {
    ports_at(run, k % run->batches, 0, ports);
    dr_deployed_row(d, ports);
  }
}

/* A part of the rows, on some thread. */
static void call_part(const void *context, uint32_t begin, uint32_t end) {
  const inference *run = context;
  void *ports[DR_MOST_PORTS];
  for (uint32_t part = begin; part < end; part++) {
    uint32_t first = (uint32_t)((uint64_t)run->rows * part / run->thread_count),
             last = (uint32_t)((uint64_t)run->rows * (part + 1) / run->thread_count);
    ports_at(run, run->batch, first, ports);
    dr_deployed_rows(run->deployed, last - first, ports);
  }
}

static void call_rows(void *context, uint32_t repeats) {
  inference *run = context;
  for (uint32_t k = 0; k < repeats; k++) {
    run->batch = (run->batch + 1) % run->batches;
    if (run->threads.parallel_for)
      run->threads.parallel_for(run->threads.pool, call_part, run, run->thread_count);
    else call_part(run, 0, run->thread_count);
  }
}

static bool time_object(dr_subject *subject, const net_graph *graph, const rt_checkpoint *checkpoint,
                        const char *target, bool codes, uint32_t batch, uint32_t threads, double seconds,
                        dr_timing *timing, const char **string) {
  dr_call *call = subject->call;
  const float *const *weights = dr_graph_weights(subject, graph, checkpoint);
  dr_deployed d;
  inference run;
  if (!weights || !dr_deploy(call, graph, weights, target, codes, &d)) return false;
  *string = NULL;
  if (!d.jit) return true; /* stopped as asked */
  *string = d.object->target;
  prepare(call, &d, batch, threads, &run);
  *timing = dr_time(call->n, batch == 1 ? call_one : call_rows, &run, seconds, dr_has(call, DR_cold));
  dr_deployed_end(&d);
  return true;
}

bool dr_bench_infer(dr_subject *subject, const net_graph *graph, const rt_checkpoint *weights,
                    const char *target, uint32_t batch, uint32_t threads, double seconds, dr_timing *timing,
                    const char **string) {
  return time_object(subject, graph, weights, target, false, batch, threads, seconds, timing, string);
}

bool dr_bench_codes(dr_subject *subject, const net_graph *graph, const rt_checkpoint *weights,
                    const char *target, uint32_t batch, uint32_t threads, double seconds, dr_timing *timing,
                    const char **string) {
  return time_object(subject, graph, weights, target, true, batch, threads, seconds, timing, string);
}
