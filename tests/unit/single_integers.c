/* Sums of integers, one sample: two layers of bytes or halves with a rescaling between them, as statements
 * and as nests, evaluated and compiled: the same bits. */
#include "tests/unit/jit_support.h"

#include "loops/evaluate.h"
#include "loops/print.h"

typedef struct {
  net_type x, weight;                /* of the first layer; the second takes what it gives, as x */
  uint32_t leading, in, hidden, out; /* leading 0: none */
  bool relu;                         /* nothing hidden is negative */
  uint32_t bits;                     /* of weights; 0: of their type; 1: 1 and −1 */
} shape_of;

static uint32_t random_below(uint64_t *seed, uint32_t count) { return (uint32_t)jit_random(seed, 0, count); }

/* Ends of the range as often as what lies between. */
static int64_t number(net_type type, uint64_t *seed) {
  int64_t low = type == NET_I8    ? -128
                : type == NET_I16 ? -32768
                                  : 0,
          high = type == NET_I8    ? 127
                 : type == NET_I16 ? 32767
                 : type == NET_U8  ? 255
                                   : 1000;
  uint32_t kind = random_below(seed, 4);
  return kind == 0 ? low : kind == 1 ? high : low + random_below(seed, (uint32_t)(high - low + 1));
}

static void *numbers(net_arena *arena, net_type type, uint32_t count, uint64_t *seed) {
  size_t bytes = (count + 2 * KN_PAD) * net_type_bytes(type);
  char *data = net_arena_alloc(arena, bytes, 64);
  memset(data, 0x55, bytes);
  for (uint32_t i = 0; i < count; i++) {
    int64_t value = number(type, seed);
    memcpy(data + i * net_type_bytes(type), &value, net_type_bytes(type));
  }
  return data;
}

static lp_buffer constant(lp_function *f, const char *name, net_type type, net_shape shape, uint64_t *seed) {
  lp_buffer b = lp_buffer_new(f, net_intern(f->n, name), type, shape, false, LP_CONSTANT, 0);
  f->buffers.at[b].data = numbers(f->arena, type, (uint32_t)net_shape_elements(&shape), seed);
  return b;
}

/* Weights of few bits: at both ends of their range, each half the time where there are two. */
static lp_buffer weights_of(lp_function *f, const shape_of *c, net_shape shape, uint64_t *seed) {
  lp_buffer b = constant(f, "w", c->weight, shape, seed);
  if (!c->bits) return b;
  size_t bytes = net_type_bytes(c->weight);
  char *data = (char *)f->buffers.at[b].data;
  for (size_t i = 0; i < net_shape_elements(&shape); i++) {
    int64_t end = (int64_t)1 << (c->bits - 1), kind = random_below(seed, 3),
            value = c->bits == 1 ? kind % 2 * 2 - 1
                    : kind       ? (kind == 1 ? -end : end - 1)
                                 : random_below(seed, (uint32_t)(2 * end)) - end;
    memcpy(data + i * bytes, &value, bytes);
  }
  return b;
}

/* Axes of leading dimensions and of a last one, behind the batch; the count of them all. */
static uint32_t axes_of(lp_function *f, const shape_of *c, uint32_t extent, lp_expr *at) {
  uint32_t count = 0;
  at[count++] = lp_batch(f);
  if (c->leading) at[count++] = lp_axis_new(f, "j", c->leading);
  at[count++] = extent == 1 ? lp_int(f, 0) : lp_axis_new(f, "o", extent);
  return count;
}

static net_shape shape_with(const shape_of *c, uint32_t extent) {
  return c->leading ? (net_shape){2, {c->leading, extent}} : (net_shape){1, {extent}};
}

/* y = bias + sum(i: w[o, i] · x[i]) in i32 */
static lp_buffer layer(lp_function *f, const shape_of *c, lp_buffer x, uint32_t in, uint32_t out,
                       uint64_t *seed) {
  lp_buffer w = weights_of(f, c, (net_shape){2, {out, in}}, seed);
  lp_buffer bias = constant(f, "bias", NET_I32, (net_shape){1, {out}}, seed);
  lp_buffer y = lp_buffer_new(f, net_intern(f->n, "sum"), NET_I32, shape_with(c, out), true, LP_SCRATCH, 0);
  lp_expr at[3], from[3];
  uint32_t count = axes_of(f, c, out, at);
  memcpy(from, at, sizeof from);
  lp_expr o = at[count - 1], i = in == 1 ? lp_int(f, 0) : lp_axis_new(f, "i", in);
  from[count - 1] = i;
  lp_expr product = lp_product(f, lp_convert(f, NET_I32, lp_load_from(f, w, o, i)),
                               lp_convert(f, NET_I32, lp_load_at(f, x, count, from)));
  lp_expr sum = in == 1 ? product : lp_sum_over(f, product, i);
  lp_assign_at(f, y, count, at, lp_addition(f, lp_load_from(f, bias, o), sum));
  return y;
}

/* convert(clamp(x >> 6)) */
static lp_buffer rescale(lp_function *f, const shape_of *c, lp_buffer x, net_type type, uint32_t extent) {
  lp_buffer y = lp_buffer_new(f, net_intern(f->n, "code"), type, shape_with(c, extent), true, LP_SCRATCH, 0);
  lp_expr at[3], low = lp_int(f, type == NET_U8 || c->relu ? 0 : -100),
                 high = lp_int(f, type == NET_U8 ? 200 : 120);
  uint32_t count = axes_of(f, c, extent, at);
  lp_expr value = lp_op2(f, LP_shr, lp_load_at(f, x, count, at), lp_int(f, 6));
  value = lp_op2(f, LP_min, lp_op2(f, LP_max, value, low), high);
  lp_assign_at(f, y, count, at, lp_convert(f, type, value));
  return y;
}

static void output(lp_function *f, const shape_of *c, lp_buffer from, uint32_t extent, uint32_t slot) {
  net_shape shape = shape_with(c, extent);
  lp_buffer to = lp_buffer_new(f, net_intern(f->n, "output"), f->buffers.at[from].type,
                               (net_shape){1, {(uint32_t)net_shape_elements(&shape)}}, true, LP_OUTPUT, slot);
  lp_expr at[3], flat = lp_int(f, 0);
  uint32_t count = axes_of(f, c, extent, at);
  for (uint32_t i = 1; i < count; i++)
    flat = lp_addition(f, lp_product(f, flat, lp_int(f, shape.dim[i - 1])), at[i]);
  lp_assign(f, to, lp_load_at(f, from, count, at), lp_batch(f), flat);
}

static lp_function *function_of(netc *n, const shape_of *c) {
  uint64_t seed = c->in * 100 + c->out;
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, "integers"), 1, false);
  f->node = LP_NONE;
  lp_buffer index = lp_buffer_new(f, net_intern(n, "index"), NET_U32, (net_shape){0}, true, LP_INDEX, 0);
  net_shape shape = shape_with(c, c->in), width = {1, {(uint32_t)net_shape_elements(&shape)}};
  lp_buffer column = lp_buffer_new(f, net_intern(n, "column"), c->x, width, true, LP_COLUMN, 0);
  lp_buffer x = lp_buffer_new(f, net_intern(n, "x"), c->x, shape, true, LP_SCRATCH, 0);
  lp_expr at[3], flat = lp_int(f, 0);
  uint32_t count = axes_of(f, c, c->in, at);
  for (uint32_t i = 1; i < count; i++)
    flat = lp_addition(f, lp_product(f, flat, lp_int(f, shape.dim[i - 1])), at[i]);
  lp_assign_at(f, x, count, at, lp_load_from(f, column, lp_load_from(f, index, lp_batch(f)), flat));
  lp_buffer hidden = rescale(f, c, layer(f, c, x, c->in, c->hidden, &seed), c->x, c->hidden);
  output(f, c, hidden, c->hidden, 0);
  output(f, c, layer(f, c, hidden, c->hidden, c->out, &seed), c->out, 1);
  return f;
}

static void give_row(const lp_function *f, lp_memory *memory, void *row) {
  for (lp_buffer b = 0; b < f->buffers.count; b++)
    if (f->buffers.at[b].storage == LP_COLUMN) memory->buffers[b] = row;
}

static void check(const shape_of *c, uint32_t lanes, const cg_target *target) {
  netc n;
  netc_init(&n, NULL);
  lp_function *f = function_of(&n, c);
  const char *what = net_arena_format(&n.arena, "%s x %s of %u bits: %u, %u, %u, %u%s, %u lanes",
                                      net_type_name(c->x), net_type_name(c->weight), c->bits, c->leading,
                                      c->in, c->hidden, c->out, c->relu ? ", relu" : "", lanes);
  uint64_t seed = lanes;
  uint32_t rows = c->leading ? c->leading : 1, sizes[2] = {rows * c->hidden, rows * c->out};
  void *row = numbers(&n.arena, c->x, rows * c->in, &seed);
  lp_memory expected = lp_memory_new(&n.arena, f, false);
  give_row(f, &expected, row);
  assert_true(lp_verify_statements(f) && lp_evaluate_statements(f, &expected));
  kn_machine machine = {lanes, lanes >= 16 ? 32 : 16, target ? target->has_dot4 : lanes != 8};
  if (!kn_schedule(f, &machine, &(kn_options){.single = true, .compact = true}) || !lp_verify_nests(f)) {
    jit_expect_silence(&n);
    fail_msg("%s", what);
  }
  lp_memory found = lp_memory_new(&n.arena, f, true);
  lp_memory_fill(f, &found, 3);
  give_row(f, &found, row);
  if (!target) assert_int_equal(lp_evaluate_nests(f, &found), 0);
  if (target) {
    const lp_function *functions[] = {f};
    const void *columns[] = {row};
    void *outputs[] = {lp_memory_at(f, &found, LP_OUTPUT, 0), lp_memory_at(f, &found, LP_OUTPUT, 1)};
    cg_jit *jit = cg_jit_new(&n, &(cg_input){target, functions, 1}, NULL);
    jit_expect_silence(&n);
    rt_step step = {.columns = columns,
                    .outputs = outputs,
                    .scratch = found.scratch,
                    .index = (uint32_t[]){0},
                    .count = 1};
    assert_int_equal(cg_jit_find(jit, "integers")(&step), 0);
    cg_jit_free(jit);
  }
  for (uint32_t slot = 0; slot < 2; slot++)
    if (memcmp(lp_memory_at(f, &expected, LP_OUTPUT, slot), lp_memory_at(f, &found, LP_OUTPUT, slot),
               sizes[slot] * net_type_bytes(slot ? NET_I32 : c->x)))
      fail_msg("%s: other bits in output %u", what, slot);
  jit_expect_silence(&n);
  netc_free(&n);
}

static const net_type types[][2] = {
    {NET_U8, NET_I8}, {NET_I8, NET_I8}, {NET_I16, NET_I16}, {NET_I16, NET_I8}, {NET_I8, NET_I16}};
static const uint32_t sizes[][4] = {{0, 1, 5, 3},    {0, 2, 4, 1},   {0, 3, 8, 5},    {0, 4, 16, 16},
                                    {0, 16, 64, 5},  {0, 7, 13, 31}, {0, 33, 17, 40}, {3, 4, 8, 5},
                                    {3, 5, 7, 6},    {2, 8, 24, 1},  {5, 1, 3, 17},   {0, 130, 9, 2},
                                    {0, 64, 150, 33}};

static void test_evaluated(void **state) {
  (void)state;
  static const uint32_t lanes[] = {16, 8, 4, 1};
  for (uint32_t t = 0; t < sizeof types / sizeof *types; t++)
    for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (uint32_t l = 0; l < 4; l++) {
        const uint32_t *z = sizes[s];
        check(&(shape_of){types[t][0], types[t][1], z[0], z[1], z[2], z[3], s % 2, 0}, lanes[l], NULL);
      }
}

static void test_compiled(void **state) {
  (void)state;
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    if (!jit_runs_here(target)) continue;
    netc n;
    cg_target found;
    jit_begin(&n, target, &found);
    for (uint32_t t = 0; t < sizeof types / sizeof *types; t++)
      for (uint32_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const uint32_t *z = sizes[s];
        check(&(shape_of){types[t][0], types[t][1], z[0], z[1], z[2], z[3], s % 2, 0}, found.lanes, &found);
      }
    netc_free(&n);
  }
}

/* Weights of 1 to 8 bits, in layers that are large enough to be packed: neither inputs nor outputs fill
 * anything, and so they do. */
static const uint32_t large[][4] = {
    {0, 197, 215, 83}, {0, 64, 550, 64}, {0, 256, 160, 96}, {3, 231, 199, 25}};

static void test_few_bits_evaluated(void **state) {
  (void)state;
  static const uint32_t lanes[] = {16, 8, 4, 1};
  for (uint32_t t = 0; t < sizeof types / sizeof *types; t++)
    for (uint32_t bits = 1; bits <= 8; bits++) {
      const uint32_t *z = large[(t + bits) % 4];
      check(&(shape_of){types[t][0], types[t][1], z[0], z[1], z[2], z[3], bits % 2, bits}, lanes[bits % 4],
            NULL);
      if (t < 3 && (bits == 1 || bits == 4)) /* shorter vectors: beyond the second cache */
        check(&(shape_of){types[t][0], types[t][1], 0, 1031, 1025, 3, true, bits}, 8, NULL);
      check(&(shape_of){types[t][0], types[t][1], 0, 13, 37, 9, true, bits}, 1, NULL);
      if (bits <= 2) /* words that are not filled */
        for (uint32_t l = 0; l < 2; l++)
          check(&(shape_of){types[t][0], types[t][1], 0, 197, 250, 50, true, bits}, lanes[l], NULL);
    }
}

static void test_few_bits_compiled(void **state) {
  (void)state;
  for (uint32_t target = 0; target < JIT_TARGETS; target++) {
    if (!jit_runs_here(target)) continue;
    netc n;
    cg_target found;
    jit_begin(&n, target, &found);
    for (uint32_t t = 0; t < sizeof types / sizeof *types; t++)
      for (uint32_t bits = 1; bits <= 8; bits++) {
        const uint32_t *z = large[(t + bits + target) % 4];
        check(&(shape_of){types[t][0], types[t][1], z[0], z[1], z[2], z[3], bits % 2, bits}, found.lanes,
              &found);
        if (found.lanes == 8 && t < 3 && bits == 2)
          check(&(shape_of){types[t][0], types[t][1], 0, 1031, 1025, 3, true, bits}, 8, &found);
      }
    netc_free(&n);
  }
}

/* The largest constant of a name, in bytes. */
static size_t bytes_named(const lp_function *f, const char *end) {
  size_t most = 0;
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    const lp_buffer_info *info = &f->buffers.at[b];
    const char *found = strstr(net_text(f->n, info->name), end);
    size_t bytes = info->rank ? info->dim[0] * net_type_bytes(info->type) : 0;
    if (found && !strcmp(found, end) && bytes > most) most = bytes;
  }
  return most;
}

/* Weights take their bits, rounded up to 1, 2, 4 or 8, where there are enough of them. */
static void test_sizes(void **state) {
  (void)state;
  static const kn_machine dots = {16, 32, true}, halves = {16, 32, false}, few = {8, 16, true},
                          one = {1, 16, false};
  static const struct {
    const kn_machine *machine;
    uint32_t in, hidden, bits, packed; /* bytes */
    bool compact;
  } cases[] = {
      {&dots, 256, 256, 1, 8192, true},
      {&dots, 256, 256, 2, 16384, false},
      {&dots, 256, 256, 3, 32768, false},
      {&dots, 256, 256, 4, 32768, false},
      {&dots, 256, 256, 5, 65536, false},
      {&dots, 256, 256, 8, 65536, false},
      {&dots, 64, 32, 4, 2048, false},
      {&halves, 256, 256, 1, 16384, false},
      {&halves, 256, 256, 4, 32768, false},
      {&halves, 256, 256, 8, 65536, false},
      {&halves, 64, 32, 4, 4096, false},
      {&few, 256, 256, 4, 65536, true},
      {&few, 1040, 1024, 4, 532480, true},
      {&few, 1040, 1024, 1, 266240, true},
      {&one, 256, 256, 1, 8192, true},
      {&one, 256, 256, 2, 16384, true},
      {&one, 64, 32, 4, 1024, true},
      {&one, 256, 256, 5, 0, true},
      {&one, 5, 4, 4, 0, true},
      {&one, 256, 256, 2, 0, false},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    netc_init(&n, NULL);
    shape_of shape = {NET_U8, NET_I8, 0, cases[i].in, cases[i].hidden, 1, false, cases[i].bits};
    lp_function *f = function_of(&n, &shape);
    kn_options options = {.single = true, .compact = cases[i].compact};
    assert_true(kn_schedule(f, cases[i].machine, &options));
    if (bytes_named(f, ".packed") != cases[i].packed)
      fail_msg("case %u: %zu bytes", i, bytes_named(f, ".packed"));
    netc_free(&n);
  }
}

static uint32_t count_named(const lp_function *f, const char *end) {
  uint32_t count = 0;
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    const char *name = net_text(f->n, f->buffers.at[b].name);
    size_t length = strlen(name), tail = strlen(end);
    count += length > tail && !strcmp(name + length - tail, end);
  }
  return count;
}

/* Bytes that may be negative are moved by 128 for dots of unsigned ones, others are not; without such dots
 * they become halves. */
static void test_signs(void **state) {
  (void)state;
  static const struct {
    net_type x;
    bool relu;
    kn_machine machine;
    uint32_t packed, offsets, halves;
  } cases[] = {{NET_I8, false, {16, 32, true}, 2, 2, 0},  {NET_I8, true, {16, 32, true}, 2, 1, 0},
               {NET_U8, false, {8, 16, true}, 2, 0, 0},   {NET_I8, false, {8, 16, false}, 2, 0, 2},
               {NET_I16, false, {8, 16, false}, 2, 0, 0}, {NET_I8, false, {1, 16, false}, 0, 0, 0}};
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    netc_init(&n, NULL);
    lp_function *f = function_of(&n, &(shape_of){cases[i].x, NET_I8, 0, 16, 64, 5, cases[i].relu, 0});
    assert_true(kn_schedule(f, &cases[i].machine, &(kn_options){.single = true}));
    assert_int_equal(count_named(f, ".packed"), cases[i].packed);
    assert_int_equal(count_named(f, ".offsets"), cases[i].offsets);
    assert_int_equal(count_named(f, ".halves"), cases[i].halves);
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_evaluated),
                                     cmocka_unit_test(test_compiled),
                                     cmocka_unit_test(test_few_bits_evaluated),
                                     cmocka_unit_test(test_few_bits_compiled),
                                     cmocka_unit_test(test_sizes),
                                     cmocka_unit_test(test_signs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
