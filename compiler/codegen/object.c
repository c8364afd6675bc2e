#include "codegen/object.h"

#include "codegen/c.h"
#include "codegen/elf_file.h"
#include "codegen/unit.h"

/* ---- frames ---- */

/* LLVM says how much stack a function takes where a function asks to be told beyond a limit. The return
 * address comes on top, and what a function loses that aligns its stack for vectors: where it begins, and
 * where it ends. */
enum { DETECTION = 128 };

static uint64_t alignment_loss(const cg_target *target, uint64_t frame) {
  uint64_t vector = target->lanes * sizeof(float),
           given = target->call_bytes ? target->call_bytes : target->stack_align;
  return vector > target->stack_align && frame > target->stack_align ? 2 * (vector - given) : 0;
}

/* Names are an entry's (its own), or an entry's with the target's behind a dot (its versions'). */
static void note_frame(cg_unit *unit, const char *text) {
  unsigned long long bytes;
  char name[512];
  text = strstr(text, "stack frame size");
  if (!text || sscanf(text, "%*[^(](%llu)%*[^']'%511[^']'", &bytes, name) != 2) return;
  const char *dot = strchr(name, '.');
  size_t length = dot ? (size_t)(dot - name) : strlen(name);
  const cg_library *library = unit->library;
  while (dot && library->better && strcmp(library->target->name, dot + 1)) library = library->better;
  bytes += alignment_loss(library->target, bytes) + library->target->call_bytes;
  for (uint32_t i = 0; i < library->count; i++) {
    if (strncmp(library->entries[i].name, name, length) || library->entries[i].name[length]) continue;
    uint64_t *frame = dot ? &unit->frames[i].versions : &unit->frames[i].own;
    if (bytes > *frame) *frame = bytes;
  }
}

/* Whether an entry of rows calls the function of another for each row, for some target. */
static bool calls_row(const cg_library *library, uint32_t rows, uint32_t one) {
  for (; library; library = library->better)
    if (library->entries[rows].rows && !library->entries[one].rows &&
        library->entries[rows].f == library->entries[one].f)
      return true;
  return false;
}

/* A function's frame lies above those of what it calls. */
static void add_frames(const cg_library *library, const cg_frames *frames, uint64_t *stack) {
  for (uint32_t i = 0; i < library->count; i++) {
    stack[i] = frames[i].own + frames[i].versions;
    for (uint32_t k = 0; k < library->count; k++)
      if (calls_row(library, i, k)) stack[i] += library->better ? frames[k].versions : frames[k].own;
    if (library->better && stack[i] < DETECTION) stack[i] = DETECTION;
  }
}

/* ---- sizes ---- */

/* An object of WebAssembly: a head of 8 bytes, then sections of a byte, their length (7 bits a byte), and so
 * much. */
static void measure_wasm(cg_artefact *artefact) {
  enum { HEAD = 8, CODE = 10, DATA = 11 };
  const uint8_t *at = (const uint8_t *)artefact->bytes + HEAD, *end = at + artefact->length - HEAD;
  while (at < end) {
    uint8_t kind = *at++;
    uint64_t length = 0;
    for (uint32_t shift = 0; at < end && shift < 64; shift += 7) {
      length |= (uint64_t)(*at & 127) << shift;
      if (!(*at++ & 128)) break;
    }
    if (length > (uint64_t)(end - at)) return;
    if (kind == CODE) artefact->code += length;
    if (kind == DATA) artefact->data += length;
    at += length;
  }
}

static void measure(cg_artefact *artefact) {
  cg_elf elf;
  if (artefact->length >= 8 && !memcmp(artefact->bytes, "\0asm", 4)) measure_wasm(artefact);
  if (!cg_elf_open(&elf, artefact->bytes, artefact->length, SHT_SYMTAB)) return;
  for (uint32_t i = 0; i < elf.section_count; i++) {
    cg_elf_section s = cg_elf_section_at(&elf, i);
    if (!(s.flags & SHF_ALLOC)) continue;
    if (s.flags & SHF_EXECINSTR) artefact->code += s.size;
    else if (s.flags & SHF_WRITE) artefact->ram += s.size;
    else artefact->data += s.size;
  }
}

/* ---- all of it ---- */

bool cg_library_make(netc *n, net_arena *arena, const cg_library *library, cg_form form,
                     cg_artefact *artefact) {
  static const cg_product products[] = {
      [CG_FORM_OBJECT] = CG_OBJECT, [CG_FORM_ASSEMBLY] = CG_ASSEMBLY, [CG_FORM_IR] = CG_IR};
  *artefact = (cg_artefact){.stack = NET_NEW_ARRAY(arena, uint64_t, library->count + 1)};
  if (form == CG_FORM_C) return cg_print_c(n, arena, library, &artefact->bytes, &artefact->length);
  for (uint32_t i = 0; i < library->count; i++) {
    const char *way_out, *limit = cg_target_limit(n, library->target, library->entries[i].f, &way_out);
    if (limit) return net_error(n, NET_NOWHERE, "%s; %s", limit, way_out), false;
  }
  cg_frames *frames = NET_NEW_ARRAY(arena, cg_frames, library->count + 1);
  for (uint32_t i = 0; i < library->count; i++) /* with no frame at all */
    frames[i] = (cg_frames){library->target->call_bytes, library->better ? library->target->call_bytes : 0};
  cg_unit unit = {.n = n,
                  .input.target = library->target,
                  .product = products[form],
                  .library = library,
                  .frames = frames,
                  .warned = note_frame};
  bool done = cg_unit_make(&unit);
  if (!cg_report(n, &unit.trouble) || !done) return false;
  artefact->times = unit.times;
  if (form != CG_FORM_IR) add_frames(library, frames, artefact->stack);
  if (unit.code) {
    artefact->length = LLVMGetBufferSize(unit.code);
    artefact->bytes = net_arena_copy(arena, LLVMGetBufferStart(unit.code), artefact->length);
    LLVMDisposeMemoryBuffer(unit.code);
  } else {
    artefact->length = strlen(unit.text);
    artefact->bytes = net_arena_copy(arena, unit.text, artefact->length);
    LLVMDisposeMessage(unit.text);
  }
  if (form == CG_FORM_OBJECT) measure(artefact);
  return true;
}
