#include "pipeline/pack.h"

#include "codegen/archive.h"
#include "codegen/shared.h"
#include "support/file.h"

bool pl_pack_archive(netc *n, const pl_object *object, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
  int stem = (int)(dot ? (size_t)(dot - base) : strlen(base));
  const char *member = net_arena_format(&n->arena, "%.*s.o", stem, base);
  const char **symbols = NET_NEW_ARRAY(&n->arena, const char *, object->function_count + 1);
  uint32_t count = 0;
  for (; count < object->function_count; count++) symbols[count] = object->functions[count].name;
  if (object->description_name) symbols[count++] = object->description_name;
  size_t length;
  const char *bytes = cg_archive(&n->arena, member, object->bytes, object->length, symbols, count, &length);
  return net_file_write(n, path, bytes, length, false);
}

bool pl_pack_shared(netc *n, const pl_object *object, const char *path) {
  return cg_link_shared(n, path, object->bytes, object->length);
}
