/* Names of compiled nests for perf(1): with NETC_PERF_MAP in the environment, /tmp/perf-PID.map says which
 * nest lies where, and `perf record netc …`, `perf report` tell them apart. */
#ifndef NETC_CODEGEN_PERF_MAP_H
#define NETC_CODEGEN_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

/* object: an ELF file just linked; address: where its function `entry` has come to lie. */
void cg_perf_map(const char *object, size_t length, const char *entry, uint64_t address);

#endif
