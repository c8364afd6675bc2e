/* Memory for the evaluator, and for compiled code that is compared with it. */
#include "loops/build.h"
#include "loops/compute.h"
#include "loops/evaluate.h"

size_t lp_buffer_elements(const lp_function *f, lp_buffer buffer, bool form2) {
  const lp_buffer_info *b = &f->buffers.at[buffer];
  if (b->storage == LP_COLUMN) return 0;
  uint32_t samples = b->storage == LP_INDEX && f->padded > f->batch ? f->padded : f->batch;
  size_t elements = 1;
  if (form2 && b->rank) {
    for (uint32_t i = 0; i < b->rank; i++) elements *= b->dim[i];
    return elements;
  }
  return net_shape_elements(&b->shape) * (b->batched ? samples : 1);
}

static size_t bytes_of(const lp_function *f, lp_buffer buffer, bool form2) {
  return lp_buffer_elements(f, buffer, form2) * net_type_bytes(f->buffers.at[buffer].type);
}

/* Whether a buffer lies at its offset in one of the blocks. */
static void *in_block(const lp_function *f, const lp_memory *m, const lp_buffer_info *b) {
  if (b->storage == LP_SCALAR) return m->scalars + b->slot;
  if (!m->form2 || !f->scratch_bytes) return NULL;
  if (b->storage == LP_SCRATCH) return (char *)m->scratch + b->offset;
  return b->storage == LP_VARIABLE ? m->variables + b->offset : NULL;
}

static void allocate_blocks(net_arena *arena, const lp_function *f, lp_memory *m) {
  size_t scratch = f->scratch_bytes, floats = 0;
  for (lp_buffer i = 0; i < f->buffers.count; i++) {
    const lp_buffer_info *b = &f->buffers.at[i];
    if (b->storage == LP_SCALAR && b->slot >= m->scalar_count) m->scalar_count = b->slot + 1;
    size_t end = b->offset + (bytes_of(f, i, true) + 3) / 4;
    if (b->storage == LP_VARIABLE && end > floats) floats = end;
    if (b->storage == LP_SCRATCH && b->offset + bytes_of(f, i, true) > scratch && f->scratch_bytes)
      scratch = b->offset +
                bytes_of(f, i, true); /* a plan that is too small: found by comparing, not by crashing */
  }
  m->variable_floats = floats;
  m->scalars = net_arena_alloc(arena, sizeof(float) * (m->scalar_count + 1), 64);
  m->scratch = net_arena_alloc(arena, scratch + 64, 64);
  m->variables = net_arena_alloc(arena, sizeof(float) * (floats + 16), 64);
}

lp_memory lp_memory_new(net_arena *arena, const lp_function *f, bool form2) {
  lp_memory m = {.count = f->batch, .fma = true, .form2 = form2};
  m.buffers = NET_NEW_ARRAY(arena, void *, f->buffers.count + 1);
  allocate_blocks(arena, f, &m);
  for (lp_buffer i = 0; i < f->buffers.count; i++) {
    const lp_buffer_info *b = &f->buffers.at[i];
    if (b->storage == LP_COLUMN) continue;
    m.buffers[i] = in_block(f, &m, b);
    if (!m.buffers[i]) m.buffers[i] = net_arena_alloc(arena, bytes_of(f, i, form2) + 64, 64);
    if (b->storage == LP_CONSTANT && b->data) memcpy(m.buffers[i], b->data, bytes_of(f, i, form2));
    if (b->storage == LP_INDEX)
      for (size_t k = 0; k < lp_buffer_elements(f, i, form2); k++)
        ((uint32_t *)m.buffers[i])[k] = (uint32_t)(k < f->batch ? k : f->batch - 1);
  }
  return m;
}

lp_memory lp_memory_copy(net_arena *arena, const lp_function *f, const lp_memory *from) {
  lp_memory m = lp_memory_new(arena, f, from->form2);
  for (lp_buffer i = 0; i < f->buffers.count; i++)
    if (!m.buffers[i])
      m.buffers[i] = from->buffers[i];
    else
      memcpy(m.buffers[i], from->buffers[i], bytes_of(f, i, from->form2));
  m.count = from->count;
  m.fma = from->fma;
  memcpy(m.params, from->params, sizeof m.params);
  return m;
}

/* splitmix64 */
static uint64_t draw(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

void lp_memory_fill(const lp_function *f, lp_memory *memory, uint64_t seed) {
  for (lp_buffer i = 0; i < f->buffers.count; i++) {
    const lp_buffer_info *b = &f->buffers.at[i];
    if (b->storage != LP_SCRATCH && b->storage != LP_VARIABLE && b->storage != LP_SCALAR) continue;
    for (size_t k = 0; k < lp_buffer_elements(f, i, memory->form2); k++) {
      lp_value v = {.integer = lp_wrap(b->type, (int64_t)draw(&seed))};
      double real = (double)(int64_t)draw(&seed) * 0x1p-63;
      if (b->type == NET_F32) v.f32 = (float)((double)(int)(real * 0x1p23) * 0x1p-23);
      if (b->type == NET_F64) v.f64 = real;
      lp_put(b->type, (char *)memory->buffers[i] + k * net_type_bytes(b->type), v);
    }
  }
}

void *lp_memory_at(const lp_function *f, const lp_memory *memory, lp_storage storage, uint32_t slot) {
  for (lp_buffer i = 0; i < f->buffers.count; i++)
    if (f->buffers.at[i].storage == storage && f->buffers.at[i].slot == slot) return memory->buffers[i];
  return NULL;
}

/* [batch/T, elements, T], [batch/T, elements/K, T, K], or [sample, element] */
size_t lp_physical(const lp_function *f, lp_buffer buffer, uint32_t sample, size_t element) {
  const lp_buffer_info *b = &f->buffers.at[buffer];
  if (!b->batched) return element;
  if (b->rank < 3) return (size_t)sample * net_shape_elements(&b->shape) + element;
  uint32_t tile = b->dim[2], inner = b->rank > 3 ? b->dim[3] : 1;
  return ((sample / tile * (size_t)b->dim[1] + element / inner) * tile + sample % tile) * inner +
         element % inner;
}

/* How many samples a physical buffer holds. */
static uint32_t physical_samples(const lp_function *f, const lp_buffer_info *b) {
  if (!b->batched) return 1;
  return b->rank >= 3 ? b->dim[0] * b->dim[2] : b->rank ? b->dim[0] : f->batch;
}

void lp_memory_lay_out(const lp_function *f, lp_buffer buffer, const lp_memory *logical,
                       lp_memory *physical) {
  const lp_buffer_info *b = &f->buffers.at[buffer];
  size_t elements = net_shape_elements(&b->shape), size = net_type_bytes(b->type);
  uint32_t last = b->batched ? f->batch - 1 : 0;
  for (uint32_t s = 0; s < physical_samples(f, b); s++)
    for (size_t e = 0; e < elements; e++)
      memcpy((char *)physical->buffers[buffer] + lp_physical(f, buffer, s, e) * size,
             (char *)logical->buffers[buffer] + ((size_t)(s < last ? s : last) * elements + e) * size, size);
}

void lp_memory_take_back(const lp_function *f, lp_buffer buffer, const lp_memory *physical,
                         lp_memory *logical) {
  const lp_buffer_info *b = &f->buffers.at[buffer];
  size_t elements = net_shape_elements(&b->shape), size = net_type_bytes(b->type);
  for (uint32_t s = 0; s < (b->batched ? f->batch : 1); s++)
    for (size_t e = 0; e < elements; e++)
      memcpy((char *)logical->buffers[buffer] + (s * elements + e) * size,
             (char *)physical->buffers[buffer] + lp_physical(f, buffer, s, e) * size, size);
}

bool lp_memory_same(const lp_function *f, lp_buffer buffer, const lp_memory *a, const lp_memory *b,
                    size_t *first) {
  const lp_buffer_info *info = &f->buffers.at[buffer];
  size_t size = net_type_bytes(info->type), count = lp_buffer_elements(f, buffer, a->form2);
  for (size_t k = 0; k < count; k++) {
    const char *x = (char *)a->buffers[buffer] + k * size, *y = (char *)b->buffers[buffer] + k * size;
    if (!memcmp(x, y, size)) continue;
    lp_value v = lp_get(info->type, x), w = lp_get(info->type, y);
    if (info->type == NET_F32 && v.f32 != v.f32 && w.f32 != w.f32) continue;
    if (info->type == NET_F64 && v.f64 != v.f64 && w.f64 != w.f64) continue;
    if (first) *first = k;
    return false;
  }
  return true;
}

void lp_place_apart(lp_function *f) {
  size_t scratch = 64, floats = 0;
  for (lp_buffer i = 0; i < f->buffers.count; i++) {
    lp_buffer_info *b = &f->buffers.at[i];
    size_t bytes = (bytes_of(f, i, true) + 63) / 64 * 64;
    if (b->storage == LP_SCRATCH) b->offset = scratch, scratch += bytes;
    if (b->storage == LP_VARIABLE) b->offset = floats, floats += bytes / sizeof(float);
  }
  f->scratch_bytes = scratch;
}
