/* netc fmt: prints programs in canonical form. */
#include "driver/driver.h"

#include "dsl/format.h"
#include "dsl/parse.h"
#include "support/file.h"

static int format_one(dr_call *call, const char *path) {
  netc *n = call->n;
  const char *text;
  size_t length;
  uint32_t source;
  if (!net_file_read(n, NET_NOWHERE, path, &text, &length)) return DR_WRONG_INPUT;
  if (!net_sources_add(&n->sources, path, text, length, &source))
    return net_error(n, NET_NOWHERE, "%s is too large", path), DR_WRONG_INPUT;
  const net_file *file = net_parse(n, source);
  if (!file) return DR_WRONG_INPUT;
  const char *formatted = net_format_file(n, file);
  bool same = strlen(formatted) == length && !memcmp(formatted, text, length);
  if (dr_has(call, DR_check)) {
    if (!same) fprintf(call->talk, "%s is not in canonical form (netc fmt -i %s)\n", path, path);
    return same ? DR_DONE : DR_DOES_NOT_HOLD;
  }
  if (dr_has(call, DR_in_place))
    return same || net_file_write(n, path, formatted, strlen(formatted), false) ? DR_DONE : DR_WRONG_INPUT;
  fputs(formatted, call->out);
  return DR_DONE;
}

int dr_fmt(dr_call *call) {
  int worst = DR_DONE;
  for (uint32_t i = 0; i < call->arguments.count; i++) {
    int code = format_one(call, call->arguments.at[i]);
    if (code == DR_WRONG_INPUT || worst == DR_DONE) worst = code;
  }
  return worst;
}
