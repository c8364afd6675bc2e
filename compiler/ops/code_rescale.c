/* integer_rescale: q = clamp(R((x − x_zero) · multiplier · 2^−shift) + zero, low, high), in a type that holds
 * all of it; wrap: of the rounded number only so many bits stay (−bits: without a sign). shift and multiplier
 * are constants, one or spread over x. bits: how many x − x_zero has, with sign; 0: those of its type, and
 * one more where there is a zero point. Left shifts saturate. */
#include "ops/code.h"

enum { X, SHIFT, MULTIPLIER };
enum { MOST_SHIFT = 62, MOST_BITS = 63 }; /* in 64 bits; of x times the multiplier */

static const char *const roundings[] = {[NET_ROUND_HALF_EVEN] = "half_even",
                                        [NET_ROUND_HALF_UP] = "half_up",
                                        [NET_ROUND_FLOOR] = "floor",
                                        [NET_ROUND_ZERO] = "zero"};
enum { ROUNDINGS = sizeof roundings / sizeof *roundings };

bool ops_rounding_of(const net_graph *graph, net_node_id node, net_rounding *rounding) {
  const char *text = net_text(graph->n, net_node_attribute(graph, node, "rounding")->text);
  int i = 0;
  while (i < ROUNDINGS && strcmp(roundings[i], text)) i++;
  *rounding = i < ROUNDINGS ? (net_rounding)i : NET_ROUND_HALF_EVEN;
  return i < ROUNDINGS;
}

static net_rounding rounding_of(const net_graph *graph, net_node_id node) {
  net_rounding rounding;
  ops_rounding_of(graph, node, &rounding);
  return rounding;
}

const char *ops_rounding_name(net_rounding rounding) { return roundings[rounding]; }

/* ---- shape ---- */

/* Bits of x, and of its product with a multiplier. */
static int64_t bits_of(const net_graph *graph, net_node_id node) {
  int64_t bits = net_node_int(graph, node, "bits");
  if (!bits)
    bits = (int64_t)(8 * net_type_bytes(ops_input(graph, node, X)->type)) +
           (net_node_int(graph, node, "x_zero") != 0);
  return bits + (ops_input(graph, node, MULTIPLIER) ? 31 : 0);
}

bool integer_rescale_shape(netc *n, net_graph *graph, net_node_id node) {
  (void)n;
  const net_value *x = ops_input(graph, node, X);
  net_shape shape = x->shape;
  bool batched = x->batched;
  net_type type;
  if (!ops_require_codes(graph, node, X, X) || !ops_require_spread(graph, node, SHIFT, NET_I32, shape) ||
      !ops_require_spread(graph, node, MULTIPLIER, NET_I32, shape) ||
      !ops_code_type(graph, node, "type", &type))
    return false;
  net_rounding rounding;
  if (!ops_rounding_of(graph, node, &rounding))
    return ops_refuse(graph, node, NET_NONE, "has no such rounding");
  int64_t low = net_node_int(graph, node, "low"), high = net_node_int(graph, node, "high");
  int64_t wrap = net_node_int(graph, node, "wrap"), bits = bits_of(graph, node);
  net_range ends = ops_code_ends(type);
  if (low > high || (double)low < ends.lo || (double)high > ends.hi)
    return ops_refuse(graph, node, NET_NONE, "gives %lld to %lld, which %s does not hold", (long long)low,
                      (long long)high, net_type_name(type));
  if (wrap < -32 || wrap > 32)
    return ops_refuse(graph, node, NET_NONE, "cannot wrap to %lld bits", (long long)wrap);
  if (bits < 1 || (bits > MOST_BITS && bits != 64))
    return ops_refuse(graph, node, NET_NONE, "takes up to %d bits, not %lld", MOST_BITS, (long long)bits);
  return ops_result(graph, node, 0, type, shape, batched);
}

/* ---- interpret ---- */

static net_wide wrapped(net_wide a, int64_t wrap) {
  net_wide size = (net_wide)1 << (wrap < 0 ? -wrap : wrap), rest = (a % size + size) % size;
  return wrap > 0 && rest >= size / 2 ? rest - size : rest;
}

static int64_t rescaled(const net_graph *graph, net_node_id node, net_wide a, int shift) {
  int64_t wrap = net_node_int(graph, node, "wrap"), bits = wrap < 0 ? -wrap : wrap;
  if (wrap && shift < 0) a = -shift < bits ? wrapped(a, wrap) * ((net_wide)1 << -shift) : 0;
  else a = net_shifted(rounding_of(graph, node), a, shift);
  if (wrap) a = wrapped(a, wrap);
  a += net_node_int(graph, node, "zero");
  int64_t low = net_node_int(graph, node, "low"), high = net_node_int(graph, node, "high");
  return a < low ? low : a > high ? high : (int64_t)a;
}

void integer_rescale_interpret(const net_interpretation *call) {
  uint64_t each = ops_elements(ops_out(call, 0));
  for (uint64_t i = 0; i < ops_total(call, ops_out(call, 0)); i++) {
    net_wide a = (int64_t)call->inputs[X][i] - net_node_int(call->graph, call->node, "x_zero");
    if (call->inputs[MULTIPLIER]) a *= ops_code_at(call, MULTIPLIER, 0, i % each);
    int shift = (int)ops_code_at(call, SHIFT, 0, i % each);
    call->outputs[0][i] = (double)rescaled(call->graph, call->node, a, shift);
  }
}

/* ---- ranges: rescaling ascends, but where it wraps ---- */

static double end_of(const net_ranging *call, double x, double factor, double shift) {
  net_wide a = (net_wide)fmin(fmax(x, -0x1p62), 0x1p62) - net_node_int(call->graph, call->node, "x_zero");
  a *= (int64_t)factor;
  return (double)rescaled(call->graph, call->node, a, (int)shift);
}

void integer_rescale_range(const net_ranging *call) {
  double low = (double)net_node_int(call->graph, call->node, "low");
  double high = (double)net_node_int(call->graph, call->node, "high");
  bool wraps = net_node_int(call->graph, call->node, "wrap") != 0;
  for (uint64_t i = 0; i < ops_elements(ops_ranged_out(call, 0)); i++) {
    net_range x = call->inputs[X][i], shift = ops_range_at(call, SHIFT, i), factor = {1, 1};
    if (ops_ranged_in(call, MULTIPLIER)) factor = ops_range_at(call, MULTIPLIER, i);
    bool known = !wraps && shift.lo == shift.hi && factor.lo == factor.hi && factor.lo >= 0;
    net_range y = {low, high};
    if (known)
      y = (net_range){end_of(call, x.lo, factor.lo, shift.lo), end_of(call, x.hi, factor.hi, shift.hi)};
    call->outputs[0][i] = y;
  }
  ops_code_grid(call);
}

/* ---- kernel ---- */

typedef struct {
  lp_function *f;
  net_type type; /* what is computed in */
  net_rounding rounding;
  int64_t wrap, zero, low, high;
} rescaling;

static lp_expr whole(const rescaling *r, int64_t value) { return ops_whole(r->f, r->type, value); }
static lp_expr op(const rescaling *r, lp_expr_kind kind, lp_expr a, lp_expr b) {
  return lp_op2(r->f, kind, a, b);
}

/* R(a · 2^−s), s > 0; a and half a unit fit the type together. */
static lp_expr shifted_right(const rescaling *r, lp_expr a, lp_expr s) {
  lp_expr one = whole(r, 1), half = op(r, LP_shl, one, op(r, LP_sub, s, one));
  lp_expr most = op(r, LP_sub, op(r, LP_shl, one, s), one); /* 2^s − 1 */
  switch (r->rounding) {
  case NET_ROUND_HALF_EVEN:
    a = op(r, LP_add, op(r, LP_add, a, op(r, LP_sub, half, one)), op(r, LP_and, op(r, LP_shr, a, s), one));
    break;
  case NET_ROUND_HALF_UP: a = op(r, LP_add, a, half); break;
  case NET_ROUND_ZERO:
    a = op(r, LP_add, a, lp_select(r->f, op(r, LP_lt, a, whole(r, 0)), most, whole(r, 0)));
    break;
  case NET_ROUND_FLOOR: break;
  }
  return op(r, LP_shr, a, s);
}

static int bits_for(int64_t low, int64_t high) { /* 2^bits lies beyond both */
  int bits = 1;
  while (((int64_t)1 << bits) <= (high > -low ? high : -low)) bits++;
  return bits;
}

/* a · 2^k, or what is as far out: a beyond the ends is cut to just beyond first. Wrapping drops bits instead.
 */
static lp_expr shifted_left(const rescaling *r, lp_expr a, lp_expr k) {
  int bits = r->wrap < 0   ? (int)-r->wrap
             : r->wrap > 0 ? (int)r->wrap
                           : bits_for(r->low - r->zero, r->high - r->zero);
  lp_expr by = op(r, LP_min, k, whole(r, bits));
  if (!r->wrap) {
    lp_expr above = op(r, LP_add, op(r, LP_shr, whole(r, r->high - r->zero), by), whole(r, 1));
    lp_expr below = op(r, LP_sub, op(r, LP_shr, whole(r, r->low - r->zero), by), whole(r, 1));
    a = op(r, LP_max, op(r, LP_min, a, above), below);
  }
  return op(r, LP_shl, a, by);
}

static lp_expr wrapped_value(const rescaling *r, lp_expr a) {
  int size = 8 * (int)net_type_bytes(r->type);
  if (r->wrap < 0) return op(r, LP_and, a, whole(r, ((int64_t)1 << -r->wrap) - 1));
  lp_expr rest = whole(r, size - r->wrap);
  return op(r, LP_shr, op(r, LP_shl, a, rest), rest);
}

static void shift_ends(const net_value *shift, int64_t *least, int64_t *most) {
  *least = INT64_MAX, *most = INT64_MIN;
  for (uint64_t i = 0; i < ops_elements(shift); i++) {
    int64_t s = net_type_integer(shift->type, shift->data, i);
    if (s < *least) *least = s;
    if (s > *most) *most = s;
  }
}

/* 32 bits suffice where x, half a unit, and what is shifted to the left fit them. */
static net_type type_for(const net_graph *graph, net_node_id node, int64_t least, int64_t most,
                         int64_t wrap) {
  int64_t low = net_node_int(graph, node, "low"), high = net_node_int(graph, node, "high");
  int64_t zero = net_node_int(graph, node, "zero");
  bool fits = bits_of(graph, node) <= 31 && most <= 30 && !ops_input(graph, node, MULTIPLIER) && wrap > -32;
  if (least < 0 && bits_for(low - zero, high - zero) > 29) fits = false;
  if (bits_for(low, high) > 30) fits = false;
  return fits ? NET_I32 : NET_I64;
}

void integer_rescale_kernel(lp_function *f, const net_graph *graph, net_node_id node) {
  const net_value *shift = ops_input(graph, node, SHIFT);
  int64_t least, most, wrap = net_node_int(graph, node, "wrap");
  shift_ends(shift, &least, &most);
  rescaling r = {.f = f,
                 .type = type_for(graph, node, least, most, wrap),
                 .rounding = rounding_of(graph, node),
                 .wrap = wrap,
                 .zero = net_node_int(graph, node, "zero"),
                 .low = net_node_int(graph, node, "low"),
                 .high = net_node_int(graph, node, "high")};
  ops_place at = ops_axes(f, &ops_output(graph, node, 0)->shape, "ijklmn");
  lp_expr a = ops_load_as(f, graph, node, X, r.type, &at);
  a = op(&r, LP_sub, a, whole(&r, net_node_int(graph, node, "x_zero")));
  if (ops_input(graph, node, MULTIPLIER))
    a = lp_product(f, a, ops_load_as(f, graph, node, MULTIPLIER, r.type, &at));
  bool one = least == most;
  lp_expr s = one ? whole(&r, least) : ops_load_as(f, graph, node, SHIFT, r.type, &at);
  lp_expr to_right = most > 0 ? op(&r, LP_min, s, whole(&r, MOST_SHIFT)) : 0, right = 0, left = 0;
  if (most > 0) right = shifted_right(&r, a, one ? to_right : op(&r, LP_max, to_right, whole(&r, 1)));
  if (least < 0 || (least == 0 && most == 0)) {
    lp_expr k = op(&r, LP_sub, whole(&r, 0), s);
    left = least == 0 ? a : shifted_left(&r, a, one ? k : op(&r, LP_max, k, whole(&r, 0)));
  } else if (least == 0) {
    left = a;
  }
  lp_expr q = !left ? right : !right ? left : lp_select(f, op(&r, LP_gt, s, whole(&r, 0)), right, left);
  if (wrap) q = wrapped_value(&r, q);
  q = op(&r, LP_add, q, whole(&r, r.zero));
  q = op(&r, LP_min, op(&r, LP_max, q, whole(&r, r.low)), whole(&r, r.high));
  ops_store(f, ops_out_buffer(f, graph, node, 0), &at, lp_convert(f, ops_output(graph, node, 0)->type, q));
}
