#include "pipeline/separate.h"

#include "runtime/hash.h"

typedef struct {
  const void *data;
  size_t bytes, place;
} array;

typedef struct {
  net_arena *arena;
  NET_VEC(array) arrays;
  size_t end;
} file;

enum { HEAD = PL_WEIGHTS_ALIGN };

static size_t bytes_of(const lp_buffer_info *b) {
  size_t bytes = net_type_bytes(b->type);
  if (!b->rank) return bytes * net_shape_elements(&b->shape);
  for (uint32_t i = 0; i < b->rank; i++) bytes *= b->dim[i];
  return bytes;
}

/* Equal arrays are one: functions of one row and of many share most of them. */
static size_t place_of(file *f, const void *data, size_t bytes) {
  for (uint32_t i = 0; i < f->arrays.count; i++)
    if (f->arrays.at[i].bytes == bytes && !memcmp(f->arrays.at[i].data, data, bytes))
      return f->arrays.at[i].place;
  size_t place = f->end;
  net_vec_push(f->arena, &f->arrays, (array){data, bytes, place});
  f->end += (bytes + PL_WEIGHTS_ALIGN - 1) / PL_WEIGHTS_ALIGN * PL_WEIGHTS_ALIGN;
  return place;
}

/* The pointer stands where variables of a training step would. */
static void take_out(file *f, lp_function *function) {
  for (lp_buffer b = 0; b < function->buffers.count; b++) {
    lp_buffer_info *info = &function->buffers.at[b];
    if (info->storage != LP_CONSTANT) continue;
    info->offset = place_of(f, info->data, bytes_of(info)) / sizeof(float);
    info->storage = LP_VARIABLE;
  }
}

static void write_head(char *to, uint64_t bytes, uint64_t hash) {
  uint32_t version = PL_WEIGHTS_VERSION;
  memcpy(to, "NETCWGHT", 8);
  memcpy(to + 8, &version, sizeof version);
  memcpy(to + 16, &bytes, sizeof bytes);
  memcpy(to + 24, &hash, sizeof hash);
}

void pl_separate(netc *n, cg_library *library, pl_object *object) {
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  file f = {.arena = &arena, .end = HEAD};
  for (cg_library *l = library; l; l = (cg_library *)l->better) {
    l->weights = true;
    for (uint32_t i = 0; i < l->count; i++) take_out(&f, (lp_function *)l->entries[i].f);
  }
  char *bytes = net_arena_alloc(&n->arena, f.end, PL_WEIGHTS_ALIGN);
  memset(bytes, 0, f.end);
  for (uint32_t i = 0; i < f.arrays.count; i++)
    memcpy(bytes + f.arrays.at[i].place, f.arrays.at[i].data, f.arrays.at[i].bytes);
  object->weights = bytes;
  object->weights_bytes = f.end;
  object->weights_hash = rt_hash_bytes(RT_HASH_START, bytes + HEAD, f.end - HEAD);
  write_head(bytes, f.end, object->weights_hash);
  net_arena_free(&arena);
}
