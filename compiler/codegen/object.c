#include "codegen/object.h"

#include "codegen/c.h"
#include "codegen/elf_file.h"
#include "codegen/unit.h"

/* ---- frames ---- */

/* LLVM says how much stack a function takes where a function asks to be told beyond a limit. The return address
 * comes on top, and what a function loses that aligns its stack for vectors: where it begins, and where it ends. */
enum { RETURN_ADDRESS = 8, ALIGNED = 16 };

static uint64_t alignment_loss(const cg_target *target, uint64_t frame) {
  uint64_t vector = target->lanes * sizeof(float);
  return vector > ALIGNED && frame > ALIGNED ? 2 * (vector - RETURN_ADDRESS) : 0;
}

static void note_frame(cg_unit *unit, const char *text) {
  unsigned long long bytes;
  char name[512];
  text = strstr(text, "stack frame size");
  if (!text || sscanf(text, "%*[^(](%llu)%*[^']'%511[^']'", &bytes, name) != 2) return;
  for (uint32_t i = 0; i < unit->library->count; i++)
    if (!strcmp(unit->library->entries[i].name, name))
      unit->stack[i] = bytes + alignment_loss(unit->library->target, bytes) + RETURN_ADDRESS;
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *context) {
  cg_unit *unit = context;
  LLVMDiagnosticSeverity severity = LLVMGetDiagInfoSeverity(info);
  if (severity != LLVMDSError && severity != LLVMDSWarning) return;
  char *text = LLVMGetDiagInfoDescription(info);
  if (severity == LLVMDSError) cg_note(&unit->trouble, "LLVM: %s", text);
  else note_frame(unit, text);
  LLVMDisposeMessage(text);
}

void cg_catch_frames(cg_unit *unit) { LLVMContextSetDiagnosticHandler(unit->context, on_diagnostic, unit); }

/* A function of rows that calls another for each of them takes the stack of both. */
static void add_callees(const cg_library *library, uint64_t *stack) {
  for (uint32_t i = 0; i < library->count; i++)
    for (uint32_t k = 0; k < library->count; k++) {
      const cg_entry *rows = &library->entries[i], *one = &library->entries[k];
      if (rows->rows && !one->rows && rows->f == one->f) stack[i] += stack[k];
    }
}

/* ---- sizes ---- */

static void measure(cg_artefact *artefact) {
  cg_elf elf;
  if (!cg_elf_open(&elf, artefact->bytes, artefact->length, SHT_SYMTAB)) return; /* another kind of object */
  for (uint32_t i = 0; i < elf.section_count; i++) {
    cg_elf_section s = cg_elf_section_at(&elf, i);
    if (!(s.flags & SHF_ALLOC)) continue;
    if (s.flags & SHF_EXECINSTR) artefact->code += s.size;
    else if (s.flags & SHF_WRITE) artefact->ram += s.size;
    else artefact->data += s.size;
  }
}

/* ---- all of it ---- */

bool cg_library_make(netc *n, net_arena *arena, const cg_library *library, cg_form form, cg_artefact *artefact) {
  static const cg_product products[] = {
      [CG_FORM_OBJECT] = CG_OBJECT, [CG_FORM_ASSEMBLY] = CG_ASSEMBLY, [CG_FORM_IR] = CG_IR};
  *artefact = (cg_artefact){.stack = NET_NEW_ARRAY(arena, uint64_t, library->count + 1)};
  if (form == CG_FORM_C) return cg_print_c(n, arena, library, &artefact->bytes, &artefact->length);
  for (uint32_t i = 0; i < library->count; i++) artefact->stack[i] = RETURN_ADDRESS; /* with no frame at all */
  cg_unit unit = {.n = n, .input.target = library->target, .product = products[form], .library = library,
                  .stack = artefact->stack};
  bool done = cg_unit_make(&unit);
  if (!cg_report(n, &unit.trouble) || !done) return false;
  artefact->times = unit.times;
  add_callees(library, artefact->stack);
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
