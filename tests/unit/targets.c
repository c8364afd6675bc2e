/* Objects for every processor that netc knows: they export what is documented, need nothing, and where a
 * cross compiler and an emulator are at hand give what the object of this machine gives: codes bit by bit,
 * floats nearly. */
#include "codegen/target.h"
#include "tests/unit/object_support.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* x86_64's are in tests/unit/object.c. */
static const char *const processors[] = {
#define CG_FAMILY(...)
#define CG_PROCESSOR(name, family, ...) PROCESSOR_OF_##family(name)
#define PROCESSOR_OF_x86_64(name)
#define PROCESSOR_OF_aarch64(name) #name,
#define PROCESSOR_OF_riscv64(name) #name,
#define PROCESSOR_OF_armv7(name) #name,
#define PROCESSOR_OF_cortex_m(name) #name,
#define PROCESSOR_OF_wasm32(name) #name,
#include "codegen/targets.def"
#undef CG_FAMILY
#undef CG_PROCESSOR
};
enum { PROCESSORS = sizeof processors / sizeof *processors };

static const char *const networks[] = {"jsc_tiny", "jsc_tiny_117", "test_hhy",
                                       "jsc_s",    "three_layer",  "jsc_toy"};
enum { NETWORKS = sizeof networks / sizeof *networks };

static const char *const formats[] = {"default { input = integer(12, 7), weight = integer(8, 6), bias = "
                                      "integer(16, 8), output = integer(12, 7) }\n"
                                      "batch_norm { weight = integer(16, 8) }",
                                      "default { input = integer(8, 4), weight = integer(8, 6), bias = "
                                      "integer(16, 8), output = integer(8, 4) }\n"
                                      "batch_norm { weight = integer(16, 8) }"};
enum { FORMATS = sizeof formats / sizeof *formats };

static bool find_target(const char *name, cg_target *target) {
  netc n;
  netc_init(&n, NULL);
  bool found = cg_target_find(&n, NET_NOWHERE, name, target);
  netc_free(&n);
  return found;
}

/* ---- symbols ---- */

typedef struct {
  const pl_object *object;
  const char *target;
  uint32_t exported;
} symbols;

static void check_symbol(symbols *s, const char *name, bool undefined, bool local) {
  /* the linker's own, where a function has a stack */
  if (undefined && strcmp(name, "__stack_pointer")) fail_msg("%s: needs '%s'", s->target, name);
  if (undefined || local) return;
  bool known = false;
  for (uint32_t k = 0; k < s->object->function_count; k++)
    known |= !strcmp(name, s->object->functions[k].name);
  if (!known) fail_msg("%s: exports '%s'", s->target, name);
  s->exported++;
}

static void check_elf(symbols *s, const cg_elf *elf) {
  uint64_t flash = 0;
  for (uint32_t i = 1; i < elf->symbol_count; i++) {
    cg_elf_symbol symbol = cg_elf_symbol_at(elf, i);
    check_symbol(s, symbol.name, symbol.section == SHN_UNDEF, symbol.bind == STB_LOCAL);
  }
  for (uint32_t i = 1; i < elf->section_count; i++) {
    cg_elf_section section = cg_elf_section_at(elf, i);
    if (!(section.flags & SHF_ALLOC)) continue;
    if (section.flags & SHF_WRITE && section.size) fail_msg("%s: '%s' is writable", s->target, section.name);
    flash += section.size;
  }
  assert_int_equal(flash, s->object->flash);
}

static uint64_t number(const uint8_t **at) {
  uint64_t value = 0;
  for (uint32_t shift = 0;; shift += 7) {
    value |= (uint64_t)(**at & 127) << shift;
    if (!(*(*at)++ & 128)) return value;
  }
}

/* The names of what a module imports and, of its symbols, those that it defines: WebAssembly's "linking"
 * section. */
static void check_wasm_symbols(symbols *s, const uint8_t *at) {
  enum { FUNCTION = 0, DATA = 1, GLOBAL = 2, LOCAL = 2, UNDEFINED = 16, EXPLICIT_NAME = 64 };
  for (uint64_t count = number(&at); count--;) {
    uint64_t kind = number(&at), flags = number(&at);
    char name[128] = "";
    if (kind > GLOBAL) fail_msg("%s: symbol of kind %llu", s->target, (unsigned long long)kind);
    if (kind != DATA) number(&at);
    if (kind == DATA || !(flags & UNDEFINED) || flags & EXPLICIT_NAME) {
      uint64_t length = number(&at);
      snprintf(name, sizeof name, "%.*s", (int)length, (const char *)at);
      at += length;
    } else {
      strcpy(name, kind == GLOBAL ? "__stack_pointer" : "an import");
    }
    if (kind == DATA && !(flags & UNDEFINED)) number(&at), number(&at), number(&at);
    check_symbol(s, name, flags & UNDEFINED, flags & LOCAL);
  }
}

static void check_wasm(symbols *s, const uint8_t *at, const uint8_t *end) {
  enum { CUSTOM = 0, VERSION = 2, SYMBOL_TABLE = 8 };
  bool found = false;
  while (at < end) {
    uint8_t kind = *at++;
    uint64_t length = number(&at);
    const uint8_t *next = at + length;
    if (kind == CUSTOM && length > 8 && at[0] == 7 && !memcmp(at + 1, "linking", 7)) {
      at += 8;
      assert_int_equal(number(&at), VERSION);
      while (at < next) {
        uint8_t part = *at++;
        uint64_t bytes = number(&at);
        if (part == SYMBOL_TABLE) check_wasm_symbols(s, at), found = true;
        at += bytes;
      }
    }
    at = next;
  }
  assert_true(found);
}

static void check_object(const pl_object *object, const char *target) {
  symbols s = {object, target, 0};
  cg_elf elf;
  const uint8_t *bytes = (const uint8_t *)object->bytes;
  if (!memcmp(bytes, "\0asm", 4)) {
    check_wasm(&s, bytes + 8, bytes + object->length);
  } else {
    assert_true(cg_elf_open(&elf, object->bytes, object->length, SHT_SYMTAB));
    check_elf(&s, &elf);
  }
  assert_int_equal(s.exported, object->function_count);
  assert_true(object->code > 0);
  assert_int_equal(object->ram, 0);
}

/* Refused, with a message that holds the part. */
static void expect_refusal(object_subject *s, const char *target, const char *part) {
  pl_object_request request = {.network = s->graph, .weights = s->weights, .target = target, .codes = true};
  request.options = (pl_options){.print_after = PL_STAGES, .stop_after = PL_STAGES};
  if (pl_object_make(&s->n, &request)) fail_msg("%s: made", target);
  assert_int_equal(s->n.diagnostics.list.count, 1);
  const char *message = s->n.diagnostics.list.at[0].message;
  if (!strstr(message, part)) fail_msg("%s: '%s' does not say '%s'", target, message, part);
  s->n.diagnostics.list.count = s->n.diagnostics.errors = 0;
}

static void test_floats(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k++) {
    object_subject s;
    object_begin(&s, NULL, networks[k], k);
    for (uint32_t t = 0; t < PROCESSORS; t++) {
      cg_target target;
      assert_true(find_target(processors[t], &target));
      if (target.can & CG_CAN_F32) check_object(object_make(&s, processors[t]), processors[t]);
      else expect_refusal(&s, processors[t], "' computes with floats, and target '");
    }
    object_end(&s);
  }
}

static bool is_left_out(object_subject *s) {
  if (!s->n.diagnostics.list.count) return false;
  assert_int_equal(s->n.diagnostics.list.count, 1);
  assert_non_null(strstr(s->n.diagnostics.list.at[0].message, "left out '"));
  s->n.diagnostics.list.count = s->n.diagnostics.errors = 0;
  return true;
}

/* As object_make, but functions of floats may be left out, if the target has no floats at all or no long
 * ones. */
static const pl_object *make_integers(object_subject *s, const char *name) {
  cg_target target;
  pl_object_request request = {.network = s->graph, .weights = s->weights, .target = name, .codes = true};
  request.options = (pl_options){.print_after = PL_STAGES, .stop_after = PL_STAGES, .verify = true};
  const pl_object *object = pl_object_make(&s->n, &request);
  bool left_out = is_left_out(s);
  assert_non_null(object);
  assert_true(find_target(name, &target));
  if ((target.can & CG_CAN_ALL) == CG_CAN_ALL) assert_false(left_out);
  if (!(target.can & CG_CAN_F32)) assert_true(left_out);
  assert_int_equal(object->function_count, left_out ? 2 : 4);
  for (uint32_t i = 0; i < object->function_count; i++)
    assert_int_equal(object->functions[i].codes, left_out || i > 1);
  return object;
}

static void test_integers(void **state) {
  (void)state;
  for (uint32_t k = 0; k < NETWORKS; k++)
    for (uint32_t q = 0; q < FORMATS; q++) {
      object_subject s;
      object_begin_quantized(&s, networks[k], formats[q], k);
      for (uint32_t t = 0; t < PROCESSORS; t++) check_object(make_integers(&s, processors[t]), processors[t]);
      object_end(&s);
    }
}

/* ---- results ---- */

/* What builds programs of a family, and runs them. */
static const struct {
  const char *family, *compiler, *emulator;
} tools[] = {
    {"aarch64", "aarch64-linux-gnu-gcc -static", "qemu-aarch64"},
    {"riscv64", "riscv64-linux-gnu-gcc -static", "qemu-riscv64 -cpu rv64,v=true,vext_spec=v1.0,vlen=128"},
    {"armv7", "arm-linux-gnueabihf-gcc -static", "qemu-arm"},
    /* no number is handed over in a register, so that conventions for them do not matter */
    {"cortex_m", "arm-linux-gnueabihf-gcc -static -Wl,--no-warn-mismatch", "qemu-arm"},
};
enum { TOOLS = sizeof tools / sizeof *tools };

static uint32_t find_tools(const char *family) {
  for (uint32_t i = 0; i < TOOLS; i++)
    if (!strcmp(tools[i].family, family)) {
      char command[256];
      snprintf(command, sizeof command, "command -v %.*s >/dev/null && command -v %.*s >/dev/null",
               (int)strcspn(tools[i].compiler, " "), tools[i].compiler, (int)strcspn(tools[i].emulator, " "),
               tools[i].emulator);
      return system(command) ? TOOLS : i;
    }
  return TOOLS;
}

/* A program that reads rows and writes what the functions make of them: all at once, then one by one. */
static void write_program(const char *path, const char *name, uint32_t in, uint32_t out, uint64_t scratch) {
  FILE *to = fopen(path, "w");
  assert_non_null(to);
  fprintf(to,
          "#include <stdio.h>\n#include <stdlib.h>\n"
          "void %s(const void *, void *, void *);\nvoid %s_batch(size_t, const void *, void *, void *);\n"
          "int main(int count, char **words) {\n"
          "  size_t n = strtoul(words[1], NULL, 10);\n"
          "  char *x = malloc(n * %u + 4), *y = malloc(n * %u + 4), *scratch = malloc(%llu);\n"
          "  x += 4, y += 4; /* no more aligned than elements are */\n"
          "  if (count != 2 || fread(x, %u, n, stdin) != n) return 1;\n"
          "  %s_batch(n, x, y, scratch);\n"
          "  fwrite(y, %u, n, stdout);\n"
          "  for (size_t i = 0; i < n; i++) %s(x + i * %u, y + i * %u, scratch);\n"
          "  return fwrite(y, %u, n, stdout) != n || fflush(stdout);\n}\n",
          name, name, in, out, (unsigned long long)scratch + 64, in, name, out, name, in, out, out);
  assert_int_equal(fclose(to), 0);
}

enum { ROWS = 61 };

typedef struct {
  const pl_object *object;
  bool codes;
  uint32_t in, out; /* bytes of a row */
  const char *name;
} port_sizes;

static port_sizes sizes_of(const pl_object *object, bool codes) {
  const pl_port *in = codes ? object->code_inputs : object->inputs,
                *out = codes ? object->code_outputs : object->outputs;
  port_sizes sizes = {object, codes, in->elements * (uint32_t)net_type_bytes(in->type),
                      out->elements * (uint32_t)net_type_bytes(out->type), NULL};
  for (uint32_t i = 0; i < object->function_count; i++)
    if (object->functions[i].codes == codes && !object->functions[i].rows)
      sizes.name = object->functions[i].name;
  return sizes;
}

/* y: all at once, then one by one */
static void run_here(const port_sizes *sizes, const uint8_t *x, uint8_t *y) {
  const char *d = object_directory();
  char path[128], batch_name[128];
  snprintf(path, sizeof path, "%s/here.o", d);
  object_write(path, sizes->object->bytes, sizes->object->length);
  object_shell("cd %s && gcc -shared -nostdlib -Wl,-z,text -o here.so here.o", d);
  snprintf(path, sizeof path, "%s/here.so", d);
  snprintf(batch_name, sizeof batch_name, "%s_batch", sizes->name);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *scratch = malloc(sizes->object->scratch + 64);
  assert_non_null(library);
  void (*one)(const void *, void *, void *), (*batch)(size_t, const void *, void *, void *);
  *(void **)&one = dlsym(library, sizes->name);
  *(void **)&batch = dlsym(library, batch_name);
  batch(ROWS, x, y, scratch);
  for (uint32_t i = 0; i < ROWS; i++) one(x + i * sizes->in, y + (ROWS + i) * sizes->out, scratch);
  free(scratch);
  dlclose(library);
}

static void run_there(const port_sizes *sizes, uint32_t tool, const uint8_t *x, uint8_t *y) {
  const char *d = object_directory();
  char path[128];
  snprintf(path, sizeof path, "%s/there.o", d);
  object_write(path, sizes->object->bytes, sizes->object->length);
  snprintf(path, sizeof path, "%s/main.c", d);
  write_program(path, sizes->name, sizes->in, sizes->out, sizes->object->scratch);
  snprintf(path, sizeof path, "%s/x", d);
  object_write(path, x, (size_t)ROWS * sizes->in);
  object_shell("cd %s && %s -O1 -o there main.c there.o && %s ./there %u <x >y", d, tools[tool].compiler,
               tools[tool].emulator, ROWS);
  snprintf(path, sizeof path, "%s/y", d);
  FILE *from = fopen(path, "rb");
  assert_non_null(from);
  assert_int_equal(fread(y, sizes->out, 2 * ROWS, from), 2 * ROWS);
  fclose(from);
}

/* Codes as they may come: small, so that sums hold many of them, and at times the extremes. */
static void draw_codes(const pl_port *port, uint8_t *x) {
  uint64_t state = 5;
  uint32_t bytes = (uint32_t)net_type_bytes(port->type);
  for (uint32_t i = 0; i < ROWS * port->elements; i++) {
    state = state * 6364136223846793005 + 1442695040888963407;
    int64_t code = (int64_t)(state >> 57) - (port->type == NET_U8 || port->type == NET_U16 ? 0 : 64);
    if (!(state >> 40 & 31)) code = bytes == 1 ? -128 : 2047;
    memcpy(x + i * bytes, &code, bytes); /* little-endian here and there */
  }
}

static void compare_floats(const char *target, const float *here, const float *there, uint32_t count) {
  double largest = 0, worst = 0;
  for (uint32_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)here[i]));
  for (uint32_t i = 0; i < count; i++)
    worst = fmax(worst, isnan(there[i]) ? HUGE_VAL : fabs((double)here[i] - (double)there[i]));
  if (worst > largest * 0x1p-20) fail_msg("%s: floats are %g of %g off", target, worst, largest);
}

static void compare_processor(object_subject *s, const pl_object *here, const char *processor,
                              uint32_t tool) {
  cg_target target;
  assert_true(find_target(processor, &target));
  for (int codes = 0; codes < 2; codes++) {
    if (codes ? !here->code_inputs : !(target.can & CG_CAN_F32)) continue;
    const pl_object *there = here->code_inputs ? make_integers(s, processor) : object_make(s, processor);
    port_sizes mine = sizes_of(here, codes), its = sizes_of(there, codes);
    if (!its.name) continue; /* left out */
    uint8_t *x = codes ? malloc(ROWS * mine.in) : (uint8_t *)object_rows(s, ROWS, 3);
    uint8_t *y = malloc(2 * ROWS * mine.out), *z = malloc(2 * ROWS * mine.out);
    if (codes) draw_codes(here->code_inputs, x);
    run_here(&mine, x, y);
    run_there(&its, tool, x, z);
    if (!here->code_inputs)
      compare_floats(processor, (float *)y, (float *)z, 2 * ROWS * mine.out / (uint32_t)sizeof(float));
    else if (memcmp(y, z, 2 * ROWS * mine.out))
      fail_msg("%s: %s differ", processor, codes ? "codes" : "floats");
    if (codes) free(x);
    free(y), free(z);
  }
}

static void test_results(void **state) {
  (void)state;
  uint32_t ran = 0;
  for (uint32_t q = 0; q <= FORMATS; q++)
    for (uint32_t t = 0; t < PROCESSORS; t++) {
      cg_target target;
      object_subject s;
      assert_true(find_target(processors[t], &target));
      uint32_t tool = find_tools(target.family);
      if (tool == TOOLS) continue;
      if (q < FORMATS) object_begin_quantized(&s, "test_hhy", formats[q], 11);
      else object_begin(&s, NULL, "test_hhy", 11);
      compare_processor(&s, object_make(&s, "x86_64"), processors[t], tool);
      object_end(&s);
      ran++;
    }
  if (!ran) skip();
}

/* ---- products and shifts of 64 bits, quotients ---- */

static const uint32_t divisors[] = {1, 2, 3, 5, 7, 10, 641, 32768, 65537, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
enum { DIVISORS = sizeof divisors / sizeof *divisors, RESULTS = 8 + 2 * DIVISORS };

/* Of a row of two i64. */
static lp_function *make_arithmetic(netc *n) {
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, "arithmetic"), 1, false);
  lp_buffer x = lp_buffer_new(f, net_intern(n, "x"), NET_I64, (net_shape){1, {2}}, true, LP_COLUMN, 0);
  lp_buffer y = lp_buffer_new(f, net_intern(n, "y"), NET_I64, (net_shape){1, {RESULTS}}, true, LP_OUTPUT, 0);
  f->padded = f->tile = f->lanes = 1;
  lp_nest_begin(f, net_intern(n, "all"));
  lp_expr zero = lp_int(f, 0), v[2], results[RESULTS];
  for (int i = 0; i < 2; i++) v[i] = lp_vector_load(f, x, 1, 2, (lp_expr[]){zero, lp_int(f, i)});
  lp_expr amount = lp_op2(f, LP_and, v[1], lp_constant(f, NET_I64, 0, 63)), u = lp_bitcast(f, NET_U64, v[0]);
  lp_expr narrow = lp_convert(f, NET_U32, v[0]), other = lp_convert(f, NET_U32, v[1]);
  uint32_t count = 0;
  results[count++] = lp_op2(f, LP_mul, v[0], v[1]);
  results[count++] = lp_op2(f, LP_mul, v[0], lp_constant(f, NET_I64, 0, 1518500249));
  results[count++] = lp_op2(f, LP_mul, lp_convert(f, NET_I64, lp_convert(f, NET_I32, v[0])), v[1]);
  results[count++] = lp_op2(f, LP_shl, v[0], amount);
  results[count++] = lp_op2(f, LP_shr, v[0], amount);
  results[count++] = lp_bitcast(f, NET_I64, lp_op2(f, LP_shr, u, lp_bitcast(f, NET_U64, amount)));
  results[count++] = lp_op2(f, LP_shr, v[0], lp_constant(f, NET_I64, 0, 37));
  results[count++] = lp_convert(f, NET_I64, lp_op2(f, LP_mulhi, narrow, other));
  for (uint32_t i = 0; i < DIVISORS; i++) {
    lp_expr by = lp_constant(f, NET_U32, 0, divisors[i]);
    results[count++] = lp_convert(f, NET_I64, lp_op2(f, LP_div, narrow, by));
    results[count++] = lp_convert(f, NET_I64, lp_op2(f, LP_rem, narrow, by));
  }
  for (uint32_t i = 0; i < RESULTS; i++) lp_store_at(f, y, 2, (lp_expr[]){zero, lp_int(f, i)}, results[i]);
  lp_nest_end(f, RESULTS);
  return f;
}

static pl_object arithmetic_object(netc *n, const char *processor) {
  cg_target target;
  cg_artefact artefact;
  lp_function *f = make_arithmetic(n);
  const cg_entry entries[] = {{.name = "arithmetic", .f = f},
                              {.name = "arithmetic_batch", .f = f, .rows = true}};
  assert_true(cg_target_find(n, NET_NOWHERE, processor, &target));
  const cg_library library = {.target = &target, .entries = entries, .count = 2};
  assert_true(cg_library_make(n, &n->arena, &library, CG_FORM_OBJECT, &artefact));
  pl_function *functions = NET_NEW_ARRAY(&n->arena, pl_function, 2);
  functions[0].name = "arithmetic", functions[1].name = "arithmetic_batch";
  return (pl_object){.bytes = artefact.bytes,
                     .length = artefact.length,
                     .functions = functions,
                     .function_count = 2,
                     .code = artefact.code,
                     .flash = artefact.code + artefact.data};
}

static void test_arithmetic(void **state) {
  (void)state;
  static const int64_t extremes[] = {0,         1,          -1,        INT64_MAX, INT64_MIN, INT32_MAX,
                                     INT32_MIN, UINT32_MAX, 1ll << 32, 31,        32,        33};
  enum { EXTREMES = sizeof extremes / sizeof *extremes };
  netc n;
  netc_init(&n, NULL);
  pl_object here = arithmetic_object(&n, "x86_64");
  int64_t x[ROWS][2], expected[2 * ROWS][RESULTS], y[2 * ROWS][RESULTS];
  uint64_t random = 1;
  for (uint32_t i = 0; i < 2 * ROWS; i++) {
    random = random * 6364136223846793005 + 1442695040888963407;
    x[i / 2][i % 2] = i % 5 ? (int64_t)(random ^ random >> 29) : extremes[i / 5 % EXTREMES];
  }
  port_sizes sizes = {&here, true, sizeof x[0], sizeof y[0], "arithmetic"};
  run_here(&sizes, (uint8_t *)x, (uint8_t *)expected);
  for (uint32_t i = 0; i < ROWS; i++) {
    assert_true(expected[i][0] == (int64_t)((uint64_t)x[i][0] * (uint64_t)x[i][1]));
    assert_true(expected[i][4] == x[i][0] >> (x[i][1] & 63));
    for (uint32_t k = 0; k < DIVISORS; k++)
      assert_true(expected[i][8 + 2 * k] == (uint32_t)x[i][0] / divisors[k] &&
                  expected[i][9 + 2 * k] == (uint32_t)x[i][0] % divisors[k]);
  }
  for (uint32_t t = 0; t < PROCESSORS; t++) {
    cg_target target;
    assert_true(find_target(processors[t], &target));
    pl_object there = arithmetic_object(&n, processors[t]);
    check_object(&there, processors[t]);
    uint32_t tool = find_tools(target.family);
    if (tool == TOOLS) continue;
    sizes.object = &there;
    run_there(&sizes, tool, (uint8_t *)x, (uint8_t *)y);
    for (uint32_t i = 0; i < 2 * ROWS; i++)
      for (uint32_t k = 0; k < RESULTS; k++)
        if (y[i][k] != expected[i][k]) fail_msg("%s: result %u of row %u", processors[t], k, i % ROWS);
  }
  assert_int_equal(n.diagnostics.list.count, 0);
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_floats), cmocka_unit_test(test_integers),
                                     cmocka_unit_test(test_results), cmocka_unit_test(test_arithmetic)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
