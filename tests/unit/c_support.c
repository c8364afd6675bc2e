#include "tests/unit/c_support.h"

#include "loops/build.h"
#include "loops/compute.h"
#include "loops/evaluate.h"
#include "loops/print.h"
#include "support/file.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* SplitMix64 */
uint64_t c_draw(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

double c_uniform(uint64_t draw, double low, double high) {
  return low + (high - low) * (double)(draw >> 11) * 0x1p-53;
}

void c_begin(c_bench *bench) {
  *bench = (c_bench){0};
  netc_init(&bench->n, NULL);
  net_ops_install(&bench->n);
  char directory[] = "/tmp/netc-c-XXXXXX";
  assert_non_null(mkdtemp(directory));
  bench->directory = net_arena_copy(&bench->n.arena, directory, strlen(directory));
}

void c_expect_silence(netc *n) {
  if (!n->diagnostics.errors && !n->diagnostics.faults) return;
  net_diagnostics_flush(n, stderr, NET_DIAGNOSTICS_TEXT, false);
  fail_msg("%u errors, %u faults", n->diagnostics.errors, n->diagnostics.faults);
}

/* The exit status of a command, its output kept for when it fails. */
static int shell(c_bench *bench, const char *command) {
  const char *whole =
      net_arena_format(&bench->n.arena, "cd %s && { %s ; } > log 2>&1", bench->directory, command);
  int status = system(whole);
  if (status) {
    fprintf(stderr, "%s\n", command);
    (void)!system(net_arena_format(&bench->n.arena, "head -40 %s/log >&2", bench->directory));
  }
  return status;
}

void c_end(c_bench *bench) {
  c_expect_silence(&bench->n);
  if (!getenv("NETC_KEEP")) (void)!system(net_arena_format(&bench->n.arena, "rm -r %s", bench->directory));
  netc_free(&bench->n);
}

/* ---- functions ---- */

static void make_constant(netc *n, net_value *value, uint64_t *state) {
  const char *name = net_text(n, value->name);
  bool positive = strstr(name, "var") || !strcmp(name, "v") || value->kind == NET_VALUE_SCALAR;
  uint64_t count = net_shape_elements(&value->shape);
  float *data = NET_NEW_ARRAY(&n->arena, float, count + 1);
  for (uint64_t i = 0; i < count; i++)
    data[i] = (float)c_uniform(c_draw(state), positive ? 0.25 : -1.5, positive ? 1.75 : 1.5);
  value->kind = NET_VALUE_CONSTANT;
  value->data = data;
}

void c_add(c_bench *bench, const lp_function *f, const char *name) {
  net_vec_push(&bench->n.arena, &bench->entries, (cg_entry){.name = name, .f = f});
}

const lp_function *c_add_graph(c_bench *bench, net_graph *graph, const net_value_ids *outputs,
                               const char *name, const kn_options *options, uint64_t seed) {
  netc *n = &bench->n;
  net_name *columns = NET_NEW_ARRAY(&n->arena, net_name, graph->values.count + 1);
  kn_bindings bindings = {.columns = columns};
  for (net_value_id v = 0; v < graph->values.count; v++) {
    net_value *value = &graph->values.at[v];
    bool column =
        value->kind == NET_VALUE_INPUT || value->kind == NET_VALUE_TARGET || value->kind == NET_VALUE_WEIGHT;
    if (column) columns[bindings.column_count++] = value->name;
    else if (value->kind != NET_VALUE_CONSTANT && value->kind != NET_VALUE_RESULT)
      make_constant(n, value, &seed);
  }
  if (!outputs) outputs = &graph->outputs;
  bindings.outputs = outputs->at, bindings.output_count = outputs->count;
  lp_function *f = kn_lower(n, &n->arena, graph, &bindings, net_intern(n, name), 1, false);
  kn_machine machine = {.lanes = 1, .registers = 16};
  if (!f || !lp_verify_statements(f) || !kn_schedule(f, &machine, options) || !lp_verify_nests(f))
    c_expect_silence(n);
  assert_non_null(f);
  c_add(bench, f, name);
  return f;
}

/* ---- a program that reads rows and writes what the functions make of them ---- */

typedef struct {
  const char *text, *path;
  size_t length;
} c_program;

/* Ports of all entries one after the other, as they lie in the program's input and output. */
static void for_ports(const cg_entry *entry, lp_storage storage,
                      void (*each)(void *context, const cg_entry *entry, uint32_t slot, net_type type,
                                   uint32_t width),
                      void *context) {
  net_type type;
  uint32_t width;
  for (uint32_t slot = 0; cg_port(entry->f, storage, slot, &type, &width); slot++)
    each(context, entry, slot, type, width);
}

static const char *c_type(net_type type) {
  static const char *const names[] = {"float",    "double",  "int8_t",   "uint8_t", "int16_t",
                                      "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t"};
  return names[type];
}

typedef struct {
  FILE *to;
  const char *verb;
  char letter;
  bool first; /* no comma yet */
} c_writing;

static void declare(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  (void)entry;
  c_writing *w = context;
  fprintf(w->to, "  static %s %c%u[%u];\n", c_type(type), w->letter, slot, width);
}

static void transfer(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  (void)entry, (void)type;
  c_writing *w = context;
  const char *stream = w->letter == 'x' ? "stdin" : "stdout";
  fprintf(w->to, "  if (%s(%c%u, sizeof *%c%u, %u, %s) != %u) return 0;\n", w->verb, w->letter, slot,
          w->letter, slot, width, stream, width);
}

static void argue(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  (void)width, (void)type, (void)entry;
  c_writing *w = context;
  fprintf(w->to, "%s%c%u", w->first ? "" : ", ", w->letter, slot);
  w->first = false;
}

static void prototype(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  (void)width, (void)entry, (void)slot;
  c_writing *w = context;
  fprintf(w->to, "%s%s%s *", w->first ? "" : ", ", w->letter == 'x' ? "const " : "", c_type(type));
  w->first = false;
}

/* Inputs, then outputs. */
static void for_all_ports(FILE *to, const cg_entry *entry,
                          void (*each)(void *, const cg_entry *, uint32_t, net_type, uint32_t)) {
  c_writing w = {to, NULL, 'x', true};
  for_ports(entry, LP_COLUMN, each, &w);
  w.letter = 'y';
  for_ports(entry, LP_OUTPUT, each, &w);
}

static void write_program(c_bench *bench) {
  FILE *to = fopen(net_arena_format(&bench->n.arena, "%s/main.c", bench->directory), "w");
  assert_non_null(to);
  fputs("#include <stdint.h>\n#include <stdio.h>\n", to);
  for (uint32_t i = 0; i < bench->entries.count; i++) {
    const cg_entry *entry = &bench->entries.at[i];
    c_writing x = {to, "fread", 'x', true}, y = {to, "fwrite", 'y', true};
    fprintf(to, "void %s(", entry->name);
    for_all_ports(to, entry, prototype);
    fprintf(to, ");\nstatic int run_%s(void) {\n", entry->name);
    for_all_ports(to, entry, declare);
    for_ports(entry, LP_COLUMN, transfer, &x);
    fprintf(to, "  %s(", entry->name);
    for_all_ports(to, entry, argue);
    fputs(");\n", to);
    for_ports(entry, LP_OUTPUT, transfer, &y);
    fputs("  return 1;\n}\n", to);
  }
  fputs("int main(void) {\n  for (;;) {\n", to);
  for (uint32_t i = 0; i < bench->entries.count; i++)
    fprintf(to, "    if (!run_%s()) return 0;\n", bench->entries.at[i].name);
  fputs("  }\n}\n", to);
  assert_int_equal(fclose(to), 0);
}

/* ---- expectations ---- */

typedef struct {
  c_bench *bench;
  FILE *in, *expected;
  c_fill *fill;
  void *context;
  uint64_t state;
  lp_memory *memory;
} c_row;

static void usual(void *context, net_type type, uint64_t draw, void *to) {
  (void)context;
  lp_value v = {.integer = lp_wrap(type, (int64_t)(draw >> (draw & 63)))};
  if (type == NET_F32) v.f32 = (float)c_uniform(draw, -2.5, 2.5);
  if (type == NET_F64) v.f64 = c_uniform(draw, -2.5, 2.5);
  lp_put(type, to, v);
}

static void make_input(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  c_row *r = context;
  size_t bytes = net_type_bytes(type);
  char *row = NULL;
  for (lp_buffer b = 0; b < entry->f->buffers.count; b++) {
    const lp_buffer_info *info = &entry->f->buffers.at[b];
    if (info->storage != LP_COLUMN || info->slot != slot) continue;
    if (!r->memory->buffers[b])
      r->memory->buffers[b] = row ? row : net_arena_alloc(&r->bench->n.arena, width * bytes, 64);
    row = r->memory->buffers[b];
  }
  for (uint32_t i = 0; i < width; i++) r->fill(r->context, type, c_draw(&r->state), row + i * bytes);
  assert_int_equal(fwrite(row, bytes, width, r->in), width);
}

static void keep_output(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  c_row *r = context;
  const void *row = lp_memory_at(entry->f, r->memory, LP_OUTPUT, slot);
  assert_int_equal(fwrite(row, net_type_bytes(type), width, r->expected), width);
}

static void evaluate(c_bench *bench, uint32_t rows, c_fill *fill, void *context) {
  c_row r = {.bench = bench, .fill = fill ? fill : usual, .context = context, .state = 17};
  r.in = fopen(net_arena_format(&bench->n.arena, "%s/in", bench->directory), "wb");
  r.expected = fopen(net_arena_format(&bench->n.arena, "%s/expected", bench->directory), "wb");
  assert_true(r.in && r.expected);
  lp_memory *memories = NET_NEW_ARRAY(&bench->n.arena, lp_memory, bench->entries.count + 1);
  for (uint32_t i = 0; i < bench->entries.count; i++) {
    memories[i] = lp_memory_new(&bench->n.arena, bench->entries.at[i].f, true);
    memories[i].fma = false; /* C has none */
  }
  for (uint32_t row = 0; row < rows; row++)
    for (uint32_t i = 0; i < bench->entries.count; i++) {
      const cg_entry *entry = &bench->entries.at[i];
      r.memory = &memories[i];
      for_ports(entry, LP_COLUMN, make_input, &r);
      assert_int_equal(lp_evaluate_nests(entry->f, r.memory), 0);
      for_ports(entry, LP_OUTPUT, keep_output, &r);
    }
  assert_int_equal(fclose(r.in), 0);
  assert_int_equal(fclose(r.expected), 0);
}

/* ---- comparing ---- */

typedef struct {
  const char *expected, *actual, *how;
  size_t at, length;
  uint32_t row;
} c_comparison;

static bool same(net_type type, const char *a, const char *b) {
  lp_value x = lp_get(type, a), y = lp_get(type, b);
  if (type == NET_F32 && isnan(x.f32) && isnan(y.f32)) return true;
  if (type == NET_F64 && isnan(x.f64) && isnan(y.f64)) return true;
  return !memcmp(a, b, net_type_bytes(type));
}

static void compare_port(void *context, const cg_entry *entry, uint32_t slot, net_type type, uint32_t width) {
  c_comparison *c = context;
  for (uint32_t i = 0; i < width; i++, c->at += net_type_bytes(type)) {
    if (c->at + net_type_bytes(type) > c->length)
      fail_msg("%s: row %u of %s is missing: the program ended early", c->how, c->row, entry->name);
    if (same(type, c->expected + c->at, c->actual + c->at)) continue;
    lp_value e = lp_get(type, c->expected + c->at), a = lp_get(type, c->actual + c->at);
    bool real = lp_is_float(type);
    fail_msg("%s: %s, row %u, output %u (%s), element %u: evaluator %.17g %lld, C %.17g %lld", c->how,
             entry->name, c->row, slot, net_type_name(type), i,
             type == NET_F32 ? (double)e.f32
             : real          ? e.f64
                             : 0,
             real ? 0 : (long long)e.integer,
             type == NET_F32 ? (double)a.f32
             : real          ? a.f64
                             : 0,
             real ? 0 : (long long)a.integer);
  }
}

static void compare(c_bench *bench, uint32_t rows, const char *how) {
  c_comparison c = {.how = how};
  size_t expected;
  const char *directory = bench->directory;
  assert_true(net_file_read(&bench->n, NET_NOWHERE,
                            net_arena_format(&bench->n.arena, "%s/expected", directory), &c.expected,
                            &expected));
  assert_true(net_file_read(&bench->n, NET_NOWHERE, net_arena_format(&bench->n.arena, "%s/out", directory),
                            &c.actual, &c.length));
  for (c.row = 0; c.row < rows; c.row++)
    for (uint32_t i = 0; i < bench->entries.count; i++)
      for_ports(&bench->entries.at[i], LP_OUTPUT, compare_port, &c);
  assert_int_equal(c.length, expected);
}

/* ---- all of it ---- */

/* Includes nothing but the two headers, mentions no function of any library. */
static void look_at(const char *text) {
  for (const char *at = text; (at = strstr(at, "#include")); at++)
    if (strncmp(at, "#include <stdint.h>\n", 20) && strncmp(at, "#include <stddef.h>\n", 20))
      fail_msg("includes %.30s", at);
  static const char *const never[] = {"memcpy", "memset", "malloc", "__builtin", "sqrtf",
                                      "fmaf",   "math.h", "extern", "goto"};
  for (uint32_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strstr(text, never[i])) fail_msg("has %s", never[i]);
  for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
    if (end - line > 130) fail_msg("a line of %d characters: %.130s…", (int)(end - line), line);
}

#define STRICT "-std=c99 -Wall -Wextra -pedantic -Wconversion -Werror"

void c_check(c_bench *bench, uint32_t rows, c_fill *fill, void *context) {
  static const char *const builds[] = {
      "gcc " STRICT " -O2 -ffp-contract=off",
      "gcc " STRICT " -O0 -fsanitize=undefined,address -fno-sanitize-recover=all",
      "gcc -std=gnu11 -O3 -march=native", /* contraction and vectors, if it is not told otherwise */
      "clang-19 " STRICT " -O2 -march=native",
  };
  netc *n = &bench->n;
  const char *text;
  size_t length;
  cg_library library = {.entries = bench->entries.at, .count = bench->entries.count};
  if (!cg_print_c(n, &n->arena, &library, &text, &length)) c_expect_silence(n);
  assert_int_equal(strlen(text), length);
  look_at(text);
  assert_true(
      net_file_write(n, net_arena_format(&n->arena, "%s/net.c", bench->directory), text, length, false));
  write_program(bench);
  evaluate(bench, rows, fill, context);
  for (uint32_t i = 0; i < sizeof builds / sizeof *builds; i++) {
    const char *compiler = net_arena_format(&n->arena, "%.*s", (int)strcspn(builds[i], " "), builds[i]);
    if (system(net_arena_format(&n->arena, "command -v %s > /dev/null", compiler))) {
      fprintf(stderr, "SKIPPED: no %s\n", compiler);
      continue;
    }
    const char *plain = strstr(builds[i], "sanitize") ? "true" : "test -z \"$(nm -u net.o)\"";
    if (shell(bench, net_arena_format(&n->arena, "%s -c net.c -o net.o && %s && %s main.c net.o -o main",
                                      builds[i], plain, builds[i])))
      fail_msg("%s does not build it, or nm -u finds something", builds[i]);
    if (shell(bench, "./main < in > out")) fail_msg("built by %s it does not run through", builds[i]);
    compare(bench, rows, builds[i]);
    bench->builds++;
  }
  assert_true(bench->builds >= 3);
}
