/* Operators in integers: linear, batch_norm, relu, add, sub, mul and what moves numbers. */
#include "interpret/integer_ops.h"

#include "graph/operator.h"

#include <math.h>

static uint64_t elements_of(const net_value *value) { return net_shape_elements(&value->shape); }

/* An input or result: its integers and fractions. */
typedef struct {
  const net_value *value;
  const int64_t *q;
  const int *fraction;
  uint64_t each, rows;
} operand;

static operand input(const net_integer_call *call, uint32_t index) {
  const net_graph *g = call->run->graph;
  net_value_id v =
      index < g->nodes.at[call->node].input_count ? net_node_input(g, call->node, index) : NET_NONE;
  if (v == NET_NONE) return (operand){0};
  const net_value *value = net_graph_value_at(g, v);
  return (operand){value, call->run->values[v], call->run->fractions[v], elements_of(value),
                   value->batched ? call->run->count : 1};
}

typedef struct {
  int64_t *q;
  int *fraction;
  uint64_t each, rows;
  const net_value *value;
} result;

static result output(const net_integer_call *call) {
  net_value_id v = net_node_output(call->run->graph, call->node, 0);
  const net_value *value = net_graph_value_at(call->run->graph, v);
  result y = {.value = value, .each = elements_of(value), .rows = value->batched ? call->run->count : 1};
  y.q = net_integers_room(call->run, v, &y.fraction);
  return y;
}

/* q with a finer fraction; from 2^100 on it is beyond what is stored anyway, and sums of such would wrap. */
static net_wide aligned(net_wide q, int from, int to, net_integer_call *call) {
  int shift = to - from;
  net_wide most = shift > 100 ? 0 : ((net_wide)1 << 100) >> shift;
  if (q > most || q < -most) call->too_wide = true;
  return q && !call->too_wide ? q * ((net_wide)1 << shift) : 0;
}

static int64_t narrow(net_wide q, net_integer_call *call) {
  if (q > INT64_MAX || q < INT64_MIN) call->too_wide = true;
  return call->too_wide ? 0 : (int64_t)q;
}

/* ---- linear ---- */

/* Of n products: the coarsest and the finest fraction. */
static void fractions_of(const int *x, const int *w, uint64_t n, int *coarsest, int *finest) {
  *coarsest = *finest = x[0] + w[0];
  for (uint64_t i = 1; i < n; i++) {
    int f = x[i] + w[i];
    if (f < *coarsest) *coarsest = f;
    if (f > *finest) *finest = f;
  }
}

static net_wide dot(net_integer_call *call, const int64_t *x, const int *xf, const int64_t *w, const int *wf,
                    uint64_t n, int fraction) {
  net_wide sum = 0;
  for (uint64_t i = 0; i < n && !call->too_wide; i++)
    sum += aligned((net_wide)x[i] * w[i], xf[i] + wf[i], fraction, call);
  return sum;
}

/* The same where all products have one fraction; of quantised numbers, which have 32 bits at most. */
static net_wide plain_dot(const int64_t *x, const int64_t *w, uint64_t n) {
  net_wide sum = 0;
  for (uint64_t i = 0; i < n; i++) sum += x[i] * w[i];
  return sum;
}

static bool is_quantised(const operand *x) {
  bool small = true;
  for (uint64_t i = 0; i < x->each * x->rows; i++) small &= x->q[i] >= INT32_MIN && x->q[i] <= UINT32_MAX / 2;
  return small;
}

static void linear(net_integer_call *call) {
  operand x = input(call, 0), w = input(call, 1), b = input(call, 2);
  result y = output(call);
  uint64_t in = w.value->shape.dim[1], out = w.value->shape.dim[0];
  bool small = is_quantised(&x) && is_quantised(&w);
  for (uint64_t k = 0; k < y.each; k++) {
    const int *xf = x.fraction + k / out * in, *wf = w.fraction + k % out * in;
    int coarsest, finest, bias = b.q ? b.fraction[k % out] : INT32_MIN;
    fractions_of(xf, wf, in, &coarsest, &finest);
    int f = y.fraction[k] = finest > bias ? finest : bias;
    for (uint64_t row = 0; row < x.rows; row++) {
      const int64_t *xq = x.q + row * x.each + k / out * in, *wq = w.q + k % out * in;
      net_wide sum = small && coarsest == finest ? aligned(plain_dot(xq, wq, in), finest, f, call)
                                                 : dot(call, xq, xf, wq, wf, in, f);
      if (b.q) sum += aligned(b.q[k % out], bias, f, call);
      y.q[row * y.each + k] = narrow(sum, call);
    }
  }
}

/* ---- batch_norm: a = γ/√(variance + ε), c = β − mean·a, each rounded to binary32, then to its format ----
 */

static void coefficients(const net_integer_call *call, const char *key, const float *numbers,
                         uint32_t channels, int64_t *q, int *fractions) {
  netc *n = call->run->n;
  const net_graph *g = call->run->graph;
  const char *text = net_text(n, net_node_attribute(g, call->node, key)->text);
  uint32_t format = NET_FORMAT_FLOAT32;
  net_format_parse(n, text, strlen(text), g->nodes.at[call->node].loc, &format);
  net_shape shape = {1, {channels}};
  net_integers_quantize(call->run, net_format_at(n, format),
                        &(net_format_tensor){.shape = &shape, .values = numbers}, 1, q, fractions);
}

static const float *floats(const net_integer_call *call, uint32_t index) {
  net_value_id v = net_node_input(call->run->graph, call->node, index);
  return v == NET_NONE ? NULL : call->run->floats[v];
}

static void batch_norm(net_integer_call *call) {
  net_arena *arena = call->run->arena;
  operand x = input(call, 0);
  result y = output(call);
  const float *gamma = floats(call, 1), *beta = floats(call, 2), *mean = floats(call, 3),
              *var = floats(call, 4);
  double epsilon = net_node_real(call->run->graph, call->node, "epsilon");
  uint32_t channels = x.value->shape.dim[0];
  uint64_t inner = x.each / channels;
  float *a = NET_NEW_ARRAY(arena, float, channels), *c = NET_NEW_ARRAY(arena, float, channels);
  int64_t *aq = NET_NEW_ARRAY(arena, int64_t, channels), *cq = NET_NEW_ARRAY(arena, int64_t, channels);
  int *af = NET_NEW_ARRAY(arena, int, channels), *cf = NET_NEW_ARRAY(arena, int, channels);
  for (uint32_t k = 0; k < channels; k++) {
    double factor = (gamma ? gamma[k] : 1) / sqrt(var[k] + epsilon);
    a[k] = (float)factor;
    c[k] = (float)((beta ? beta[k] : 0) - mean[k] * factor);
  }
  coefficients(call, "weight_format", a, channels, aq, af);
  coefficients(call, "bias_format", c, channels, cq, cf);
  for (uint64_t i = 0; i < x.each; i++) {
    uint64_t k = i / inner;
    int product = x.fraction[i] + af[k];
    y.fraction[i] = product > cf[k] ? product : cf[k];
    for (uint64_t row = 0; row < x.rows; row++) {
      net_wide scaled = aligned((net_wide)x.q[row * x.each + i] * aq[k], product, y.fraction[i], call);
      y.q[row * x.each + i] = narrow(scaled + aligned(cq[k], cf[k], y.fraction[i], call), call);
    }
  }
}

/* ---- elements ---- */

static void relu(net_integer_call *call) {
  operand x = input(call, 0);
  result y = output(call);
  memcpy(y.fraction, x.fraction, x.each * sizeof *x.fraction);
  for (uint64_t i = 0; i < x.each * x.rows; i++) y.q[i] = x.q[i] < 0 ? 0 : x.q[i];
}

/* Where the element of a result lies in an operand that is broadcast to it. */
static uint64_t place(const operand *x, const result *y, uint64_t at) {
  uint64_t to = 0, stride = 1;
  for (uint32_t k = 1; k <= x->value->shape.rank; k++) {
    uint32_t full = y->value->shape.dim[y->value->shape.rank - k],
             own = x->value->shape.dim[x->value->shape.rank - k];
    if (own > 1) to += at % full * stride;
    stride *= own;
    at /= full;
  }
  return to;
}

static void sum(net_integer_call *call, int sign) {
  operand a = input(call, 0), b = input(call, 1);
  result y = output(call);
  for (uint64_t i = 0; i < y.each; i++) {
    uint64_t at = place(&a, &y, i), bt = place(&b, &y, i);
    int fa = a.fraction[at], fb = b.fraction[bt], f = y.fraction[i] = fa > fb ? fa : fb;
    for (uint64_t row = 0; row < y.rows; row++) {
      net_wide p = aligned(a.q[(a.rows > 1 ? row * a.each : 0) + at], fa, f, call);
      net_wide q = aligned(b.q[(b.rows > 1 ? row * b.each : 0) + bt], fb, f, call);
      y.q[row * y.each + i] = narrow(p + sign * q, call);
    }
  }
}

static void add(net_integer_call *call) { sum(call, 1); }
static void sub(net_integer_call *call) { sum(call, -1); }

static void mul(net_integer_call *call) {
  operand a = input(call, 0), b = input(call, 1);
  result y = output(call);
  for (uint64_t i = 0; i < y.each; i++) {
    uint64_t at = place(&a, &y, i), bt = place(&b, &y, i);
    y.fraction[i] = a.fraction[at] + b.fraction[bt];
    for (uint64_t row = 0; row < y.rows; row++) {
      net_wide p = a.q[(a.rows > 1 ? row * a.each : 0) + at], q = b.q[(b.rows > 1 ? row * b.each : 0) + bt];
      y.q[row * y.each + i] = narrow(p * q, call);
    }
  }
}

/* ---- movement ---- */

static void copy(net_integer_call *call) {
  operand x = input(call, 0);
  result y = output(call);
  memcpy(y.fraction, x.fraction, x.each * sizeof *x.fraction);
  memcpy(y.q, x.q, x.each * x.rows * sizeof *x.q);
}

static void concat(net_integer_call *call) {
  const net_graph *g = call->run->graph;
  result y = output(call);
  int64_t axis = net_node_int(g, call->node, "axis");
  if (axis < 0) axis += y.value->shape.rank;
  uint64_t inner = 1, begin = 0, all = y.value->shape.dim[axis];
  for (uint32_t k = (uint32_t)axis + 1; k < y.value->shape.rank; k++) inner *= y.value->shape.dim[k];
  for (uint32_t i = 0; i < g->nodes.at[call->node].input_count; i++) {
    operand x = input(call, i);
    uint64_t extent = x.value->shape.dim[axis];
    for (uint64_t at = 0; at < x.each; at++) {
      uint64_t outer = at / (extent * inner), k = at / inner % extent;
      uint64_t to = (outer * all + begin + k) * inner + at % inner;
      y.fraction[to] = x.fraction[at];
      for (uint64_t row = 0; row < y.rows; row++)
        y.q[row * y.each + to] = x.q[(x.rows > 1 ? row * x.each : 0) + at];
    }
    begin += extent;
  }
}

static const net_integer_rule rules[] = {
    {"linear", linear}, {"batch_norm", batch_norm}, {"relu", relu},    {"add", add},      {"sub", sub},
    {"mul", mul},       {"concat", concat},         {"reshape", copy}, {"flatten", copy}, {"dropout", copy}};

const net_integer_rule *net_integer_rule_of(const char *op) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (!strcmp(rules[i].op, op)) return &rules[i];
  return NULL;
}

bool net_integers_has(const char *op) { return net_integer_rule_of(op) != NULL; }
