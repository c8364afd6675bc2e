#include "config.h"

#include "codegen/backend.h"

#include <llvm-c/Core.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <pthread.h>

#define INITIALISE(name)                                                                                     \
  static void initialise_##name(void) {                                                                      \
    LLVMInitialize##name##TargetInfo();                                                                      \
    LLVMInitialize##name##Target();                                                                          \
    LLVMInitialize##name##TargetMC();                                                                        \
    LLVMInitialize##name##AsmPrinter();                                                                      \
    LLVMInitialize##name##AsmParser(); /* of what asks x86_64 for its level */                               \
  }
#define ROW(name) {#name, initialise_##name, PTHREAD_ONCE_INIT},

/* configure found them in LLVM: NETC_BACKENDS(X) is X(X86) X(AArch64) … */
NETC_BACKENDS(INITIALISE)

/* LLVM registers a code generator once for the whole process; units are made on threads of their own. */
static struct {
  const char *name;
  void (*initialise)(void);
  pthread_once_t once;
} backends[] = {NETC_BACKENDS(ROW)};
enum { BACKENDS = sizeof backends / sizeof *backends };

static uint32_t find_backend(const char *name) {
  uint32_t i = 0;
  while (i < BACKENDS && strcmp(backends[i].name, name)) i++;
  return i;
}

bool cg_backend_exists(const char *name) { return find_backend(name) < BACKENDS; }

/* Passes of LLVM's code generator that go off, for the whole process or not at all. Two take a quarter of its
 * time and change nothing that can be measured on loops that come scheduled: loop strength reduction (the
 * walker counts multiples of innermost variables) and the second scheduling, after registers are assigned.
 * Two make branches of conditional moves where they guess that to be faster. */
static const struct {
  const char *text, *backend; /* whose option it is; NULL: everybody's */
} options[] = {{"-disable-lsr", NULL},
               {"-disable-post-ra", NULL},
               {"-disable-cgp-select2branch", NULL},
               {"-x86-cmov-converter=false", "X86"}};
enum { OPTIONS = sizeof options / sizeof *options };

static void set_options(void) {
  const char *words[OPTIONS + 1] = {"netc"};
  int count = 1;
  for (uint32_t i = 0; i < OPTIONS; i++)
    if (!options[i].backend || cg_backend_exists(options[i].backend)) words[count++] = options[i].text;
  LLVMParseCommandLineOptions(count, words, "");
}

LLVMTargetMachineRef cg_machine_new(cg_trouble *trouble, const cg_target *target) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  LLVMTargetRef kind;
  char *text = NULL;
  uint32_t backend = find_backend(target->backend);
  pthread_once(&once, set_options);
  if (backend < BACKENDS) pthread_once(&backends[backend].once, backends[backend].initialise);
  if (LLVMGetTargetFromTriple(target->triple, &kind, &text)) {
    cg_note(trouble, "LLVM has no code generator for '%s': %s", target->triple, text);
    LLVMDisposeMessage(text);
    return NULL;
  }
  LLVMTargetMachineRef machine =
      LLVMCreateTargetMachine(kind, target->triple, target->cpu, target->features, LLVMCodeGenLevelDefault,
                              target->anywhere ? LLVMRelocPIC : LLVMRelocStatic, LLVMCodeModelSmall);
  if (!machine) cg_note(trouble, "LLVM has no machine for '%s'", target->triple);
  return machine;
}
