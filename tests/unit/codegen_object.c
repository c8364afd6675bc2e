/* codegen/: targets, objects that need nothing, memory protection, and what happens when things go wrong. */
#include "codegen/fault.h"
#include "codegen/unit.h"
#include "tests/codegen/check.h"

#include <elf.h>
#include <llvm-c/IRReader.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- targets ---- */

static void expect_message(netc *n, const char *part) {
  assert_true(n->diagnostics.list.count > 0);
  const char *message = n->diagnostics.list.at[n->diagnostics.list.count - 1].message;
  if (!strstr(message, part)) fail_msg("'%s' does not say '%s'", message, part);
}

static void test_targets(void **state) {
  (void)state;
  static const struct {
    const char *name, *string;
    uint32_t lanes, registers;
    bool fma;
  } rows[] = {
      {"x86_64", "x86_64-sse2-lanes4", 4, 16, false},
      {"x86_64_v2", "x86_64-sse2-lanes4", 4, 16, false},
      {"x86_64_v3", "x86_64-avx2-fma-lanes8", 8, 16, true},
      {"x86_64_v4", "x86_64-avx512-fma-lanes16", 16, 32, true},
      {"avx512", "x86_64-avx512-fma-lanes16", 16, 32, true},
      {"avx2", "x86_64-avx2-fma-lanes8", 8, 16, true},
      {"sse2", "x86_64-sse2-lanes4", 4, 16, false},
      {"scalar", "x86_64-sse2-lanes1", 1, 16, false},
  };
  netc n;
  netc_init(&n, NULL);
  cg_target t;
  for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(cg_target_find(&n, NET_NOWHERE, rows[i].name, &t));
    assert_string_equal(t.string, rows[i].string);
    assert_int_equal(t.lanes, rows[i].lanes);
    assert_int_equal(t.registers, rows[i].registers);
    assert_int_equal(t.has_fma, rows[i].fma);
  }
  assert_int_equal(n.diagnostics.errors, 0);
  assert_false(cg_target_find(&n, NET_NOWHERE, "x86_64_v5", &t));
  expect_message(&n, "did you mean 'x86_64_v");
  assert_false(cg_target_find(&n, NET_NOWHERE, "m68k", &t));
  expect_message(&n, "unknown target 'm68k'; known are native");
  netc_free(&n);
}

/* What --target and --cpu say together. */
static void expect_name(const char *target, const char *cpu, const char *name, const char *message) {
  netc n;
  netc_init(&n, NULL);
  const char *found = cg_target_name(&n, NET_NOWHERE, target, cpu);
  if (name) {
    assert_string_equal(found, name);
    assert_int_equal(n.diagnostics.list.count, 0);
  } else {
    assert_null(found);
    assert_int_equal(n.diagnostics.list.count, 1);
    if (!strstr(n.diagnostics.list.at[0].message, message))
      fail_msg("'%s'", n.diagnostics.list.at[0].message);
  }
  netc_free(&n);
}

static void test_names(void **state) {
  (void)state;
  expect_name("aarch64", NULL, "aarch64", NULL);
  expect_name("aarch64", "cortex-a76", "cortex_a76", NULL);
  expect_name("aarch64", "generic", "aarch64", NULL);
  expect_name(NULL, "neoverse-n1", "neoverse_n1", NULL);
  expect_name("cortex-m", "m4f", "cortex_m4f", NULL);
  expect_name("cortex_m", "cortex_m33", "cortex_m33", NULL);
  expect_name("cortex_m4", NULL, "cortex_m4", NULL);
  expect_name("riscv64", "v", "riscv64_v", NULL);
  expect_name("x86_64", "x86_64_v3", "x86_64_v3", NULL);
  expect_name("x86_64", "native", "native", NULL);
  expect_name("x86_64_v3", "x86_64_v3", "x86_64_v3", NULL);
  expect_name("cortex_m", NULL, NULL,
              "'cortex_m' is a family: say which with --cpu (m0plus, m3, m4, m4f, m7 or m33)");
  expect_name("cortex_m", "m5", NULL, "cortex_m knows no processor 'm5'; known are m0plus");
  expect_name("cortex_m", "apple_m1", NULL, "'apple_m1' is a processor of aarch64, not of cortex_m");
  expect_name("cortex_m4", "m7", NULL, "'cortex_m4' is one processor");
  expect_name("aarch32", NULL, NULL, "unknown target 'aarch32'; did you mean 'aarch64'?");
  expect_name("sparc", "v9", NULL, "unknown target 'sparc'");
}

/* The host runs native code; of what it lacks the message speaks. */
static void test_host(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  cg_target t;
  assert_true(cg_target_find(&n, NET_NOWHERE, "native", &t));
  assert_true(cg_target_runs_here(&n, NET_NOWHERE, &t));
  bool has_all = t.has & CG_AVXVNNIINT8; /* recent machines only */
  t.has |= CG_AVXVNNIINT8;
  assert_int_equal(cg_target_runs_here(&n, NET_NOWHERE, &t), has_all);
  if (!has_all) {
    expect_message(&n, "it lacks avxvnniint8");
    lp_function *f = lp_function_new(&n, &n.arena, net_intern(&n, "f"), 1, false);
    assert_null(cg_jit_new(&n, &(cg_input){&t, (const lp_function *[]){f}, 1}, NULL));
  }
  assert_int_equal(n.diagnostics.faults, 0);
  netc_free(&n);
}

/* ---- objects ---- */

/* What tempts a compiler to call a library: filling, copying, rounding, division, products of every width. */
static lp_function *tempting_function(check *c) {
  lp_function *f = check_function(c, "tempting", 256, true);
  uint32_t lanes = c->lanes, size = 4096;
  lp_buffer a = CHECK_BUFFER(f, "a", NET_F32, LP_SCRATCH, 0, size);
  lp_buffer b = CHECK_BUFFER(f, "b", NET_F32, LP_SCRATCH, 0, size);
  lp_buffer l = CHECK_BUFFER(f, "l", NET_U64, LP_SCRATCH, 0, size);
  lp_buffer d = CHECK_BUFFER(f, "d", NET_F64, LP_SCRATCH, 0, size);
  lp_nest_begin(f, net_intern(f->n, "fill"));
  lp_expr i = lp_begin_for(f, "i", K(f, 0), K(f, size), 1, LP_PARALLEL);
  lp_store_at(f, a, LP_LIST(i), lp_real(f, 0));
  lp_store_at(f, l, LP_LIST(i), lp_constant(f, NET_U64, 0, 0));
  lp_end(f);
  lp_nest_end(f, 1e7);
  lp_nest_begin(f, net_intern(f->n, "copy"));
  i = lp_begin_for(f, "i", K(f, 0), K(f, size), lanes, 0);
  lp_store_at(f, b, LP_LIST(i), lp_vector_load(f, a, lanes, LP_LIST(i)));
  lp_end(f);
  lp_nest_end(f, 1);
  lp_nest_begin(f, net_intern(f->n, "arithmetic"));
  i = lp_begin_for(f, "i", K(f, 0), lp_convert(f, NET_I32, lp_sample_count(f)), 1, 0);
  lp_expr x = lp_vector_load(f, a, 1, LP_LIST(i)), y = lp_vector_load(f, b, 1, LP_LIST(i));
  lp_expr z = lp_vector_load(f, d, 1, LP_LIST(i)), w = lp_vector_load(f, l, 1, LP_LIST(i));
  lp_expr ratio = lp_quotient(f, x, y);
  lp_store_at(f, a, LP_LIST(i), lp_op3(f, LP_fma, lp_op1(f, LP_sqrt, x), lp_op1(f, LP_abs, y), ratio));
  lp_store_at(f, d, LP_LIST(i), lp_op3(f, LP_fma, lp_op1(f, LP_sqrt, z), lp_convert(f, NET_F64, w), z));
  w = lp_op2(f, LP_div, w, lp_constant(f, NET_U64, 0, 1000003));
  w = lp_op2(f, LP_rem, w, lp_constant(f, NET_U64, 0, 17));
  lp_store_at(f, l, LP_LIST(i), lp_product(f, w, lp_convert(f, NET_U64, lp_convert(f, NET_I64, z))));
  lp_end(f);
  lp_nest_end(f, 1);
  return f;
}

static void check_symbols(check *c, const char *object, size_t length) {
  Elf64_Ehdr header;
  assert_true(length > sizeof header);
  memcpy(&header, object, sizeof header);
  assert_memory_equal(header.e_ident, ELFMAG, SELFMAG);
  assert_int_equal(header.e_type, ET_REL);
  uint32_t defined = 0;
  for (uint32_t s = 0; s < header.e_shnum; s++) {
    Elf64_Shdr section, strings;
    memcpy(&section, object + header.e_shoff + s * sizeof section, sizeof section);
    if (section.sh_type != SHT_SYMTAB) continue;
    memcpy(&strings, object + header.e_shoff + section.sh_link * sizeof strings, sizeof strings);
    for (size_t at = sizeof(Elf64_Sym); at < section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      memcpy(&symbol, object + section.sh_offset + at, sizeof symbol);
      const char *name = object + strings.sh_offset + symbol.st_name;
      if (symbol.st_shndx == SHN_UNDEF) fail_msg("code for %s needs '%s'", c->target.name, name);
      if (ELF64_ST_BIND(symbol.st_info) != STB_LOCAL) {
        assert_string_equal(name, "tempting");
        defined++;
      }
    }
  }
  assert_int_equal(defined, 1);
}

static void objects(check *c) {
  lp_function *f = tempting_function(c);
  lp_memory m = check_memory(c, f);
  m.count = 200;
  assert_int_equal(check_run(c, f, &m), 0);
  const char *bytes, *again;
  size_t length, length_again;
  cg_times times;
  cg_input input = {&c->target, (const lp_function *[]){f}, 1};
  assert_true(cg_object(&c->n, &c->n.arena, &input, &bytes, &length, &times));
  assert_true(times.emit > 0 && times.optimise > 0 && times.generate > 0);
  check_symbols(c, bytes, length);
  assert_true(cg_object(&c->n, &c->n.arena, &input, &again, &length_again, NULL));
  assert_int_equal(length, length_again); /* the same code each time */
  assert_memory_equal(bytes, again, length);
}

static void test_objects(void **state) {
  (void)state;
  check_targets(objects);
}

static char *text_of(check *c, bool (*print)(netc *, const cg_input *, FILE *), const lp_function *f) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  assert_true(print(&c->n, &(cg_input){&c->target, &f, 1}, to));
  fclose(to);
  return text;
}

/* What --print-ir and --print-asm show; widths of registers tell that the target is heeded. */
static void texts(check *c) {
  lp_function *f = tempting_function(c);
  lp_place_apart(f);
  char *ir = text_of(c, cg_print_ir, f), *assembly = text_of(c, cg_print_asm, f);
  assert_non_null(strstr(ir, "define internal void @tempting.copy"));
  assert_non_null(strstr(ir, "define i32 @tempting"));
  assert_non_null(strstr(assembly, "tempting.arithmetic:"));
  assert_int_equal(strstr(assembly, "zmm") != NULL, c->lanes == 16);
  assert_int_equal(strstr(assembly, "ymm") != NULL, c->lanes == 8);
  assert_int_equal(strstr(assembly, "vfmadd") != NULL, c->target.has_fma);
  free(ir);
  free(assembly);
}

static void test_texts(void **state) {
  (void)state;
  check_targets(texts);
}

/* ---- memory of the JIT ---- */

/* Rights of the page an address lies in ("r-xp"), and whether any page may be both written and executed */
static void protection(const void *address, char rights[5], bool *any) {
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  char line[512], each[5];
  unsigned long begin, end;
  *any = false;
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx %4s", &begin, &end, each) != 3) continue;
    if ((uintptr_t)address >= begin && (uintptr_t)address < end) memcpy(rights, each, 5);
    *any |= each[1] == 'w' && each[2] == 'x';
  }
  fclose(maps);
}

static void protected_code(check *c) {
  lp_function *f = tempting_function(c);
  lp_place_apart(f);
  cg_jit *jit = check_compile(c, (const lp_function *[]){f}, 1);
  char rights[5] = "";
  bool any;
  protection((const void *)(uintptr_t)cg_jit_find(jit, "tempting"), rights, &any);
  assert_string_equal(rights, "r-xp");
  assert_false(any);
  cg_jit_free(jit);
}

static void test_protection(void **state) {
  (void)state;
  check_targets(protected_code);
}

/* What NETC_PERF_MAP leaves for perf: every nest with its place */
static void perf_map(check *c) {
  char path[64], line[256], name[128];
  snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
  remove(path);
  lp_function *f = tempting_function(c);
  lp_place_apart(f);
  assert_int_equal(setenv("NETC_PERF_MAP", "1", 1), 0);
  cg_jit *jit = check_compile(c, (const lp_function *[]){f}, 1);
  unsetenv("NETC_PERF_MAP");
  FILE *map = fopen(path, "r");
  assert_non_null(map);
  unsigned long long at, size;
  uint32_t nests = 0;
  while (fgets(line, sizeof line, map)) {
    assert_int_equal(sscanf(line, "%llx %llx %127s", &at, &size, name), 3);
    assert_true(size > 0);
    if (!strcmp(name, "tempting")) assert_int_equal(at, (uintptr_t)cg_jit_find(jit, "tempting"));
    nests += !strncmp(name, "tempting.", 9);
  }
  assert_int_equal(nests, 3);
  fclose(map);
  remove(path);
  cg_jit_free(jit);
}

static void test_perf_map(void **state) {
  (void)state;
  check_targets(perf_map);
}

/* ---- faults ---- */

/* Loops that a scheduler must not make are faults, each with its reason. */
static void test_wrong_loops(void **state) {
  (void)state;
  static const char *const expected[] = {
      "register 'a' is indexed by what is not constant",
      "unrolls a loop of unknown length",
      "register 'a' has no element [3][0]",
      "a loop variable of 'wrong' is used outside its loop",
      "'tanh' of 'wrong' was not expanded",
      "'x' has 1 dimensions, but is indexed by 2",
  };
  for (uint32_t kind = 0; kind < sizeof expected / sizeof *expected; kind++) {
    check c;
    netc_init(&c.n, NULL);
    assert_true(cg_target_find(&c.n, NET_NOWHERE, "x86_64", &c.target));
    c.lanes = c.target.lanes;
    lp_function *f = check_function(&c, "wrong", 8, true);
    lp_buffer x = CHECK_BUFFER(f, "x", NET_F32, LP_SCRATCH, 0, 64);
    lp_reg a = lp_reg_new(f, "a", NET_F32, 1, 3, 1);
    lp_nest_begin(f, net_intern(&c.n, "nest"));
    lp_expr count = lp_convert(f, NET_I32, lp_sample_count(f));
    lp_expr i = lp_begin_for(f, "i", K(f, 0), kind == 1 ? count : K(f, 4), 1, kind == 0 ? 0 : LP_UNROLL);
    lp_set(f, a, kind == 0 || kind == 2 ? i : 0, 0, lp_real(f, 1));
    lp_end(f);
    if (kind == 3) lp_store_at(f, x, LP_LIST(i), lp_real(f, 1));
    if (kind == 4) lp_store_at(f, x, LP_LIST(K(f, 0)), lp_op1(f, LP_tanh, lp_read_reg(f, a, 0, 0)));
    if (kind == 5) {
      lp_store_at(f, x, LP_LIST(K(f, 0)), lp_real(f, 1));
      f->stmts.at[f->stmts.count - 1].count = 2;
      net_vec_push(f->arena, &f->lists, K(f, 0));
    }
    lp_nest_end(f, 1);
    const char *bytes;
    size_t length;
    cg_input input = {&c.target, (const lp_function *[]){f}, 1};
    assert_false(cg_object(&c.n, &c.n.arena, &input, &bytes, &length, NULL));
    assert_int_equal(c.n.diagnostics.faults, 1);
    expect_message(&c.n, expected[kind]);
    assert_null(cg_jit_new(&c.n, &input, NULL));
    lp_function *good = tempting_function(&c); /* beside it, on a thread of its own, all is well */
    lp_place_apart(good);
    assert_null(cg_jit_new(&c.n, &(cg_input){&c.target, (const lp_function *[]){good, f, good}, 3}, NULL));
    assert_int_equal(c.n.diagnostics.faults, 3);
    netc_free(&c.n);
  }
}

/* Makes LLVM give up: an instruction that the target does not have. */
static bool impossible(void *request) {
  static const char text[] = "declare <16 x float> @llvm.x86.avx512.sqrt.ps.512(<16 x float>, i32)\n"
                             "define void @f(ptr %p) {\n"
                             "  %v = load <16 x float>, ptr %p\n"
                             "  %s = call <16 x float> @llvm.x86.avx512.sqrt.ps.512(<16 x float> %v, i32 4)\n"
                             "  store <16 x float> %s, ptr %p\n"
                             "  ret void\n"
                             "}\n";
  cg_unit *unit = request;
  char *message = NULL;
  LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, sizeof text - 1, "ir");
  if (LLVMParseIRInContext(unit->context, buffer, &unit->module, &message)) return true;
  return cg_unit_generate(unit);
}

static bool fine(void *request) { return *(bool *)request; }

static bool survives(void) {
  netc n;
  netc_init(&n, NULL);
  cg_target target;
  if (!cg_target_find(&n, NET_NOWHERE, "sse2", &target)) return false;
  cg_unit unit = {.n = &n, .context = LLVMContextCreate()};
  unit.machine = cg_machine_new(&unit.trouble, &target);
  cg_unit_listen(&unit);
  if (cg_guarded(&unit.trouble, impossible, &unit) || cg_report(&n, &unit.trouble)) return false;
  const char *message = n.diagnostics.list.at[0].message;
  if (strncmp(message, "LLVM gave up: ", 14) || strchr(message, '\n')) return false;
  cg_trouble none = {0}; /* and it goes on */
  bool goes_on = cg_guarded(&none, fine, &(bool){true}) && !cg_guarded(&none, fine, &(bool){false});
  return goes_on && cg_report(&n, &none);
}

/* In a process of its own, since LLVM loses the memory it held. */
static void test_llvm_gives_up(void **state) {
  (void)state;
  pid_t child = fork();
  if (!child) _exit(survives() ? 0 : 1);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_targets), cmocka_unit_test(test_names),     cmocka_unit_test(test_host),
      cmocka_unit_test(test_objects),     cmocka_unit_test(test_texts),
      cmocka_unit_test(test_protection),  cmocka_unit_test(test_wrong_loops),
      cmocka_unit_test(test_llvm_gives_up), cmocka_unit_test(test_perf_map),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
