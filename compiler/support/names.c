#include "support/names.h"

static uint32_t hash(const char *text, size_t length) { /* FNV-1a */
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)text[i]) * 16777619u;
  return h;
}

static void place(net_names *names, uint32_t id) {
  const char *text = names->texts.at[id];
  uint32_t mask = names->slot_count - 1, at = hash(text, strlen(text)) & mask;
  while (names->slots[at]) at = (at + 1) & mask;
  names->slots[at] = id + 1;
}

static void grow(net_names *names) {
  names->slot_count = names->slot_count ? names->slot_count * 2 : 256;
  names->slots = NET_NEW_ARRAY(names->arena, uint32_t, names->slot_count);
  for (uint32_t id = 0; id < names->texts.count; id++) place(names, id);
}

void net_names_init(net_names *names, net_arena *arena) {
  *names = (net_names){.arena = arena};
  grow(names);
  net_names_add(names, "", 0);
}

net_name net_names_add(net_names *names, const char *text, size_t length) {
  const char *nul = memchr(text, 0, length);
  if (nul) length = (size_t)(nul - text);
  uint32_t mask = names->slot_count - 1, at = hash(text, length) & mask;
  for (; names->slots[at]; at = (at + 1) & mask) {
    const char *known = names->texts.at[names->slots[at] - 1];
    if (!strncmp(known, text, length) && !known[length]) return (net_name){names->slots[at] - 1};
  }
  uint32_t id = net_vec_push(names->arena, &names->texts, net_arena_copy(names->arena, text, length));
  if (names->texts.count * 2 > names->slot_count) grow(names);
  else place(names, id);
  return (net_name){id};
}
