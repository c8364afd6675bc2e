#include "codegen/shared.h"

#include "support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs a program with nothing to read, and gives the first line that it complains with. Gives its exit status,
 * or −1 with errno when it cannot be run. */
static int run(const char *const *arguments, char *complaint, size_t size) {
  int ends[2], status = -1;
  pid_t child;
  complaint[0] = 0;
  if (pipe(ends)) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  int failed = posix_spawnp(&child, arguments[0], &actions, NULL, (char *const *)arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  size_t length = 0;
  char rest[256];
  for (ssize_t got = 1; !failed && got > 0;) { /* to the end, so that it is never stopped by a full pipe */
    bool fits = length < size - 1;
    got = read(ends[0], fits ? complaint + length : rest, fits ? size - 1 - length : sizeof rest);
    if (got < 0 && errno == EINTR) got = 1;
    else if (got > 0 && fits) length += (size_t)got;
  }
  close(ends[0]);
  if (failed) return errno = failed, -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR);
  complaint[length] = 0;
  complaint[strcspn(complaint, "\n")] = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool link_object(netc *n, const char *path, const char *object, const char *library) {
  const char *chosen = getenv("CC"), *cc = chosen && *chosen ? chosen : "cc", *slash = strrchr(path, '/');
  const char *name = net_arena_format(&n->arena, "-Wl,-soname,%s", slash ? slash + 1 : path);
  const char *const arguments[] = {cc,   "-shared", "-nostdlib", "-Wl,-z,text", "-Wl,-z,noexecstack", name,
                                   "-o", library,   object,      NULL};
  char complaint[512];
  int status = run(arguments, complaint, sizeof complaint);
  if (!status) return true;
  if (status < 0)
    net_error(n, NET_NOWHERE,
              "cannot run '%s' to link %s: %s; set CC to a C compiler, or write an object (.o) and link it yourself",
              cc, path, strerror(errno));
  else
    net_error(n, NET_NOWHERE, "'%s' cannot link %s (status %d)%s%s; an object (.o) can be linked elsewhere", cc, path,
              status, *complaint ? ": " : "", complaint);
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
