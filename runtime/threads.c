#include "runtime/threads.h"

static void parallel_for(void *pool, rt_work work, const void *context, uint32_t count) {
  uint32_t threads = ((const rt_pool *)pool)->threads;
  if (threads > count) threads = count;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
  for (uint32_t t = 0; t < threads; t++)
    work(context, (uint32_t)((uint64_t)count * t / threads), (uint32_t)((uint64_t)count * (t + 1) / threads));
}

void rt_threads_use(rt_pool *pool, uint32_t threads, rt_step *step) {
  pool->threads = threads;
  step->parallel_for = threads > 1 ? parallel_for : NULL;
  step->pool = threads > 1 ? pool : NULL;
}
