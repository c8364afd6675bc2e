#include "tests/unit/target_support.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

const char *const target_names[] = {
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
const uint32_t target_name_count = sizeof target_names / sizeof *target_names;

bool target_find(const char *name, cg_target *target) {
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

void target_check_object(const pl_object *object, const char *target) {
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

uint32_t target_tools(const char *family) {
  for (uint32_t i = 0; i < TOOLS; i++)
    if (!strcmp(tools[i].family, family)) {
      char command[256];
      snprintf(command, sizeof command, "command -v %.*s >/dev/null && command -v %.*s >/dev/null",
               (int)strcspn(tools[i].compiler, " "), tools[i].compiler, (int)strcspn(tools[i].emulator, " "),
               tools[i].emulator);
      return system(command) ? TARGET_NO_TOOLS : i;
    }
  return TARGET_NO_TOOLS;
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

/* y: all at once, then one by one */
void target_run_here(const target_ports *sizes, const uint8_t *x, uint8_t *y) {
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
  batch(TARGET_ROWS, x, y, scratch);
  for (uint32_t i = 0; i < TARGET_ROWS; i++)
    one(x + i * sizes->in, y + (TARGET_ROWS + i) * sizes->out, scratch);
  free(scratch);
  dlclose(library);
}

void target_run_there(const target_ports *sizes, uint32_t tool, const uint8_t *x, uint8_t *y) {
  const char *d = object_directory();
  char path[128];
  snprintf(path, sizeof path, "%s/there.o", d);
  object_write(path, sizes->object->bytes, sizes->object->length);
  snprintf(path, sizeof path, "%s/main.c", d);
  write_program(path, sizes->name, sizes->in, sizes->out, sizes->object->scratch);
  snprintf(path, sizeof path, "%s/x", d);
  object_write(path, x, (size_t)TARGET_ROWS * sizes->in);
  object_shell("cd %s && %s -O1 -o there main.c there.o && %s ./there %u <x >y", d, tools[tool].compiler,
               tools[tool].emulator, TARGET_ROWS);
  snprintf(path, sizeof path, "%s/y", d);
  FILE *from = fopen(path, "rb");
  assert_non_null(from);
  assert_int_equal(fread(y, sizes->out, 2 * TARGET_ROWS, from), 2 * TARGET_ROWS);
  fclose(from);
}
