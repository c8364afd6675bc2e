/* Ranges of linear, batch_norm and layer_norm. */
#include "ops/batch_norm.h"
#include "ops/integer.h"
#include "ops/range.h"

static uint32_t last(const net_value *value) { return value->shape.dim[value->shape.rank - 1]; }

/* Each output on its own: the end of its interval is the sum of the products' ends. */
void linear_range(const net_ranging *call) {
  enum { X, WEIGHT, BIAS };
  uint64_t in = last(ops_ranged_in(call, X)), out = last(ops_ranged_out(call, 0));
  uint64_t rows = ops_elements(ops_ranged_in(call, X)) / in;
  bool biased = ops_ranged_in(call, BIAS) != NULL;
  for (uint64_t row = 0; row < rows; row++)
    for (uint64_t o = 0; o < out; o++) {
      const net_range *x = call->inputs[X] + row * in, *weight = call->inputs[WEIGHT] + o * in;
      const int *x_grid = call->grids[X] + row * in, *weight_grid = call->grids[WEIGHT] + o * in;
      net_range sum = biased ? call->inputs[BIAS][o] : (net_range){0, 0};
      int grid = biased ? call->grids[BIAS][o] : INT32_MAX;
      double terms = ops_most(sum);
      for (uint64_t i = 0; i < in; i++) {
        net_range product = ops_times(weight[i], x[i]);
        sum = ops_plus(sum, product);
        terms += ops_most(product);
        grid = ops_grid_sum(grid, ops_grid_product(x_grid[i], weight_grid[i]));
      }
      call->outputs[0][row * out + o] = sum;
      call->output_grids[0][row * out + o] = grid;
      call->output_units[0][row * out + o] =
          ops_unit_of_dot(call->units[X] + row * in, call->units[WEIGHT] + o * in, in, biased,
                          biased ? call->units[BIAS][o] : 0);
      call->terms[0][row * out + o] = terms;
    }
}

/* 1 / √(variance + ε); a variance is not negative. */
static net_range inverse_of(net_range variance, double epsilon) {
  return (net_range){1 / sqrt(fmax(variance.hi, 0) + epsilon), 1 / sqrt(fmax(variance.lo, 0) + epsilon)};
}

/* A vector of coefficients, one for each channel, as a format rounds them: to binary32 first. */
static void round_coefficients(const net_ranging *call, uint32_t format, uint32_t channels, net_range *x,
                               int *grids) {
  const net_format_spec *spec = net_format_at(call->graph->n, format);
  net_shape shape = ops_vector(channels);
  double *from = NET_NEW_ARRAY(call->arena, double, channels),
         *to = NET_NEW_ARRAY(call->arena, double, channels);
  float *low = NET_NEW_ARRAY(call->arena, float, channels),
        *high = NET_NEW_ARRAY(call->arena, float, channels);
  for (uint32_t c = 0; c < channels; c++) low[c] = (float)x[c].lo, high[c] = (float)x[c].hi;
  for (uint32_t c = 0; c < channels; c++) from[c] = low[c], to[c] = high[c];
  net_format_range(spec, &(net_format_tensor){.shape = &shape}, from, to, low, high);
  for (uint32_t c = 0; c < channels; c++)
    x[c] = ops_interval(low[c], high[c]), grids[c] = ops_format_grid(spec);
}

/* y = a·x + c with formats: a = weight · inverse, c = bias − mean · a. */
static void formatted(const net_ranging *call, uint32_t weight_format, uint32_t bias_format) {
  enum { X, WEIGHT, BIAS, MEAN, VARIANCE };
  const net_value *x = ops_ranged_in(call, X);
  uint32_t channels = x->shape.dim[0];
  uint64_t inner = ops_elements(x) / channels;
  double epsilon = net_node_real(call->graph, call->node, "epsilon");
  net_range *a = NET_NEW_ARRAY(call->arena, net_range, channels),
            *c = NET_NEW_ARRAY(call->arena, net_range, channels);
  int *a_grid = NET_NEW_ARRAY(call->arena, int, channels),
      *c_grid = NET_NEW_ARRAY(call->arena, int, channels);
  for (uint32_t k = 0; k < channels; k++) {
    a[k] = inverse_of(call->inputs[VARIANCE][k], epsilon);
    if (call->inputs[WEIGHT]) a[k] = ops_times(call->inputs[WEIGHT][k], a[k]);
    net_range bias = call->inputs[BIAS] ? call->inputs[BIAS][k] : (net_range){0, 0};
    c[k] = ops_minus(bias, ops_times(call->inputs[MEAN][k], a[k]));
  }
  round_coefficients(call, weight_format, channels, a, a_grid);
  round_coefficients(call, bias_format, channels, c, c_grid);
  ops_shift_rounding rounding = ops_batch_norm_rounding(call->graph, call->node, weight_format, bias_format);
  for (uint32_t k = 0; k < channels && rounding.to > 0; k++)
    c[k] = (net_range){ops_batch_norm_rounded(rounding, c[k].lo), ops_batch_norm_rounded(rounding, c[k].hi)};
  double a_unit, c_unit;
  net_shape one = {0};
  ops_format_units(net_format_at(call->graph->n, weight_format), &one, NULL, &a_unit);
  ops_format_units(net_format_at(call->graph->n, bias_format), &one, NULL, &c_unit);
  for (uint64_t i = 0; i < channels * inner; i++) {
    uint64_t k = i / inner;
    net_range product = ops_times(a[k], call->inputs[X][i]);
    call->outputs[0][i] = ops_plus(product, c[k]);
    call->terms[0][i] = ops_most(product) + ops_most(c[k]);
    call->output_units[0][i] = ops_unit_of_dot(&call->units[X][i], &a_unit, 1, true, c_unit);
    call->output_grids[0][i] = ops_grid_sum(ops_grid_product(a_grid[k], call->grids[X][i]), c_grid[k]);
  }
}

/* In inference. In training results depend on the batch. */
void batch_norm_range(const net_ranging *call) {
  enum { X, WEIGHT, BIAS, MEAN, VARIANCE };
  uint32_t weight_format, bias_format;
  if (net_node_bool(call->graph, call->node, "training")) return;
  const net_value *x = ops_ranged_in(call, X);
  uint64_t channels = x->shape.dim[0], inner = ops_elements(x) / channels;
  for (uint64_t c = 0; c < channels; c++)
    for (uint32_t k = 1; k < 4; k++) call->outputs[k][c] = (net_range){0, 0}; /* what training observes */
  if (ops_batch_norm_formatted(call->graph, call->node, &weight_format, &bias_format)) {
    formatted(call, weight_format, bias_format);
    return;
  }
  double epsilon = net_node_real(call->graph, call->node, "epsilon");
  bool affine = ops_ranged_in(call, WEIGHT) != NULL;
  for (uint64_t c = 0; c < channels; c++) {
    net_range inverse = inverse_of(call->inputs[VARIANCE][c], epsilon), mean = call->inputs[MEAN][c];
    net_range factor = affine ? ops_times(call->inputs[WEIGHT][c], inverse) : inverse;
    net_range bias = affine ? call->inputs[BIAS][c] : (net_range){0, 0};
    for (uint64_t i = c * inner; i < (c + 1) * inner; i++) {
      net_range from = call->inputs[X][i];
      call->outputs[0][i] = ops_plus(ops_times(ops_minus(from, mean), factor), bias);
      call->terms[0][i] = (ops_most(from) + ops_most(mean)) * ops_most(factor) + ops_most(bias);
    }
  }
}

/* Of n numbers none lies further from their mean than √(n − 1) of their standard deviations. */
void layer_norm_range(const net_ranging *call) {
  enum { X, WEIGHT, BIAS };
  const net_value *x = ops_ranged_in(call, X);
  net_shape each = ops_trailing(x->shape, (uint32_t)net_node_int(call->graph, call->node, "dims"));
  uint64_t size = net_shape_elements(&each), groups = ops_elements(x) / size;
  double most = sqrt((double)size - 1), inverse = 1 / sqrt(net_node_real(call->graph, call->node, "epsilon"));
  bool affine = ops_ranged_in(call, WEIGHT) != NULL;
  for (uint64_t g = 0; g < groups; g++) {
    net_range sum = {0, 0};
    double sizes = 0;
    for (uint64_t i = g * size; i < (g + 1) * size; i++) {
      sum = ops_plus(sum, call->inputs[X][i]);
      sizes += ops_most(call->inputs[X][i]);
    }
    double terms = sizes / (double)size;
    for (uint64_t i = g * size; i < (g + 1) * size; i++) {
      net_range weight = affine ? call->inputs[WEIGHT][i - g * size] : (net_range){1, 1};
      net_range bias = affine ? call->inputs[BIAS][i - g * size] : (net_range){0, 0};
      call->outputs[0][i] = ops_plus(ops_times((net_range){-most, most}, weight), bias);
      call->terms[0][i] =
          (ops_most(call->inputs[X][i]) + terms) * inverse * ops_most(weight) + ops_most(bias);
    }
    call->outputs[1][g] = ops_interval(sum.lo / (double)size, sum.hi / (double)size);
    call->terms[1][g] = terms;
    call->outputs[2][g] = (net_range){0, inverse};
  }
}
