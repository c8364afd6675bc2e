/* Fingerprints: 64 bits that tell data and weights apart; equal for equal bytes on every little-endian
 * machine. No protection against anyone who wants two of them to look alike. */
#ifndef NETC_RUNTIME_FINGERPRINT_H
#define NETC_RUNTIME_FINGERPRINT_H

#include "runtime/checkpoint.h"
#include "runtime/data.h"

/* Goes on with a fingerprint; RT_HASH_START (runtime/hash.h) begins one. Several bytes a cycle. */
uint64_t rt_fingerprint_bytes(uint64_t h, const void *bytes, size_t length);
/* The train and validation splits, as they are trained with. */
uint64_t rt_fingerprint_data(const rt_data *data);
/* Parameters and statistics with their names and shapes; nothing of the optimiser's, no metadata. */
uint64_t rt_fingerprint_weights(const rt_checkpoint *checkpoint);

#endif
