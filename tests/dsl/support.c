#include "tests/dsl/support.h"

#include <stdlib.h>

net_file *parse_bytes(netc *n, const char *text, size_t length) {
  uint32_t source;
  assert_true(
      net_sources_add(&n->sources, "t.net", net_arena_copy(&n->arena, text, length), length, &source));
  return net_parse(n, source);
}

net_file *parse_text(netc *n, const char *text) { return parse_bytes(n, text, strlen(text)); }

net_file *parse_right(netc *n, const char *text) {
  uint32_t errors = n->diagnostics.errors;
  net_file *file = parse_text(n, text);
  if (file && n->diagnostics.errors == errors) return file;
  char *messages = diagnostics(n);
  fprintf(stderr, "in this text:\n%s\n%s", text, messages);
  free(messages);
  fail();
  return NULL;
}

char *diagnostics(netc *n) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  net_diagnostics_flush(n, to, NET_DIAGNOSTICS_TEXT, false);
  fclose(to);
  return text;
}

void assert_errors(const char *text, ...) {
  netc n;
  netc_init(&n, NULL);
  net_file *file = parse_text(&n, text);
  char *messages = diagnostics(&n);
  if (file) fprintf(stderr, "no errors in: %s\n", text);
  assert_null(file);
  assert_true(n.diagnostics.errors > 0);
  assert_int_equal(n.diagnostics.faults, 0);
  va_list wanted;
  va_start(wanted, text);
  for (const char *part; (part = va_arg(wanted, const char *));)
    if (!strstr(messages, part)) {
      fprintf(stderr, "'%s' is not in:\n%s", part, messages);
      fail();
    }
  va_end(wanted);
  free(messages);
  netc_free(&n);
}

uint32_t count_errors(const char *text) {
  netc n;
  netc_init(&n, NULL);
  net_file *file = parse_text(&n, text);
  uint32_t errors = n.diagnostics.errors;
  assert_true(!file == (errors > 0));
  netc_free(&n);
  return errors;
}
