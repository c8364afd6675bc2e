/* quantize in integers: numbers by the reference quantiser, sums by rescaling. */
#include "ops/integer.h"
#include "ops/quantize.h"

void quantize_integers(net_integer_call *call) {
  ops_integers_out y = ops_integer_output(call);
  const net_integer_tensor *x = &call->inputs[QUANTIZE_X];
  const net_value *step = ops_input(call->graph, call->node, QUANTIZE_STEP);
  const net_format_spec *spec = net_format_at(call->graph->n, y.value->format);
  const net_value *zero = ops_input(call->graph, call->node, QUANTIZE_ZERO);
  net_calibration calibration = {0};
  int32_t *zeros = NET_NEW_ARRAY(call->arena, int32_t, step ? ops_elements(step) : 1), point = 0;
  for (uint64_t i = 0; zero && i < ops_elements(step); i++)
    zeros[i] = (int32_t)call->inputs[QUANTIZE_ZERO].floats[i];
  net_format_tensor tensor = {.shape = &y.value->shape, .values = x->floats};
  if (step) {
    calibration = (net_calibration){call->inputs[QUANTIZE_STEP].floats, zero ? zeros : NULL,
                                    (uint32_t)ops_elements(step)};
    tensor.calibration = &calibration;
  }
  if (tensor.values) {
    ops_integer_quantize(call->arena, spec, &tensor, y.rows, y.q, y.unit);
    return;
  }
  ops_format_units(spec, &y.value->shape, tensor.calibration, y.unit);
  uint64_t inner = y.value->shape.rank ? y.each / y.value->shape.dim[0] : 1;
  for (uint64_t i = 0; i < y.rows * y.each; i++) {
    uint64_t at = i % y.each;
    if (zero) point = zeros[calibration.count > 1 ? at / inner : 0];
    y.q[i] = ops_integer_rescale(spec, y.unit[at], point, x->q[i], x->units[at]);
  }
}
