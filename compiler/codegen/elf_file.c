#include "codegen/elf_file.h"

#include <string.h>

/* Fields of both widths, copied where they lie: files know no alignment. */
#define HEADER(elf, kind, at, ...)                                                                           \
  do {                                                                                                       \
    if ((elf)->wide) {                                                                                       \
      Elf64_##kind h;                                                                                        \
      memcpy(&h, (elf)->bytes + (at), sizeof h);                                                             \
      __VA_ARGS__;                                                                                           \
    } else {                                                                                                 \
      Elf32_##kind h;                                                                                        \
      memcpy(&h, (elf)->bytes + (at), sizeof h);                                                             \
      __VA_ARGS__;                                                                                           \
    }                                                                                                        \
  } while (0)

static uint64_t section_bytes(const cg_elf *elf) {
  return elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}
static uint64_t symbol_bytes(const cg_elf *elf) { return elf->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym); }

static bool lies_inside(const cg_elf *elf, uint64_t at, uint64_t bytes) {
  return at <= elf->length && bytes <= elf->length - at;
}

/* A name in a section of names; "" where it is broken. */
static const char *name_at(const cg_elf *elf, const cg_elf_section *names, uint64_t at) {
  if (names->type != SHT_STRTAB || at >= names->size || !lies_inside(elf, names->offset, names->size))
    return "";
  const char *name = elf->bytes + names->offset + at;
  return memchr(name, 0, names->size - at) ? name : "";
}

static cg_elf_section bare_section(const cg_elf *elf, uint32_t index, uint32_t *name) {
  cg_elf_section s = {.name = ""};
  HEADER(elf, Shdr, elf->sections + index * section_bytes(elf),
         s = (cg_elf_section){"", h.sh_type, h.sh_link, h.sh_flags, h.sh_offset, h.sh_size, h.sh_entsize};
         *name = h.sh_name);
  return s;
}

bool cg_elf_open(cg_elf *elf, const char *bytes, size_t length, uint32_t symbols) {
  *elf = (cg_elf){.bytes = bytes, .length = length};
  if (length < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) || bytes[EI_DATA] != ELFDATA2LSB)
    return false;
  elf->wide = bytes[EI_CLASS] == ELFCLASS64;
  HEADER(elf, Ehdr, 0, elf->sections = h.e_shoff; elf->section_count = h.e_shnum; elf->names = h.e_shstrndx);
  if (!lies_inside(elf, elf->sections, elf->section_count * section_bytes(elf))) return false;
  for (uint32_t i = 0, name; i < elf->section_count; i++) {
    cg_elf_section s = bare_section(elf, i, &name);
    if (s.type != SHT_NOBITS && !lies_inside(elf, s.offset, s.size)) return false;
    if (s.type != symbols || s.link >= elf->section_count) continue;
    elf->symbols = i;
    elf->symbol_count = (uint32_t)(s.size / symbol_bytes(elf));
  }
  return elf->names < elf->section_count;
}

cg_elf_section cg_elf_section_at(const cg_elf *elf, uint32_t index) {
  uint32_t name, unused;
  cg_elf_section s = bare_section(elf, index, &name),
                 names = bare_section(elf, (uint32_t)elf->names, &unused);
  s.name = name_at(elf, &names, name);
  return s;
}

cg_elf_symbol cg_elf_symbol_at(const cg_elf *elf, uint32_t index) {
  uint32_t unused;
  cg_elf_section s = bare_section(elf, elf->symbols, &unused), names = bare_section(elf, s.link, &unused);
  cg_elf_symbol symbol = {.name = ""};
  HEADER(elf, Sym, s.offset + index * symbol_bytes(elf),
         symbol = (cg_elf_symbol){name_at(elf, &names, h.st_name), h.st_value, h.st_size, h.st_shndx,
                                  ELF64_ST_BIND(h.st_info), ELF64_ST_TYPE(h.st_info),
                                  ELF64_ST_VISIBILITY(h.st_other)});
  return symbol;
}
