/* FNV-1a with 64 bits: names variables' random streams and tells versions of a text apart. No protection
 * against anyone who wants two texts to look alike. */
#ifndef NETC_RUNTIME_HASH_H
#define NETC_RUNTIME_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RT_HASH_START UINT64_C(0xCBF29CE484222325)

/* Goes on with a hash. */
static inline uint64_t rt_hash_bytes(uint64_t h, const void *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001B3);
  return h;
}

static inline uint64_t rt_hash(const char *text) { return rt_hash_bytes(RT_HASH_START, text, strlen(text)); }

#endif
