/* What the tests of the data code share: a data block to fill in, a directory of its own, files to write
 * there, and the one message that bad data must give. */
#ifndef NETC_TESTS_DATA_SUPPORT_H
#define NETC_TESTS_DATA_SUPPORT_H

#include "runtime/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <hdf5.h>
#include <stdlib.h>
#include <unistd.h>

/* A block with one input and one class target, by default all of it the train split. */
typedef struct {
  netc n;
  char directory[64];
  rt_data_spec spec;
  rt_column_spec inputs[2], weight;
  rt_target_spec targets[2];
  const char *input_names[16], *target_names[16], *weight_names[1];
  rt_normalize_step steps[8];
  rt_normalize_chain chains[4];
  rt_data *data;
} fixture;

static inline int make_fixture(void **state) {
  fixture *f = *state = calloc(1, sizeof *f);
  netc_init(&f->n, NULL);
  snprintf(f->directory, sizeof f->directory, "/tmp/netc-data-XXXXXX");
  if (!mkdtemp(f->directory)) return -1;
  f->input_names[0] = "x";
  f->target_names[0] = "y";
  f->weight_names[0] = "w";
  f->inputs[0] = (rt_column_spec){.names = f->input_names, .name_count = 1, .shape = {1, {2}}};
  f->targets[0] = (rt_target_spec){.column = {.names = f->target_names, .name_count = 1}, .classes = 3};
  f->weight = (rt_column_spec){.names = f->weight_names, .name_count = 1};
  f->spec = (rt_data_spec){.name = "d",
                           .fraction = {1, 0, 0},
                           .inputs = f->inputs,
                           .input_count = 1,
                           .targets = f->targets,
                           .target_count = 1,
                           .normalize = f->chains};
  for (int i = 0; i < 4; i++) f->chains[i].steps = f->steps + 2 * i;
  return 0;
}

static inline int free_fixture(void **state) {
  fixture *f = *state;
  rt_data_free(f->data);
  DIR *dir = opendir(f->directory);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->directory, e->d_name);
    if (unlink(path)) rmdir(path);
  }
  closedir(dir);
  rmdir(f->directory);
  netc_free(&f->n);
  free(f);
  return 0;
}

#define DATA_TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, free_fixture)

static inline const char *path_of(fixture *f, const char *name) {
  return net_arena_format(&f->n.arena, "%s/%s", f->directory, name);
}

static inline void set_source(fixture *f, const char *kind, const char *name) {
  f->spec.source = (rt_source_spec){.kind = kind, .path = path_of(f, name)};
}

static inline void write_bytes(fixture *f, const char *name, const void *bytes, size_t length) {
  FILE *to = fopen(path_of(f, name), "wb");
  assert_non_null(to);
  assert_int_equal(fwrite(bytes, 1, length, to), length);
  assert_int_equal(fclose(to), 0);
}

static inline void write_text(fixture *f, const char *name, const char *text) {
  write_bytes(f, name, text, strlen(text));
}

/* A dataset with chunks and filters of the shuffle and gzip kind, in a file that is made when it is not
 * there. */
static inline void write_hdf5(fixture *f, const char *file, const char *dataset, hid_t type, int rank,
                              const hsize_t *dims, hid_t memory, const void *data) {
  const char *path = path_of(f, file);
  hid_t h = access(path, F_OK) ? H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)
                               : H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t space = H5Screate_simple(rank, dims, NULL), plan = H5Pcreate(H5P_DATASET_CREATE);
  hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  hsize_t chunk[8] = {dims[0] > 3 ? 3 : dims[0]};
  for (int i = 1; i < rank; i++) chunk[i] = dims[i] > 1 ? dims[i] - 1 : 1;
  if (dims[0]) {
    H5Pset_chunk(plan, rank, chunk);
    H5Pset_shuffle(plan);
    H5Pset_deflate(plan, 6);
  }
  hid_t d = H5Dcreate2(h, dataset, type, space, links, plan, H5P_DEFAULT);
  assert_true(d >= 0);
  if (dims[0]) assert_true(H5Dwrite(d, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  H5Dclose(d), H5Pclose(links), H5Pclose(plan), H5Sclose(space), H5Fclose(h);
}

static inline void write_floats(fixture *f, const char *file, const char *dataset, hsize_t rows,
                                hsize_t width, const float *data) {
  write_hdf5(f, file, dataset, H5T_IEEE_F32LE, width ? 2 : 1, (hsize_t[]){rows, width}, H5T_NATIVE_FLOAT,
             data);
}

static inline void write_labels(fixture *f, const char *file, const char *dataset, hsize_t rows,
                                const int *data) {
  write_hdf5(f, file, dataset, H5T_STD_U8LE, 1, &rows, H5T_NATIVE_INT, data);
}

/* A .npy file of version 1: its header's dictionary and its data. */
static inline void write_npy(fixture *f, const char *name, const char *dictionary, const void *data,
                             size_t bytes) {
  FILE *to = fopen(path_of(f, name), "wb");
  size_t length = strlen(dictionary) + 1;
  fwrite("\x93NUMPY\1\0", 1, 8, to);
  putc((int)(length & 255), to), putc((int)(length >> 8), to);
  fprintf(to, "%s\n", dictionary);
  fwrite(data, 1, bytes, to);
  assert_int_equal(fclose(to), 0);
}

static inline rt_data *load(fixture *f, unsigned wanted) {
  rt_data_free(f->data);
  f->data = rt_data_load(&f->n, &f->spec, wanted, NULL);
  if (!f->data) return NULL;
  assert_int_equal(f->n.diagnostics.list.count, 0);
  return f->data;
}

/* All that must load and does not is shown. */
static inline rt_data *must_load(fixture *f, unsigned wanted) {
  if (!load(f, wanted)) net_diagnostics_flush(&f->n, stderr, NET_DIAGNOSTICS_TEXT, false);
  assert_non_null(f->data);
  return f->data;
}

/* The only message so far, without the test's directory; forgets it. */
static inline const char *message(fixture *f) {
  assert_int_equal(f->n.diagnostics.list.count, 1);
  assert_int_equal(f->n.diagnostics.errors, 1);
  const char *text = f->n.diagnostics.list.at[0].message;
  char *out = net_arena_alloc(&f->n.arena, strlen(text) + 1, 1), *to = out;
  size_t length = strlen(f->directory);
  for (const char *from = text; *from;)
    if (!strncmp(from, f->directory, length)) from += length + (from[length] == '/');
    else *to++ = *from++;
  f->n.diagnostics.list.count = f->n.diagnostics.errors = 0;
  return out;
}

#define refuses(f, wanted, text)                                                                             \
  do {                                                                                                       \
    assert_null(load((f), (wanted)));                                                                        \
    assert_string_equal(message(f), (text));                                                                 \
  } while (0)

static inline float *input(fixture *f, rt_split_name split, uint32_t k) {
  return f->data->split[split].inputs[k].data;
}
static inline uint32_t *classes(fixture *f, rt_split_name split) {
  return f->data->split[split].targets[0].data;
}

#define assert_floats(actual, ...)                                                                           \
  do {                                                                                                       \
    const float expected_[] = {__VA_ARGS__};                                                                 \
    for (size_t i_ = 0; i_ < sizeof expected_ / sizeof expected_[0]; i_++)                                   \
      assert_float_equal((actual)[i_], expected_[i_], 0);                                                    \
  } while (0)

#define assert_classes(actual, ...)                                                                          \
  do {                                                                                                       \
    const uint32_t expected_[] = {__VA_ARGS__};                                                              \
    for (size_t i_ = 0; i_ < sizeof expected_ / sizeof expected_[0]; i_++)                                   \
      assert_int_equal((actual)[i_], expected_[i_]);                                                         \
  } while (0)

enum { TRAIN = 1 << RT_TRAIN, VALIDATION = 1 << RT_VALIDATION, TEST = 1 << RT_TEST, ALL = 7 };

#endif
