#include "codegen/target.h"

#include "codegen/backend.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

enum {
  X86_LEVEL2 = CG_SSE42 | CG_POPCNT,
  X86_LEVEL3 = X86_LEVEL2 | CG_AVX | CG_AVX2 | CG_BMI | CG_BMI2 | CG_F16C | CG_FMA | CG_LZCNT | CG_MOVBE,
  X86_LEVEL4 = X86_LEVEL3 | CG_AVX512F | CG_AVX512BW | CG_AVX512CD | CG_AVX512DQ | CG_AVX512VL,
};

/* ---- tables ---- */

typedef enum {
#define CG_FAMILY(name, ...) AT_##name,
#define CG_PROCESSOR(...)
#include "codegen/targets.def"
#undef CG_FAMILY
  FAMILIES
} family_at;

static const struct {
  const char *name, *backend, *triple;
  uint32_t pointer_bits, stack_align, call_bytes;
  bool anywhere, frame_pointer;
  uint32_t can;
} families[] = {
#define CG_FAMILY(name, backend, ...) {#name, #backend, __VA_ARGS__},
#include "codegen/targets.def"
#undef CG_FAMILY
#undef CG_PROCESSOR
};

static const struct {
  const char *name;
  family_at family;
  const char *brief, *cpu, *features, *text;
  uint32_t has, lanes, registers, can;
  const char *triple;
} processors[] = {
#define CG_FAMILY(...)
#define CG_PROCESSOR(name, family, ...) {#name, AT_##family, __VA_ARGS__},
#include "codegen/targets.def"
#undef CG_FAMILY
#undef CG_PROCESSOR
};
enum { PROCESSORS = sizeof processors / sizeof processors[0] };

/* Widths of x86_64's vectors, widest first: a target gets the first whose features it has. */
static const struct {
  uint32_t needs;
  const char *text; /* in the target string */
  uint32_t lanes, registers;
} widths[] = {
    {CG_AVX512F | CG_AVX512BW | CG_AVX512DQ | CG_AVX512VL | CG_AVX2 | CG_FMA, "avx512", 16, 32},
    {CG_AVX2 | CG_FMA, "avx2", 8, 16},
    {0, "sse2", 4, 16},
};

static const char *const feature_names[] = {
#define CG_FEATURE(name, text) text,
#include "codegen/features.def"
#undef CG_FEATURE
};

/* ---- this machine ---- */

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
  net_error(n, where, "target '%s': this machine is no x86_64, and netc runs code on no other yet", name);
  return false;
#endif
}

/* ---- names ---- */

/* '-' is as good as '_'. */
static bool is_same(const char *a, const char *b) {
  while (*a && (*a == '-' ? '_' : *a) == (*b == '-' ? '_' : *b)) a++, b++;
  return !*a && !*b;
}

static uint32_t find_processor(const char *name) {
  uint32_t row = 0;
  while (row < PROCESSORS && !is_same(processors[row].name, name)) row++;
  return row;
}

static uint32_t find_family(const char *name) {
  uint32_t at = 0;
  while (at < FAMILIES && !is_same(families[at].name, name)) at++;
  return at;
}

/* "m0plus, m3, m4 or m4f": what --cpu may say beside a family */
static const char *list_processors(netc *n, uint32_t family) {
  const char *list = "", *last = NULL;
  for (uint32_t i = 0; i < PROCESSORS; i++) {
    if (processors[i].family != family) continue;
    if (last) list = net_arena_format(&n->arena, "%s%s%s", list, *list ? ", " : "", last);
    last = processors[i].brief;
  }
  return net_arena_format(&n->arena, "%s%s%s", list, *list ? " or " : "", last);
}

static bool unknown(netc *n, net_loc where, const char *name) {
  const char *names[PROCESSORS];
  uint32_t family = find_family(name);
  if (family < FAMILIES) {
    uint32_t first = 0;
    while (processors[first].family != family) first++;
    net_error(n, where, "target '%s' is a family: say which with --cpu (%s), or with one name, like %s", name,
              list_processors(n, family), processors[first].name);
    return false;
  }
  for (uint32_t i = 0; i < PROCESSORS; i++) names[i] = processors[i].name;
  const char *nearest = net_nearest(name, names, PROCESSORS);
  if (nearest) net_error(n, where, "unknown target '%s'; did you mean '%s'?", name, nearest);
  else
    net_error(n, where,
              "unknown target '%s'; known are native, x86_64, x86_64_v2 to x86_64_v4, aarch64, riscv64, "
              "armv7, cortex_m (with --cpu), wasm32 and some of their processors",
              name);
  return false;
}

static const char *unknown_cpu(netc *n, net_loc where, uint32_t family, const char *cpu) {
  uint32_t other = find_processor(cpu);
  if (other < PROCESSORS)
    net_error(n, where, "--cpu: '%s' is a processor of %s, not of %s", cpu,
              families[processors[other].family].name, families[family].name);
  else
    net_error(n, where, "--cpu: %s knows no processor '%s'; known are %s", families[family].name, cpu,
              list_processors(n, family));
  return NULL;
}

const char *cg_target_name(netc *n, net_loc where, const char *target, const char *cpu) {
  cg_target found;
  if (!target || !cpu) {
    const char *name = target ? target : cpu;
    return name && cg_target_find(n, where, name, &found) ? found.name : NULL;
  }
  uint32_t family = find_family(target);
  if (family == FAMILIES) {
    if (!cg_target_find(n, where, target, &found)) return NULL;
    if (is_same(found.name, cpu)) return found.name;
    net_error(n, where, "--cpu: target '%s' is one processor, which leaves no choice; --target %s has some",
              target, found.family);
    return NULL;
  }
  for (uint32_t i = 0; i < PROCESSORS; i++)
    if (processors[i].family == family &&
        (is_same(processors[i].brief, cpu) || is_same(processors[i].name, cpu)))
      return processors[i].name;
  return unknown_cpu(n, where, family, cpu);
}

/* ---- targets ---- */

static void settle_x86_64(netc *n, cg_target *target) {
  uint32_t w = 0;
  while ((target->has & widths[w].needs) != widths[w].needs) w++;
  if (!target->lanes) target->lanes = widths[w].lanes;
  target->registers = widths[w].registers;
  if (target->has & CG_FMA) target->can |= CG_CAN_FMA;
  if (target->has & CG_SSE42) target->can |= CG_CAN_ROUND;
  target->string = widths[w].text;
  if (target->lanes == 16) /* models tuned for 256 bits would halve our vectors */
    target->features =
        net_arena_format(&n->arena, "%s%s-prefer-256-bit", target->features, *target->features ? "," : "");
}

bool cg_target_find(netc *n, net_loc where, const char *name, cg_target *target) {
  uint32_t row = find_processor(name);
  if (row == PROCESSORS) return unknown(n, where, name);
  family_at f = processors[row].family;
  if (!cg_backend_exists(families[f].backend))
    return net_error(n, where, "target '%s': the LLVM of this netc was built without %s", name,
                     families[f].backend),
           false;
  *target = (cg_target){.name = processors[row].name,
                        .family = families[f].name,
                        .backend = families[f].backend,
                        .triple = processors[row].triple ? processors[row].triple : families[f].triple,
                        .cpu = processors[row].cpu,
                        .features = processors[row].features,
                        .string = processors[row].text,
                        .has = processors[row].has,
                        .lanes = processors[row].lanes,
                        .registers = processors[row].registers,
                        .can = families[f].can | processors[row].can,
                        .pointer_bits = families[f].pointer_bits,
                        .stack_align = families[f].stack_align,
                        .call_bytes = families[f].call_bytes,
                        .anywhere = families[f].anywhere,
                        .frame_pointer = families[f].frame_pointer};
  if (!target->cpu) {
    if (!is_x86_64(n, where, name)) return false;
    target->cpu = host_cpu(n);
    target->has = host_features(n, &target->features);
  }
  if (f == AT_x86_64) settle_x86_64(n, target);
  target->has_fma = target->can & CG_CAN_FMA;
  target->has_round = target->can & CG_CAN_ROUND;
  target->has_dot4 = target->has & (CG_AVX512VNNI | CG_AVXVNNI | CG_DOTPROD | CG_I8MM);
  target->string = net_arena_format(
      &n->arena, "%s%s%s%s-lanes%u", f == AT_cortex_m ? target->name : target->family,
      *target->string ? "-" : "", target->string, target->has_fma ? "-fma" : "", target->lanes);
  return true;
}

const char *cg_target_lacks(netc *n, const cg_target *target) {
  if (strcmp(target->family, "x86_64"))
    return net_arena_format(&n->arena, "a processor of %s", target->family);
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
