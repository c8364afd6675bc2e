#include "runtime/profile.h"

#include "runtime/evaluate.h"

/* One batch's outputs, for each thread some of them. */
typedef struct {
  const rt_pass *pass;
  rt_statistics *const *statistics;
} work;

static void add_outputs(const void *context, uint32_t begin, uint32_t end) {
  const work *w = context;
  for (uint32_t i = begin; i < end; i++)
    if (w->statistics[i]) rt_statistics_add(w->statistics[i], w->pass->step.outputs[i], w->pass->count);
}

bool rt_profile(netc *n, const rt_program *program, const rt_split *rows, uint32_t threads,
                const float *variables, rt_statistics *const *statistics) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  rt_pass pass;
  bool ok = rt_pass_make(n, &arena, program, &program->infer, rows, threads, variables, &pass);
  uint32_t count = program->network_outputs;
  for (bool again = ok; again;) {
    rt_pass_rewind(&pass);
    work w = {&pass, statistics};
    while (rt_pass_next(&pass))
      if (pass.step.parallel_for) pass.step.parallel_for(pass.step.pool, add_outputs, &w, count);
      else add_outputs(&w, 0, count);
    again = false;
    for (uint32_t i = 0; i < count; i++) again |= statistics[i] && rt_statistics_again(statistics[i]);
  }
  net_arena_free(&arena);
  return ok;
}

rt_split rt_split_take(net_arena *arena, const rt_split *from, const uint32_t *index, uint32_t count) {
  rt_split split = {.rows = count, .input_count = from->input_count};
  split.inputs = NET_NEW_ARRAY(arena, rt_column, from->input_count);
  for (uint32_t i = 0; i < from->input_count; i++) {
    const rt_column *column = &from->inputs[i];
    size_t bytes = column->width * sizeof(float);
    char *data = net_arena_alloc(arena, count * bytes + 64, 64);
    for (uint32_t r = 0; r < count; r++)
      memcpy(data + r * bytes, (char *)column->data + index[r] * bytes, bytes);
    split.inputs[i] = *column;
    split.inputs[i].data = data;
  }
  return split;
}
