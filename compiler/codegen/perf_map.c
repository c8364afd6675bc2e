#include "codegen/perf_map.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A symbol table in an object that LLVM wrote a moment ago: well-formed. */
typedef struct {
  const char *symbols, *names;
  size_t count;
} table;

static Elf64_Shdr section_at(const char *object, const Elf64_Ehdr *header, uint32_t index) {
  Elf64_Shdr section;
  memcpy(&section, object + header->e_shoff + index * sizeof section, sizeof section);
  return section;
}

static table find_symbols(const char *object) {
  Elf64_Ehdr header;
  memcpy(&header, object, sizeof header);
  for (uint32_t i = 0; i < header.e_shnum; i++) {
    Elf64_Shdr section = section_at(object, &header, i);
    if (section.sh_type != SHT_SYMTAB) continue;
    Elf64_Shdr names = section_at(object, &header, section.sh_link);
    return (table){object + section.sh_offset, object + names.sh_offset, section.sh_size / sizeof(Elf64_Sym)};
  }
  return (table){0};
}

static Elf64_Sym symbol_at(const table *t, size_t index) {
  Elf64_Sym symbol;
  memcpy(&symbol, t->symbols + index * sizeof symbol, sizeof symbol);
  return symbol;
}

void cg_perf_map(const char *object, size_t length, const char *entry, uint64_t address) {
  if (!getenv("NETC_PERF_MAP") || length < sizeof(Elf64_Ehdr)) return;
  table t = find_symbols(object);
  Elf64_Sym base = {0};
  for (size_t i = 0; i < t.count; i++) {
    Elf64_Sym symbol = symbol_at(&t, i);
    if (!strcmp(t.names + symbol.st_name, entry)) base = symbol;
  }
  char path[64];
  snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
  FILE *to = base.st_shndx ? fopen(path, "a") : NULL;
  if (!to) return; /* nothing depends on it */
  for (size_t i = 0; i < t.count; i++) {
    Elf64_Sym symbol = symbol_at(&t, i);
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx != base.st_shndx) continue;
    fprintf(to, "%llx %llx %s\n", (unsigned long long)(address + symbol.st_value - base.st_value),
            (unsigned long long)symbol.st_size, t.names + symbol.st_name);
  }
  fclose(to);
}
