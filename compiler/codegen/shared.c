#include "codegen/shared.h"

#include "support/file.h"
#include "support/process.h"

#include <errno.h>
#include <stdlib.h>

static bool link_object(netc *n, const char *path, const char *object, const char *library) {
  const char *chosen = getenv("CC"), *cc = chosen && *chosen ? chosen : "cc", *slash = strrchr(path, '/');
  const char *name = net_arena_format(&n->arena, "-Wl,-soname,%s", slash ? slash + 1 : path);
  const char *const arguments[] = {cc,   "-shared", "-nostdlib", "-Wl,-z,text", "-Wl,-z,noexecstack", name,
                                   "-o", library,   object,      NULL};
  char complaint[512];
  int status = net_process_run(arguments, NULL, NULL, complaint, sizeof complaint);
  if (!status) return true;
  if (status < 0)
    net_error(n, NET_NOWHERE,
              "cannot run '%s' to link %s: %s; set CC to a C compiler, or write an object (.o) and link it "
              "yourself",
              cc, path, strerror(errno));
  else
    net_error(n, NET_NOWHERE, "'%s' cannot link %s (status %d)%s%s; an object (.o) can be linked elsewhere",
              cc, path, status, *complaint ? ": " : "", complaint);
  return false;
}

bool cg_link_shared(netc *n, const char *path, const char *object, size_t length) {
  net_file_out library = net_file_begin(n, path);
  if (!library.stream) return false;
  net_file_out input = net_file_begin(n, net_arena_format(&n->arena, "%s.o", path));
  if (!input.stream) return net_file_abandon(&library), false;
  bool done = fwrite(object, 1, length, input.stream) == length && !fflush(input.stream);
  if (!done) net_error(n, NET_NOWHERE, "cannot write %s: %s", input.path, strerror(errno));
  done = done && link_object(n, path, input.temporary, library.temporary);
  net_file_abandon(&input);
  if (done) return net_file_commit(&library, false);
  net_file_abandon(&library);
  return false;
}
