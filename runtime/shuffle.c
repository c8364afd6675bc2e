/* The order of an epoch's samples.
 *
 * Shuffling 100,000 indices takes longer than 30 training steps of a small network, so only some epochs pay for
 * it. There are two families of Fisher and Yates shuffles, drawn independently: right[0 … 7], and left[1], left[2],
 * …, with left[0] the identity. Epoch e takes its samples in the order
 *
 *     left[e / 8] ∘ right[e mod 8]
 *
 * which from epoch 8 on is one pass over two arrays. Each order is a uniformly random permutation, since it is
 * one composed with an independent one. Any three epochs' orders are independent of one another: see the epochs
 * as edges between the lefts and rights they use. Three edges of a bipartite graph close no cycle, so each of them
 * has an end that the others do not, or not together, and that end is a uniform permutation of its own. (The
 * orders of four epochs a·8+b, a·8+d, c·8+b, c·8+d are tied: three of them determine the fourth.) */
#include "runtime/batches.h"
#include "runtime/random.h"

enum {
  RIGHTS = 8,
  MOST_COMPOSED = 1 << 20, /* rows: beyond, ten arrays would take much memory, and every epoch is shuffled */
};

struct rt_orders {
  uint64_t seed;
  uint32_t rows;
  bool shuffle;
  uint32_t *order, *left, *right[RIGHTS]; /* right: NULL until used */
  uint32_t left_made;                     /* which left: 0, the identity, is never made */
  net_arena *arena;
};

static uint32_t *allocate(const rt_orders *o) { return net_arena_alloc(o->arena, o->rows * sizeof(uint32_t), 64); }

static void fill(const rt_orders *o, uint32_t *index) {
  for (uint32_t i = 0; i < o->rows; i++) index[i] = i;
}

static void draw(const rt_orders *o, uint32_t epoch, uint32_t *index) {
  rt_random random;
  rt_random_start(&random, o->seed, RT_RANDOM_EPOCH, epoch);
  fill(o, index);
  rt_random_shuffle(&random, index, o->rows);
}

rt_orders *rt_orders_make(net_arena *arena, uint64_t seed, uint32_t rows, bool shuffle) {
  rt_orders *o = NET_NEW(arena, rt_orders);
  *o = (rt_orders){.seed = seed, .rows = rows, .shuffle = shuffle, .arena = arena};
  o->order = allocate(o);
  if (!shuffle) fill(o, o->order);
  return o;
}

static const uint32_t *compose(rt_orders *o, const uint32_t *left, const uint32_t *right) {
  for (uint32_t i = 0; i < o->rows; i++) o->order[i] = left[right[i]];
  return o->order;
}

const uint32_t *rt_orders_get(rt_orders *o, uint32_t epoch) {
  if (!o->shuffle) return o->order;
  if (o->rows > MOST_COMPOSED) return draw(o, epoch, o->order), o->order;
  uint32_t a = epoch / RIGHTS, b = epoch % RIGHTS;
  if (!o->right[b]) draw(o, b, o->right[b] = allocate(o));
  if (!a) return o->right[b];
  if (!o->left) o->left = allocate(o);
  if (o->left_made != a) draw(o, a * RIGHTS, o->left), o->left_made = a;
  return compose(o, o->left, o->right[b]);
}
