#include "runtime/write.h"

#include "support/file.h"
#include <csv.h>
#include <hdf5.h>
#include <stdlib.h>

typedef struct {
  const rt_output *outputs;
  float *const *data;
  uint32_t count, rows;
} table;

/* ---- csv ---- */

static void write_field(FILE *to, const char *text) {
  if (strpbrk(text, ",\"\r\n;\t ")) csv_fwrite(to, text, strlen(text));
  else fputs(text, to);
}

void rt_write_csv(FILE *to, const rt_output *outputs, float *const *data, uint32_t count, uint32_t rows) {
  for (uint32_t k = 0; k < count; k++)
    for (uint32_t i = 0; i < outputs[k].width; i++) {
      char name[256];
      snprintf(name, sizeof name, outputs[k].width == 1 ? "%s" : "%s_%u", outputs[k].name, i);
      if (k || i) putc(',', to);
      write_field(to, name);
    }
  putc('\n', to);
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t k = 0; k < count; k++)
      for (uint32_t i = 0; i < outputs[k].width; i++)
        fprintf(to, "%s%.9g", k || i ? "," : "", (double)data[k][(size_t)r * outputs[k].width + i]);
    putc('\n', to);
  }
}

static bool write_csv(netc *n, const char *path, const table *t, FILE *to) {
  (void)n;
  (void)path;
  rt_write_csv(to, t->outputs, t->data, t->count, t->rows);
  return true;
}

/* ---- npy ---- */

static bool write_npy(netc *n, const char *path, const table *t, FILE *to) {
  if (t->count != 1) {
    net_error(n, NET_NOWHERE,
              "cannot write %s: a .npy file holds one array, but there are %u outputs; use .h5 or .csv", path,
              t->count);
    return false;
  }
  const rt_output *o = t->outputs;
  const char *header = net_arena_format(&n->arena, "{'descr': '%cf4', 'fortran_order': False, 'shape': (%u,",
                                        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>', t->rows);
  for (uint32_t i = 0; i < o->shape.rank; i++)
    header = net_arena_format(&n->arena, "%s%s%u", header, i ? ", " : " ", o->shape.dim[i]);
  header = net_arena_format(&n->arena, "%s), }", header);
  size_t length = (10 + strlen(header) + 1 + 63) / 64 * 64 - 10; /* data begin at a multiple of 64 */
  unsigned char start[] = {
      0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, (unsigned char)(length >> 8)};
  fwrite(start, 1, sizeof start, to);
  fprintf(to, "%-*s\n", (int)length - 1, header);
  fwrite(t->data[0], sizeof(float) * o->width, t->rows, to);
  return true;
}

/* ---- hdf5: built in memory, so that it reaches the disk whole ---- */

static bool add_dataset(hid_t file, const rt_output *o, uint32_t rows, const float *data) {
  hsize_t dims[NET_MAX_RANK + 1] = {rows};
  for (uint32_t i = 0; i < o->shape.rank; i++) dims[i + 1] = o->shape.dim[i];
  hid_t links = H5Pcreate(H5P_LINK_CREATE), space = H5Screate_simple((int)o->shape.rank + 1, dims, NULL);
  H5Pset_create_intermediate_group(links, 1);
  hid_t dataset = H5Dcreate2(file, o->name, H5T_IEEE_F32LE, space, links, H5P_DEFAULT, H5P_DEFAULT);
  bool ok = dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  if (dataset >= 0) H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(links);
  return ok;
}

static bool write_image(hid_t file, FILE *to) {
  ssize_t bytes = H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(file, NULL, 0) : -1;
  char *image = bytes > 0 ? malloc((size_t)bytes) : NULL;
  bool ok = image && H5Fget_file_image(file, image, (size_t)bytes) == bytes;
  if (ok) fwrite(image, 1, (size_t)bytes, to);
  free(image);
  return ok;
}

static bool write_hdf5(netc *n, const char *path, const table *t, FILE *to) {
  enum { GROWTH = 1 << 20 };
  H5E_auto2_t report;
  void *report_to;
  H5Eget_auto2(H5E_DEFAULT, &report, &report_to);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, GROWTH, false); /* memory only */
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  bool ok = file >= 0;
  for (uint32_t k = 0; k < t->count && ok; k++) ok = add_dataset(file, &t->outputs[k], t->rows, t->data[k]);
  ok = ok && write_image(file, to);
  if (file >= 0) H5Fclose(file);
  H5Pclose(access);
  H5Eclear2(H5E_DEFAULT);
  H5Eset_auto2(H5E_DEFAULT, report, report_to);
  if (!ok) net_error(n, NET_NOWHERE, "cannot write %s: libhdf5 fails to build it", path);
  return ok;
}

/* ---- the table ---- */

static const struct {
  const char *ending;
  bool (*write)(netc *n, const char *path, const table *t, FILE *to);
} forms[] = {{".npy", write_npy}, {".csv", write_csv}, {".h5", write_hdf5}, {".hdf5", write_hdf5}};

bool rt_write_outputs(netc *n, const char *path, const rt_output *outputs, float *const *data, uint32_t count,
                      uint32_t rows) {
  const char *ending = strrchr(path, '.');
  for (uint32_t i = 0; i < sizeof forms / sizeof forms[0] && ending; i++) {
    if (strcmp(ending, forms[i].ending)) continue;
    net_file_out out = net_file_begin(n, path);
    if (!out.stream) return false;
    if (forms[i].write(n, path, &(table){outputs, data, count, rows}, out.stream))
      return net_file_commit(&out, false);
    net_file_abandon(&out);
    return false;
  }
  net_error(n, NET_NOWHERE, "cannot write %s: its name must end in .npy, .csv, .h5 or .hdf5", path);
  return false;
}
