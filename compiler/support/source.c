#include "support/source.h"

void net_sources_init(net_sources *sources, net_arena *arena) {
  *sources = (net_sources){.arena = arena, .next = 1};
}

bool net_sources_add(net_sources *sources, const char *path, const char *text, size_t length,
                     uint32_t *index) {
  if (length >= UINT32_MAX - sources->next) return false;
  net_source s = {.path = net_arena_copy(sources->arena, path, strlen(path)),
                  .text = text,
                  .length = (uint32_t)length,
                  .base = sources->next};
  sources->next += (uint32_t)length + 1; /* the end of a file is a place of its own */
  *index = net_vec_push(sources->arena, &sources->files, s);
  return true;
}

net_position net_sources_find(const net_sources *sources, net_loc where) {
  net_position p = {0};
  for (uint32_t i = 0; i < sources->files.count && where.begin; i++) {
    const net_source *s = &sources->files.at[i];
    if (where.begin < s->base || where.begin > s->base + s->length) continue;
    p.source = s;
    p.line = p.column = 1;
    uint32_t at = where.begin - s->base, start = 0;
    for (uint32_t k = 0; k < at; k++)
      if (s->text[k] == '\n') p.line++, start = k + 1;
    for (uint32_t k = start; k < at; k++) p.column += (s->text[k] & 0xC0) != 0x80;
    uint32_t end = at;
    while (end < s->length && s->text[end] != '\n') end++;
    if (end > start && s->text[end - 1] == '\r') end--;
    p.line_text = s->text + start;
    p.line_length = end > start ? end - start : 0;
    break;
  }
  return p;
}

net_loc net_loc_join(net_loc a, net_loc b) {
  if (!a.begin) return b;
  if (!b.begin) return a;
  return (net_loc){a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}
