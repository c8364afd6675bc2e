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

const char *net_program_text(netc *n, const net_program *program) {
  net_file flat = *program->file;
  flat.decls = program->decls;
  return net_format(n, &flat);
}
