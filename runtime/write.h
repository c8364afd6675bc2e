/* Writing predictions to files, by their ending: whole or not at all. */
#ifndef NETC_RUNTIME_WRITE_H
#define NETC_RUNTIME_WRITE_H

#include "runtime/step.h"

/* data: rows × width f32 for each output.
 *   .npy: one output, f32 [rows, shape…]
 *   .h5, .hdf5: a dataset per output, f32 [rows, shape…], under its name
 *   .csv: a column per element, called NAME or NAME_0, NAME_1, …, with as many digits as tell floats apart */
bool rt_write_outputs(netc *n, const char *path, const rt_output *outputs, float *const *data, uint32_t count,
                      uint32_t rows);
/* The CSV form to a stream (standard output). */
void rt_write_csv(FILE *to, const rt_output *outputs, float *const *data, uint32_t count, uint32_t rows);

#endif
