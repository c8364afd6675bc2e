/* Inside calibration: the tensors whose formats leave something open, and the values that decide it. */
#ifndef NETC_DRIVER_CALIBRATOR_H
#define NETC_DRIVER_CALIBRATOR_H

#include "driver/calibrate.h"

/* A tensor whose format leaves something open. */
typedef struct {
  net_node_id node;
  net_tensor_role role;
  uint32_t input;     /* of inputs: which */
  net_value_id value; /* NET_NONE: the node makes it from its parameters */
  net_format_id format;
  uint32_t channels;
} dr_open_tensor;

/* Those of one quantization. */
typedef struct {
  dr_subject *subject;
  netc *n;
  const net_graph *graph; /* in floats */
  net_quantization *quantization;
  NET_VEC(dr_open_tensor) tensors;
  net_calibrated *found; /* one for each tensor */
} dr_calibration;

/* The network in floats, on the rows that the quantization asks for. NULL: reported. */
dr_calibrator *dr_calibrator_begin(dr_subject *subject, const net_quantization *quantization,
                                   rt_checkpoint *weights);
uint32_t dr_calibrator_samples(const dr_calibrator *calibrator);
/* Sets found. Steps are copies: callers may change them. False: reported. */
bool dr_calibrator_find(dr_calibrator *calibrator, dr_calibration *calibration);

#endif
