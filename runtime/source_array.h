/* Arrays of numbers or strings as bytes in a stream: what is common to npy, npz and idx. */
#ifndef NETC_RUNTIME_SOURCE_ARRAY_H
#define NETC_RUNTIME_SOURCE_ARRAY_H

#include "runtime/source.h"
#include "runtime/source_stream.h"

struct rt_element;

typedef struct {
  rt_stream stream;
  const struct rt_element *element; /* NULL for strings */
  char kind;                        /* of npy: 'f', 'i', 'u', 'b', or for strings 'S', 'U' */
  uint64_t size;                    /* bytes an element */
  bool swap;                        /* of the other byte order */
  bool fortran;                     /* the first dimension varies fastest */
  uint64_t rows, width;
  net_shape row;
  uint64_t begin; /* of the data in the stream */
} rt_array;

/* Kind and size as npy has them ('f' 4); false if there is no such type of elements. */
bool rt_array_type(rt_array *array, char kind, uint64_t size);
/* The dimensions, rows first; checks that they fit what the file can hold. Reports. */
bool rt_array_shape(rt_array *array, const uint64_t *dims, uint32_t rank);

/* Fills what find has to say of an array. */
void rt_array_found(const rt_array *array, const rt_ask *ask, const char *label, rt_dataset *found);
bool rt_array_read(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, net_type type, void *to,
                   uint64_t stride);
bool rt_array_read_text(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, rt_texts *texts,
                        uint32_t *ids);

/* The header of an npy file; leaves the array ready to be read (source_npy.c). */
bool rt_npy_header(rt_array *array);

/* Arrays that are open, to be closed together: the state of the kinds above. */
typedef struct {
  NET_VEC(rt_array *) open;
  struct zip *archive;
} rt_arrays;
rt_array *rt_arrays_add(rt_source *s);
bool rt_arrays_open(rt_source *s);
void rt_arrays_close(rt_source *s);

#endif
