/* Reading ELF files of either width, little-endian: objects that LLVM wrote, and what linkers make of them.
 */
#ifndef NETC_CODEGEN_ELF_FILE_H
#define NETC_CODEGEN_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const char *bytes;
  size_t length;
  bool wide; /* 64 bits */
  uint64_t sections, names; /* where the headers begin; section of their names */
  uint32_t section_count, symbol_count, symbols; /* section of symbols; 0: there is none */
} cg_elf;

/* As in Elf64_Shdr and Elf64_Sym, with names as text. */
typedef struct {
  const char *name;
  uint32_t type, link;
  uint64_t flags, offset, size, entry_size;
} cg_elf_section;

typedef struct {
  const char *name;
  uint64_t value, size;
  uint32_t section;
  uint8_t bind, type, visibility;
} cg_elf_symbol;

/* False: not such a file, or a broken one. symbols: SHT_SYMTAB or SHT_DYNSYM. */
bool cg_elf_open(cg_elf *elf, const char *bytes, size_t length, uint32_t symbols);
cg_elf_section cg_elf_section_at(const cg_elf *elf, uint32_t index);
cg_elf_symbol cg_elf_symbol_at(const cg_elf *elf, uint32_t index);

#endif
