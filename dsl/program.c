#include "dsl/program.h"

#include "dsl/format.h"
#include "dsl/parse.h"
#include "support/file.h"

#include <stdlib.h>

enum { DEEPEST_IMPORT = 64 }; /* files that import each other in a row */

/* A text being loaded, and those that import it. */
typedef struct loading {
  const struct loading *importer;
  const char *path; /* as named */
  const char *real; /* without links; NULL: not from a file */
  uint32_t depth;
} loading;

typedef struct {
  netc *n;
  net_program *program;
  NET_VEC(const char *) seen; /* real paths */
} loader;

/* The path without links, in the arena; NULL if there is no such file. */
static const char *real_path(netc *n, const char *path) {
  char *found = realpath(path, NULL);
  const char *copy = found ? net_arena_copy(&n->arena, found, strlen(found)) : NULL;
  free(found);
  return copy;
}

static bool load_file(loader *l, const loading *here, net_loc where);

/* "a.net imports b.net imports a.net" */
static const char *chain_text(netc *n, const loading *here, const loading *first) {
  if (here == first) return here->path;
  return net_arena_format(&n->arena, "%s imports %s", chain_text(n, here->importer, first), here->path);
}

static bool import(loader *l, const loading *here, const net_decl *d) {
  netc *n = l->n;
  const char *name = net_text(n, d->import.name);
  if (!name[0]) return net_error(n, d->import.loc, "an import needs the name of a file"), false;
  const char *path = net_path_join(n, net_path_directory(n, here->path), name);
  loading next = {here, path, real_path(n, path), here->depth + 1};
  if (next.depth > DEEPEST_IMPORT)
    return net_error(n, d->import.loc, "more than %d files import each other in a row", DEEPEST_IMPORT),
           false;
  for (const loading *other = here; other && next.real; other = other->importer) {
    if (!other->real || strcmp(other->real, next.real)) continue;
    net_error(n, d->import.loc, "imports go in a circle: %s imports %s", chain_text(n, here, other),
              other->path);
    return false;
  }
  for (uint32_t i = 0; i < l->seen.count && next.real; i++)
    if (!strcmp(l->seen.at[i], next.real)) return true;
  if (next.real) net_vec_push(&n->arena, &l->seen, next.real);
  uint32_t errors = n->diagnostics.errors;
  bool ok = load_file(l, &next, d->import.loc);
  if (!ok && n->diagnostics.errors > errors &&
      n->diagnostics.list.at[n->diagnostics.list.count - 1].where.begin != d->import.loc.begin)
    net_note(n, d->import.loc, "%s is imported here", path);
  return ok;
}

static bool load_text(loader *l, const loading *here, net_loc where, const char *text, size_t length,
                      const net_file **file) {
  uint32_t source;
  if (!net_sources_add(&l->n->sources, here->path, text, length, &source))
    return net_error(l->n, where, "the texts of this program have more than 4 GiB in all"), false;
  net_file *parsed = net_parse(l->n, source);
  if (!parsed) return false;
  if (file) *file = parsed;
  bool ok = true;
  for (uint32_t i = 0; i < parsed->decls.count; i++) {
    net_decl *d = parsed->decls.at[i];
    if (d->kind == NET_DECL_IMPORT)
      ok &= import(l, here, d);
    else
      net_vec_push(&l->n->arena, &l->program->decls, d);
  }
  return ok;
}

static bool load_file(loader *l, const loading *here, net_loc where) {
  const char *text;
  size_t length;
  return net_file_read(l->n, where, here->path, &text, &length) &&
         load_text(l, here, where, text, length, here->importer ? NULL : &l->program->file);
}

bool net_program_load(netc *n, const char *path, net_program **out) {
  loader l = {.n = n, .program = NET_NEW(&n->arena, net_program)};
  loading here = {.path = path, .real = real_path(n, path)};
  bool ok = load_file(&l, &here, NET_NOWHERE) && net_program_check(n, l.program);
  if (ok) *out = l.program;
  return ok;
}

bool net_program_from_text(netc *n, const char *path, const char *text, size_t length, net_program **out) {
  loader l = {.n = n, .program = NET_NEW(&n->arena, net_program)};
  loading here = {.path = path};
  const char *copy = net_arena_copy(&n->arena, text, length);
  bool ok =
      load_text(&l, &here, NET_NOWHERE, copy, length, &l.program->file) && net_program_check(n, l.program);
  if (ok) *out = l.program;
  return ok;
}

const net_decl *net_program_find(const net_program *program, net_decl_kind kind, net_name name) {
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *d = program->decls.at[i];
    if (d->kind == kind && net_name_same(d->name.name, name)) return d;
  }
  return NULL;
}

uint32_t net_program_count(const net_program *program, net_decl_kind kind, const net_decl **first) {
  uint32_t count = 0;
  *first = NULL;
  for (uint32_t i = 0; i < program->decls.count; i++) {
    if (program->decls.at[i]->kind != kind) continue;
    if (count++ == 0) *first = program->decls.at[i];
  }
  return count;
}

const char *net_program_names(netc *n, const net_program *program, net_decl_kind kind) {
  const char *list = "";
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *d = program->decls.at[i];
    if (d->kind == kind && d->name.name.id)
      list = net_arena_format(&n->arena, "%s%s%s", list, list[0] ? ", " : "", net_text(n, d->name.name));
  }
  return list;
}

/* ---- flattening ---- */

/* What leads from one directory to another below it; absolute where it is not below; "" for the same. */
static const char *way(netc *n, const char *from, const char *to) {
  size_t length = strlen(from);
  if (!strcmp(from, to)) return "";
  bool below = length && !strncmp(from, to, length) && to[length] == '/';
  return below ? net_arena_copy(&n->arena, to + length + 1, strlen(to) - length - 1) : to;
}

static net_map *relocated_map(netc *n, const net_map *map, const char *directory);

/* hdf5("jets.h5") as it reads from another directory: hdf5("data/jets.h5") */
static net_expr *relocated(netc *n, net_expr *value, const char *directory) {
  if (value->kind == NET_EXPR_MAP) {
    net_expr *moved = net_expr_new(n, NET_EXPR_MAP, value->loc);
    *moved = *value;
    moved->map = relocated_map(n, value->map, directory);
    return moved;
  }
  if (value->kind != NET_EXPR_CALL) return value;
  net_expr *moved = net_expr_new(n, NET_EXPR_CALL, value->loc);
  *moved = *value;
  moved->call.args = (net_args){0};
  for (uint32_t i = 0; i < value->call.args.count; i++) {
    net_arg arg = value->call.args.at[i];
    bool path = arg.name.name.id ? !strcmp(net_text(n, arg.name.name), "path") : i == 0;
    if (path && arg.value->kind == NET_EXPR_STRING) {
      net_expr *string = net_expr_new(n, NET_EXPR_STRING, arg.value->loc);
      *string = *arg.value;
      string->string = net_intern(n, net_path_join(n, directory, net_text(n, arg.value->string)));
      arg.value = string;
    }
    net_vec_push(&n->arena, &moved->call.args, arg);
  }
  return moved;
}

static net_map *relocated_map(netc *n, const net_map *map, const char *directory) {
  static const char *const keys[] = {"source", "split", "train", "validation", "test"};
  net_map *moved = NET_NEW(&n->arena, net_map);
  *moved = *map;
  moved->entries = (net_entries){0};
  for (uint32_t i = 0; i < map->entries.count; i++) {
    net_entry entry = map->entries.at[i];
    const char *key = entry.kind == NET_ENTRY_SET ? net_dotted_text(n, &entry.path) : "";
    bool sources = false;
    for (uint32_t k = 0; k < sizeof keys / sizeof *keys; k++) sources |= !strcmp(key, keys[k]);
    if (sources) entry.value = relocated(n, entry.value, directory);
    net_vec_push(&n->arena, &moved->entries, entry);
  }
  return moved;
}

const char *net_program_text(netc *n, const net_program *program) {
  net_file flat = *program->file;
  const char *home = net_path_directory(n, n->sources.files.at[flat.source].path);
  flat.decls = (net_decls){0};
  for (uint32_t i = 0; i < program->decls.count; i++) {
    net_decl *decl = program->decls.at[i];
    const net_source *source = net_sources_find(&n->sources, decl->loc).source;
    const char *directory = source ? way(n, home, net_path_directory(n, source->path)) : "";
    if (decl->kind == NET_DECL_DATA && *directory) {
      /* imported: its paths are to be seen from the importing file */
      net_decl *moved = NET_NEW(&n->arena, net_decl);
      *moved = *decl;
      moved->map = relocated_map(n, decl->map, directory);
      decl = moved;
    }
    net_vec_push(&n->arena, &flat.decls, decl);
  }
  return net_format_file(n, &flat);
}
