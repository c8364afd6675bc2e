#include "pictures/draw.h"

#include "support/file.h"
#include "support/process.h"

#include <errno.h>

static bool run(netc *n, const pic_drawing *d, const char *input, const char *output, const char *path) {
  char complaint[512];
  const char *const arguments[] = {d->tool, d->option, NULL};
  int status = net_process_run(arguments, input, output, complaint, sizeof complaint);
  if (!status) return true;
  if (status < 0)
    net_error(n, NET_NOWHERE, "cannot run %s to draw %s: %s (Debian has it in %s); %s", d->tool, path,
              strerror(errno), d->package, d->otherwise);
  else
    net_error(n, NET_NOWHERE, "%s cannot draw %s (status %d)%s%s", d->tool, path, status,
              *complaint ? ": " : "", complaint);
  return false;
}

bool pic_can_run(const char *tool) {
  char complaint[64];
  const char *const arguments[] = {tool, "-V", NULL};
  return net_process_run(arguments, NULL, "/dev/null", complaint, sizeof complaint) == 0;
}

/* Into a file that is not there yet under its name; without a stream: reported. */
static net_file_out draw(netc *n, const pic_drawing *d, const char *path) {
  net_file_out picture = net_file_begin(n, path);
  if (!picture.stream) return picture;
  net_file_out input = net_file_begin(n, net_arena_format(&n->arena, "%s.%s", path, d->tool));
  bool done = input.stream != NULL;
  if (done) d->print(input.stream, d->context);
  if (done && (fflush(input.stream) || ferror(input.stream)))
    net_error_errno(n, NET_NOWHERE, "write", input.path), done = false;
  done = done && run(n, d, input.temporary, picture.temporary, path);
  net_file_abandon(&input);
  if (!done) net_file_abandon(&picture);
  return picture;
}

bool pic_draw(netc *n, const pic_drawing *drawing, const char *path) {
  net_file_out picture = draw(n, drawing, path);
  return net_file_commit(&picture, false);
}

const char *pic_draw_svg(netc *n, const pic_drawing *drawing, const char *beside) {
  const char *text = NULL;
  size_t length;
  net_file_out picture = draw(n, drawing, net_arena_format(&n->arena, "%s.svg", beside));
  if (!picture.stream) return NULL;
  bool read = net_file_read(n, NET_NOWHERE, picture.temporary, &text, &length);
  net_file_abandon(&picture);
  const char *element = read ? strstr(text, "<svg") : NULL;
  if (read && !element) net_error(n, NET_NOWHERE, "%s gave no SVG", drawing->tool);
  return element;
}
