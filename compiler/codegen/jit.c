#include "codegen/jit.h"

#include "codegen/fault.h"
#include "codegen/unit.h"

#include <llvm-c/LLJIT.h>
#include <time.h>

struct cg_jit {
  netc *n;
  LLVMOrcLLJITRef engine;
  uint32_t count;
  const char **names;
  rt_step_function *functions;
};

typedef struct {
  const cg_input *input;
  cg_jit *jit;
  cg_times *times;
} cg_request;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* An engine that only links: objects come from elsewhere. */
static bool make_engine(cg_jit *jit, const cg_target *target) {
  LLVMTargetMachineRef machine = cg_machine_new(jit->n, target);
  if (!machine) return false;
  LLVMOrcJITTargetMachineBuilderRef recipe = LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine);
  LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
  LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder, recipe);
  return cg_check(jit->n, "start the linker", LLVMOrcCreateLLJIT(&jit->engine, builder));
}

static bool look_up(cg_jit *jit) {
  for (uint32_t i = 0; i < jit->count; i++) {
    LLVMOrcExecutorAddress address;
    if (!cg_check(jit->n, "link", LLVMOrcLLJITLookup(jit->engine, &address, jit->names[i]))) return false;
    jit->functions[i] = (rt_step_function)(uintptr_t)address; /* NOLINT */
  }
  return true;
}

static bool build(void *request) {
  cg_request *r = request;
  cg_jit *jit = r->jit;
  cg_unit unit;
  LLVMMemoryBufferRef code = NULL;
  bool done = cg_unit_open(jit->n, r->input, &unit) && cg_unit_generate(&unit, LLVMObjectFile, &code);
  cg_times times = unit.times;
  cg_unit_close(&unit);
  if (!done) return false;
  double start = now();
  if (!make_engine(jit, r->input->target)) {
    LLVMDisposeMemoryBuffer(code);
    return false;
  }
  LLVMOrcJITDylibRef library = LLVMOrcLLJITGetMainJITDylib(jit->engine);
  if (!cg_check(jit->n, "load code", LLVMOrcLLJITAddObjectFile(jit->engine, library, code))) return false;
  done = look_up(jit);
  times.link = now() - start;
  if (r->times) *r->times = times;
  return done;
}

cg_jit *cg_jit_new(netc *n, const cg_input *input, cg_times *times) {
  if (!cg_target_runs_here(n, NET_NOWHERE, input->target)) return NULL;
  cg_jit *jit = NET_NEW(&n->arena, cg_jit);
  jit->n = n;
  jit->count = input->count;
  jit->names = NET_NEW_ARRAY(&n->arena, const char *, input->count + 1);
  jit->functions = NET_NEW_ARRAY(&n->arena, rt_step_function, input->count + 1);
  for (uint32_t i = 0; i < input->count; i++) jit->names[i] = net_text(n, input->functions[i]->name);
  cg_request request = {input, jit, times};
  if (cg_guarded(n, build, &request)) return jit;
  cg_jit_free(jit);
  return NULL;
}

rt_step_function cg_jit_find(const cg_jit *jit, const char *name) {
  for (uint32_t i = 0; i < jit->count; i++)
    if (!strcmp(jit->names[i], name)) return jit->functions[i];
  return NULL;
}

static bool dispose(void *request) {
  cg_jit *jit = request;
  LLVMOrcLLJITRef engine = jit->engine;
  jit->engine = NULL;
  return cg_check(jit->n, "free code", LLVMOrcDisposeLLJIT(engine));
}

void cg_jit_free(cg_jit *jit) {
  if (jit && jit->engine) cg_guarded(jit->n, dispose, jit);
}
