#include "codegen/compile.h"

#include "codegen/fault.h"
#include "codegen/unit.h"

typedef struct {
  netc *n;
  const cg_input *input;
  net_arena *arena;
  FILE *to;
  const char *bytes;
  size_t length;
  cg_times times;
} cg_request;

static bool make_code(cg_request *r, LLVMCodeGenFileType kind) {
  cg_unit unit;
  LLVMMemoryBufferRef code = NULL;
  bool done = cg_unit_open(r->n, r->input, &unit) && cg_unit_generate(&unit, kind, &code);
  r->times = unit.times;
  cg_unit_close(&unit);
  if (!done) return false;
  r->length = LLVMGetBufferSize(code);
  r->bytes = net_arena_copy(r->arena, LLVMGetBufferStart(code), r->length);
  LLVMDisposeMemoryBuffer(code);
  return true;
}

static bool make_object(void *request) { return make_code(request, LLVMObjectFile); }
static bool make_assembly(void *request) { return make_code(request, LLVMAssemblyFile); }

static bool print_module(void *request) {
  cg_request *r = request;
  cg_unit unit;
  bool done = cg_unit_open(r->n, r->input, &unit);
  if (done) {
    char *text = LLVMPrintModuleToString(unit.module);
    fputs(text, r->to);
    LLVMDisposeMessage(text);
  }
  cg_unit_close(&unit);
  return done;
}

bool cg_object(netc *n, net_arena *arena, const cg_input *input, const char **bytes, size_t *length,
               cg_times *times) {
  cg_request r = {.n = n, .input = input, .arena = arena};
  if (!cg_guarded(n, make_object, &r)) return false;
  *bytes = r.bytes;
  *length = r.length;
  if (times) *times = r.times;
  return true;
}

bool cg_print_ir(netc *n, const cg_input *input, FILE *to) {
  cg_request r = {.n = n, .input = input, .to = to};
  return cg_guarded(n, print_module, &r);
}

bool cg_print_asm(netc *n, const cg_input *input, FILE *to) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  cg_request r = {.n = n, .input = input, .arena = &arena};
  bool done = cg_guarded(n, make_assembly, &r);
  if (done) fwrite(r.bytes, 1, r.length, to);
  net_arena_free(&arena);
  return done;
}
