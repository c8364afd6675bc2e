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

/* What a target does by instructions of its own; the rest would need calls, and objects call nothing. */
enum {
  CG_CAN_F32 = 1,  /* arithmetic of 32-bit floats */
  CG_CAN_F64 = 2,  /* and of 64-bit ones */
  CG_CAN_LONG = 4, /* conversions between floats and 64-bit integers, and these divided by constants */
  CG_CAN_WIDE = 8, /* products and shifts of 64 bits, 32-bit division by constants (else: emit_narrow.c) */
  CG_CAN_FMA = 16,
  CG_CAN_ROUND = 32, /* to whole numbers, in every way */
  /* without branches (else: branchless.c) */
  CG_CAN_COMPARE = 64,       /* integers, into a register */
  CG_CAN_EXTREMES = 128,     /* minimum and maximum of integers */
  CG_CAN_CHOOSE = 256,       /* one integer or another */
  CG_CAN_MASK_REALS = 512,   /* one float or another, by a comparison of floats that serves nothing else */
  CG_CAN_CHOOSE_REALS = 1024, /* by any condition */
  CG_CAN_MOVE = CG_CAN_COMPARE | CG_CAN_EXTREMES | CG_CAN_CHOOSE | CG_CAN_MASK_REALS | CG_CAN_CHOOSE_REALS,
  CG_CAN_FIELDS = 2048, /* bits out of a byte take about as long as reading one */
  CG_CAN_ALL = CG_CAN_F32 | CG_CAN_F64 | CG_CAN_LONG | CG_CAN_WIDE,
};

struct lp_function;

typedef struct cg_target {
  const char *name;                    /* as asked for: "native", "x86_64_v3" */
  const char *family;                  /* "x86_64", "cortex_m" */
  const char *backend;                 /* of LLVM: "X86" */
  const char *triple, *cpu, *features; /* for LLVM */
  const char *string; /* "x86_64-avx512-fma-lanes16": float code gives the same bits for equal strings only */
  uint32_t has;       /* CG_… */
  uint32_t lanes;     /* f32 lanes of a vector: 16, 8, 4, 1 */
  uint32_t registers; /* vector registers */
  uint32_t can;       /* CG_CAN_… */
  uint32_t pointer_bits;
  uint32_t stack_align, call_bytes; /* of the stack's end; pushed by a call */
  bool anywhere;                    /* position independent */
  bool frame_pointer;
  bool has_fma, has_round; /* fused multiply-add; rounding to whole numbers */
  bool has_dot4;           /* sums of four products of bytes (emit_dot.c) */
} cg_target;

/* Finds a target by the name of a processor (targets.def); '-' stands for '_' as well. Unknown names are
 * errors at `where`. The texts live as long as n. */
bool cg_target_find(netc *n, net_loc where, const char *name, cg_target *target);

/* The name of what --target and --cpu say together, each NULL if not given: aarch64 and cortex-a53, cortex_m
 * and m4f. NULL: reported, or neither is given. */
const char *cg_target_name(netc *n, net_loc where, const char *target, const char *cpu);

/* What keeps the target from computing scheduled loops by instructions alone, in the arena, with a way out
 * (limits.c). NULL: nothing. */
const char *cg_target_limit(netc *n, const cg_target *target, const struct lp_function *f,
                            const char **way_out);

/* What this machine lacks to run the target's code; NULL: nothing. In the arena. */
const char *cg_target_lacks(netc *n, const cg_target *target);

/* Whether this machine runs the target's code; reports an error that says what it lacks. */
bool cg_target_runs_here(netc *n, net_loc where, const cg_target *target);

#endif
