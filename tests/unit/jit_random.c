/* Networks made at random, compiled and fused, against the interpreter: what meets whom in a nest is more
 * than any list of networks holds. In the environment RANDOM_NETWORKS=960 tries more of them,
 * RANDOM_NETWORK=328 one alone, whose text it prints. */
#include "tests/unit/jit_group.h"

#include <stdlib.h>

enum { NETWORKS = 80, MOST_ELEMENTS = 64 };

/* A network's body being written; every value has a name v0, v1, … The state is a copy of the seed, so that a
 * network can be made again. */
typedef struct {
  net_arena *arena;
  uint64_t draws;
  const char *body;
  net_shape shape, shapes[32]; /* of the last value; of all */
  uint32_t values;
  bool norm;
} author;

static uint32_t pick(author *a, uint32_t count) { return (uint32_t)jit_random(&a->draws, 0, count); }

/* Of a last dimension; often that of the first, so that confusing the two would not show by their extents. */
static uint32_t extent(author *a, const net_shape *shape) {
  static const uint32_t extents[] = {1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 20, 33};
  if (shape->rank > 1 && pick(a, 2)) return shape->dim[0];
  return extents[pick(a, sizeof extents / sizeof *extents)];
}

/* Dimensions are the same or 1, counted from the last. */
static bool broadcasts(const net_shape *from, const net_shape *to) {
  if (from->rank > to->rank) return false;
  for (uint32_t i = 1; i <= from->rank; i++)
    if (from->dim[from->rank - i] != to->dim[to->rank - i] && from->dim[from->rank - i] != 1) return false;
  return true;
}

/* vN = expression, of that shape */
static void write(author *a, const char *expression, net_shape shape) {
  a->body = net_arena_format(a->arena, "%s  v%u = %s\n", a->body, a->values, expression);
  a->shapes[a->values++] = a->shape = shape;
}

/* The last value through a stage that leaves its shape. */
static void stage(author *a, const char *call) {
  write(a, net_arena_format(a->arena, "v%u -> %s", a->values - 1, call), a->shape);
}

static void layer(author *a) {
  static const char *const same[] = {
      "relu",    "leaky_relu(0.2)", "sigmoid",      "tanh",       "silu", "gelu",
      "softmax", "log_softmax",     "dropout(0.2)", "layer_norm", "relu", "relu"};
  net_shape shape = a->shape;
  uint32_t last = a->values - 1, rank = shape.rank, elements = (uint32_t)net_shape_elements(&shape);
  switch (pick(a, 11)) {
  case 0:
  case 1:
    shape.dim[rank - 1] = extent(a, &shape);
    if (net_shape_elements(&shape) <= MOST_ELEMENTS)
      write(a, net_arena_format(a->arena, "v%u -> linear(%u)", last, shape.dim[rank - 1]), shape);
    return;
  case 2: a->norm = true; return stage(a, pick(a, 3) ? "batch_norm" : "batch_norm(affine = false)");
  case 3: /* with any value that fits; not minus itself: to normalise a constant is to show roundings */
    for (uint32_t tries = 0; tries < 4; tries++) {
      uint32_t other = pick(a, a->values);
      if (broadcasts(&a->shapes[other], &shape))
        return write(
            a, net_arena_format(a->arena, "v%u %c v%u", last, other == last ? '*' : "+-*"[pick(a, 3)], other),
            shape);
    }
    return;
  case 4:
    if (rank == 1) return;
    return write(a, net_arena_format(a->arena, "v%u -> flatten", last), (net_shape){1, {elements}});
  case 5:
    for (uint32_t d = 2; d <= 4; d++)
      if (elements % d == 0 && pick(a, 2))
        return write(a, net_arena_format(a->arena, "v%u -> reshape([%u, %u])", last, d, elements / d),
                     (net_shape){2, {d, elements / d}});
    return;
  case 6: {
    static const char *const ops[] = {"sum", "mean", "max"};
    uint32_t axis = pick(a, rank);
    const char *op = ops[pick(a, 3)];
    if (rank > 1 && pick(a, 2)) {
      shape.dim[axis] = 1;
      return write(a, net_arena_format(a->arena, "v%u -> %s(axes = [%u], keep = true)", last, op, axis),
                   shape);
    }
    if (rank == 1)
      return write(a, net_arena_format(a->arena, "v%u -> %s(keep = true)", last, op), (net_shape){1, {1}});
    for (uint32_t i = axis + 1; i < rank; i++) shape.dim[i - 1] = shape.dim[i];
    shape.rank--;
    return write(a, net_arena_format(a->arena, "v%u -> %s(axes = [%u])", last, op, axis), shape);
  }
  case 7:
    if (rank != 1 || 2 * elements > MOST_ELEMENTS) return;
    for (uint32_t other = 0; other + 1 < a->values; other++)
      if (a->shapes[other].rank == 1 && a->shapes[other].dim[0] + elements <= MOST_ELEMENTS)
        return write(a, net_arena_format(a->arena, "concat(v%u, v%u)", last, other),
                     (net_shape){1, {elements + a->shapes[other].dim[0]}});
    return;
  default: return stage(a, same[pick(a, sizeof same / sizeof *same)]);
  }
}

static jit_network make(net_arena *arena, uint64_t seed) {
  static const char *const losses[] = {"mse", "mae", "huber", "bce_with_logits"};
  author a = {arena, seed, "", {0}, {{0}}, 0, false};
  net_shape shape = {1 + pick(&a, 2), {0}};
  for (uint32_t i = 0; i < shape.rank; i++) shape.dim[i] = 1 + pick(&a, shape.rank == 1 ? 33 : 6);
  const char *input = net_arena_format(arena, "x: f32[%u", shape.dim[0]);
  if (shape.rank > 1) input = net_arena_format(arena, "%s, %u", input, shape.dim[1]);
  shape.dim[shape.rank - 1] = extent(&a, &shape);
  write(&a, net_arena_format(arena, "x -> linear(%u)", shape.dim[shape.rank - 1]), shape);
  for (uint32_t i = 0, layers = 3 + pick(&a, 8); i < layers; i++) layer(&a);
  uint32_t classes = pick(&a, 2) ? 2 + pick(&a, 6) : 0;
  if (a.shape.rank > 1)
    write(&a, net_arena_format(arena, "v%u -> flatten", a.values - 1), (net_shape){1, {1}});
  const char *end = classes       ? net_arena_format(arena, "linear(%u)", classes)
                    : pick(&a, 2) ? "linear(5)"
                                  : "tanh";
  jit_network network = {.name = net_arena_format(arena, "%llu", (unsigned long long)seed),
                         .losses = {classes ? "cross_entropy" : losses[pick(&a, 4)]},
                         .predictions = {"out"},
                         .classes = classes,
                         .weighted = pick(&a, 4) == 0,
                         .norm = a.norm};
  network.text =
      net_arena_format(arena, "(%s]) {\n%s  y = v%u -> out: %s\n", input, a.body, a.values - 1, end);
  uint32_t also = pick(&a, a.values + 1); /* a second loss, on a value in the middle or on the same one */
  if (also < a.values) {
    network.losses[1] = losses[pick(&a, 4)], network.predictions[1] = "also";
    network.text = net_arena_format(arena, "%s  z = v%u -> also: silu\n  (y, z)\n}", network.text, also);
  } else {
    if (!classes) network.losses[1] = losses[pick(&a, 4)], network.predictions[1] = "out";
    network.text = net_arena_format(arena, "%s  y\n}", network.text);
  }
  if (!pick(&a, 3)) network.frozen = 2 * (uint64_t)pick(&a, 1 << 16); /* never the first */
  network.outputs = 1 + pick(&a, 1 << 16);
  return network;
}

static void check(jit_totals *t, uint32_t target, uint64_t seed) {
  static const uint32_t batches[] = {5, 16, 33, 70, 200, 300, 1, 2};
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_network network = make(&arena, seed);
  uint64_t draws = ~seed;
  /* normalisation leaves nothing of one sample, signs of two, and little else of three that are masked */
  uint32_t batch = batches[(uint32_t)jit_random(&draws, 0, network.norm ? 6 : 8)];
  bool masked = jit_random(&draws, 0, 2) < 1;
  jit_group g;
  jit_group_open(&g, t, target, &network);
  jit_function *train = jit_group_add(&g, JIT_SGD, batch, masked, false);
  jit_function *evaluate = jit_group_add(&g, JIT_EVALUATE, batch, !masked, false);
  jit_function *variable = jit_group_add_single(&g, false, false);
  jit_function *constant = jit_group_add_single(&g, true, false);
  jit_group_compile(&g);
  jit_check_step(&g, train, masked ? batch - batch / 4 : batch);
  jit_check_step(&g, evaluate, masked ? batch : batch - batch / 4);
  jit_check_step(&g, variable, 1);
  jit_check_step(&g, constant, 1);
  jit_group_close(&g);
  net_arena_free(&arena);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_random(void **state) {
  (void)state;
  uint64_t networks = from_environment("RANDOM_NETWORKS", NETWORKS);
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_totals t = jit_totals_new(&arena);
  for (uint32_t target = 0; target < JIT_TARGETS; target++)
    if (jit_runs_here(target))
      for (uint64_t seed = target; seed < networks; seed += JIT_TARGETS) check(&t, target, seed);
  printf("%u functions compiled, %u calls\n", t.functions, t.calls);
  net_arena_free(&arena);
}

static void test_one(void **state) {
  (void)state;
  uint64_t seed = from_environment("RANDOM_NETWORK", NETWORKS);
  net_arena arena;
  net_arena_init(&arena, NULL);
  jit_totals t = jit_totals_new(&arena);
  printf("%s%s\n", make(&arena, seed).name, make(&arena, seed).text);
  for (uint32_t target = 0; target < JIT_TARGETS; target++)
    if (jit_runs_here(target)) check(&t, target, seed);
  net_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest all[] = {cmocka_unit_test(test_random)}, one[] = {cmocka_unit_test(test_one)};
  if (getenv("RANDOM_NETWORK")) return cmocka_run_group_tests(one, NULL, NULL);
  return cmocka_run_group_tests(all, NULL, NULL);
}
