#include "runtime/source_stream.h"

#include "runtime/source.h"
#include <errno.h>
#include <inttypes.h>
#include <zip.h>
#include <zlib.h>

enum { STREAM_BUFFER = 256 * 1024, DEFLATE_RATIO = 1032 }; /* deflate never packs tighter than 1032 : 1 */

bool rt_stream_open_file(netc *n, net_loc where, const char *path, rt_stream *stream) {
  uint64_t size;
  *stream = (rt_stream){.n = n, .where = where, .label = path};
  if (!rt_file_check(n, where, path, &size)) return false;
  stream->gz = gzopen(path, "rb"); /* reads plain files too */
  if (!stream->gz) return net_error_errno(n, where, "open", path), false;
  gzbuffer(stream->gz, STREAM_BUFFER);
  if (gzdirect(stream->gz)) stream->most = size;
  else stream->most = size < UINT64_MAX / DEFLATE_RATIO ? size * DEFLATE_RATIO : UINT64_MAX;
  return true;
}

bool rt_stream_open_member(netc *n, net_loc where, const char *label, struct zip *archive, uint64_t index,
                           rt_stream *stream) {
  *stream = (rt_stream){.n = n, .where = where, .label = label, .archive = archive, .index = index};
  zip_stat_t st;
  stream->member = zip_fopen_index(archive, index, 0);
  if (!stream->member || zip_stat_index(archive, index, 0, &st))
    return net_error(n, where, "cannot read %s: %s", label, zip_strerror(archive)), false;
  bool bounded = (st.valid & ZIP_STAT_SIZE) && (st.valid & ZIP_STAT_COMP_SIZE) &&
                 (st.valid & ZIP_STAT_COMP_METHOD) &&
                 (st.comp_method == ZIP_CM_STORE || st.comp_method == ZIP_CM_DEFLATE) &&
                 st.comp_size < UINT64_MAX / DEFLATE_RATIO;
  stream->most = st.size;
  if (bounded && st.size > st.comp_size * DEFLATE_RATIO) stream->most = st.comp_size * DEFLATE_RATIO;
  return true;
}

static bool report_gz(rt_stream *s) {
  int code;
  const char *text = gzerror(s->gz, &code);
  size_t path = strlen(s->label); /* zlib puts it in front */
  if (!strncmp(text, s->label, path) && text[path] == ':') text += path + strspn(text + path, ": ");
  if (code == Z_ERRNO) net_error_errno(s->n, s->where, "read", s->label);
  else if (code == Z_BUF_ERROR)
    net_error(s->n, s->where, "%s is cut short: its gzip data end too early", s->label);
  else net_error(s->n, s->where, "%s is damaged: %s", s->label, text);
  return false;
}

/* One call of the library: at most so many bytes, 0 at the end; negative: failed. */
static int64_t read_once(rt_stream *s, void *to, size_t bytes) {
  unsigned length = bytes > 1u << 30 ? 1u << 30 : (unsigned)bytes;
  return s->gz ? gzread(s->gz, to, length) : zip_fread(s->member, to, length);
}

bool rt_stream_read_some(rt_stream *s, void *to, size_t bytes, size_t *got) {
  for (*got = 0; *got < bytes;) {
    int64_t more = read_once(s, (char *)to + *got, bytes - *got);
    if (more < 0 && s->gz) return report_gz(s);
    if (more < 0)
      return net_error(s->n, s->where, "%s is damaged: %s", s->label, zip_file_strerror(s->member)), false;
    *got += (size_t)more;
    s->at += (uint64_t)more;
    int code = Z_OK;
    if (s->gz && *got < bytes) gzerror(s->gz, &code);
    if (code != Z_OK) return report_gz(s);
    if (!more) break;
  }
  return true;
}

bool rt_stream_read(rt_stream *s, void *to, size_t bytes) {
  uint64_t begin = s->at;
  size_t got;
  if (!rt_stream_read_some(s, to, bytes, &got)) return false;
  if (got < bytes)
    net_error(s->n, s->where,
              "%s is cut short: it ends at byte %" PRIu64 ", but its data reach to byte %" PRIu64, s->label,
              s->at, begin + bytes);
  return got == bytes;
}

bool rt_stream_seek(rt_stream *s, uint64_t at) {
  if (s->gz) {
    if (at == s->at) return true;
    if (at > INT64_MAX || gzseek(s->gz, (z_off_t)at, SEEK_SET) < 0) return report_gz(s);
    s->at = at;
    return true;
  }
  if (at < s->at) {
    zip_fclose(s->member);
    s->at = 0;
    s->member = zip_fopen_index(s->archive, s->index, 0);
    if (!s->member)
      return net_error(s->n, s->where, "cannot read %s: %s", s->label, zip_strerror(s->archive)), false;
  }
  for (char skipped[16 * 1024]; s->at < at;) {
    uint64_t left = at - s->at;
    if (!rt_stream_read(s, skipped, left < sizeof skipped ? (size_t)left : sizeof skipped)) return false;
  }
  return true;
}

bool rt_stream_expect_end(rt_stream *s) {
  char byte;
  size_t got;
  uint64_t end = s->at;
  if (!rt_stream_read_some(s, &byte, 1, &got)) return false;
  if (got)
    net_error(s->n, s->where, "%s goes on after byte %" PRIu64 ", where its data end by its header", s->label,
              end);
  return !got;
}

void rt_stream_close(rt_stream *s) {
  if (s->gz) gzclose(s->gz);
  if (s->member) zip_fclose(s->member);
  s->gz = NULL;
  s->member = NULL;
}
