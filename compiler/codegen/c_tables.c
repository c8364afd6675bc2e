#include "codegen/c_printer.h"

#include "loops/build.h"
#include "loops/compute.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* ---- numbers ---- */

/* Whole numbers and short halves, quarters … in decimal; all others in hexadecimal, which C promises to be
 * exact. */
static const char *real_number(cc_printer *p, net_type type, double x) {
  const char *suffix = type == NET_F32 ? "f" : "";
  double scaled = x * 64;
  p->floats = true;
  if (!isfinite(x)) {
    const char *of_bits = cc_helper_name(p, CC_of_bits, type);
    const char *sign = x < 0 ? "F" : "7", *rest = isnan(x) ? "C" : "8";
    if (type == NET_F32) return net_arena_format(p->arena, "%s(UINT32_C(0x%sF%s00000))", of_bits, sign, rest);
    return net_arena_format(p->arena, "%s(UINT64_C(0x%sFF%s000000000000))", of_bits, sign,
                            isnan(x) ? "8" : "0");
  }
  if (x == trunc(x) && fabs(x) < 1e7) return net_arena_format(p->arena, "%.1f%s", x, suffix);
  if (scaled == trunc(scaled) && fabs(x) < 100) return net_arena_format(p->arena, "%.9g%s", x, suffix);
  return net_arena_format(p->arena, "%a%s", x, suffix);
}

static const char *integer_number(cc_printer *p, net_type type, int64_t x) {
  switch (type) {
  case NET_U32: return net_arena_format(p->arena, "%lluu", (unsigned long long)x);
  case NET_U64: return net_arena_format(p->arena, "UINT64_C(%llu)", (unsigned long long)x);
  case NET_I64:
    if (x == INT64_MIN) return "INT64_MIN";
    return net_arena_format(p->arena, x > INT32_MAX || x < INT32_MIN ? "INT64_C(%lld)" : "%lld",
                            (long long)x);
  default: return x == INT32_MIN ? "INT32_MIN" : net_arena_format(p->arena, "%lld", (long long)x);
  }
}

const char *cc_number(cc_printer *p, net_type type, double real, int64_t integer) {
  if (type == NET_F32) return real_number(p, type, (double)(float)real);
  return type == NET_F64 ? real_number(p, type, real) : integer_number(p, type, integer);
}

/* ---- tables ---- */

/* The narrowest type that holds all elements; integers of 64 bits that need them all stay what they are. */
static net_type narrowest(cc_table *t) {
  static const struct {
    net_type type;
    int64_t low, high;
  } types[] = {{NET_I8, INT8_MIN, INT8_MAX}, {NET_U8, 0, UINT8_MAX},          {NET_I16, INT16_MIN, INT16_MAX},
               {NET_U16, 0, UINT16_MAX},     {NET_I32, INT32_MIN, INT32_MAX}, {NET_U32, 0, UINT32_MAX}};
  if (t->type == NET_BOOL) return NET_U8;
  int64_t low = INT64_MAX, high = INT64_MIN;
  for (uint32_t i = 0; i < t->elements; i++) {
    int64_t x = lp_get(t->type, (const char *)t->data + i * net_type_bytes(t->type)).integer;
    if (x < low) low = x;
    if (x > high) high = x;
    if (t->type == NET_U64 && x < 0) return t->type;
  }
  t->least = low, t->most = high;
  for (uint32_t k = 0; k < sizeof types / sizeof *types; k++)
    if (low >= types[k].low && high <= types[k].high) return types[k].type;
  return t->type;
}

static bool is_finite(const cc_table *t) {
  for (uint32_t i = 0; i < t->elements; i++) {
    lp_value v = lp_get(t->type, (const char *)t->data + i * net_type_bytes(t->type));
    if (!isfinite(t->type == NET_F32 ? (double)v.f32 : v.f64)) return false;
  }
  return true;
}

static uint32_t elements_of(const lp_buffer_info *b) {
  uint64_t elements = 1;
  if (!b->rank) elements = net_shape_elements(&b->shape);
  for (uint32_t i = 0; i < b->rank; i++) elements *= b->dim[i];
  return (uint32_t)elements;
}

/* Tables with the same contents are one. */
uint32_t cc_table_of(cc_printer *p, lp_buffer buffer) {
  if (p->table_of[buffer]) return p->table_of[buffer] - 1;
  const lp_buffer_info *b = &p->f->buffers.at[buffer];
  cc_table t = {.data = b->data, .type = b->type, .as = b->type, .elements = elements_of(b)};
  size_t bytes = t.elements * net_type_bytes(t.type);
  for (uint32_t i = 0; i < p->tables.count; i++) {
    const cc_table *old = &p->tables.at[i];
    if (old->type == t.type && old->elements == t.elements && !memcmp(old->data, t.data, bytes))
      return (p->table_of[buffer] = i + 1) - 1;
  }
  if (lp_is_float(t.type)) t.bits = !is_finite(&t);
  else t.as = narrowest(&t);
  if (t.bits) t.as = t.type == NET_F32 ? NET_U32 : NET_U64;
  t.name = cc_identifier(p, net_text(p->n, b->name));
  return (p->table_of[buffer] = net_vec_push(p->arena, &p->tables, t) + 1) - 1;
}

static const char *element(cc_printer *p, const cc_table *t, uint32_t i) {
  lp_value v = lp_get(t->type, (const char *)t->data + i * net_type_bytes(t->type));
  if (t->bits) return cc_number(p, t->as, 0, t->type == NET_F32 ? (uint32_t)v.integer : v.integer);
  return cc_number(p, t->as, t->type == NET_F32 ? (double)v.f32 : v.f64, v.integer);
}

static void print_table(cc_printer *p, cc_text *to, const cc_table *t) {
  uint32_t count = t->used ? t->used : 1, column = 0;
  cc_append(p, to, "static const %s %s[%u] = {", cc_type_name(t->as), t->name, count);
  for (uint32_t i = 0; i < count; i++) {
    const char *text = element(p, t, i);
    uint32_t length = (uint32_t)strlen(text) + 2;
    if (!column || column + length > CC_COLUMNS) cc_append(p, to, "\n "), column = 1;
    cc_append(p, to, " %s,", text);
    column += length;
  }
  cc_append(p, to, "\n};\n\n");
}

void cc_print_tables(cc_printer *p, cc_text *to) {
  for (uint32_t i = 0; i < p->tables.count; i++) print_table(p, to, &p->tables.at[i]);
}
