/* quantize in integers: numbers by the reference quantiser, sums by rescaling. */
#include "ops/integer.h"
#include "ops/quantize.h"

void quantize_integers(net_integer_call *call) {
  ops_integers_out y = ops_integer_output(call);
  const net_integer_tensor *x = &call->inputs[QUANTIZE_X];
  const net_value *step = ops_input(call->graph, call->node, QUANTIZE_STEP);
  const net_format_spec *spec = net_format_at(call->graph->n, y.value->format);
  net_calibration calibration = {0};
  net_format_tensor tensor = {.shape = &y.value->shape, .values = x->floats};
  if (step) {
    calibration = (net_calibration){call->inputs[QUANTIZE_STEP].floats, NULL, (uint32_t)ops_elements(step)};
    tensor.calibration = &calibration;
  }
  if (tensor.values) {
    ops_integer_quantize(call->arena, spec, &tensor, y.rows, y.q, y.fraction);
    return;
  }
  ops_integer_fractions(spec, &tensor, y.fraction);
  for (uint64_t i = 0; i < y.rows * y.each; i++)
    y.q[i] = ops_integer_rescale(spec, y.fraction[i % y.each], x->q[i], x->fractions[i % y.each]);
}
