/* Bytes of a file, plain or gzip, or of a member of a zip archive: read forwards, with seeks. */
#ifndef NETC_RUNTIME_SOURCE_STREAM_H
#define NETC_RUNTIME_SOURCE_STREAM_H

#include "support/netc.h"

struct gzFile_s;
struct zip;
struct zip_file;

typedef struct {
  netc *n;
  net_loc where;
  const char *label; /* for messages */
  struct gzFile_s *gz;
  struct zip *archive; /* borrowed */
  struct zip_file *member;
  uint64_t index; /* of the member */
  uint64_t at;
  uint64_t most; /* no more bytes than this can come of it: exact for plain files */
} rt_stream;

bool rt_stream_open_file(netc *n, net_loc where, const char *path, rt_stream *stream);
bool rt_stream_open_member(netc *n, net_loc where, const char *label, struct zip *archive, uint64_t index,
                           rt_stream *stream);
/* Up to so many bytes: fewer only at the end; false: reported. */
bool rt_stream_read_some(rt_stream *stream, void *to, size_t bytes, size_t *got);
/* All of them: an end before that is reported as a file cut short. */
bool rt_stream_read(rt_stream *stream, void *to, size_t bytes);
bool rt_stream_seek(rt_stream *stream, uint64_t at);
/* Whether nothing follows: reports when something does, or when checksums do not agree. */
bool rt_stream_expect_end(rt_stream *stream);
void rt_stream_close(rt_stream *stream);

#endif
