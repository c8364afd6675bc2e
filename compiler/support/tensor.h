/* Tensors in memory: an element type, a shape, bytes. */
#ifndef NETC_SUPPORT_TENSOR_H
#define NETC_SUPPORT_TENSOR_H

#include "support/arena.h"
#include <stdbool.h>

typedef enum {
  NET_F32, NET_F64, NET_I8, NET_U8, NET_I16, NET_U16, NET_I32, NET_U32, NET_I64, NET_U64, NET_BOOL,
  NET_TYPE_COUNT
} net_type;

size_t net_type_bytes(net_type type);
const char *net_type_name(net_type type); /* "f32" */
/* One of the elements at data; integers beyond 2^53 are rounded. */
double net_type_element(net_type type, const void *data, uint64_t index);
int64_t net_type_integer(net_type type, const void *data, uint64_t index); /* of an integer type */
void net_type_set(net_type type, void *data, uint64_t index, double value); /* it holds the value */
void net_type_set_integer(net_type type, void *data, uint64_t index, int64_t value);

enum { NET_MAX_RANK = 6 };

/* Dimensions, outermost first, row-major. Rank 0 is a scalar. A graph's values leave the batch out. */
typedef struct {
  uint32_t rank, dim[NET_MAX_RANK];
} net_shape;

uint64_t net_shape_elements(const net_shape *shape);
bool net_shape_same(const net_shape *a, const net_shape *b);
const char *net_shape_text(net_arena *arena, const net_shape *shape); /* "[16, 5]" */

/* Who frees the bytes: an arena, the caller that made a view, or free(). */
typedef enum { NET_OWNER_ARENA, NET_OWNER_BORROWED, NET_OWNER_MALLOC } net_owner;

typedef struct {
  net_type type;
  net_shape shape;
  void *data;
  net_owner owner;
} net_tensor;

size_t net_tensor_bytes(const net_tensor *tensor);
/* 64-byte aligned and zeroed; data is NULL when memory ran out */
net_tensor net_tensor_alloc(net_type type, const net_shape *shape);
net_tensor net_tensor_arena(net_arena *arena, net_type type, const net_shape *shape);
void net_tensor_free(net_tensor *tensor);

#endif
