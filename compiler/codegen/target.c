#include "codegen/target.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#define TRIPLE "x86_64-unknown-linux-gnu"

enum {
  LEVEL2 = CG_SSE42 | CG_POPCNT,
  LEVEL3 = LEVEL2 | CG_AVX | CG_AVX2 | CG_BMI | CG_BMI2 | CG_F16C | CG_FMA | CG_LZCNT | CG_MOVBE,
  LEVEL4 = LEVEL3 | CG_AVX512F | CG_AVX512BW | CG_AVX512CD | CG_AVX512DQ | CG_AVX512VL,
};

/* Widths of vectors, widest first: a target gets the first whose features it has. */
static const struct {
  uint32_t needs;
  const char *text; /* in the target string */
  uint32_t lanes, registers;
} widths[] = {
    {CG_AVX512F | CG_AVX512BW | CG_AVX512DQ | CG_AVX512VL | CG_AVX2 | CG_FMA, "avx512", 16, 32},
    {CG_AVX2 | CG_FMA, "avx2", 8, 16},
    {0, "sse2", 4, 16},
};

static const struct {
  const char *name, *cpu; /* cpu NULL: the host's */
  uint32_t has;
  uint32_t lanes; /* 0: the widest that `has` allows */
} targets[] = {
    {"native", NULL, 0, 0},
    {"x86_64", "x86-64", 0, 0},
    {"x86_64_v2", "x86-64-v2", LEVEL2, 0},
    {"x86_64_v3", "x86-64-v3", LEVEL3, 0},
    {"x86_64_v4", "x86-64-v4", LEVEL4, 0},
    {"avx512", "x86-64-v4", LEVEL4, 0}, /* the rest: one for each width, for tests */
    {"avx2", "x86-64-v3", LEVEL3, 0},
    {"sse2", "x86-64", 0, 0},
    {"scalar", "x86-64", 0, 1},
};
enum { TARGETS = sizeof targets / sizeof targets[0] };

static const char *const feature_names[] = {
#define CG_FEATURE(name, text) text,
#include "codegen/features.def"
#undef CG_FEATURE
};

/* "+sse2,-avx512f,…" → bits of the features that are on */
static uint32_t parse_features(const char *text) {
  uint32_t has = 0;
  while (*text) {
    size_t length = strcspn(text, ",");
    for (uint32_t i = 0; i < CG_FEATURE_COUNT; i++)
      if (text[0] == '+' && strlen(feature_names[i]) == length - 1 &&
          !strncmp(text + 1, feature_names[i], length - 1))
        has |= 1u << i;
    text += length;
    text += *text == ',';
  }
  return has;
}

/* What the host has, and that as LLVM's text, which also turns off what its model has but the host lacks. */
static uint32_t host_features(netc *n, const char **text) {
#if defined(__x86_64__)
  char *features = LLVMGetHostCPUFeatures();
  const char *copy = net_arena_copy(&n->arena, features, strlen(features));
  LLVMDisposeMessage(features);
  if (text) *text = copy;
  return parse_features(copy);
#else
  (void)n;
  if (text) *text = "";
  return 0;
#endif
}

static const char *host_cpu(netc *n) {
  char *cpu = LLVMGetHostCPUName();
  const char *copy = net_arena_copy(&n->arena, cpu, strlen(cpu));
  LLVMDisposeMessage(cpu);
  return copy;
}

static bool is_x86_64(netc *n, net_loc where, const char *name) {
#if defined(__x86_64__)
  (void)n, (void)where, (void)name;
  return true;
#else
  net_error(n, where, "target '%s': this machine is no x86_64, and netc makes code for no other yet", name);
  return false;
#endif
}

static bool unknown(netc *n, net_loc where, const char *name) {
  const char *names[TARGETS];
  for (uint32_t i = 0; i < TARGETS; i++) names[i] = targets[i].name;
  const char *nearest = net_nearest(name, names, TARGETS);
  if (nearest) net_error(n, where, "unknown target '%s'; did you mean '%s'?", name, nearest);
  else net_error(n, where, "unknown target '%s'; known are native, x86_64 and x86_64_v2 to x86_64_v4", name);
  return false;
}

bool cg_target_find(netc *n, net_loc where, const char *name, cg_target *target) {
  uint32_t row = 0;
  while (row < TARGETS && strcmp(targets[row].name, name)) row++;
  if (row == TARGETS) return unknown(n, where, name);
  *target = (cg_target){.name = targets[row].name, .triple = TRIPLE, .has = targets[row].has, .features = ""};
  target->cpu = targets[row].cpu;
  if (!target->cpu) {
    if (!is_x86_64(n, where, name)) return false;
    target->cpu = host_cpu(n);
    target->has = host_features(n, &target->features);
  }
  uint32_t w = 0;
  while ((target->has & widths[w].needs) != widths[w].needs) w++;
  target->lanes = targets[row].lanes ? targets[row].lanes : widths[w].lanes;
  target->registers = widths[w].registers;
  target->has_fma = target->has & CG_FMA;
  target->has_round = target->has & CG_SSE42;
  target->has_dot4 = target->has & (CG_AVX512VNNI | CG_AVXVNNI | CG_DOTPROD | CG_I8MM);
  target->string = net_arena_format(&n->arena, "x86_64-%s%s-lanes%u", widths[w].text,
                                    target->has_fma ? "-fma" : "", target->lanes);
  if (target->lanes == 16) /* models tuned for 256 bits would halve our vectors */
    target->features =
        net_arena_format(&n->arena, "%s%s-prefer-256-bit", target->features, *target->features ? "," : "");
  return true;
}

const char *cg_target_lacks(netc *n, const cg_target *target) {
  uint32_t lacks = target->has & ~host_features(n, NULL);
  const char *list = "";
  for (uint32_t i = 0; i < CG_FEATURE_COUNT; i++)
    if (lacks >> i & 1)
      list = net_arena_format(&n->arena, "%s%s%s", list, *list ? ", " : "", feature_names[i]);
  return lacks ? list : NULL;
}

bool cg_target_runs_here(netc *n, net_loc where, const cg_target *target) {
  if (!is_x86_64(n, where, target->name)) return false;
  const char *lacks = cg_target_lacks(n, target);
  if (lacks)
    net_error(n, where, "this machine cannot run code for target '%s': it lacks %s; 'native' suits it",
              target->name, lacks);
  return !lacks;
}
