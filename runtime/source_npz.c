/* NumPy's .npz files: zip archives of .npy files. */
#include "runtime/source_array.h"

#include <zip.h>

static bool open_archive(rt_source *s) {
  int code;
  uint64_t size;
  rt_arrays_open(s);
  if (!rt_file_check(s->n, s->spec->where, s->spec->path, &size)) return false;
  zip_t *archive = zip_open(s->spec->path, ZIP_RDONLY, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const char *why =
        code == ZIP_ER_NOZIP ? "it is no zip archive, or it is cut short" : zip_error_strerror(&error);
    net_error(s->n, s->spec->where, "cannot read %s: %s", s->spec->path, why);
    zip_error_fini(&error);
    return false;
  }
  ((rt_arrays *)s->state)->archive = archive;
  return true;
}

/* The member of an array, named with or without .npy, or the only one; -1: reported. */
static zip_int64_t find_member(rt_source *s, const rt_ask *ask) {
  zip_t *archive = ((rt_arrays *)s->state)->archive;
  zip_int64_t count = zip_get_num_entries(archive, 0), last = -1;
  NET_VEC(const char *) names = {0};
  for (zip_int64_t i = 0; i < count; i++) {
    const char *member = zip_get_name(archive, (zip_uint64_t)i, 0);
    size_t length = member ? strlen(member) : 0;
    if (length < 4 || strcmp(member + length - 4, ".npy")) continue;
    const char *name = net_arena_copy(&s->n->arena, member, length - 4);
    if (ask->name && (!strcmp(ask->name, name) || !strcmp(ask->name, member))) return i;
    net_vec_push(&s->n->arena, &names, name);
    last = i;
  }
  if (!ask->name && names.count == 1) return last;
  rt_report_missing(s->n, ask->where, s->spec->path, "array", ask->name, names.at, NULL, names.count);
  return -1;
}

static bool find(rt_source *s, const rt_ask *ask, rt_dataset *found) {
  zip_int64_t index = find_member(s, ask);
  if (index < 0) return false;
  zip_t *archive = ((rt_arrays *)s->state)->archive;
  const char *member = zip_get_name(archive, (zip_uint64_t)index, 0);
  const char *name = net_arena_copy(&s->n->arena, member, strlen(member) - strlen(".npy"));
  const char *label = net_arena_format(&s->n->arena, "%s: array '%s'", s->spec->path, rt_shown(s->n, name));
  rt_array *a = rt_arrays_add(s);
  if (!rt_stream_open_member(s->n, ask->where, label, archive, (zip_uint64_t)index, &a->stream)) return false;
  if (!rt_npy_header(a)) return false;
  rt_array_found(a, ask, label, found);
  return true;
}

const rt_source_functions rt_source_npz = {.open = open_archive,
                                           .find = find,
                                           .read = rt_array_read,
                                           .read_text = rt_array_read_text,
                                           .close = rt_arrays_close};
