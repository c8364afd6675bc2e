/* Loop IR: what an operator computes (form 1) and how it is computed (form 2).
 *
 * Both forms share expressions and buffers, live in one lp_function, print, and are run by the evaluator.
 *
 *   Form 1, statements: index notation over named axes. One statement assigns to a buffer at indices that are
 *   axes (or affine in axes); axes that occur on the left are parallel, those of a reduction are reduced:
 *       y[b, o] = bias[o] + sum(i: w[o, i] * x[b, i])
 *   ops/ writes it: each node gives a few statements, in order.
 *
 *   Form 2, nests: loops over layouts, tiles, vectors and registers; still no target but a number of lanes.
 *   kernels/ turns statements into nests; codegen/ walks nests, once into LLVM and once into C. */
#ifndef NETC_LOOPS_LOOPS_H
#define NETC_LOOPS_LOOPS_H

#include "support/netc.h"
#include "support/tensor.h"

typedef uint32_t lp_expr;   /* id in lp_function.exprs; 0 is none */
typedef uint32_t lp_buffer; /* id in lp_function.buffers */
typedef uint32_t lp_reg;    /* id in lp_function.regs */
typedef uint32_t lp_stmt;   /* id in lp_function.stmts (form 2); 0 is none */
#define LP_NONE UINT32_MAX

/* lanes: any number up to LP_MAX_LANES; folds, trees and transpositions want powers of two */
enum { LP_MAX_RANK = NET_MAX_RANK + 2, LP_MAX_LANES = 64 };

/* ---- buffers ---- */

typedef enum {
  LP_SCRATCH,  /* in rt_step.scratch, placed by the planner */
  LP_VARIABLE, /* in rt_step.variables: slot = index of the variable, offset in floats */
  LP_COLUMN,   /* rows of data, rt_step.columns[slot]: shape [rows unknown, width], row-major, not tiled */
  LP_INDEX,    /* rt_step.index: u32 [padded batch] */
  LP_SCALAR,   /* rt_step.scalars[slot] */
  LP_OUTPUT,   /* rt_step.outputs[slot]: [count, width] rows, row-major */
  LP_CONSTANT, /* data, compiled in */
  LP_RESULT,   /* slot 0 *loss (f64), 1 *weight_sum (f64), 2 *correct (u32) */
} lp_storage;

typedef struct {
  net_name name;
  net_type type;
  net_shape shape; /* logical, without the batch */
  bool batched;    /* form 1 indexes it [b, shape…] */
  lp_storage storage;
  uint32_t slot;
  const void *data; /* LP_CONSTANT: its logical elements; once dimensions are chosen, all physical ones */
  /* form 2: physical dimensions, row-major; batched scratch is [batch/T, elements, T], the rest [elements] */
  uint32_t rank, dim[LP_MAX_RANK];
  size_t offset; /* LP_SCRATCH: bytes; LP_VARIABLE: floats */
  double bits;   /* an element's, in its number format */
} lp_buffer_info;

/* ---- expressions ---- */

typedef enum {
#define LP_OPERATION(name, operands, text) LP_##name,
#include "loops/expressions.def"
#undef LP_OPERATION
  LP_operations, /* leaves and the rest follow */
  LP_const,      /* real or integer by type */
  LP_axis,       /* form 1: the axis as an integer (i32) */
  LP_load,       /* buffer[indices], i32 or u32 scalars; form 2: lanes consecutive elements from there */
  LP_reduce,     /* form 1: combine body over axes */
  LP_count,      /* samples in the batch, u32: a constant in exact functions */
  LP_param,      /* u32 from rt_step: 0 step, 1 and 2 the key */
  LP_var,        /* form 2: loop variable (i32) */
  LP_read,       /* form 2: register array element reg[i][j] */
  LP_splat,      /* form 2: a scalar in all lanes */
  LP_lanes,      /* form 2: 0, 1, 2, … lanes − 1 (i32) */
  LP_tree,       /* form 2: registers reg[0 … n − 1][0], n ≤ lanes, each folded by itself: lane k of the
                    result is the fold of reg[k][0]; lanes from n on are unspecified. All at once it is a tree
                    of shuffles: the step at w joins register k with k + w, lower halves of 2·w lanes and
                    upper ones side by side */
  LP_fold,       /* form 2: a vector reduced to a scalar by halving: for w = lanes/2, lanes/4, … 1, lane k
                    becomes combine(lane k, lane k + w) for k < w; lane 0 is the result. Maximum is max(a, b)
                    as operated */
  LP_words,      /* form 2: a vector of bytes or halves as i32: in each the next four or two, the first
                    lowest; of i32 clamped to bytes: `integer` 1 unsigned, −1 signed (else 0) */
  LP_part,       /* form 2: `lanes` consecutive lanes of a vector from lane `integer` on; 1 lane is a
                    scalar */
  LP_lookup,     /* both forms: lane by lane the elements of a constant vector, buffer `which`, at places
                    (i32) that are computed: the only addresses that depend on data */
  LP_expr_kinds,
} lp_expr_kind;

/* add, max, min of expressions.def; a chain is a sum of one term after the other, in the order of the axes:
 * only of reductions, never over the batch */
typedef enum { LP_SUM, LP_MAXIMUM, LP_MINIMUM, LP_CHAIN } lp_combine;

typedef struct {
  uint8_t kind;   /* lp_expr_kind */
  uint8_t type;   /* net_type of the result */
  uint16_t lanes; /* 1 for scalars; form 1 has only scalars */
  uint8_t combine; /* lp_combine: reduce, tree, fold */
  bool pure;       /* neither loads nor reads registers: equal pure expressions have equal ids */
  /* operations; splat, fold, words, part, lookup: [0]; reduce: body [0]; read: index exprs [0], [1] (0: none)
   */
  lp_expr operand[3];
  /* load: indices; reduce: axes — in lp_function.lists. tree: first unused, count = n */
  uint32_t first, count;
  uint32_t which; /* load, lookup: buffer; read, tree: reg; axis: axis; var: var; param */
  double real;
  int64_t integer;
} lp_expr_info;

typedef struct {
  net_name name;
  uint32_t extent; /* of the batch axis: samples of a full batch */
  bool batch;
} lp_axis_info;

/* ---- form 1 ---- */

typedef struct {
  lp_buffer buffer;
  uint32_t first, count; /* indices, in lp_function.lists */
  lp_expr value;
  uint32_t node;  /* graph node it comes from: for names, fusion limits and reports */
  bool update;    /* writes a variable: only after the loss was found finite */
} lp_statement;

/* ---- form 2 ---- */

/* Registers hold nothing of use at the beginning of a nest and of each iteration of a parallel loop. */
typedef struct {
  net_name name;
  net_type type;
  uint16_t lanes;
  uint32_t rows, columns; /* reg[rows][columns] */
} lp_reg_info;

typedef enum {
  LP_FOR,       /* for var in lo .. hi step s: body */
  LP_SET,       /* reg[i][j] = value */
  LP_STORE,     /* buffer[indices] = value, lanes consecutive elements */
  LP_IF,        /* if cond (a scalar bool): body */
  LP_TRANSPOSE, /* reg[0 … lanes − 1][0]: lane j of register i ↔ lane i of register j */
  LP_FINITE,    /* leave the function with 1 unless value (a scalar float) is finite; never inside a parallel
                   loop */
  LP_AHEAD,     /* ask for the cache line of a column's element [indices] of the rows that the next call will
                   have: where objects know of them (kn_options.ahead), else nothing; may lie beyond a row */
} lp_stmt_kind;

enum { LP_UNROLL = 1, LP_PARALLEL = 2 }; /* LP_PARALLEL: only the outermost statement of a nest */

typedef struct {
  uint8_t kind, flags;
  uint32_t which;         /* for: var; set, transpose: reg; store, ahead: buffer */
  lp_expr lo, hi;         /* for: i32 scalars; set: indices i, j (0: none) */
  uint32_t step;          /* for */
  lp_expr value;          /* set, store, finite; if: condition */
  uint32_t first, count;  /* store, ahead: indices */
  lp_stmt body, next;     /* first statement inside; following statement */
} lp_stmt_info;

typedef struct {
  net_name name; /* "linear_1+relu_1" */
  lp_stmt body;
  double work;   /* rough operations, to decide on threads */
} lp_nest;

/* ---- a function: one compiled entry point ---- */

typedef struct lp_function {
  netc *n;
  net_arena *arena;
  net_name name;
  uint32_t batch; /* samples of a full batch */
  bool masked;    /* any count up to batch: reductions over the batch leave other lanes out */
  uint32_t padded; /* batch rounded up to whole tiles */
  uint32_t tile;   /* T: samples of a batch tile */
  uint32_t lanes;  /* f32 lanes of a vector: 16, 8, 4, 1 */
  NET_VEC(lp_buffer_info) buffers;
  NET_VEC(lp_axis_info) axes; /* [0]: the batch */
  NET_VEC(lp_expr_info) exprs; /* [0] unused */
  NET_VEC(lp_expr) lists;      /* index lists and axis lists (as axis expressions) */
  NET_VEC(lp_statement) statements;
  uint32_t node; /* statements added belong to this node */
  bool update;   /* … and are updates */
  lp_buffer *value_buffer;     /* by graph value id */
  const net_name *node_name;   /* by graph node id, for printing; may be NULL */
  /* form 2 */
  NET_VEC(net_name) vars;
  NET_VEC(lp_reg_info) regs;
  NET_VEC(lp_stmt_info) stmts; /* [0] unused */
  NET_VEC(lp_nest) nests;
  lp_stmt open[64], last[64]; /* builder: enclosing statements, last statement at each depth */
  uint32_t depth; /* 0: no nest is open */
  size_t scratch_bytes;
  double activation_bytes; /* most that batched scratch holds at once, elements in their number formats */
  /* builder */
  lp_expr *pure; /* hash table of pure expressions, 0: free */
  uint32_t pure_slots, pure_count;
  NET_VEC(uint32_t) marks; /* by expression: number of the last walk that came by; [0]: walks so far */
} lp_function;

lp_function *lp_function_new(netc *n, net_arena *arena, net_name name, uint32_t batch, bool masked);

/* ---- building: expressions ---- */

lp_expr lp_real(lp_function *f, double value); /* f32 constant */
lp_expr lp_int(lp_function *f, int64_t value); /* i32 constant */
lp_expr lp_constant(lp_function *f, net_type type, double real, int64_t integer);
/* Operand types must agree (select: the first is bool; convert and bitcast by lp_convert, lp_bitcast); a
 * scalar beside a vector is splatted. The builder folds constants, x·1, x+0 (integers), makes integer
 * arithmetic compact (constants outermost: x·c + d), and keeps operations on splats scalar. It never changes
 * the bits of a result. A wrong use anywhere in the builder is a net_fault; what it gives back then is
 * zero. */
lp_expr lp_op1(lp_function *f, lp_expr_kind op, lp_expr a);
lp_expr lp_op2(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b);
lp_expr lp_op3(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b, lp_expr c);
lp_expr lp_convert(lp_function *f, net_type type, lp_expr a);
lp_expr lp_bitcast(lp_function *f, net_type type, lp_expr a);
lp_expr lp_sample_count(lp_function *f); /* LP_count (u32); a constant in exact functions */
lp_expr lp_samples(lp_function *f);      /* the same as f32 */
lp_expr lp_parameter(lp_function *f, uint32_t which);
lp_expr lp_batch(lp_function *f); /* the batch axis */
lp_expr lp_axis_new(lp_function *f, const char *name, uint32_t extent);
lp_expr lp_load_at(lp_function *f, lp_buffer buffer, uint32_t count, const lp_expr *indices);
/* The element of a constant vector at a place, an i32 of which ranges show that it lies inside. */
lp_expr lp_lookup_of(lp_function *f, lp_buffer table, lp_expr place);
lp_expr lp_reduce_over(lp_function *f, lp_combine combine, uint32_t count, const lp_expr *axes, lp_expr body);
/* sugar: lp_load_from(f, x, b, i), lp_sum_over(f, body, i, j) */
#define LP_LIST(...) (sizeof((lp_expr[]){__VA_ARGS__}) / sizeof(lp_expr)), (const lp_expr[]){__VA_ARGS__}
#define lp_load_from(f, buffer, ...) lp_load_at((f), (buffer), LP_LIST(__VA_ARGS__))
#define lp_sum_over(f, body, ...) lp_reduce_over((f), LP_SUM, LP_LIST(__VA_ARGS__), (body))
static inline lp_expr lp_addition(lp_function *f, lp_expr a, lp_expr b) { return lp_op2(f, LP_add, a, b); }
static inline lp_expr lp_difference(lp_function *f, lp_expr a, lp_expr b) { return lp_op2(f, LP_sub, a, b); }
static inline lp_expr lp_product(lp_function *f, lp_expr a, lp_expr b) { return lp_op2(f, LP_mul, a, b); }
static inline lp_expr lp_quotient(lp_function *f, lp_expr a, lp_expr b) { return lp_op2(f, LP_div, a, b); }
lp_expr lp_select(lp_function *f, lp_expr condition, lp_expr yes, lp_expr no);

/* ---- building: form 1 ---- */

lp_buffer lp_buffer_new(lp_function *f, net_name name, net_type type, net_shape shape, bool batched,
                        lp_storage storage, uint32_t slot);
/* A value of the node's own that no other node sees (the maximum inside softmax). */
lp_buffer lp_temporary(lp_function *f, const char *name, net_type type, net_shape shape, bool batched);
void lp_assign_at(lp_function *f, lp_buffer buffer, uint32_t count, const lp_expr *indices, lp_expr value);
#define lp_assign(f, buffer, value, ...) lp_assign_at((f), (buffer), LP_LIST(__VA_ARGS__), (value))

/* ---- building: form 2 ---- */

lp_reg lp_reg_new(lp_function *f, const char *name, net_type type, uint32_t lanes, uint32_t rows,
                  uint32_t columns);
lp_expr lp_begin_for(lp_function *f, const char *name, lp_expr lo, lp_expr hi, uint32_t step, unsigned flags);
void lp_begin_if(lp_function *f, lp_expr condition);
void lp_end(lp_function *f);
void lp_set(lp_function *f, lp_reg reg, lp_expr i, lp_expr j, lp_expr value);
void lp_store_at(lp_function *f, lp_buffer buffer, uint32_t count, const lp_expr *indices, lp_expr value);
void lp_transpose(lp_function *f, lp_reg reg);
void lp_finite(lp_function *f, lp_expr value);
void lp_ahead(lp_function *f, lp_buffer column, uint32_t count, const lp_expr *indices);
lp_expr lp_read_reg(lp_function *f, lp_reg reg, lp_expr i, lp_expr j);
lp_expr lp_splat_of(lp_function *f, lp_expr scalar, uint32_t lanes); /* a scalar itself when lanes is 1 */
lp_expr lp_lanes_of(lp_function *f, uint32_t lanes);
lp_expr lp_vector_load(lp_function *f, lp_buffer buffer, uint32_t lanes, uint32_t count,
                       const lp_expr *indices);
lp_expr lp_tree_of(lp_function *f, lp_combine combine, lp_reg reg, uint32_t count);
lp_expr lp_fold_of(lp_function *f, lp_combine combine, lp_expr vector);
lp_expr lp_part_of(lp_function *f, lp_expr vector, uint32_t first, uint32_t lanes);
lp_expr lp_words_of(lp_function *f, lp_expr vector);
lp_expr lp_bytes_of(lp_function *f, lp_expr vector, bool sign); /* words of i32 that are clamped to bytes */
void lp_nest_begin(lp_function *f, net_name name);
void lp_nest_end(lp_function *f, double work);

/* ---- access ---- */

static inline const lp_expr_info *lp_expr_at(const lp_function *f, lp_expr e) { return &f->exprs.at[e]; }
static inline const lp_expr *lp_list_at(const lp_function *f, uint32_t first) { return &f->lists.at[first]; }
/* Whether an expression (with all under it, reduction axes excepted) depends on the axis. */
bool lp_depends(const lp_function *f, lp_expr e, uint32_t axis);

#endif
