#include "loops/compute.h"

#include "loops/build.h"

#include <float.h>
#include <math.h>
#include <tgmath.h>

/* Products of packed integers: a + the sum of b's unsigned bytes times c's signed ones, or of signed
 * halves. */
static int64_t dot4(int64_t a, int64_t b, int64_t c) {
  for (int k = 0; k < 32; k += 8) a += (int64_t)(uint8_t)(b >> k) * (int8_t)(c >> k);
  return a;
}

static int64_t dot2(int64_t a, int64_t b, int64_t c) {
  for (int k = 0; k < 32; k += 16) a += (int64_t)(int16_t)(b >> k) * (int16_t)(c >> k);
  return a;
}

static int64_t clamped(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

static int64_t pack16(int64_t a, int64_t b) {
  return (uint16_t)clamped(a, INT16_MIN, INT16_MAX) | clamped(b, INT16_MIN, INT16_MAX) * 65536;
}

static int64_t pack8(int64_t a, int64_t b, int64_t low, int64_t high) {
  uint32_t word = 0;
  for (int k = 0; k < 4; k++) {
    int16_t half = (int16_t)((k < 2 ? a : b) >> 16 * (k % 2));
    word |= (uint32_t)(uint8_t)clamped(half, low, high) << 8 * k;
  }
  return (int32_t)word;
}

/* Every operation in four readings: of float (f32), double (f64), int64_t (signed types) and uint64_t
 * (unsigned types and bools), on a, b, c of that type. Integers are wrapped afterwards. bits: width of the
 * type. */
#define LP_READINGS(R, I)                                                                                    \
  R(add, a + b)                                                                                              \
  I(add, (uint64_t)a + (uint64_t)b) R(sub, a - b) I(sub, (uint64_t)a - (uint64_t)b) R(mul, a *b)             \
      I(mul, (uint64_t)a *(uint64_t)b) R(div, a / b) I(div, b ? a / b : 0) R(rem, NAN) I(rem, b ? a % b : 0) \
          R(min, a < b ? a : b) I(min, a < b ? a : b) R(max, a > b ? a : b) I(max, a > b ? a : b)            \
              R(fma, fused ? fma(a, b, c) : a *b + c) I(fma, 0) R(neg, -a) I(neg, -(uint64_t)a)              \
                  R(abs, fabs(a)) I(abs, a < 0 ? -(uint64_t)a : (uint64_t)a) R(sqrt, sqrt(a)) I(sqrt, 0)     \
                      R(round, rint(a)) I(round, 0) R(floor, floor(a)) I(floor, 0) R(trunc, trunc(a))        \
                          I(trunc, 0) R(and, NAN) I(and, a &b) R(or, NAN) I(or, a | b) R(xor, NAN)           \
                              I(xor, a ^ b) R(shl, NAN) I(shl, (uint64_t)b < bits ? (uint64_t)a << b : 0)    \
                                  R(shr, NAN) I(shr, (uint64_t)b < bits ? a >> b : 0) R(mulhi, NAN)          \
                                      I(mulhi, (uint64_t)a *(uint64_t)b >> 32) R(dot4, NAN)                  \
                                          I(dot4, dot4((int64_t)a, (int64_t)b, (int64_t)c)) R(dot2, NAN) I(  \
                                              dot2, dot2((int64_t)a, (int64_t)b, (int64_t)c)) R(pack16, NAN) \
                                              I(pack16, pack16((int64_t)a, (int64_t)b)) R(pack8u, NAN)       \
                                                  I(pack8u, pack8((int64_t)a, (int64_t)b, 0, UINT8_MAX))     \
                                                      R(pack8s, NAN) I(pack8s, pack8((int64_t)a, (int64_t)b, \
                                                                                     INT8_MIN, INT8_MAX))

#define LP_COMPARISONS(C) C(lt, a < b) C(le, a <= b) C(gt, a > b) C(ge, a >= b) C(eq, a == b) C(ne, a != b)

/* Rounded once from double, where netc's own expansions have yet to replace them. */
#define LP_FUNCTIONS(F)                                                                                      \
  F(exp, exp((double)a)) F(log, log((double)a)) F(log1p, log1p((double)a)) F(tanh, tanh((double)a))          \
  F(sigmoid, 1 / (1 + exp(-(double)a))) F(erf, erf((double)a))

typedef void lp_loop(bool fused, uint32_t bits, uint32_t lanes, const lp_value *x, const lp_value *y,
                     const lp_value *z, lp_value *result);

#define LOOP(name, real, field, expression)                                                                  \
  static void name(bool fused, uint32_t bits, uint32_t lanes, const lp_value *x, const lp_value *y,          \
                   const lp_value *z, lp_value *result) {                                                    \
    (void)fused, (void)bits;                                                                                 \
    for (uint32_t k = 0; k < lanes; k++) {                                                                   \
      real a = (real)x[k].field, b = y ? (real)y[k].field : (real)0, c = z ? (real)z[k].field : (real)0;     \
      (void)a, (void)b, (void)c;                                                                             \
      FIELD_##field(result[k], expression);                                                                  \
    }                                                                                                        \
  }
#define FIELD_f32(to, value) to.f32 = (float)(value)
#define FIELD_f64(to, value) to.f64 = (double)(value)
#define FIELD_integer(to, value) to.integer = (int64_t)(value)

#define NO_INTEGERS(name, expression)
#define NO_REALS(name, expression)
#define F32(name, expression) LOOP(f32_##name, float, f32, expression)
#define F64(name, expression) LOOP(f64_##name, double, f64, expression)
#define SIGNED(name, expression) LOOP(signed_##name, int64_t, integer, expression)
#define UNSIGNED(name, expression) LOOP(unsigned_##name, uint64_t, integer, expression)
LP_READINGS(F32, NO_INTEGERS)
LP_READINGS(F64, NO_INTEGERS)
LP_READINGS(NO_REALS, SIGNED)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtype-limits"
LP_READINGS(NO_REALS, UNSIGNED)
#pragma GCC diagnostic pop
LP_FUNCTIONS(F32)
LP_FUNCTIONS(F64)

#define COMPARE(name, real, field, expression)                                                               \
  static void name(bool fused, uint32_t bits, uint32_t lanes, const lp_value *x, const lp_value *y,          \
                   const lp_value *z, lp_value *result) {                                                    \
    (void)fused, (void)bits, (void)z;                                                                        \
    for (uint32_t k = 0; k < lanes; k++) {                                                                   \
      real a = (real)x[k].field, b = (real)y[k].field;                                                       \
      result[k].integer = expression;                                                                        \
    }                                                                                                        \
  }
#define COMPARE_ALL(name, expression)                                                                        \
  COMPARE(f32_##name, float, f32, expression)                                                                \
  COMPARE(f64_##name, double, f64, expression)                                                               \
  COMPARE(signed_##name, int64_t, integer, expression)                                                       \
  COMPARE(unsigned_##name, uint64_t, integer, expression)
LP_COMPARISONS(COMPARE_ALL)

static void any_select(bool fused, uint32_t bits, uint32_t lanes, const lp_value *x, const lp_value *y,
                       const lp_value *z, lp_value *result) {
  (void)fused, (void)bits;
  for (uint32_t k = 0; k < lanes; k++) result[k] = x[k].integer ? y[k] : z[k];
}

static const struct {
  lp_loop *f32, *f64, *signed_integer, *unsigned_integer;
} loops[LP_operations] = {
#define NOTHING(name, expression)
#define ALL(name, expression) [LP_##name] = {f32_##name, f64_##name, signed_##name, unsigned_##name},
#define REALS(name, expression) [LP_##name] = {f32_##name, f64_##name, NULL, NULL},
    LP_READINGS(NOTHING, ALL) LP_COMPARISONS(ALL) LP_FUNCTIONS(REALS)
    [LP_select] = {any_select, any_select, any_select, any_select},
};

int64_t lp_wrap(net_type type, int64_t value) {
  switch (type) {
  case NET_I8: return (int8_t)value;
  case NET_U8: return (uint8_t)value;
  case NET_I16: return (int16_t)value;
  case NET_U16: return (uint16_t)value;
  case NET_I32: return (int32_t)value;
  case NET_U32: return (uint32_t)value;
  case NET_BOOL: return value & 1;
  default: return value;
  }
}

void lp_compute(lp_expr_kind op, net_type type, bool fused, uint32_t lanes, const lp_value *a,
                const lp_value *b, const lp_value *c, lp_value *result) {
  bool real = lp_is_float(type);
  lp_loop *loop = type == NET_F32     ? loops[op].f32
                  : type == NET_F64   ? loops[op].f64
                  : lp_is_signed(type) ? loops[op].signed_integer
                                       : loops[op].unsigned_integer;
  if (!loop) {
    memset(result, 0, lanes * sizeof *result);
    return;
  }
  loop(fused, 8 * (uint32_t)net_type_bytes(type), lanes, a, b, c, result);
  if (!real)
    for (uint32_t k = 0; k < lanes; k++) result[k].integer = lp_wrap(type, result[k].integer);
}

static double as_double(net_type type, lp_value value) {
  return type == NET_F32 ? (double)value.f32 : value.f64;
}

/* 2^bits of an integer type's range, as double */
static double highest(net_type type) {
  return ldexp(1.0, 8 * (int)net_type_bytes(type) - (lp_is_signed(type) ? 1 : 0));
}

bool lp_converts(net_type to, net_type from, lp_value value) {
  if (!lp_is_float(from) || lp_is_float(to)) return true;
  double x = trunc(as_double(from, value));
  return x >= (lp_is_signed(to) ? -highest(to) : 0.0) && x < highest(to);
}

static int64_t to_integer(net_type to, double x) {
  double high = highest(to), low = lp_is_signed(to) ? -high : 0.0;
  if (x != x) return 0;
  x = trunc(x);
  if (x < low) x = low;
  if (x >= high) return to == NET_I64 ? INT64_MAX : lp_wrap(to, lp_is_signed(to) ? (int64_t)high - 1 : -1);
  return to == NET_U64 ? (int64_t)(uint64_t)x : (int64_t)x;
}

lp_value lp_compute_convert(net_type to, net_type from, lp_value value) {
  lp_value r = {.integer = 0};
  if (lp_is_float(from) && to == NET_F32) r.f32 = from == NET_F32 ? value.f32 : (float)value.f64;
  else if (lp_is_float(from) && to == NET_F64) r.f64 = as_double(from, value);
  else if (lp_is_float(from)) r.integer = to_integer(to, as_double(from, value));
  else if (to == NET_F32) r.f32 = from == NET_U64 ? (float)(uint64_t)value.integer : (float)value.integer;
  else if (to == NET_F64) r.f64 = from == NET_U64 ? (double)(uint64_t)value.integer : (double)value.integer;
  else r.integer = lp_wrap(to, value.integer);
  return r;
}

lp_value lp_get(net_type type, const void *at) {
  lp_value r = {.integer = 0};
  switch (type) {
  case NET_F32: memcpy(&r.f32, at, 4); return r;
  case NET_F64: memcpy(&r.f64, at, 8); return r;
  case NET_BOOL: r.integer = *(const uint8_t *)at != 0; return r;
  default: memcpy(&r.integer, at, net_type_bytes(type)); /* little-endian hosts only, as compiled code */
  }
  r.integer = lp_wrap(type, r.integer);
  return r;
}

void lp_put(net_type type, void *at, lp_value value) {
  if (type == NET_F32) memcpy(at, &value.f32, 4);
  else memcpy(at, &value.integer, net_type_bytes(type));
}

lp_value lp_compute_bitcast(net_type to, net_type from, lp_value value) {
  char bytes[8] = {0};
  lp_put(from, bytes, value);
  return lp_get(to, bytes);
}

lp_value lp_compute_combine(lp_combine combine, net_type type, lp_value a, lp_value b) {
  static const lp_expr_kind ops[] = {
      [LP_SUM] = LP_add, [LP_MAXIMUM] = LP_max, [LP_MINIMUM] = LP_min, [LP_CHAIN] = LP_add};
  lp_value r;
  lp_compute(ops[combine], type, false, 1, &a, &b, NULL, &r);
  return r;
}

lp_value lp_combine_start(lp_combine combine, net_type type) {
  lp_value r = {.integer = 0};
  if (combine == LP_SUM || combine == LP_CHAIN) return r;
  double infinity = combine == LP_MAXIMUM ? -INFINITY : INFINITY;
  if (type == NET_F32) r.f32 = (float)infinity;
  else if (type == NET_F64) r.f64 = infinity;
  else r.integer = to_integer(type, infinity);
  return r;
}
