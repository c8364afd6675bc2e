/* How much the training loop adds to its steps: an epoch of 105,000 rows in batches of 256 with steps that
 * take about 4 µs and do nothing, against the same steps called one after the other. Prints the share of the
 * loop's time that the steps have, and what one shuffle costs. */
#include "runtime/batches.h"
#include "runtime/random.h"
#include "runtime/run.h"
#include "runtime/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 105000, VALIDATION = 15000, BATCH = 256, EPOCHS = 400, WORK = 17000 };

static uint32_t spin(const rt_step *s) {
  float *v = s->variables, x = v[0];
  for (int i = 0; i < WORK; i++) __asm__ volatile("" : "+x"(x));
  v[0] = x + s->scalars[0] * 0;
  *s->loss = 1;
  *s->weight_sum = s->count;
  *s->correct = s->index[0] & 1;
  return 0;
}

static uint32_t look(const rt_step *s) {
  *s->loss = 1;
  *s->weight_sum = s->count;
  *s->correct = 0;
  return 0;
}

/* Time on the processor: other processes do not count, nor does waiting for the disk. */
static double busy(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double alone(const rt_step *s) {
  double began = busy();
  for (int i = 0; i < EPOCHS * (ROWS / BATCH + 1); i++) spin(s);
  return busy() - began;
}

static void time_shuffles(netc *n) {
  rt_orders *orders = rt_orders_make(&n->arena, 1, ROWS, EPOCHS, true);
  double total = 0, first = 0;
  for (uint32_t e = 0; e < EPOCHS; e++) {
    double began = busy();
    rt_orders_get(orders, e);
    total += busy() - began;
    if (!e) first = total;
  }
  printf("order of %d rows: the first %.0f us, on average over %d epochs %.0f us (and their composition)\n",
         ROWS, first * 1e6, EPOCHS, total / EPOCHS * 1e6);
}

int main(void) {
  netc n;
  char folder[] = "/tmp/netc-loop-XXXXXX", command[64];
  static rt_column_ref columns[] = {{RT_COLUMN_INPUT, 0}};
  static rt_scalar scalars[] = {
      {RT_SCALAR_RATE, 0, 0}, {RT_SCALAR_CORRECTION1, 0, 0.9}, {RT_SCALAR_CORRECTION2, 0, 0.999}};
  static rt_variable variable = {"w", {1, {16}}, RT_PARAMETER, 0, RT_FILL, 1, false};
  netc_init(&n, NULL);
  rt_program p = {.network = "spin",
                  .target = "none",
                  .variables = &variable,
                  .variable_count = 1,
                  .variable_floats = 1408 * 3,
                  .columns = columns,
                  .column_count = 1,
                  .scalars = scalars,
                  .scalar_count = 3,
                  .logits = UINT32_MAX,
                  .values = UINT32_MAX,
                  .train = {spin, BATCH, BATCH, true, 64},
                  .train_rest = {spin, BATCH + 1, BATCH + 16, false, 64},
                  .evaluate = {look, BATCH, BATCH, false, 64}};
  static rt_column x = {.name = "x", .type = NET_F32, .width = 1};
  x.data = net_arena_alloc(&n.arena, ROWS * sizeof(float) + 64, 64);
  rt_data data = {.split = {{.rows = ROWS, .inputs = &x, .input_count = 1},
                            {.rows = VALIDATION, .inputs = &x, .input_count = 1}}};
  double rate = 1e-3;
  rt_train_spec spec = {
      .epochs = EPOCHS, .batch_size = BATCH, .threads = 1, .shuffle = true, .rates = &rate, .rate_count = 1};
  float *v = net_arena_alloc(&n.arena, p.variable_floats * sizeof *v, 64);
  rt_step one = {.variables = v,
                 .scalars = v,
                 .count = BATCH,
                 .loss = &(double){0},
                 .weight_sum = &(double){0},
                 .correct = &(uint32_t){0},
                 .index = net_arena_alloc(&n.arena, 1024, 64)};
  if (!mkdtemp(folder)) return 1;
  alone(&one);
  double steps = alone(&one), began = busy();
  rt_train_result r = rt_train(&n, &p, &data, &spec, folder, false, v, NULL);
  double loop = busy() - began;
  steps = 0.5 * (steps + alone(&one));
  printf("a step takes %.2f us; the loop runs at %.1f %% of the steps alone\n",
         steps / (EPOCHS * (ROWS / BATCH + 1)) * 1e6, 100 * steps / loop);
  time_shuffles(&n);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command)) perror(folder);
  netc_free(&n);
  return r.outcome != RT_DONE;
}
