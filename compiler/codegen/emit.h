/* The walk from form-2 loop IR to an LLVM module: what its files share. Outside codegen/, see compile.h. */
#ifndef NETC_CODEGEN_EMIT_H
#define NETC_CODEGEN_EMIT_H

#include "codegen/step_type.h"
#include "codegen/unit.h"
#include "loops/loops.h"

/* A multiple of a loop variable, counted along with it. */
typedef struct {
  int64_t coefficient;
  LLVMValueRef value;
} cg_multiple;

/* A loop variable in scope: an offset, or a constant when its loop is being unrolled. */
typedef struct {
  LLVMValueRef value;
  int64_t constant;
  bool unrolled;
  bool innermost; /* no other loop is inside */
  NET_VEC(cg_multiple) multiples;
  uint32_t depth;   /* of loops: 1 is the outermost */
  uint64_t divisor; /* a power of two that divides every value it takes */
  bool never_negative;
} cg_var;

typedef struct {
  LLVMValueRef instruction;
  lp_buffer buffer;
} cg_access;

typedef struct cg_emit {
  const netc *n; /* names */
  const cg_target *target;
  const lp_function *f;
  net_arena *arena; /* dies with the emission */
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMBuilderRef builder; /* where code goes */
  cg_trouble *trouble;
  bool failed;      /* there is trouble */
  bool tells_stack; /* LLVM is asked how much stack functions of objects take (object.c) */
  bool inlined; /* nests become part of an object's functions (emit_object.c): rows of a user's, one thread */

  /* of the function being emitted: a nest or the entry point */
  LLVMBuilderRef entry; /* end of its entry block: pointers, registers */
  LLVMValueRef function, step;
  LLVMValueRef fields[CG_STEP_FIELDS]; /* loaded from rt_step; NULL: not yet */
  LLVMValueRef *bases;                 /* by buffer: its first byte; NULL: not yet */
  LLVMValueRef *regs;                  /* elements of registers by reg_first[reg] + i·columns + j */
  uint32_t *reg_first;
  cg_var *vars; /* by loop variable */
  uint32_t depth;
  NET_VEC(cg_access) accesses; /* for alias scopes */

  /* values of the statement being emitted, by expression: valid where stamps[e] is the epoch */
  LLVMValueRef *values;
  uint32_t *stamps, epoch;

  LLVMValueRef *constants; /* globals of LP_CONSTANT buffers, by buffer */
} cg_emit;

/* emit.c: adds the function's nests and entry point to the unit's module. False: trouble was noted. */
bool cg_emit_function(cg_unit *unit, const lp_function *f);
/* The same in parts: what holds for f; its nests, and the function that calls them (NULL: failed); the
 * end. */
void cg_emit_begin(cg_emit *e, const lp_function *f);
LLVMValueRef cg_emit_nests(cg_emit *e);
void cg_emit_end(cg_emit *e);
/* A function with the target's attributes: afterwards `builder` is where its code goes and `entry` the end of
 * its entry block, which cg_end_function joins to the rest. */
LLVMValueRef cg_begin_function(cg_emit *e, const char *name, LLVMTypeRef type);
void cg_end_function(cg_emit *e);
void cg_add_attribute(cg_emit *e, LLVMValueRef function, unsigned at, const char *name, uint64_t value);
void cg_add_text_attribute(cg_emit *e, LLVMValueRef function, const char *name, const char *value);

/* emit_object.c: all that a library exports. False: trouble was noted. */
bool cg_emit_library(cg_unit *unit, const struct cg_library *library);
/* emit_versions.c: what a library with better ones exports; versions: its own functions by entry, then theirs
 */
void cg_emit_versions(cg_emit *e, const struct cg_library *library, LLVMValueRef *const *versions);
LLVMTypeRef cg_type(cg_emit *e, net_type type, uint32_t lanes);        /* in registers */
LLVMTypeRef cg_memory_type(cg_emit *e, net_type type, uint32_t lanes); /* in memory: bools are bytes */
LLVMValueRef cg_int(cg_emit *e, net_type type, int64_t value);         /* a constant */
/* Loop variables, indices and offsets are as wide as the target's pointers. */
LLVMTypeRef cg_offset_type(cg_emit *e);
LLVMValueRef cg_offset(cg_emit *e, int64_t value);
/* Notes what is wrong with the loops given; every emitter goes on with some value, and the whole fails. */
void cg_fault(cg_emit *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* emit_statement.c */
void cg_emit_statements(cg_emit *e, lp_stmt first);
/* Iterations begin … end − 1 (i32) of a loop, instead of all of them. */
void cg_emit_iterations(cg_emit *e, const lp_stmt_info *loop, LLVMValueRef begin, LLVMValueRef end);
LLVMValueRef cg_emit_iteration_count(cg_emit *e, const lp_stmt_info *loop); /* an i32 */
LLVMBasicBlockRef cg_block(cg_emit *e, const char *name); /* a new block at the end of the function */

/* coefficient·variable as an offset of its own, if that saves a product in an innermost loop, or NULL. */
LLVMValueRef cg_emit_multiple(cg_emit *e, uint32_t var, int64_t coefficient);

/* emit_expression.c */
LLVMValueRef cg_emit_expr(cg_emit *e, lp_expr expr);
LLVMValueRef cg_emit_splat(cg_emit *e, LLVMValueRef scalar, uint32_t lanes);
LLVMValueRef cg_emit_combine(cg_emit *e, lp_combine combine, net_type type, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef cg_intrinsic(cg_emit *e, const char *name, LLVMValueRef *operands, uint32_t count);

/* emit_index.c: an integer taken apart as constant + Σ coefficient·term, exactly */
typedef struct {
  LLVMValueRef value; /* an offset */
  int64_t coefficient;
  uint32_t depth;      /* of the innermost loop it changes in */
  uint64_t divisor;    /* of the value: a power of two */
  bool never_negative; /* the value */
  uint32_t var;        /* the loop variable that the value is, or LP_NONE */
} cg_term;
enum { CG_MAX_TERMS = 16 };
typedef struct {
  int64_t constant;
  uint32_t count;
  cg_term terms[CG_MAX_TERMS]; /* outermost first */
} cg_index;
void cg_index_add(cg_emit *e, cg_index *index, lp_expr expr, int64_t scale);
uint64_t cg_index_divisor(const cg_index *index); /* a power of two, at most 2^32, that divides it */
bool cg_index_grows(const cg_index *index);       /* no part of it is negative */
LLVMValueRef cg_emit_term(cg_emit *e, const cg_term *term);            /* coefficient·value */
LLVMValueRef cg_emit_index(cg_emit *e, lp_expr expr, cg_index *index); /* the whole as an offset */
bool cg_emit_constant(cg_emit *e, lp_expr expr, int64_t *value);       /* false: it is none */

/* emit_memory.c */
LLVMValueRef cg_emit_field(cg_emit *e, cg_step_field field);
LLVMValueRef cg_emit_load(cg_emit *e, const lp_expr_info *load);
LLVMValueRef cg_emit_lookup(cg_emit *e, const lp_expr_info *lookup);
void cg_emit_store(cg_emit *e, const lp_stmt_info *store);
void cg_emit_ahead(cg_emit *e, const lp_stmt_info *ahead); /* emit_ahead.c */
/* The register element reg[i][j]; i, j: expressions that are constant by now, 0 for none. */
LLVMValueRef cg_emit_register(cg_emit *e, lp_reg reg, lp_expr i, lp_expr j);
LLVMValueRef cg_register_element(cg_emit *e, lp_reg reg, uint32_t i, uint32_t j);
void cg_emit_alias_scopes(cg_emit *e, const char *nest); /* at the end of a nest */

/* emit_narrow.c: for targets that lack products of 64 bits; scalars */
bool cg_is_narrow(const cg_emit *e,
                  LLVMValueRef value); /* needs what follows, in place of LLVM's instruction */
LLVMValueRef cg_narrow_product(cg_emit *e, LLVMValueRef a, LLVMValueRef b); /* i64 */
LLVMValueRef cg_narrow_upper(cg_emit *e, LLVMValueRef a, LLVMValueRef b); /* upper half of a product of u32 */
LLVMValueRef cg_narrow_shift(cg_emit *e, LLVMOpcode shift, LLVMValueRef a, LLVMValueRef amount); /* i64 */
LLVMValueRef cg_narrow_quotient(cg_emit *e, LLVMValueRef a, uint32_t divisor);                   /* u32 */

/* emit_dot.c: v[0] + the sum of products of the packed integers in v[1] and v[2]; op: LP_dot4, LP_dot2 */
LLVMValueRef cg_emit_dot(cg_emit *e, lp_expr_kind op, uint32_t lanes, const LLVMValueRef *v);

/* emit_pack.c: LP_pack16, LP_pack8u, LP_pack8s; LP_words */
LLVMValueRef cg_emit_pack(cg_emit *e, const lp_expr_info *x);
LLVMValueRef cg_emit_words(cg_emit *e, const lp_expr_info *x);
/* f32 to the nearest i32, ties to even, in one instruction; NULL: the target has none for so many lanes. */
LLVMValueRef cg_emit_rounded(cg_emit *e, LLVMValueRef v, uint32_t lanes);

/* emit_lookup.c: NULL: the target has nothing for such a table; then load by load */
LLVMValueRef cg_emit_permuted(cg_emit *e, const lp_expr_info *lookup);

/* emit_shuffle.c */
LLVMValueRef cg_emit_tree(cg_emit *e, const lp_expr_info *tree);
LLVMValueRef cg_emit_fold(cg_emit *e, const lp_expr_info *fold);
LLVMValueRef cg_emit_part(cg_emit *e, const lp_expr_info *part);
void cg_emit_transpose(cg_emit *e, lp_reg reg);

#endif
