#include "runtime/source.h"

#include "support/file.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define RT_SOURCE(kind, ...) extern const rt_source_functions rt_source_##kind;
#include "runtime/sources.def"
#undef RT_SOURCE

static const rt_source_kind kinds[] = {
#define RT_SOURCE(kind, ...) {{#kind, __VA_ARGS__}, &rt_source_##kind},
#include "runtime/sources.def"
#undef RT_SOURCE
};

uint32_t rt_source_count(void) { return sizeof kinds / sizeof kinds[0]; }
const rt_source_info *rt_source_at(uint32_t i) { return &kinds[i].info; }

const rt_source_kind *rt_source_kind_find(const char *name) {
  for (uint32_t i = 0; i < rt_source_count(); i++)
    if (!strcmp(name, kinds[i].info.name)) return &kinds[i];
  return NULL;
}

const rt_source_kind *rt_source_kind_of_path(const char *path) {
  size_t length = strlen(path);
  for (uint32_t i = 0; i < rt_source_count(); i++)
    for (const char *e = kinds[i].info.endings; e && *e; e += strcspn(e, " "), e += *e == ' ') {
      size_t n = strcspn(e, " ");
      if (length > n && !memcmp(path + length - n, e, n)) return &kinds[i];
    }
  return NULL;
}

const char *rt_source_place(const rt_source *s, uint64_t row) {
  if (s->kind->functions->line)
    return net_arena_format(&s->n->arena, "line %" PRIu64, s->kind->functions->line(s, row));
  return net_arena_format(&s->n->arena, "row %" PRIu64, row);
}

void rt_texts_init(rt_texts *texts, net_arena *arena) {
  *texts = (rt_texts){0};
  net_names_init(&texts->names, arena);
  net_vec_push(arena, &texts->first, UINT64_MAX);
  net_vec_push(arena, &texts->from, 0);
}

uint32_t rt_texts_add(rt_texts *texts, const char *text, size_t length, uint64_t row) {
  uint32_t id = net_names_add(&texts->names, text, length).id;
  if (id == texts->first.count) {
    net_vec_push(texts->names.arena, &texts->first, row);
    net_vec_push(texts->names.arena, &texts->from, texts->source);
  } else if (texts->first.at[id] == UINT64_MAX) {
    texts->first.at[id] = row;
    texts->from.at[id] = texts->source;
  }
  return id;
}

/* A file of a similar name in the same directory, or NULL. */
static const char *similar_file(netc *n, const char *path) {
  const char *directory = net_path_directory(n, path), *slash = strrchr(path, '/');
  NET_VEC(const char *) names = {0};
  DIR *dir = opendir(*directory ? directory : ".");
  if (!dir) return NULL;
  for (struct dirent *e; (e = readdir(dir)) && names.count < 1000;)
    net_vec_push(&n->arena, &names, net_arena_copy(&n->arena, e->d_name, strlen(e->d_name)));
  closedir(dir);
  return net_nearest(slash ? slash + 1 : path, names.at, names.count);
}

bool rt_file_check(netc *n, net_loc where, const char *path, uint64_t *size) {
  struct stat st;
  FILE *in = NULL;
  if (stat(path, &st) || (S_ISREG(st.st_mode) && !(in = fopen(path, "rb")))) {
    const char *near = errno == ENOENT ? similar_file(n, path) : NULL;
    if (!near) return net_error_errno(n, where, "open", path), false;
    net_error(n, where, "cannot open %s: there is no such file (did you mean '%s'?)", path, near);
    return false;
  }
  if (in) fclose(in);
  if (S_ISDIR(st.st_mode)) return net_error(n, where, "cannot read %s: it is a directory", path), false;
  if (S_ISREG(st.st_mode) && !st.st_size)
    return net_error(n, where, "cannot read %s: it is empty", path), false;
  *size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
  return true;
}

const char *rt_source_file(rt_source *s, const rt_ask *ask) {
  const char *path = s->spec->path;
  struct stat st;
  if (!ask->name) return path;
  if (stat(path, &st)) return net_error_errno(s->n, s->spec->where, "open", path), NULL;
  return net_path_join(s->n, S_ISDIR(st.st_mode) ? path : net_path_directory(s->n, path), ask->name);
}

const char *rt_shown(netc *n, const char *text) {
  enum { LONGEST = 80 };
  size_t length = strlen(text), shown = length > LONGEST ? LONGEST - 3 : length;
  char *copy = net_arena_format(&n->arena, "%.*s%s", (int)shown, text, shown < length ? "..." : "");
  for (unsigned char *c = (unsigned char *)copy; *c; c++)
    if (*c < ' ' || *c > '~') *c = '?'; /* also UTF-8: it may be cut or damaged */
  return copy;
}

static const char *list(netc *n, const char *const *names, const char *const *descriptions, uint32_t count) {
  enum { MOST = 12 };
  const char *text = count ? "" : "none";
  for (uint32_t i = 0; i < count && i < MOST; i++)
    text = net_arena_format(&n->arena, "%s%s'%s'%s%s", text, i ? ", " : "", rt_shown(n, names[i]),
                            descriptions ? " " : "", descriptions ? descriptions[i] : "");
  return count > MOST ? net_arena_format(&n->arena, "%s and %u more", text, count - MOST) : text;
}

void rt_report_missing(netc *n, net_loc where, const char *file, const char *noun, const char *name,
                       const char *const *names, const char *const *descriptions, uint32_t count) {
  const char *near = name && strlen(name) > 2 ? net_nearest(name, names, count) : NULL,
             *has = list(n, names, descriptions, count);
  if (name && near)
    net_error(n, where, "%s has no %s '%s' (did you mean '%s'?); it has %s", file, noun, name,
              rt_shown(n, near), has);
  else if (name) net_error(n, where, "%s has no %s '%s'; it has %s", file, noun, name, has);
  else net_error(n, where, "%s must have one %s to be read without naming it; it has %s", file, noun, has);
}

void *rt_column_alloc(netc *n, net_loc where, const char *label, uint64_t rows, uint64_t width) {
  enum { SLACK = 64 };
  uint64_t bytes;
  char *data = NULL;
  bool fits = !__builtin_mul_overflow(rows, width, &bytes) && !__builtin_mul_overflow(bytes, 4, &bytes) &&
              bytes < SIZE_MAX / 2;
  if (fits) {
    size_t room = (size_t)(bytes + 63) / 64 * 64 + SLACK;
    data = aligned_alloc(64, room);
    if (data) memset(data + bytes, 0, room - bytes);
  }
  if (!data)
    net_error(n, where, "%s: no memory for %" PRIu64 " rows of %" PRIu64 " values", label, rows, width);
  return data;
}
