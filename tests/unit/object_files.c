/* What objects are put into: archives, shared libraries, assembly, IR, and a program with nothing behind it.
 */
#include "pipeline/pack.h"
#include "support/file.h"
#include "tests/unit/object_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

static const char *path_of(object_subject *s, const char *name) {
  return net_arena_format(&s->n.arena, "%s/%s", object_directory(), name);
}

static const char *file_text(object_subject *s, const char *path, size_t *length) {
  const char *text;
  if (!net_file_read(&s->n, NET_NOWHERE, path, &text, length)) object_silence(s);
  return text;
}

static const char *output_of(object_subject *s, const char *command) {
  size_t length;
  object_shell("cd %s && %s > output", object_directory(), command);
  return file_text(s, path_of(s, "output"), &length);
}

static void expect_error(object_subject *s, const char *part) {
  assert_int_equal(s->n.diagnostics.errors, 1);
  const char *message = s->n.diagnostics.list.at[0].message;
  if (!strstr(message, part)) fail_msg("'%s' does not say '%s'", message, part);
  net_diagnostics_init(&s->n.diagnostics, &s->n.arena);
}

/* ---- archives ---- */

static const char caller[] = "void jsc_tiny(const float *, float *); float y[5]; static const float x[16];\n"
                             "int main(void) { jsc_tiny(x, y); return 0; }\n";

/* Members of short and long names, of even and odd lengths; ar, nm and the linker accept them. */
static void test_archive(void **state) {
  (void)state;
  object_subject s;
  object_begin(&s, NULL, "jsc_tiny", 1);
  pl_object object = *object_make(&s, "x86_64");
  static const char *const names[] = {"t", "libtiny_with_a_name_of_some_length"};
  for (uint32_t k = 0; k < 4; k++) {
    const char *name = names[k % 2], *path = path_of(&s, net_arena_format(&s.n.arena, "%s.a", name));
    object.length += k == 2; /* a byte behind the object does no harm */
    assert_true(pl_pack_archive(&s.n, &object, path));
    assert_string_equal(output_of(&s, net_arena_format(&s.n.arena, "ar t %s", path)),
                        net_arena_format(&s.n.arena, "%s.o\n", name));
    const char *index = output_of(&s, net_arena_format(&s.n.arena, "nm --print-armap %s", path));
    assert_non_null(strstr(index, net_arena_format(&s.n.arena, "jsc_tiny in %s.o\n", name)));
    assert_non_null(strstr(index, net_arena_format(&s.n.arena, "jsc_tiny_batch in %s.o\n", name)));
    object_write(path_of(&s, "object.o"), object.bytes, object.length);
    object_write(path_of(&s, "main.c"), caller, sizeof caller - 1);
    object_shell("cd %s && ar p %s > member.o && cmp member.o object.o && gcc main.c %s -o main && ./main &&"
                 " ranlib %s && gcc main.c %s -o main && ./main", object_directory(), path, path, path, path);
  }
  size_t length, again;
  assert_true(pl_pack_archive(&s.n, &object, path_of(&s, "t.a")));
  const char *first = file_text(&s, path_of(&s, "t.a"), &length);
  assert_true(pl_pack_archive(&s.n, &object, path_of(&s, "t.a")));
  const char *second = file_text(&s, path_of(&s, "t.a"), &again);
  assert_int_equal(length, again);
  assert_memory_equal(first, second, length);
  assert_false(pl_pack_archive(&s.n, &object, path_of(&s, "missing/t.a")));
  expect_error(&s, "missing/t.a");
  object_end(&s);
}

/* ---- shared libraries ---- */

static void check_shared(object_subject *s, const char *path, const pl_object *object) {
  size_t length;
  const char *bytes = file_text(s, path, &length);
  cg_elf elf;
  assert_true(cg_elf_open(&elf, bytes, length, SHT_DYNSYM));
  uint32_t exported = 0;
  for (uint32_t i = 1; i < elf.symbol_count; i++) {
    cg_elf_symbol symbol = cg_elf_symbol_at(&elf, i);
    if (symbol.section == SHN_UNDEF) fail_msg("needs '%s'", symbol.name);
    exported += symbol.bind == STB_GLOBAL;
  }
  assert_int_equal(exported, object->function_count);
  Elf64_Ehdr header;
  memcpy(&header, bytes, sizeof header);
  for (uint32_t i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment;
    memcpy(&segment, bytes + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_GNU_STACK) assert_false(segment.p_flags & PF_X);
    if (segment.p_type == PT_LOAD) assert_false(segment.p_flags & PF_X && segment.p_flags & PF_W);
    if (segment.p_type != PT_DYNAMIC) continue;
    for (uint64_t at = 0; at < segment.p_filesz; at += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry;
      memcpy(&entry, bytes + segment.p_offset + at, sizeof entry);
      assert_false(entry.d_tag == DT_TEXTREL || entry.d_tag == DT_NEEDED || entry.d_tag == DT_RELA);
    }
  }
}

static void test_shared(void **state) {
  (void)state;
  for (uint32_t t = 0; object_targets[t]; t++) {
    object_subject s;
    object_begin(&s, NULL, "three_layer", 1);
    const pl_object *object = object_make(&s, object_targets[t]);
    const char *path = path_of(&s, "three.so");
    assert_true(pl_pack_shared(&s.n, object, path));
    assert_int_equal(access(path, X_OK), 0);
    check_shared(&s, path, object);
    assert_string_equal(output_of(&s, "ls three.so*"), "three.so\n"); /* nothing is left beside it */
    object_end(&s);
  }
}

/* Without a compiler, or with one that fails, what was there stays. */
static void test_shared_fails(void **state) {
  (void)state;
  object_subject s;
  object_begin(&s, NULL, "jsc_tiny", 1);
  const pl_object *object = object_make(&s, "x86_64");
  const char *path = path_of(&s, "kept.so");
  object_write(path, "kept", 4);
  setenv("CC", "/nowhere/cc", 1);
  assert_false(pl_pack_shared(&s.n, object, path));
  expect_error(&s, "cannot run '/nowhere/cc'");
  setenv("CC", "false", 1);
  assert_false(pl_pack_shared(&s.n, object, path));
  expect_error(&s, "'false' cannot link");
  unsetenv("CC");
  pl_object broken = *object;
  broken.length = 100;
  assert_false(pl_pack_shared(&s.n, &broken, path));
  expect_error(&s, "'cc' cannot link");
  assert_false(pl_pack_shared(&s.n, object, path_of(&s, "missing/t.so")));
  expect_error(&s, "missing/t.so");
  size_t length;
  assert_string_equal(file_text(&s, path, &length), "kept");
  assert_string_equal(output_of(&s, "ls kept.so*"), "kept.so\n");
  object_end(&s);
}

/* ---- texts ---- */

/* Assembly, put together by the system's assembler, is the object. */
static void test_texts(void **state) {
  (void)state;
  for (uint32_t t = 0; object_targets[t]; t++) {
    object_subject s;
    object_begin(&s, NULL, "test_hhy", 1);
    const pl_object *object = object_make(&s, object_targets[t]);
    const pl_object *text = object_make_as(&s, object_targets[t], CG_FORM_ASSEMBLY);
    assert_int_equal(text->flash, 0);
    assert_int_equal(text->stack, object->stack);
    object_write(path_of(&s, "hhy.s"), text->bytes, text->length);
    object_shell("cd %s && gcc -c -Wa,--fatal-warnings hhy.s -o hhy.o", object_directory());
    pl_object assembled = *object;
    assembled.bytes = file_text(&s, path_of(&s, "hhy.o"), &assembled.length);
    object_loaded a, b;
    if (object_load(object, object_targets[t], &a)) {
      assert_true(object_load(&assembled, object_targets[t], &b));
      const float *x = object_rows(&s, 100, 3);
      float y[500], z[500];
      object_call_batch(&a, 100, x, y);
      object_call_batch(&b, 100, x, z);
      assert_memory_equal(y, z, sizeof y);
      object_unload(&a), object_unload(&b);
    }
    text = object_make_as(&s, object_targets[t], CG_FORM_IR);
    assert_non_null(strstr(text->bytes, "define void @test_hhy("));
    assert_non_null(strstr(text->bytes, "define void @test_hhy_batch("));
    bool versions = !strcmp(object_targets[t], OBJECT_MULTIVERSION);
    assert_int_equal(strstr(text->bytes, "define internal void @test_hhy.x86_64_v3(") != NULL, versions);
    object_end(&s);
  }
}

/* ---- a program with nothing behind it ---- */

static const char start[] = "#include <stddef.h>\n"
                            "void three_layer_batch(size_t, const float *, float *);\n"
                            "void three_layer(const float *, float *);\n"
                            "static float x[100][16], y[200][5];\n"
                            "static long call(long number, long a, const void *b, size_t c) {\n"
                            "  long r;\n"
                            "  __asm__ volatile(\"syscall\" : \"=a\"(r) : \"a\"(number), \"D\"(a), \"S\"(b), "
                            "\"d\"(c) : \"rcx\", \"r11\", \"memory\");\n"
                            "  return r;\n"
                            "}\n"
                            "__attribute__((force_align_arg_pointer)) void _start(void) {\n"
                            "  call(0, 0, x, sizeof x);\n"
                            "  three_layer_batch(100, x[0], y[0]);\n"
                            "  for (int i = 0; i < 100; i++) three_layer(x[i], y[100 + i]);\n"
                            "  call(1, 1, y, sizeof y);\n"
                            "  call(60, 0, 0, 0);\n"
                            "}\n";

/* The program's results with the object, in the arena: 200 rows. */
static const float *run_program(object_subject *s, const pl_object *object, const float *x,
                                const char *emulator) {
  object_write(path_of(s, "start.c"), start, sizeof start - 1);
  object_write(path_of(s, "three.o"), object->bytes, object->length);
  object_write(path_of(s, "rows"), x, 100 * 16 * sizeof *x);
  object_shell("cd %s && gcc -O1 -Wall -Werror -ffreestanding -fno-stack-protector -nostdlib -static start.c "
               "three.o -o start -Wl,--fatal-warnings && %s ./start < rows > results 2> warnings",
               object_directory(), emulator);
  size_t length;
  const char *results = file_text(s, path_of(s, "results"), &length);
  assert_int_equal(length, 200 * 5 * sizeof(float));
  return (const float *)results;
}

static void test_nothing_behind(void **state) {
  (void)state;
  for (uint32_t t = 0; object_targets[t]; t++) {
    object_subject s;
    object_begin(&s, NULL, "three_layer", 1);
    const pl_object *object = object_make(&s, object_targets[t]);
    object_loaded loaded;
    if (object_load(object, object_targets[t], &loaded)) {
      const float *x = object_rows(&s, 100, 3);
      float y[1000];
      object_call_batch(&loaded, 100, x, y);
      for (uint32_t i = 0; i < 100; i++) object_call(&loaded, x + 16 * i, y + 500 + 5 * i);
      assert_memory_equal(run_program(&s, object, x, ""), y, sizeof y);
      object_unload(&loaded);
    }
    object_end(&s);
  }
}

/* ---- versions ---- */

/* On every machine the version for its level: the very bits of an object for that level alone. */
static void test_versions(void **state) {
  (void)state;
  static const struct {
    const char *emulator, *target;
  } rows[] = {{"qemu-x86_64 -cpu Nehalem-v1", "x86_64_v2"}, /* without AVX */
              {"qemu-x86_64 -cpu Haswell-v4", "x86_64_v3"},
              {"", "x86_64_v4"}};
  object_subject s;
  object_begin(&s, NULL, "three_layer", 1);
  const pl_object *versions = object_make(&s, OBJECT_MULTIVERSION);
  assert_int_equal(versions->ram, sizeof(uint32_t));
  assert_string_equal(versions->target,
                      "x86_64-sse2-lanes4 x86_64-avx2-fma-lanes8 x86_64-avx512-fma-lanes16");
  const float *x = object_rows(&s, 100, 3);
  bool emulated = !system("command -v qemu-x86_64 > /dev/null");
  if (!emulated) print_message("qemu-x86_64 is not here: other levels than this machine's are not tried\n");
  for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cg_target target;
    assert_true(cg_target_find(&s.n, NET_NOWHERE, rows[i].target, &target));
    bool native = !*rows[i].emulator;
    if (native ? !cg_target_runs_here(&s.n, NET_NOWHERE, &target) : !emulated) continue;
    const float *expected = run_program(&s, object_make(&s, rows[i].target), x, rows[i].emulator);
    assert_memory_equal(run_program(&s, versions, x, rows[i].emulator), expected, 1000 * sizeof(float));
    /* and no other level gives these bits */
    const char *other = i ? rows[i - 1].target : rows[i + 1].target;
    if (i)
      assert_memory_not_equal(run_program(&s, object_make(&s, other), x, rows[i].emulator), expected, 4000);
  }
  object_end(&s);
}

/* ---- stack ---- */

enum { STACK = 1 << 18, PAINT = 0xa5 };
static struct {
  const object_loaded *loaded;
  const float *x;
  float *y;
  bool rows;
  ucontext_t here, there;
} painted;

static void on_painted_stack(void) {
  if (painted.rows) object_call_batch(painted.loaded, 100, painted.x, painted.y);
  else object_call(painted.loaded, painted.x, painted.y);
}

/* Like compiled functions, but without a frame: a return address. */
static void no_row(const float *x, float *y) { (void)x, (void)y; }
static void no_rows(size_t n, const float *x, float *y) { (void)n, (void)x, (void)y; }

static size_t depth_of_call(unsigned char *stack, const object_loaded *loaded, bool rows) {
  painted.loaded = loaded, painted.rows = rows;
  memset(stack, PAINT, STACK);
  getcontext(&painted.there);
  painted.there.uc_stack.ss_sp = stack, painted.there.uc_stack.ss_size = STACK;
  painted.there.uc_link = &painted.here;
  makecontext(&painted.there, on_painted_stack, 0);
  assert_int_equal(swapcontext(&painted.here, &painted.there), 0);
  size_t untouched = 0;
  while (untouched < STACK && stack[untouched] == PAINT) untouched++;
  return STACK - untouched;
}

/* What a call takes on a stack of its own. */
static void test_stack(void **state) {
  (void)state;
  static const char *const networks[] = {"jsc_tiny", "three_layer", "jsc_s"};
  enum { MORE = 128 }; /* that alignment might have taken */
  const object_loaded nothing = {.one = no_row, .batch = no_rows};
  unsigned char *stack = malloc(STACK);
  for (uint32_t k = 0; k < 3; k++)
    for (uint32_t t = 0; object_targets[t]; t++) {
      object_subject s;
      object_begin(&s, NULL, networks[k], 1);
      const pl_object *object = object_make(&s, object_targets[t]);
      object_loaded loaded;
      if (object_load(object, object_targets[t], &loaded)) {
        float y[5 * 100];
        painted.x = object_rows(&s, 100, 1), painted.y = y;
        for (uint32_t f = 0; f < 2; f++) {
          size_t stated = object->functions[f].stack, depth = depth_of_call(stack, &loaded, f);
          depth = depth - depth_of_call(stack, &nothing, f) + sizeof(void *);
          bool versions = !strcmp(object_targets[t], OBJECT_MULTIVERSION); /* the most of all */
          if (depth > stated || (stated > depth + MORE && !versions))
            fail_msg("%s for %s takes %zu bytes of stack, not %zu", object->functions[f].name,
                     object_targets[t], depth, stated);
        }
        object_unload(&loaded);
      }
      object_end(&s);
    }
  free(stack);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_archive),        cmocka_unit_test(test_shared),
      cmocka_unit_test(test_shared_fails),   cmocka_unit_test(test_texts),
      cmocka_unit_test(test_nothing_behind), cmocka_unit_test(test_stack),
      cmocka_unit_test(test_versions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
