/* Files, read and written whole. */
#ifndef NETC_SUPPORT_FILE_H
#define NETC_SUPPORT_FILE_H

#include "support/netc.h"

/* Reads a whole regular file into the arena (with a NUL behind it); reports and returns false on failure. */
bool net_file_read(netc *n, net_loc where, const char *path, const char **text, size_t *length);

/* A file that appears under its name only when complete: written to PATH.XXXXXX beside it, synced if asked,
 * then renamed. Nothing of a failed or abandoned file stays. */
typedef struct {
  netc *n;
  FILE *stream; /* NULL when opening failed (reported) */
  const char *path, *temporary;
} net_file_out;

net_file_out net_file_begin(netc *n, const char *path);
bool net_file_commit(net_file_out *out, bool sync); /* false: reported, the old file (if any) untouched */
void net_file_abandon(net_file_out *out);
bool net_file_write(netc *n, const char *path, const void *bytes, size_t length, bool sync);

/* DIR/NAME, or NAME if it is absolute or DIR is empty; in the arena */
const char *net_path_join(netc *n, const char *directory, const char *name);
/* the directory part of a path ("" if none) */
const char *net_path_directory(netc *n, const char *path);
/* whether a path ends so, as in ".svg" */
bool net_path_ends_with(const char *path, const char *end);
/* like mkdir -p; reports failures */
bool net_make_directories(netc *n, const char *path);
/* Whether it is a directory with nothing in it. */
bool net_is_empty_directory(const char *path);

#endif
