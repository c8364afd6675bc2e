#include "runtime/threads.h"

#include <omp.h>

static void parallel_for(void *pool, rt_work work, const void *context, uint32_t count) {
  uint32_t most = ((const rt_pool *)pool)->threads;
#pragma omp parallel num_threads(most < count ? most : count)
  {
    uint64_t threads = (uint64_t)omp_get_num_threads(), me = (uint64_t)omp_get_thread_num();
    uint32_t begin = (uint32_t)(count * me / threads), end = (uint32_t)(count * (me + 1) / threads);
    if (begin < end) work(context, begin, end);
  }
}

void rt_threads_use(rt_pool *pool, uint32_t threads, rt_step *step) {
  pool->threads = threads;
  step->parallel_for = threads > 1 ? parallel_for : NULL;
  step->pool = threads > 1 ? pool : NULL;
}
