/* Operations: their types, and what the builder makes simpler at once. */
#include "loops/build.h"
#include "loops/compute.h"

/* ---- types ---- */

enum { REAL = 1, SIGNED = 2, UNSIGNED = 4, BOOLEAN = 8, U32 = 16, F32 = 32, I32 = 64 };
enum { INTEGER = SIGNED | UNSIGNED, NUMBER = REAL | INTEGER };

static const struct {
  uint8_t operands;
  const char *text;
} operations[LP_operations] = {
#define LP_OPERATION(name, count, text) [LP_##name] = {count, text},
#include "loops/expressions.def"
#undef LP_OPERATION
};

static const uint8_t allowed[LP_operations] = {
    [LP_add] = NUMBER,
    [LP_sub] = NUMBER,
    [LP_mul] = NUMBER,
    [LP_div] = REAL | UNSIGNED,
    [LP_rem] = UNSIGNED,
    [LP_min] = NUMBER,
    [LP_max] = NUMBER,
    [LP_fma] = REAL,
    [LP_neg] = NUMBER,
    [LP_abs] = REAL | SIGNED,
    [LP_sqrt] = REAL,
    [LP_round] = REAL,
    [LP_floor] = REAL,
    [LP_trunc] = REAL,
    [LP_and] = INTEGER | BOOLEAN,
    [LP_or] = INTEGER | BOOLEAN,
    [LP_xor] = INTEGER | BOOLEAN,
    [LP_shl] = INTEGER,
    [LP_shr] = INTEGER,
    [LP_mulhi] = U32,
    [LP_dot4] = I32,
    [LP_dot2] = I32,
    [LP_pack16] = I32,
    [LP_pack8u] = I32,
    [LP_pack8s] = I32,
    [LP_lt] = NUMBER,
    [LP_le] = NUMBER,
    [LP_gt] = NUMBER,
    [LP_ge] = NUMBER,
    [LP_eq] = NUMBER | BOOLEAN,
    [LP_ne] = NUMBER | BOOLEAN,
    [LP_select] = NUMBER | BOOLEAN,
    [LP_convert] = NUMBER | BOOLEAN,
    [LP_bitcast] = NUMBER,
    [LP_exp] = F32,
    [LP_log] = F32,
    [LP_log1p] = F32,
    [LP_tanh] = F32,
    [LP_sigmoid] = F32,
    [LP_erf] = F32,
};

static unsigned classes_of(net_type type) {
  if (lp_is_float(type)) return REAL | (type == NET_F32 ? F32 : 0);
  if (type == NET_BOOL) return BOOLEAN;
  return lp_is_signed(type) ? SIGNED | (type == NET_I32 ? I32 : 0) : UNSIGNED | (type == NET_U32 ? U32 : 0);
}

static bool is_comparison(lp_expr_kind op) { return op >= LP_lt && op <= LP_ne; }
uint32_t lp_operand_count(lp_expr_kind op) { return operations[op].operands; }
const char *lp_operation_text(lp_expr_kind op) { return operations[op].text; }

net_type lp_type_of(lp_expr_kind op, const net_type *operand) {
  return is_comparison(op) ? NET_BOOL : operand[op == LP_select];
}

const char *lp_type_fault(lp_expr_kind op, net_type result, const net_type *operand) {
  uint32_t first = op == LP_select;
  for (uint32_t i = 0; i < operations[op].operands; i++)
    if (operand[i] >= NET_TYPE_COUNT) return "no such type";
  if (result >= NET_TYPE_COUNT) return "no such type";
  if (op == LP_select && operand[0] != NET_BOOL) return "the condition must be bool";
  for (uint32_t i = first + 1; i < operations[op].operands; i++)
    if (operand[i] != operand[first]) return "operand types differ";
  if (!(classes_of(operand[first]) & allowed[op])) return "not an operation of this type";
  if (op == LP_convert) return result == NET_BOOL ? "cannot convert to bool (compare with ne)" : NULL;
  if (op != LP_bitcast) return lp_type_of(op, operand) == result ? NULL : "the result has another type";
  if (result == NET_BOOL) return "cannot bitcast to bool";
  return net_type_bytes(result) == net_type_bytes(operand[0]) ? NULL
                                                              : "bitcast between types of different sizes";
}

/* ---- constants ---- */

static lp_value value_of(const lp_expr_info *constant) {
  lp_value v = {.integer = constant->integer};
  if (constant->type == NET_F32) v.f32 = (float)constant->real;
  if (constant->type == NET_F64) v.f64 = constant->real;
  return v;
}

static lp_expr constant_of(lp_function *f, net_type type, lp_value v) {
  double real = type == NET_F32 ? (double)v.f32 : type == NET_F64 ? v.f64 : 0;
  return lp_constant(f, type, real, lp_is_float(type) ? 0 : v.integer);
}

static bool is_nan(net_type type, lp_value v) {
  return (type == NET_F32 && v.f32 != v.f32) || (type == NET_F64 && v.f64 != v.f64);
}

/* An integer constant of the type and lanes of e. */
static lp_expr integer_like(lp_function *f, lp_expr e, int64_t value) {
  lp_expr_info like = *lp_expr_at(f, e);
  return lp_splat_of(f, lp_constant(f, like.type, 0, value), like.lanes);
}

static lp_expr plain(lp_function *f, lp_expr_kind op, net_type type, uint32_t lanes, const lp_expr *operand) {
  lp_expr_info info = {.kind = (uint8_t)op, .type = (uint8_t)type, .lanes = (uint16_t)lanes};
  memcpy(info.operand, operand, operations[op].operands * sizeof *operand);
  return lp_add_expr(f, info);
}

static lp_expr plain2(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b) {
  return plain(f, op, lp_expr_at(f, a)->type, lp_expr_at(f, a)->lanes, (lp_expr[]){a, b});
}

/* All operands constant: the value, unless it would depend on the target or the sign of a NaN. */
static lp_expr fold_constants(lp_function *f, lp_expr_kind op, net_type type, const lp_expr *operand) {
  const lp_expr_info *info[3] = {NULL};
  lp_value v[3] = {{.integer = 0}}, r;
  if (op == LP_fma || op >= LP_exp) return 0;
  for (uint32_t i = 0; i < operations[op].operands; i++) {
    info[i] = lp_expr_at(f, operand[i]);
    if (info[i]->kind != LP_const) return 0;
    v[i] = value_of(info[i]);
  }
  net_type from = info[op == LP_select]->type;
  if (op == LP_convert) {
    if (!lp_converts(type, from, v[0])) return 0;
    r = lp_compute_convert(type, from, v[0]);
  } else if (op == LP_bitcast)
    r = lp_compute_bitcast(type, from, v[0]);
  else
    lp_compute(op, from, false, 1, &v[0], &v[1], &v[2], &r);
  return is_nan(type, r) ? 0 : constant_of(f, type, r);
}

/* ---- algebra of integers: modulo 2^width, so everything a ring allows ---- */

typedef struct {
  lp_expr base;     /* 0: none */
  int64_t constant; /* added to, or multiplied with base */
} term;

static term split(const lp_function *f, lp_expr_kind op, lp_expr e, int64_t neutral) {
  const lp_expr_info *info = lp_expr_at(f, e), *c;
  if (info->kind == op && (c = lp_constant_at(f, info->operand[1])))
    return (term){info->operand[0], c->integer};
  return (term){e, neutral};
}

static lp_expr times(lp_function *f, lp_expr a, int64_t factor);

/* a·k1 + b·k2 with a = b becomes a·(k1 + k2) */
static lp_expr sum(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b) {
  term x = split(f, LP_mul, a, 1), y = split(f, LP_mul, b, 1);
  uint64_t sign = op == LP_sub ? UINT64_MAX : 1;
  if (x.base == y.base)
    return times(f, x.base, (int64_t)((uint64_t)x.constant + sign * (uint64_t)y.constant));
  return plain2(f, op, a, b);
}

static lp_expr plus(lp_function *f, lp_expr a, int64_t constant) {
  term x = split(f, LP_add, a, 0);
  const lp_expr_info *c = lp_constant_at(f, a);
  if (c) return integer_like(f, a, (int64_t)((uint64_t)c->integer + (uint64_t)constant));
  constant = lp_wrap(lp_expr_at(f, a)->type, (int64_t)((uint64_t)x.constant + (uint64_t)constant));
  return constant ? plain2(f, LP_add, x.base, integer_like(f, a, constant)) : x.base;
}

static lp_expr times(lp_function *f, lp_expr a, int64_t factor) {
  net_type type = lp_expr_at(f, a)->type;
  factor = lp_wrap(type, factor);
  if (factor == 0) return integer_like(f, a, 0);
  if (factor == 1) return a;
  term x = split(f, LP_add, a, 0);
  if (x.constant)
    return plus(f, times(f, x.base, factor), (int64_t)((uint64_t)x.constant * (uint64_t)factor));
  x = split(f, LP_mul, a, 1);
  int64_t product = lp_wrap(type, (int64_t)((uint64_t)x.constant * (uint64_t)factor));
  if (x.constant != 1) return times(f, x.base, product);
  return plain2(f, LP_mul, a, integer_like(f, a, factor));
}

static lp_expr add_or_subtract(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b) {
  const lp_expr_info *c = lp_constant_at(f, b);
  if (c) return plus(f, a, op == LP_add ? c->integer : (int64_t)-(uint64_t)c->integer);
  term x = split(f, LP_add, a, 0), y = split(f, LP_add, b, 0);
  uint64_t constant = op == LP_add ? (uint64_t)x.constant + (uint64_t)y.constant
                                   : (uint64_t)x.constant - (uint64_t)y.constant;
  return plus(f, sum(f, op, x.base, y.base), (int64_t)constant);
}

/* An integer or bool operation with a constant on the right, or 0. */
static lp_expr with_constant(lp_function *f, lp_expr_kind op, lp_expr a, int64_t c) {
  net_type type = lp_expr_at(f, a)->type;
  int64_t ones = lp_wrap(type, -1);
  static const struct {
    uint8_t op, same; /* same: x op c = x, otherwise = c */
    int8_t constant;  /* −1: all ones */
  } laws[] = {{LP_and, true, -1}, {LP_and, false, 0}, {LP_or, true, 0},  {LP_or, false, -1},
              {LP_xor, true, 0},  {LP_shl, true, 0},  {LP_shr, true, 0}, {LP_div, true, 1}};
  for (uint32_t i = 0; i < sizeof laws / sizeof *laws; i++)
    if (laws[i].op == op && c == (laws[i].constant < 0 ? ones : laws[i].constant))
      return laws[i].same ? a : integer_like(f, a, c);
  if (op == LP_rem && c == 1) return integer_like(f, a, 0);
  return 0;
}

static bool commutes(lp_expr_kind op) {
  return op == LP_add || op == LP_mul || op == LP_and || op == LP_or || op == LP_xor || op == LP_min ||
         op == LP_max || op == LP_mulhi || op == LP_eq || op == LP_ne;
}

static bool is_integer(const lp_function *f, lp_expr e, int64_t value) {
  const lp_expr_info *c = lp_constant_at(f, e);
  return c && c->integer == value;
}

static lp_expr integer_algebra(lp_function *f, lp_expr_kind op, lp_expr *operand) {
  if (commutes(op) && lp_constant_at(f, operand[0])) {
    lp_expr constant = operand[0];
    operand[0] = operand[1];
    operand[1] = constant;
  }
  if (op == LP_add || op == LP_sub) return add_or_subtract(f, op, operand[0], operand[1]);
  const lp_expr_info *c = operations[op].operands == 2 ? lp_constant_at(f, operand[1]) : NULL;
  if (c && op == LP_mul) return times(f, operand[0], c->integer);
  if ((op == LP_min || op == LP_max) && operand[0] == operand[1]) return operand[0];
  if (op == LP_dot4 || op == LP_dot2)
    for (uint32_t i = 1; i < 3; i++)
      if (is_integer(f, operand[i], 0)) return operand[0];
  return c ? with_constant(f, op, operand[0], c->integer) : 0;
}

/* ---- algebra of floats: only what keeps every bit ---- */

static bool is_real(const lp_function *f, lp_expr e, double value) {
  const lp_expr_info *c = lp_constant_at(f, e);
  return c && !memcmp(&c->real, &value, sizeof value); /* tells −0 from 0 */
}

/* 1/x when x is a power of two whose reciprocal is normal in the type: dividing by x is multiplying with it.
 */
static double exact_reciprocal(const lp_expr_info *c) {
  uint64_t bits;
  memcpy(&bits, &c->real, sizeof bits);
  int exponent = (int)(bits >> 52 & 2047) - 1023, most = c->type == NET_F32 ? 126 : 1022;
  bool power = !(bits & 0xFFFFFFFFFFFFF) && exponent >= -most && exponent <= most;
  return power ? 1 / c->real : 0;
}

static lp_expr float_algebra(lp_function *f, lp_expr_kind op, const lp_expr *operand) {
  lp_expr a = operand[0], b = operand[1];
  if (op == LP_mul && is_real(f, b, 1)) return a;
  if (op == LP_mul && is_real(f, a, 1)) return b;
  if (op == LP_add && is_real(f, b, -0.0)) return a;
  if (op == LP_add && is_real(f, a, -0.0)) return b;
  if (op == LP_sub && is_real(f, b, 0)) return a;
  if (op == LP_neg && lp_expr_at(f, a)->kind == LP_neg) return lp_expr_at(f, a)->operand[0];
  if (op == LP_div && lp_constant_at(f, b)) {
    const lp_expr_info c = *lp_constant_at(f, b);
    double reciprocal = exact_reciprocal(&c);
    if (reciprocal == 1) return a;
    if (reciprocal != 0)
      return plain2(f, LP_mul, a,
                    lp_splat_of(f, lp_constant(f, c.type, reciprocal, 0), lp_expr_at(f, b)->lanes));
  }
  /* With a factor 1 the product is exact, so that fma is an addition however it rounds. */
  if (op == LP_fma && is_real(f, a, 1)) return lp_op2(f, LP_add, b, operand[2]);
  if (op == LP_fma && is_real(f, b, 1)) return lp_op2(f, LP_add, a, operand[2]);
  return 0;
}

static lp_expr simpler(lp_function *f, lp_expr_kind op, net_type type, lp_expr *operand) {
  if (lp_expr_at(f, operand[0])->lanes == 1) {
    lp_expr folded = fold_constants(f, op, type, operand);
    if (folded) return folded;
  }
  net_type from = lp_expr_at(f, operand[0])->type;
  if (op == LP_convert || op == LP_bitcast) return from == type ? operand[0] : 0;
  if (op == LP_select) {
    const lp_expr_info *c = lp_constant_at(f, operand[0]);
    if (operand[1] == operand[2]) return operand[1];
    return c ? operand[c->integer ? 1 : 2] : 0;
  }
  return lp_is_float(from) ? float_algebra(f, op, operand) : integer_algebra(f, op, operand);
}

/* ---- the builder's entries ---- */

/* Integer division and remainder are by constants only, so that no division instruction is needed. */
static const char *divisor_fault(const lp_function *f, lp_expr_kind op, const lp_expr *operand) {
  if ((op != LP_div && op != LP_rem) || lp_is_float(lp_expr_at(f, operand[0])->type)) return NULL;
  const lp_expr_info *c = lp_constant_at(f, operand[1]);
  return !c ? "integers are divided by constants only" : !c->integer ? "division by zero" : NULL;
}

static lp_expr operate(lp_function *f, lp_expr_kind op, uint32_t count, net_type result,
                       const lp_expr *given) {
  if (op >= LP_operations || operations[op].operands != count)
    return lp_wrong(f, NET_F32, 1, "operation %u does not take %u operands", (unsigned)op, count);
  lp_expr operand[3] = {0};
  net_type types[3] = {0};
  uint32_t lanes = 1, scalars = 0;
  for (uint32_t i = 0; i < count; i++) {
    operand[i] = given[i];
    if (!lp_known(f, operand[i], operations[op].text))
      return lp_wrong(f, NET_F32, 1, "so there is no result");
    const lp_expr_info *info = lp_expr_at(f, operand[i]);
    types[i] = info->type;
    if (info->lanes > lanes) lanes = info->lanes;
  }
  if (op != LP_convert && op != LP_bitcast) result = lp_type_of(op, types);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t own = lp_expr_at(f, operand[i])->lanes;
    if (own != 1 && own != lanes)
      return lp_wrong(f, result, lanes, "%s of %u and %u lanes", operations[op].text, own, lanes);
    if (own != lanes) operand[i] = lp_splat_of(f, operand[i], lanes);
  }
  const char *fault = lp_type_fault(op, result, types);
  if (!fault) fault = divisor_fault(f, op, operand);
  if (fault)
    return lp_wrong(f, result < NET_TYPE_COUNT ? result : NET_F32, lanes, "%s of %s%s%s: %s",
                    operations[op].text, net_type_name(types[0]), count > 1 ? " and " : "",
                    count > 1 ? net_type_name(types[count - 1]) : "", fault);
  for (uint32_t i = 0; i < count; i++) scalars += lp_expr_at(f, operand[i])->kind == LP_splat;
  if (scalars == count) { /* all lanes are equal: once is enough */
    for (uint32_t i = 0; i < count; i++) operand[i] = lp_expr_at(f, operand[i])->operand[0];
    return lp_splat_of(f, operate(f, op, count, result, operand), lanes);
  }
  lp_expr simple = simpler(f, op, result, operand);
  return simple ? simple : plain(f, op, result, lanes, operand);
}

lp_expr lp_op1(lp_function *f, lp_expr_kind op, lp_expr a) {
  if (op == LP_convert || op == LP_bitcast)
    return lp_wrong(f, NET_F32, 1, "%s needs a type to go to", operations[op].text);
  return operate(f, op, 1, NET_F32, (lp_expr[]){a});
}

lp_expr lp_op2(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b) {
  return operate(f, op, 2, NET_F32, (lp_expr[]){a, b});
}

lp_expr lp_op3(lp_function *f, lp_expr_kind op, lp_expr a, lp_expr b, lp_expr c) {
  return operate(f, op, 3, NET_F32, (lp_expr[]){a, b, c});
}

lp_expr lp_convert(lp_function *f, net_type type, lp_expr a) {
  return operate(f, LP_convert, 1, type, (lp_expr[]){a});
}

lp_expr lp_bitcast(lp_function *f, net_type type, lp_expr a) {
  return operate(f, LP_bitcast, 1, type, (lp_expr[]){a});
}

lp_expr lp_select(lp_function *f, lp_expr condition, lp_expr yes, lp_expr no) {
  return lp_op3(f, LP_select, condition, yes, no);
}
