/* Source text: every file read lies in one space of byte offsets, so that a place is two integers. */
#ifndef NETC_SUPPORT_SOURCE_H
#define NETC_SUPPORT_SOURCE_H

#include "support/arena.h"
#include <stdbool.h>

/* A byte range [begin, end) of the source space. Offset 0 belongs to no file: {0, 0} means nowhere. */
typedef struct {
  uint32_t begin, end;
} net_loc;

#define NET_NOWHERE ((net_loc){0, 0})

typedef struct net_source {
  const char *path; /* as the user named it */
  const char *text; /* NUL-terminated */
  uint32_t length, base; /* text[i] has offset base + i */
} net_source;

typedef struct net_sources {
  net_arena *arena;
  NET_VEC(net_source) files;
  uint32_t next; /* first free offset */
} net_sources;

/* Where a place is for a person: line and column from 1, columns in characters (UTF-8), tabs count 1. */
typedef struct {
  const net_source *source; /* NULL: nowhere */
  uint32_t line, column;
  const char *line_text; /* not NUL-terminated */
  uint32_t line_length;
} net_position;

void net_sources_init(net_sources *sources, net_arena *arena);
/* Adds a text that must outlive the sources (place it in the arena); gives its index in files.
 * The space holds 4 GiB: false when it is full. */
bool net_sources_add(net_sources *sources, const char *path, const char *text, size_t length,
                     uint32_t *index);
net_position net_sources_find(const net_sources *sources, net_loc where);
/* the smallest range that holds both */
net_loc net_loc_join(net_loc a, net_loc b);

#endif
