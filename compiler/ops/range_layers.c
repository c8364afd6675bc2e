/* Ranges of linear, batch_norm and layer_norm. */
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
      call->terms[0][row * out + o] = terms;
    }
}

/* 1 / √(variance + ε); a variance is not negative. */
static net_range inverse_of(net_range variance, double epsilon) {
  return (net_range){1 / sqrt(fmax(variance.hi, 0) + epsilon), 1 / sqrt(fmax(variance.lo, 0) + epsilon)};
}

/* In inference. In training results depend on the batch. */
void batch_norm_range(const net_ranging *call) {
  enum { X, WEIGHT, BIAS, MEAN, VARIANCE };
  if (net_node_bool(call->graph, call->node, "training")) return;
  const net_value *x = ops_ranged_in(call, X);
  uint64_t channels = x->shape.dim[0], inner = ops_elements(x) / channels;
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
    for (uint32_t k = 1; k < 4; k++) call->outputs[k][c] = (net_range){0, 0}; /* what training observes */
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
      call->terms[0][i] = (ops_most(call->inputs[X][i]) + terms) * inverse * ops_most(weight) + ops_most(bias);
    }
    call->outputs[1][g] = ops_interval(sum.lo / (double)size, sum.hi / (double)size);
    call->terms[1][g] = terms;
    call->outputs[2][g] = (net_range){0, inverse};
  }
}
