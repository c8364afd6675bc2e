/* FNV-1a with 64 bits: names variables' random streams and tells versions of a text apart. No protection
 * against anyone who wants two texts to look alike. */
#ifndef NETC_RUNTIME_HASH_H
#define NETC_RUNTIME_HASH_H

#include <stdint.h>

static inline uint64_t rt_hash(const char *text) {
  uint64_t h = 0xCBF29CE484222325u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001B3u;
  return h;
}

#endif
