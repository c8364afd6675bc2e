#include "codegen/compile.h"

#include "codegen/unit.h"

/* All functions in one module; code or text of the unit are the caller's. */
static bool make(netc *n, const cg_input *input, cg_product product, cg_unit *unit) {
  *unit = (cg_unit){.n = n, .input = *input, .product = product};
  bool done = cg_unit_make(unit);
  return cg_report(n, &unit->trouble) && done;
}

bool cg_object(netc *n, net_arena *arena, const cg_input *input, const char **bytes, size_t *length,
               cg_times *times) {
  cg_unit unit;
  if (!make(n, input, CG_OBJECT, &unit)) return false;
  *length = LLVMGetBufferSize(unit.code);
  *bytes = net_arena_copy(arena, LLVMGetBufferStart(unit.code), *length);
  LLVMDisposeMemoryBuffer(unit.code);
  if (times) *times = unit.times;
  return true;
}

bool cg_print_ir(netc *n, const cg_input *input, FILE *to) {
  cg_unit unit;
  if (!make(n, input, CG_IR, &unit)) return false;
  fputs(unit.text, to);
  LLVMDisposeMessage(unit.text);
  return true;
}

bool cg_print_asm(netc *n, const cg_input *input, FILE *to) {
  cg_unit unit;
  if (!make(n, input, CG_ASSEMBLY, &unit)) return false;
  fwrite(LLVMGetBufferStart(unit.code), 1, LLVMGetBufferSize(unit.code), to);
  LLVMDisposeMemoryBuffer(unit.code);
  return true;
}
