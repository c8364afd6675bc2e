#include "runtime/batches.h"

rt_cut rt_cut_make(uint32_t rows, uint32_t batch, bool join) {
  rt_cut cut = {.rows = rows, .batch = batch, .full = rows / batch, .rest = rows % batch};
  if (join && cut.rest == 1 && cut.full) cut.full--, cut.rest += batch;
  cut.calls = cut.full + (cut.rest > 0);
  return cut;
}

const uint32_t *rt_batch_index(const rt_order *order, uint32_t first, uint32_t count, const rt_function *f,
                               uint32_t *buffer) {
  const uint32_t *inner = order->inner + first;
  if (order->outer)
    for (uint32_t i = 0; i < count; i++) buffer[i] = order->outer[inner[i]];
  else if (f->padded == count && first % 16 == 0) return inner; /* aligned and whole */
  else memcpy(buffer, inner, count * sizeof *buffer);
  for (uint32_t i = count; i < f->padded; i++) buffer[i] = buffer[0];
  return buffer;
}

static const float *make_ones(net_arena *arena, uint32_t rows) {
  float *ones = net_arena_alloc(arena, rows * sizeof *ones + 64, 64);
  for (uint32_t i = 0; i < rows; i++) ones[i] = 1;
  return ones;
}

const void **rt_columns_bind(net_arena *arena, const rt_program *program, const rt_split *split,
                             bool targets) {
  const void **columns = NET_NEW_ARRAY(arena, const void *, program->column_count);
  for (uint32_t i = 0; i < program->column_count; i++) {
    const rt_column_ref *c = &program->columns[i];
    if (c->kind == RT_COLUMN_INPUT) columns[i] = split->inputs[c->which].data;
    else if (!targets) continue;
    else if (c->kind == RT_COLUMN_TARGET) columns[i] = split->targets[c->which].data;
    else columns[i] = split->weight ? split->weight : make_ones(arena, split->rows);
  }
  return columns;
}
