/* The order of an epoch's samples.
 *
 * Shuffling 100,000 indices takes longer than 30 training steps of a small network, so only some epochs pay
 * for it. There are two families of Fisher and Yates shuffles, drawn independently: right[0 … 7], and
 * left[1], left[2], …, with left[0] the identity. Epoch e takes its samples in the order
 *
 *     left[e / 8] ∘ right[e mod 8]
 *
 * which from epoch 8 on is composed batch by batch (rt_batch_index). Each order is a uniformly random
 * permutation, since it is one composed with an independent one. Any three epochs' orders are independent of
 * one another: see the epochs as edges between the lefts and rights they use. Three edges of a bipartite
 * graph close no cycle, so each of them has an end that the others do not, or not together, and that end is a
 * uniform permutation of its own. (The orders of four epochs a·8+b, a·8+d, c·8+b, c·8+d are tied: three of
 * them determine the fourth.) */
#include "runtime/batches.h"
#include "runtime/random.h"

enum {
  RIGHTS = 8,
  MOST_COMPOSED = 1 << 20, /* rows: beyond, nine arrays would take much memory, and every epoch is shuffled */
};

struct rt_orders {
  uint64_t seed;
  uint32_t rows;
  bool shuffle;
  bool composed;
  uint32_t *left, *right[RIGHTS];
  uint32_t left_made; /* which left: 0, the identity, is never made */
  bool right_made[RIGHTS];
};

static void fill(const rt_orders *o, uint32_t *index) {
  for (uint32_t i = 0; i < o->rows; i++) index[i] = i;
}

/* Filled at once: the system hands out memory at its first use, which takes as long as shuffling it. */
static uint32_t *allocate(const rt_orders *o, net_arena *arena) {
  uint32_t *index = net_arena_alloc(arena, o->rows * sizeof *index, 64);
  fill(o, index);
  return index;
}

static void draw(const rt_orders *o, uint32_t epoch, uint32_t *index) {
  rt_random random;
  rt_random_start(&random, o->seed, RT_RANDOM_EPOCH, epoch);
  fill(o, index);
  rt_random_shuffle(&random, index, o->rows);
}

rt_orders *rt_orders_make(net_arena *arena, uint64_t seed, uint32_t rows, uint32_t epochs, bool shuffle) {
  rt_orders *o = NET_NEW(arena, rt_orders);
  *o = (rt_orders){
      .seed = seed, .rows = rows, .shuffle = shuffle, .composed = shuffle && rows <= MOST_COMPOSED};
  for (uint32_t b = 0; b < (o->composed ? RIGHTS : 1) && b < epochs; b++) o->right[b] = allocate(o, arena);
  if (o->composed && epochs > RIGHTS) o->left = allocate(o, arena);
  return o;
}

rt_order rt_orders_get(rt_orders *o, uint32_t epoch) {
  rt_order order = {.inner = o->right[0]};
  if (!o->composed) {
    if (o->shuffle) draw(o, epoch, o->right[0]);
    return order;
  }
  uint32_t a = epoch / RIGHTS, b = epoch % RIGHTS;
  if (!o->right_made[b]) draw(o, b, o->right[b]), o->right_made[b] = true;
  if (a && o->left_made != a) draw(o, a * RIGHTS, o->left), o->left_made = a;
  order.inner = o->right[b];
  order.outer = a ? o->left : NULL;
  return order;
}
