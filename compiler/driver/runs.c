#include "driver/runs.h"

#include "support/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest number among the names in a directory; −1: it cannot be read, 0: none. */
static long last_number(const char *path) {
  DIR *directory = opendir(path);
  if (!directory) return -1;
  long last = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    char *end;
    long number = strtol(entry->d_name, &end, 10);
    if (!*end && number > last) last = number;
  }
  closedir(directory);
  return last;
}

/* Points latest at the run, by a rename, so that there always is one. */
static void link_latest(netc *n, const char *base, const char *name) {
  const char *latest = net_arena_format(&n->arena, "%s/latest", base);
  const char *fresh = net_arena_format(&n->arena, "%s/latest.%ld", base, (long)getpid());
  if (symlink(name, fresh) || rename(fresh, latest)) {
    net_warning(n, NET_NOWHERE, "cannot point %s at %s: %s", latest, name, strerror(errno));
    unlink(fresh);
  }
}

bool dr_can_begin(dr_call *call) {
  const char *out = call->value[DR_out];
  struct stat st;
  if (!out || stat(out, &st)) return true;
  if (!S_ISDIR(st.st_mode))
    return net_error(call->n, NET_NOWHERE, "%s is there already, and is no directory", out), false;
  if (net_is_empty_directory(out)) return true;
  net_error(call->n, NET_NOWHERE, "%s is not empty: no run is overwritten (--resume goes on with one)", out);
  return false;
}

const char *dr_new_run(dr_call *call, const char *network) {
  netc *n = call->n;
  const char *out = call->value[DR_out];
  if (out) return dr_can_begin(call) && net_make_directories(n, out) ? out : NULL;
  return dr_new_run_in(n, net_arena_format(&n->arena, "runs/%s", network));
}

const char *dr_new_run_in(netc *n, const char *base) {
  if (!net_make_directories(n, base)) return NULL;
  for (long number = last_number(base) + 1; number > 0; number++) {
    const char *name = net_arena_format(&n->arena, "%04ld", number);
    const char *path = net_arena_format(&n->arena, "%s/%s", base, name);
    if (!mkdir(path, 0777)) return link_latest(n, base, name), path;
    if (errno != EEXIST)
      return net_error_errno(n, NET_NOWHERE, "make directory", path), NULL; /* else: another run's */
  }
  return net_error_errno(n, NET_NOWHERE, "read", base), NULL;
}

static bool remove_run(netc *n, const char *directory) {
  static const char *const files[] = {"program.net", "log.jsonl"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    unlink(net_arena_format(&n->arena, "%s/%s", directory, files[i]));
  return !rmdir(directory);
}

void dr_drop_run(dr_call *call, const char *network, const char *directory) {
  netc *n = call->n;
  if (dr_has(call, DR_out)) remove_run(n, directory);
  else dr_drop_run_in(n, net_arena_format(&n->arena, "runs/%s", network), directory);
}

/* latest goes back to the run before, unless another process has moved it on meanwhile. */
void dr_drop_run_in(netc *n, const char *base, const char *directory) {
  if (!remove_run(n, directory)) return;
  const char *latest = net_arena_format(&n->arena, "%s/latest", base);
  if (!access(latest, F_OK)) return;
  long number = last_number(base);
  if (number > 0) link_latest(n, base, net_arena_format(&n->arena, "%04ld", number));
  else if (!unlink(latest) && !rmdir(base)) rmdir("runs");
}

const char *dr_resumed_run(dr_call *call, const char *network) {
  netc *n = call->n;
  const char *directory = dr_find_run(call, network);
  struct stat st;
  if (!directory) return NULL;
  if (stat(directory, &st)) return net_error_errno(n, NET_NOWHERE, "resume", directory), NULL;
  if (!S_ISDIR(st.st_mode))
    return net_error(n, NET_NOWHERE, "cannot resume %s: it is no directory", directory), NULL;
  if (!access(net_arena_format(&n->arena, "%s/last.safetensors", directory), F_OK)) return directory;
  net_error(n, NET_NOWHERE, "cannot resume %s: it holds no last.safetensors, so it is no run", directory);
  return NULL;
}

const char *dr_find_run(dr_call *call, const char *network) {
  netc *n = call->n;
  if (dr_has(call, DR_out)) return call->value[DR_out];
  const char *base = net_arena_format(&n->arena, "runs/%s", network);
  const char *latest = net_arena_format(&n->arena, "%s/latest", base);
  char target[256];
  ssize_t length = readlink(latest, target, sizeof target - 1);
  if (length > 0) {
    target[length] = 0;
    return net_arena_format(&n->arena, "%s/%s", base, target);
  }
  net_error(n, NET_NOWHERE, "'%s' has no run in %s: train it first, or name weights with --load", network,
            base);
  return NULL;
}

bool dr_has_run(dr_call *call, const char *network) {
  return !access(net_arena_format(&call->n->arena, "runs/%s/latest", network), F_OK);
}
