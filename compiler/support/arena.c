#include "support/arena.h"

#include <stdio.h>
#include <stdlib.h>

struct net_block {
  net_block *older;
  _Alignas(max_align_t) char bytes[];
};

enum { NET_BLOCK_BYTES = 64 * 1024 };

void net_arena_init(net_arena *arena, jmp_buf *guard) { *arena = (net_arena){.guard = guard}; }

void net_arena_free(net_arena *arena) {
  for (net_block *b = arena->blocks; b;) {
    net_block *older = b->older;
    free(b);
    b = older;
  }
  arena->blocks = NULL;
  arena->next = arena->end = NULL;
}

static _Noreturn void out_of_memory(net_arena *arena) {
  if (arena->guard) longjmp(*arena->guard, 1);
  abort();
}

void *net_arena_alloc(net_arena *arena, size_t bytes, size_t align) {
  size_t pad = (size_t)(-(uintptr_t)arena->next) & (align - 1);
  if (!arena->next || bytes + pad > (size_t)(arena->end - arena->next)) {
    if (bytes > SIZE_MAX / 2) out_of_memory(arena);
    size_t room = bytes + align > NET_BLOCK_BYTES ? bytes + align : NET_BLOCK_BYTES;
    net_block *b = calloc(1, sizeof *b + room);
    if (!b) out_of_memory(arena);
    b->older = arena->blocks;
    arena->blocks = b;
    arena->next = b->bytes;
    arena->end = b->bytes + room;
    pad = (size_t)(-(uintptr_t)arena->next) & (align - 1);
  }
  void *result = arena->next + pad;
  arena->next += pad + bytes;
  return result;
}

char *net_arena_copy(net_arena *arena, const char *text, size_t length) {
  char *copy = net_arena_alloc(arena, length + 1, 1);
  if (length) memcpy(copy, text, length);
  return copy;
}

char *net_arena_vformat(net_arena *arena, const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  char *text = net_arena_alloc(arena, length < 0 ? 1 : (size_t)length + 1, 1);
  if (length > 0) vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

char *net_arena_format(net_arena *arena, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = net_arena_vformat(arena, format, arguments);
  va_end(arguments);
  return text;
}

void *net_vec_grow(net_arena *arena, void *at, uint32_t count, uint32_t *capacity, uint32_t more,
                   size_t size) {
  if (more > UINT32_MAX / 2 - count) out_of_memory(arena);
  uint32_t room = *capacity ? *capacity * 2 : 8;
  if (room < count + more) room = count + more;
  void *fresh = net_arena_alloc(arena, room * size, _Alignof(max_align_t));
  if (count) memcpy(fresh, at, count * size);
  *capacity = room;
  return fresh;
}
