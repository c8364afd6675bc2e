#include "codegen/c_printer.h"

#include "loops/build.h"

typedef struct {
  const char *name;
  uint32_t needs;
  const char *text;
} helper_row;

static const helper_row rows[CC_HELPERS] = {
#define CC_HELPER(name, needs, text) {#name, needs, text},
#include "codegen/c_helpers.def"
#undef CC_HELPER
};

/* What templates say of a type: $N, $U, $B, $I, $A, $L, $H; of floats $S, $W, $M, $E, $Q. */
static const struct {
  const char *short_name, *wide, *bits, *least, *most, *low, *high;
} integers[NET_TYPE_COUNT] = {
    [NET_I8] = {"i8", "uint32_t", "8", "INT8_MIN", "INT8_MAX", "-0x1p7", "0x1p7"},
    [NET_U8] = {"u8", "uint32_t", "8", "0", "UINT8_MAX", "0.0", "0x1p8"},
    [NET_I16] = {"i16", "uint32_t", "16", "INT16_MIN", "INT16_MAX", "-0x1p15", "0x1p15"},
    [NET_U16] = {"u16", "uint32_t", "16", "0", "UINT16_MAX", "0.0", "0x1p16"},
    [NET_I32] = {"i32", "uint32_t", "32", "INT32_MIN", "INT32_MAX", "-0x1p31", "0x1p31"},
    [NET_U32] = {"u32", "uint32_t", "32", "0", "UINT32_MAX", "0.0", "0x1p32"},
    [NET_I64] = {"i64", "uint64_t", "64", "INT64_MIN", "INT64_MAX", "-0x1p63", "0x1p63"},
    [NET_U64] = {"u64", "uint64_t", "64", "0", "UINT64_MAX", "0.0", "0x1p64"},
};
static const struct {
  const char *short_name, *wide, *sign, *whole, *mantissa, *exponents, *nan;
} floats[NET_TYPE_COUNT] = {
    [NET_F32] = {"f32", "uint32_t", "UINT32_C(0x80000000)", "8388608.0f", "23", "255",
                 "UINT32_C(0x7FC00000)"},
    [NET_F64] = {"f64", "uint64_t", "UINT64_C(0x8000000000000000)", "4503599627370496.0", "52", "2047",
                 "UINT64_C(0x7FF8000000000000)"},
};

static const char *short_name(net_type type) {
  return lp_is_float(type) ? floats[type].short_name : integers[type].short_name;
}

static void mark(cc_printer *p, cc_helper helper, net_type type) {
  if (p->used[helper][type]) return;
  p->used[helper][type] = true;
  for (uint32_t k = 0; k < CC_HELPERS; k++)
    if (rows[helper].needs >> k & 1) mark(p, k, type);
}

const char *cc_helper_name(cc_printer *p, cc_helper helper, net_type type) {
  mark(p, helper, type);
  const char *name = rows[helper].name;
  if (helper >= CC_dot4 && helper <= CC_pack8s) return name; /* of one type only */
  if (helper == CC_of_bits) return net_arena_format(p->arena, "%s_of_bits", short_name(type));
  if (helper == CC_abs_integer) name = "abs";
  return net_arena_format(p->arena, "%s_%s", name, short_name(type));
}

const char *cc_conversion(cc_printer *p, net_type to, net_type from) {
  mark(p, from == NET_F32 ? CC_of_f32 : CC_of_f64, to);
  return net_arena_format(p->arena, "%s_of_%s", short_name(to), short_name(from));
}

static const char *substitute(net_type type, char what) {
  bool real = lp_is_float(type);
  switch (what) {
  case 'T': return cc_type_name(type);
  case 'N': return short_name(type);
  case 'U': return real ? floats[type].wide : integers[type].wide;
  case 'B': return integers[type].bits;
  case 'I': return integers[type].least;
  case 'A': return integers[type].most;
  case 'L': return integers[type].low;
  case 'H': return integers[type].high;
  case 'S': return floats[type].sign;
  case 'W': return floats[type].whole;
  case 'M': return floats[type].mantissa;
  case 'E': return floats[type].exponents;
  default: return floats[type].nan;
  }
}

/* In the order of the table: what a helper needs comes before it. */
void cc_print_helpers(cc_printer *p, cc_text *to) {
  for (uint32_t k = 0; k < CC_HELPERS; k++)
    for (net_type type = 0; type < NET_TYPE_COUNT; type++) {
      if (!p->used[k][type]) continue;
      for (const char *at = rows[k].text; *at;) {
        size_t length = strcspn(at, "$");
        cc_append(p, to, "%.*s", (int)length, at);
        at += length;
        if (*at) cc_append(p, to, "%s", substitute(type, at[1])), at += 2;
      }
      cc_append(p, to, "\n");
    }
}
