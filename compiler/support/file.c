#include "support/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool net_file_read(netc *n, net_loc where, const char *path, const char **text, size_t *length) {
  FILE *in = fopen(path, "rb");
  struct stat st;
  if (!in) return net_error_errno(n, where, "open", path), false;
  bool ok = false;
  if (fstat(fileno(in), &st)) net_error_errno(n, where, "read", path);
  else if (S_ISDIR(st.st_mode)) net_error(n, where, "cannot read %s: it is a directory", path);
  else if (st.st_size >= UINT32_MAX) net_error(n, where, "cannot read %s: it is larger than 4 GiB", path);
  else {
    size_t room = st.st_size > 0 ? (size_t)st.st_size : 0, have = 0; /* pipes have size 0 and go on */
    char *bytes = net_arena_alloc(&n->arena, room + 1, 1);
    for (;;) {
      have += fread(bytes + have, 1, room + 1 - have, in);
      if (have <= room) break;
      char *more = net_arena_alloc(&n->arena, (room = room * 2 + 4096) + 1, 1);
      memcpy(more, bytes, have);
      bytes = more;
    }
    bytes[have] = 0;
    if (ferror(in)) net_error_errno(n, where, "read", path);
    else *text = bytes, *length = have, ok = true;
  }
  fclose(in);
  return ok;
}

net_file_out net_file_begin(netc *n, const char *path) {
  net_file_out out = {.n = n, .path = net_arena_copy(&n->arena, path, strlen(path))};
  struct stat st;
  if (!stat(path, &st) && S_ISDIR(st.st_mode)) { /* which renaming would find out in the end */
    errno = EISDIR;
    return net_error_errno(n, NET_NOWHERE, "write", path), out;
  }
  char *temporary = net_arena_format(&n->arena, "%s.XXXXXX", path);
  int fd = mkstemp(temporary);
  if (fd < 0) return net_error_errno(n, NET_NOWHERE, "write", path), out;
  mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask); /* as a plain open would have it: mkstemp gives 0600 */
  out.temporary = temporary;
  out.stream = fdopen(fd, "wb");
  if (!out.stream) {
    net_error_errno(n, NET_NOWHERE, "write", path);
    close(fd);
    unlink(temporary);
  }
  return out;
}

bool net_file_commit(net_file_out *out, bool sync) {
  if (!out->stream) return false;
  bool ok = !ferror(out->stream) && !fflush(out->stream) && (!sync || !fsync(fileno(out->stream)));
  int saved = errno;
  if (fclose(out->stream) && ok) ok = false, saved = errno;
  out->stream = NULL;
  if (ok && rename(out->temporary, out->path)) ok = false, saved = errno;
  if (!ok) {
    unlink(out->temporary);
    errno = saved;
    net_error_errno(out->n, NET_NOWHERE, "write", out->path);
    return false;
  }
  return true;
}

void net_file_abandon(net_file_out *out) {
  if (!out->stream) return;
  fclose(out->stream);
  out->stream = NULL;
  unlink(out->temporary);
}

bool net_file_write(netc *n, const char *path, const void *bytes, size_t length, bool sync) {
  net_file_out out = net_file_begin(n, path);
  if (out.stream) fwrite(bytes, 1, length, out.stream);
  return net_file_commit(&out, sync);
}

const char *net_path_join(netc *n, const char *directory, const char *name) {
  if (name[0] == '/' || !directory[0]) return name;
  size_t length = strlen(directory);
  return net_arena_format(&n->arena, "%s%s%s", directory, directory[length - 1] == '/' ? "" : "/", name);
}

const char *net_path_directory(netc *n, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return "";
  return net_arena_copy(&n->arena, path, slash == path ? 1 : (size_t)(slash - path));
}

bool net_make_directories(netc *n, const char *path) {
  char *copy = net_arena_copy(&n->arena, path, strlen(path));
  for (char *at = copy + 1; *copy; at++) {
    if (*at && *at != '/') continue;
    char kept = *at;
    *at = 0;
    if (mkdir(copy, 0777) && errno != EEXIST)
      return net_error_errno(n, NET_NOWHERE, "make directory", copy), false;
    *at = kept;
    if (!kept) break;
  }
  return true;
}

bool net_is_empty_directory(const char *path) {
  DIR *directory = opendir(path);
  bool empty = directory != NULL;
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    empty &= !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
  if (directory) closedir(directory);
  return empty;
}

bool net_path_ends_with(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && !strcmp(path + n - m, end);
}
