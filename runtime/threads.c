#include "runtime/threads.h"

/* Several shares a thread, taken as threads come free: one that the system has put aside holds up one
 * share. */
enum { SHARES_PER_THREAD = 4 };

static void parallel_for(void *pool, rt_work work, const void *context, uint32_t count) {
  uint32_t threads = ((const rt_pool *)pool)->threads;
  uint32_t shares = threads * SHARES_PER_THREAD < count ? threads * SHARES_PER_THREAD : count;
  if (threads > count) threads = count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (uint32_t s = 0; s < shares; s++)
    work(context, (uint32_t)((uint64_t)count * s / shares), (uint32_t)((uint64_t)count * (s + 1) / shares));
}

void rt_threads_use(rt_pool *pool, uint32_t threads, rt_step *step) {
  pool->threads = threads;
  step->parallel_for = threads > 1 ? parallel_for : NULL;
  step->pool = threads > 1 ? pool : NULL;
}
