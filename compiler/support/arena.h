/* Memory that lives and dies together, and vectors in it.
 *
 * An arena hands out zeroed memory and frees it all at once. Allocation never returns NULL: when the machine
 * has no memory left the arena jumps to its guard, which the owner (main, or a test) has set, so that no code
 * in between needs to check and nothing below main exits. */
#ifndef NETC_SUPPORT_ARENA_H
#define NETC_SUPPORT_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct net_block net_block;

typedef struct net_arena {
  net_block *blocks; /* newest first */
  char *next, *end;  /* free part of the newest block */
  jmp_buf *guard;    /* where to go when memory runs out; NULL: abort() (tests only) */
} net_arena;

void net_arena_init(net_arena *arena, jmp_buf *guard);
void net_arena_free(net_arena *arena);
/* bytes of zeroed memory at a multiple of align (a power of two) */
void *net_arena_alloc(net_arena *arena, size_t bytes, size_t align);
char *net_arena_copy(net_arena *arena, const char *text, size_t length); /* adds a final NUL */
char *net_arena_format(net_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *net_arena_vformat(net_arena *arena, const char *format, va_list arguments);

#define NET_NEW(arena, type) ((type *)net_arena_alloc((arena), sizeof(type), _Alignof(type)))
#define NET_NEW_ARRAY(arena, type, n)                                                                        \
  ((type *)net_arena_alloc((arena), sizeof(type) * (size_t)(n), _Alignof(type)))

/* A vector that grows in an arena. Zero-initialise it; `at` moves when it grows. */
#define NET_VEC(type)                                                                                        \
  struct {                                                                                                   \
    type *at;                                                                                                \
    uint32_t count, capacity;                                                                                \
  }

/* Appends a value and gives its index. */
#define net_vec_push(arena, vec, ...)                                                                        \
  (net_vec_reserve((arena), (vec), 1), (vec)->at[(vec)->count] = (__VA_ARGS__), (vec)->count++)

/* Makes room for n more. */
#define net_vec_reserve(arena, vec, n)                                                                       \
  ((vec)->count + (uint32_t)(n) > (vec)->capacity                                                            \
       ? (void)((vec)->at = net_vec_grow((arena), (vec)->at, (vec)->count, &(vec)->capacity, (uint32_t)(n),  \
                                         sizeof *(vec)->at))                                                 \
       : (void)0)

void *net_vec_grow(net_arena *arena, void *at, uint32_t count, uint32_t *capacity, uint32_t more,
                   size_t size);

#endif
