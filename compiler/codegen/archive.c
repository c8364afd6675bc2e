#include "codegen/archive.h"

#include <stdio.h>

/* Members begin at even offsets, each behind a header of text; `/` is the index: a count and an offset for
 * each symbol, big-endian, then their names; `//` holds names of members that are too long for a header. */
enum { HEADER = 60, LONGEST = 15 };
static const char magic[] = "!<arch>\n";

static char *put_header(char *at, const char *name, size_t size) {
  char text[HEADER + 16]; /* sizes beyond ten digits would not fit */
  snprintf(text, sizeof text, "%-16.16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "644", size);
  memcpy(at, text, HEADER);
  return at + HEADER;
}

static char *put_bytes(char *at, const void *bytes, size_t length) {
  memcpy(at, bytes, length);
  return at + length;
}

static char *put_number(char *at, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = (char)(value >> shift);
  return at;
}

static char *put_padding(char *at, size_t length) { /* the arena's memory is zero; ar wants newlines */
  if (length % 2) *at++ = '\n';
  return at;
}

static size_t even(size_t length) { return length + length % 2; }

const char *cg_archive(net_arena *arena, const char *member, const char *object, size_t object_length,
                       const char *const *symbols, uint32_t symbol_count, size_t *length) {
  size_t names = 0, long_name = strlen(member) > LONGEST ? strlen(member) + 2 : 0; /* "NAME/\n" */
  for (uint32_t i = 0; i < symbol_count; i++) names += strlen(symbols[i]) + 1;
  size_t index = 4 + 4 * (size_t)symbol_count + names;
  size_t place = sizeof magic - 1 + HEADER + even(index) + (long_name ? HEADER + even(long_name) : 0);
  *length = place + HEADER + even(object_length);
  char *bytes = net_arena_alloc(arena, *length, 1), *at = put_bytes(bytes, magic, sizeof magic - 1);
  at = put_header(at, "/", index);
  at = put_number(at, symbol_count);
  for (uint32_t i = 0; i < symbol_count; i++) at = put_number(at, (uint32_t)place);
  for (uint32_t i = 0; i < symbol_count; i++) at = put_bytes(at, symbols[i], strlen(symbols[i]) + 1);
  at = put_padding(at, index);
  if (long_name) {
    at = put_header(at, "//", long_name);
    at = put_bytes(put_bytes(at, member, long_name - 2), "/\n", 2);
    at = put_padding(at, long_name);
  }
  at = put_header(at, long_name ? "/0" : net_arena_format(arena, "%s/", member), object_length);
  put_padding(put_bytes(at, object, object_length), object_length);
  return bytes;
}
