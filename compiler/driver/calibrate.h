/* Formats that are left open until data and weights are there: steps, zero points, `auto` fractions. */
#ifndef NETC_DRIVER_CALIBRATE_H
#define NETC_DRIVER_CALIBRATE_H

#include "driver/subject.h"

/* Whether any tensor of the subject's network takes a format that leaves something open. */
bool dr_needs_calibration(dr_subject *subject);
/* Runs the network in floats, with the weights in hand (NULL: initial ones), on the first rows of the
 * training split in the order of the seed, and fills quantization->calibrated. False: reported. */
bool dr_calibrate(dr_subject *subject, net_quantization *quantization, rt_checkpoint *weights);
/* The same for one of many quantizations, in which only rules differ: what calibration looks at is computed
 * once, and each tensor's steps once for each format. *calibrator: NULL at first; dr_calibrator_end when
 * there are no more. A checkpoint that was calibrated for these formats decides. */
typedef struct dr_calibrator dr_calibrator;
bool dr_calibrate_again(dr_subject *subject, net_quantization *quantization, rt_checkpoint *weights,
                        dr_calibrator **calibrator);
void dr_calibrator_end(dr_calibrator *calibrator); /* or NULL */
/* Once weights are found: the subject's network with nothing left open, by what the checkpoint was calibrated
 * to (NULL: none), else by calibration; sets what training stores of it. Nothing happens where there are no
 * such formats. */
bool dr_settle_formats(dr_subject *subject, rt_checkpoint *weights);

#endif
