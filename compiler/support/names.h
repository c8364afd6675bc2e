/* Interned strings: equal texts have equal ids, so names compare as integers. Id 0 is the empty string. */
#ifndef NETC_SUPPORT_NAMES_H
#define NETC_SUPPORT_NAMES_H

#include "support/arena.h"
#include <stdbool.h>

typedef struct {
  uint32_t id;
} net_name;

typedef struct net_names {
  net_arena *arena;
  NET_VEC(const char *) texts;   /* by id, NUL-terminated */
  uint32_t *slots, slot_count; /* open addressing, 0 = free, else id + 1 */
} net_names;

void net_names_init(net_names *names, net_arena *arena);
net_name net_names_add(net_names *names, const char *text, size_t length);
static inline const char *net_names_text(const net_names *names, net_name name) {
  return names->texts.at[name.id];
}
static inline bool net_name_same(net_name a, net_name b) { return a.id == b.id; }

#endif
