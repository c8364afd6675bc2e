/* What the files of loops/ share among themselves. */
#ifndef NETC_LOOPS_BUILD_H
#define NETC_LOOPS_BUILD_H

#include "loops/loops.h"

static inline bool lp_is_float(net_type type) { return type == NET_F32 || type == NET_F64; }
static inline bool lp_is_signed(net_type type) {
  return type == NET_I8 || type == NET_I16 || type == NET_I32 || type == NET_I64;
}
static inline bool lp_is_integer(net_type type) { return !lp_is_float(type) && type != NET_BOOL; }
/* Buffers that a statement may assign to. */
static inline bool lp_is_writable(lp_storage storage) {
  return storage == LP_SCRATCH || storage == LP_VARIABLE || storage == LP_OUTPUT || storage == LP_RESULT;
}

/* Folds, trees and transpositions halve vectors down to one lane. */
static inline bool lp_is_halved(uint32_t lanes) { return lanes && !(lanes & (lanes - 1)); }

/* How many integers of the type lie in a word of 32 bits; 0: it is no part of one. */
static inline uint32_t lp_per_word(net_type type) {
  return type == NET_I8 || type == NET_U8 ? 4 : type == NET_I16 || type == NET_U16 ? 2 : 0;
}

/* Reports a wrong use of the builder and gives a zero of the wanted type. */
lp_expr lp_wrong(lp_function *f, net_type type, uint32_t lanes, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether e is an expression of f; reports it if not. */
bool lp_known(lp_function *f, lp_expr e, const char *what);
/* Adds an expression. Whether it is pure is worked out from its operands; an equal pure one is given again.
 */
lp_expr lp_add_expr(lp_function *f, lp_expr_info info);
uint32_t lp_add_list(lp_function *f, uint32_t count, const lp_expr *items);
/* Whether the indices of a load or store are known scalar integers and the buffer exists; reports. */
bool lp_check_indices(lp_function *f, const char *what, lp_buffer buffer, uint32_t count,
                      const lp_expr *indices);
/* The value of a constant or of a splat of one. */
const lp_expr_info *lp_constant_at(const lp_function *f, lp_expr e);
/* Starts a walk over expressions; lp_visit says whether this walk meets e for the first time. */
void lp_walk(const lp_function *f);
bool lp_visit(const lp_function *f, lp_expr e);

enum { LP_OCCURS = 1, LP_REDUCED = 2 };
/* Adds to flags[axis] for all axes under an expression: whether they occur, whether something reduces them.
 */
void lp_mark_axes(const lp_function *f, lp_expr e, uint8_t *flags);

/* What is wrong with the operand types of an operation, or NULL. result: as declared, for convert and
 * bitcast. */
const char *lp_type_fault(lp_expr_kind op, net_type result, const net_type *operand);
/* Type of an operation's result; not for convert and bitcast. */
net_type lp_type_of(lp_expr_kind op, const net_type *operand);
uint32_t lp_operand_count(lp_expr_kind op);
const char *lp_operation_text(lp_expr_kind op);

#endif
