/* What code is made for: a triple, a processor, and our own view of what it can do. */
#ifndef NETC_CODEGEN_TARGET_H
#define NETC_CODEGEN_TARGET_H

#include "support/netc.h"

/* Features that decide what may be emitted; everything else is LLVM's business. */
typedef enum {
#define CG_FEATURE(name, text) CG_##name##_AT,
#include "codegen/features.def"
#undef CG_FEATURE
  CG_FEATURE_COUNT
} cg_feature_at;

enum {
#define CG_FEATURE(name, text) CG_##name = 1 << CG_##name##_AT,
#include "codegen/features.def"
#undef CG_FEATURE
};

typedef struct cg_target {
  const char *name;                    /* as asked for: "native", "x86_64_v3" */
  const char *triple, *cpu, *features; /* for LLVM */
  const char *string; /* "x86_64-avx512-fma-lanes16": float code gives the same bits for equal strings only */
  uint32_t has;       /* CG_… */
  uint32_t lanes;     /* f32 lanes of a vector: 16, 8, 4, 1 */
  uint32_t registers; /* vector registers */
  bool has_fma, has_round; /* fused multiply-add; rounding to whole numbers */
  bool has_dot4;           /* sums of four products of bytes (emit_dot.c) */
} cg_target;

/* Finds a target by name: native, x86_64, x86_64_v2, x86_64_v3, x86_64_v4, avx512, avx2, sse2, scalar.
 * Unknown names are errors at `where`. The texts live as long as n. */
bool cg_target_find(netc *n, net_loc where, const char *name, cg_target *target);

/* What this machine lacks to run the target's code; NULL: nothing. In the arena. */
const char *cg_target_lacks(netc *n, const cg_target *target);

/* Whether this machine runs the target's code; reports an error that says what it lacks. */
bool cg_target_runs_here(netc *n, net_loc where, const cg_target *target);

#endif
