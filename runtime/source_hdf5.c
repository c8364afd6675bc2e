/* HDF5 files, through libhdf5. Numbers of any type are converted by the library; its error stack is silenced
 * and its innermost message put into ours. */
#define H5_USE_110_API
#include "runtime/source.h"

#include <hdf5.h>
#include <stdlib.h>

enum { TEXT_ROWS = 4096, LONGEST_TEXT = 4096, MOST_NAMES = 1000 };

typedef struct {
  hid_t file;
  NET_VEC(hid_t) open; /* datasets */
  H5E_auto2_t report;  /* how the library reported errors before */
  void *report_to;
} state;

static herr_t first_message(unsigned i, const H5E_error2_t *error, void *to) {
  if (!i && error->desc) *(const char **)to = error->desc;
  return 0;
}

/* What the library says was at the root of its last failure; in the arena. */
static const char *reason(netc *n) {
  const char *text = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, &text);
  text = rt_shown(n, text);
  H5Eclear2(H5E_DEFAULT);
  return text;
}

static bool open_file(rt_source *s) {
  state *st = s->state = NET_NEW(&s->n->arena, state);
  const char *path = s->spec->path;
  net_loc where = s->spec->where;
  uint64_t size;
  st->file = H5I_INVALID_HID;
  H5Eget_auto2(H5E_DEFAULT, &st->report, &st->report_to);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (!rt_file_check(s->n, where, path, &size)) return false;
  if (H5Fis_hdf5(path) <= 0) return net_error(s->n, where, "cannot read %s: it is no HDF5 file", path), false;
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, true, true); /* file systems without locks are fine */
  st->file = H5Fopen(path, H5F_ACC_RDONLY, access);
  const char *why = st->file < 0 ? reason(s->n) : NULL; /* the next call forgets it */
  H5Pclose(access);
  if (why) {
    bool cut = strstr(why, "truncated");
    net_error(s->n, where, "cannot read %s: %s (HDF5: %s)", path, cut ? "it is cut short" : "it is damaged",
              why);
  }
  return st->file >= 0;
}

static void close_file(rt_source *s) {
  state *st = s->state;
  for (uint32_t i = st->open.count; i--;) H5Dclose(st->open.at[i]);
  if (st->file >= 0) H5Fclose(st->file);
  H5Eclear2(H5E_DEFAULT);
  H5Eset_auto2(H5E_DEFAULT, st->report, st->report_to);
}

/* ---- what datasets there are ---- */

/* type and shape: "f32 [150000, 16]" */
static const char *describe(netc *n, hid_t dataset) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  H5T_class_t class = H5Tget_class(type);
  hsize_t dims[H5S_MAX_RANK];
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank > 0) H5Sget_simple_extent_dims(space, dims, NULL);
  unsigned bits = (unsigned)H5Tget_size(type) * 8;
  const char *text = class == H5T_STRING ? "text" : class == H5T_COMPOUND ? "records" : "of another type";
  if (class == H5T_FLOAT) text = net_arena_format(&n->arena, "f%u", bits);
  if (class == H5T_INTEGER)
    text = net_arena_format(&n->arena, "%c%u", H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i', bits);
  for (int i = 0; i < rank; i++)
    text = net_arena_format(&n->arena, "%s%s%llu%s", text, i ? ", " : " [", (unsigned long long)dims[i],
                            i + 1 < rank ? "" : "]");
  H5Tclose(type);
  H5Sclose(space);
  return text;
}

typedef struct {
  netc *n;
  NET_VEC(const char *) names, shapes;
} listing;

static herr_t list_one(hid_t file, const char *name, const H5O_info_t *info, void *to) {
  listing *l = to;
  if (info->type != H5O_TYPE_DATASET || l->names.count == MOST_NAMES) return 0;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return 0;
  net_vec_push(&l->n->arena, &l->names, net_arena_copy(&l->n->arena, name, strlen(name)));
  net_vec_push(&l->n->arena, &l->shapes, describe(l->n, dataset));
  H5Dclose(dataset);
  return 0;
}

/* The dataset asked for; H5I_INVALID_HID: reported. */
static hid_t open_dataset(rt_source *s, const rt_ask *ask, const char **name) {
  state *st = s->state;
  *name = ask->name;
  hid_t dataset = ask->name && *ask->name ? H5Dopen2(st->file, ask->name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (dataset >= 0) return dataset;
  listing l = {.n = s->n};
  H5Ovisit2(st->file, H5_INDEX_NAME, H5_ITER_INC, list_one, &l, H5O_INFO_BASIC);
  for (uint32_t i = 0; i < l.names.count; i++)
    if ((!ask->name && l.names.count == 1) || (ask->name && !strcmp(ask->name, l.names.at[i]))) {
      dataset = H5Dopen2(st->file, *name = l.names.at[i], H5P_DEFAULT);
      if (dataset >= 0) return dataset;
    }
  rt_report_missing(s->n, ask->where, s->spec->path, "dataset", ask->name, l.names.at, l.shapes.at,
                    l.names.count);
  return H5I_INVALID_HID;
}

/* ---- strings ---- */

/* Calls for each of the strings in data, as type has them: variable pointers or fixed fields. */
static void each_text(hid_t type, const char *data, uint64_t count, void *context,
                      void (*take)(void *context, const char *text, size_t length)) {
  size_t size = H5Tget_size(type);
  bool variable = H5Tis_variable_str(type) > 0, spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  for (uint64_t i = 0; i < count; i++) {
    const char *text = variable ? ((char *const *)data)[i] : data + i * size;
    size_t length = !text ? 0 : variable ? strlen(text) : strnlen(text, size);
    while (spaces && length && text[length - 1] == ' ') length--;
    take(context, text, length);
  }
}

typedef struct {
  netc *n;
  const char **names;
  uint32_t count;
} name_list;

static void take_name(void *context, const char *text, size_t length) {
  name_list *l = context;
  l->names[l->count++] = net_arena_copy(&l->n->arena, text, length);
}

/* The attribute `names` of a dataset, if it is a list of strings. */
static void read_names(netc *n, hid_t dataset, rt_dataset *found) {
  if (H5Aexists(dataset, "names") <= 0) return;
  hid_t attribute = H5Aopen(dataset, "names", H5P_DEFAULT);
  if (attribute < 0) return;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  hssize_t count = H5Sget_simple_extent_npoints(space);
  size_t size = H5Tget_size(type);
  if (H5Tget_class(type) == H5T_STRING && count > 0 && count < 65536 && size < LONGEST_TEXT) {
    char *data = net_arena_alloc(&n->arena, (size_t)count * size, 16);
    if (H5Aread(attribute, type, data) >= 0) {
      name_list l = {.n = n, .names = NET_NEW_ARRAY(&n->arena, const char *, count)};
      each_text(type, data, (uint64_t)count, &l, take_name);
      found->elements = l.names;
      found->element_count = l.count;
      if (H5Tis_variable_str(type) > 0) H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    }
  }
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
}

/* ---- finding and reading ---- */

/* What the library does not check before it reads, and then reads past its buffers (1.10): sizes that no
 * writer makes, in files that are damaged. chunk: of rank dimensions */
static bool sane(hid_t dataset, int rank, const hsize_t *most, const hsize_t *chunk, bool text) {
  enum { WIDEST_NUMBER = 16 };
  hid_t type = H5Dget_type(dataset);
  bool ok = text || H5Tget_size(type) <= WIDEST_NUMBER;
  H5Tclose(type);
  for (int i = 0; i < rank && chunk; i++) ok &= chunk[i] && chunk[i] <= most[i];
  return ok;
}

/* The filters that a dataset is packed with must be there. */
static bool check_filters(netc *n, hid_t plan, const rt_dataset *found) {
  for (int i = 0, count = H5Pget_nfilters(plan); i < count; i++) {
    char name[64] = "";
    size_t values = 0;
    unsigned flags, config;
    H5Z_filter_t filter =
        H5Pget_filter2(plan, (unsigned)i, &flags, &values, NULL, sizeof name, name, &config);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    net_error(n, found->where, "%s is packed by filter %d (%s), which libhdf5 lacks here: pack it with gzip",
              found->label, filter, *name ? rt_shown(n, name) : "unknown");
    return false;
  }
  return true;
}

static bool set_shape(netc *n, hid_t dataset, rt_dataset *found) {
  hsize_t dims[H5S_MAX_RANK] = {0}, most[H5S_MAX_RANK] = {0}, chunk[H5S_MAX_RANK] = {0};
  hid_t space = H5Dget_space(dataset);
  int rank =
      H5Sget_simple_extent_type(space) == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, dims, most) : 0;
  H5Sclose(space);
  if (rank < 1)
    return net_error(n, found->where, "%s holds a single value: it has no rows", found->label), false;
  if (rank > NET_MAX_RANK + 1) {
    net_error(n, found->where, "%s has %d dimensions; at most %d are read", found->label, rank,
              NET_MAX_RANK + 1);
    return false;
  }
  found->rows = dims[0];
  found->row.rank = (uint32_t)rank - 1;
  for (int i = 1; i < rank; i++) {
    if (dims[i] > UINT32_MAX)
      return net_error(n, found->where, "%s has rows that are too wide", found->label), false;
    found->row.dim[i - 1] = (uint32_t)dims[i];
  }
  hid_t plan = H5Dget_create_plist(dataset);
  bool chunked = H5Pget_layout(plan) == H5D_CHUNKED;
  bool ok = !chunked || H5Pget_chunk(plan, rank, chunk) == rank, unpacks = check_filters(n, plan, found);
  H5Pclose(plan);
  if (!unpacks) return false;
  found->granule = chunk[0];
  if (ok && sane(dataset, rank, most, chunked ? chunk : NULL, found->text)) return true;
  net_error(n, found->where, "%s is damaged: the sizes in its header do not fit together", found->label);
  return false;
}

static bool find(rt_source *s, const rt_ask *ask, rt_dataset *found) {
  state *st = s->state;
  const char *name;
  hid_t dataset = open_dataset(s, ask, &name);
  if (dataset < 0) return false;
  uint32_t at = net_vec_push(&s->n->arena, &st->open, dataset);
  const char *label = net_arena_format(&s->n->arena, "%s: dataset '%s'", s->spec->path, rt_shown(s->n, name));
  *found = (rt_dataset){.name = ask->name, .label = label, .where = ask->where, .own = (void *)(uintptr_t)at};
  hid_t type = H5Dget_type(dataset);
  H5T_class_t class = H5Tget_class(type);
  H5Tclose(type);
  found->text = class == H5T_STRING;
  if (class != H5T_STRING && class != H5T_INTEGER && class != H5T_FLOAT && class != H5T_ENUM) {
    net_error(s->n, ask->where, "%s holds %s: only numbers and strings are read", label,
              describe(s->n, dataset));
    return false;
  }
  read_names(s->n, dataset, found);
  return set_shape(s->n, dataset, found);
}

static hid_t dataset_of(const rt_source *s, const rt_dataset *d) {
  return ((state *)s->state)->open.at[(uintptr_t)d->own];
}

/* Spaces that select rows of the file, and as many rows of `stride` elements in memory. Where the two have
 * the same rank the library copies runs; else it goes element by element, so that is left to the rarest case:
 * rows of several dimensions beside other parts. */
static bool select_rows(hid_t dataset, uint64_t first, uint64_t rows, const rt_dataset *d, uint64_t stride,
                        hid_t *in_file, hid_t *in_memory) {
  uint64_t width = net_shape_elements(&d->row);
  uint32_t rank = d->row.rank + 1;
  hsize_t begin[NET_MAX_RANK + 1] = {first}, count[NET_MAX_RANK + 1] = {rows};
  for (uint32_t i = 1; i < rank; i++) count[i] = d->row.dim[i - 1];
  const hsize_t all = rows * stride, zero[2] = {0, 0}, room[2] = {rows, stride}, taken[2] = {rows, width};
  *in_file = H5Dget_space(dataset);
  if (H5Sselect_hyperslab(*in_file, H5S_SELECT_SET, begin, NULL, count, NULL) < 0) return false;
  if (width == stride) {
    *in_memory = H5Screate_simple((int)rank, count, NULL);
    return *in_memory >= 0;
  }
  *in_memory = rank == 1 ? H5Screate_simple(1, &all, NULL) : H5Screate_simple(2, room, NULL);
  const hsize_t *every = rank == 1 ? (const hsize_t[]){stride} : NULL;
  return H5Sselect_hyperslab(*in_memory, H5S_SELECT_SET, zero, every, taken, NULL) >= 0;
}

static bool read_as(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, hid_t type, void *to,
                    uint64_t stride) {
  hid_t dataset = dataset_of(s, d), in_file = H5I_INVALID_HID, in_memory = H5I_INVALID_HID;
  bool ok = select_rows(dataset, first, rows, d, stride, &in_file, &in_memory) &&
            H5Dread(dataset, type, in_memory, in_file, H5P_DEFAULT, to) >= 0;
  if (!ok) net_error(s->n, d->where, "%s cannot be read: it is damaged (HDF5: %s)", d->label, reason(s->n));
  H5Sclose(in_file);
  H5Sclose(in_memory);
  return ok;
}

static bool read_numbers(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, net_type type,
                         void *to, uint64_t stride) {
  return read_as(s, d, first, rows, type == NET_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, to, stride);
}

typedef struct {
  rt_texts *texts;
  uint32_t *ids;
  uint64_t row;
} id_list;

static void take_id(void *context, const char *text, size_t length) {
  id_list *l = context;
  *l->ids++ = rt_texts_add(l->texts, text ? text : "", length, l->row++);
}

static bool read_texts(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, rt_texts *texts,
                       uint32_t *ids) {
  hid_t type = H5Dget_type(dataset_of(s, d)); /* in memory as in the file */
  size_t size = H5Tget_size(type);
  id_list l = {texts, ids, first};
  char *data = size <= LONGEST_TEXT ? malloc(TEXT_ROWS * size) : NULL;
  bool ok = data;
  if (size > LONGEST_TEXT) net_error(s->n, d->where, "%s: texts of %zu bytes are no labels", d->label, size);
  else if (!data) net_error(s->n, d->where, "%s: no memory", d->label);
  for (uint64_t at = first, end = first + rows; ok && at < end;) {
    uint64_t count = end - at < TEXT_ROWS ? end - at : TEXT_ROWS;
    memset(data, 0, count * size);
    ok = read_as(s, d, at, count, type, data, 1);
    if (ok) each_text(type, data, count, &l, take_id);
    hid_t space = H5Screate_simple(1, (hsize_t[]){count}, NULL);
    if (H5Tis_variable_str(type) > 0) H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    H5Sclose(space);
    at += count;
  }
  free(data);
  H5Tclose(type);
  return ok;
}

const rt_source_functions rt_source_hdf5 = {
    .open = open_file, .find = find, .read = read_numbers, .read_text = read_texts, .close = close_file};
