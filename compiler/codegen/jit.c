#include "codegen/jit.h"

#include "codegen/perf_map.h"
#include "codegen/unit.h"

#include <llvm-c/LLJIT.h>
#include <pthread.h>

struct cg_jit {
  netc *n;
  LLVMOrcLLJITRef engine;
  uint32_t count;
  const char **names;
  rt_step_function *functions;
};

/* ---- compiling: a unit for each function, side by side ---- */

static void *make_unit(void *unit) {
  cg_unit_make(unit);
  return NULL;
}

/* The first unit is made on this thread, the others on one each. */
static void make_units(cg_unit *units, pthread_t *threads, bool *started, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) started[i] = !pthread_create(&threads[i], NULL, make_unit, &units[i]);
  for (uint32_t i = 0; i < count; i++)
    if (!started[i]) make_unit(&units[i]);
  for (uint32_t i = 1; i < count; i++)
    if (started[i]) pthread_join(threads[i], NULL);
}

static cg_unit *compile(netc *n, const cg_input *input) {
  cg_unit *units = NET_NEW_ARRAY(&n->arena, cg_unit, input->count + 1);
  pthread_t *threads = NET_NEW_ARRAY(&n->arena, pthread_t, input->count + 1);
  bool *started = NET_NEW_ARRAY(&n->arena, bool, input->count + 1);
  for (uint32_t i = 0; i < input->count; i++)
    units[i] = (cg_unit){.n = n, .input = {input->target, &input->functions[i], 1}, .product = CG_OBJECT};
  make_units(units, threads, started, input->count);
  return units;
}

/* ---- linking ---- */

typedef struct {
  cg_jit *jit;
  const cg_target *target;
  cg_unit *units;
  cg_trouble trouble;
} cg_linking;

/* An engine that only links: objects come from elsewhere. */
static bool make_engine(cg_linking *l) {
  LLVMTargetMachineRef machine = cg_machine_new(&l->trouble, l->target);
  if (!machine) return false;
  LLVMOrcJITTargetMachineBuilderRef recipe = LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine);
  LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
  LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder, recipe);
  return cg_check(&l->trouble, "start the linker", LLVMOrcCreateLLJIT(&l->jit->engine, builder));
}

/* The engine takes a copy of the object for its own; the unit's is still there to name the code. */
static bool load(cg_linking *l, uint32_t which) {
  cg_jit *jit = l->jit;
  const char *name = jit->names[which], *object = LLVMGetBufferStart(l->units[which].code);
  size_t length = LLVMGetBufferSize(l->units[which].code);
  LLVMMemoryBufferRef copy = LLVMCreateMemoryBufferWithMemoryRangeCopy(object, length, name);
  LLVMOrcJITDylibRef library = LLVMOrcLLJITGetMainJITDylib(jit->engine);
  LLVMOrcExecutorAddress address = 0;
  bool done = cg_check(&l->trouble, "load code", LLVMOrcLLJITAddObjectFile(jit->engine, library, copy)) &&
              cg_check(&l->trouble, "link code", LLVMOrcLLJITLookup(jit->engine, &address, name));
  if (!done) return false;
  cg_perf_map(object, length, name, address);
  jit->functions[which] = (rt_step_function)(uintptr_t)address;
  return true;
}

static bool link_units(void *linking) {
  cg_linking *l = linking;
  if (!make_engine(l)) return false;
  for (uint32_t i = 0; i < l->jit->count; i++)
    if (!load(l, i)) return false;
  return true;
}

/* ---- objects from elsewhere ---- */

typedef struct {
  cg_linking linking;
  const char *object, *name;
  size_t length;
  LLVMOrcExecutorAddress address;
} cg_loading;

static bool load_object(void *loading) {
  cg_loading *l = loading;
  if (!make_engine(&l->linking)) return false;
  LLVMOrcLLJITRef engine = l->linking.jit->engine;
  LLVMMemoryBufferRef copy = LLVMCreateMemoryBufferWithMemoryRangeCopy(l->object, l->length, "object");
  return cg_check(&l->linking.trouble, "load an object",
                  LLVMOrcLLJITAddObjectFile(engine, LLVMOrcLLJITGetMainJITDylib(engine), copy));
}

cg_jit *cg_jit_load(netc *n, const cg_target *target, const char *object, size_t length) {
  if (!cg_target_runs_here(n, NET_NOWHERE, target)) return NULL;
  cg_jit *jit = NET_NEW(&n->arena, cg_jit);
  jit->n = n;
  cg_loading loading = {.linking = {.jit = jit, .target = target}, .object = object, .length = length};
  bool done = cg_guarded(&loading.linking.trouble, load_object, &loading);
  if (cg_report(n, &loading.linking.trouble) && done) return jit;
  cg_jit_free(jit);
  return NULL;
}

static bool look_up(void *loading) {
  cg_loading *l = loading;
  return cg_check(&l->linking.trouble, "link an object",
                  LLVMOrcLLJITLookup(l->linking.jit->engine, &l->address, l->name));
}

void (*cg_jit_symbol(cg_jit *jit, const char *name))(void) {
  cg_loading loading = {.linking = {.jit = jit}, .name = name};
  bool done = cg_guarded(&loading.linking.trouble, look_up, &loading);
  return cg_report(jit->n, &loading.linking.trouble) && done ? (void (*)(void))(uintptr_t)loading.address
                                                             : NULL;
}

/* ---- the rest ---- */

cg_jit *cg_jit_new(netc *n, const cg_input *input, cg_times *times) {
  if (!cg_target_runs_here(n, NET_NOWHERE, input->target)) return NULL;
  cg_jit *jit = NET_NEW(&n->arena, cg_jit);
  jit->n = n;
  jit->count = input->count;
  jit->names = NET_NEW_ARRAY(&n->arena, const char *, input->count + 1);
  jit->functions = NET_NEW_ARRAY(&n->arena, rt_step_function, input->count + 1);
  for (uint32_t i = 0; i < input->count; i++) jit->names[i] = net_text(n, input->functions[i]->name);
  cg_linking linking = {.jit = jit, .target = input->target, .units = compile(n, input)};
  cg_times sum = {0};
  bool done = true;
  for (uint32_t i = 0; i < input->count; i++) {
    done &= cg_report(n, &linking.units[i].trouble);
    sum.emit += linking.units[i].times.emit;
    sum.optimise += linking.units[i].times.optimise;
    sum.generate += linking.units[i].times.generate;
  }
  double start = cg_now();
  done = done && cg_guarded(&linking.trouble, link_units, &linking);
  sum.link = cg_now() - start;
  cg_report(n, &linking.trouble);
  for (uint32_t i = 0; i < input->count; i++)
    if (linking.units[i].code) LLVMDisposeMemoryBuffer(linking.units[i].code);
  if (times) *times = sum;
  if (done) return jit;
  cg_jit_free(jit);
  return NULL;
}

rt_step_function cg_jit_find(const cg_jit *jit, const char *name) {
  for (uint32_t i = 0; i < jit->count; i++)
    if (!strcmp(jit->names[i], name)) return jit->functions[i];
  return NULL;
}

typedef struct {
  LLVMOrcLLJITRef engine;
  cg_trouble trouble;
} cg_disposal;

static bool dispose(void *request) {
  cg_disposal *d = request;
  return cg_check(&d->trouble, "free code", LLVMOrcDisposeLLJIT(d->engine));
}

void cg_jit_free(cg_jit *jit) {
  if (!jit || !jit->engine) return;
  cg_disposal disposal = {.engine = jit->engine};
  jit->engine = NULL;
  cg_guarded(&disposal.trouble, dispose, &disposal);
  cg_report(jit->n, &disposal.trouble);
}
