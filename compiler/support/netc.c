#include "support/netc.h"

void netc_init(netc *n, jmp_buf *guard) {
  *n = (netc){0};
  net_arena_init(&n->arena, guard);
  net_names_init(&n->names, &n->arena);
  net_sources_init(&n->sources, &n->arena);
  net_diagnostics_init(&n->diagnostics, &n->arena);
}

void netc_free(netc *n) { net_arena_free(&n->arena); }

net_name net_intern(netc *n, const char *text) { return net_names_add(&n->names, text, strlen(text)); }

net_name net_intern_bytes(netc *n, const char *text, size_t length) {
  return net_names_add(&n->names, text, length);
}

net_name net_intern_format(netc *n, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const char *text = net_arena_vformat(&n->arena, format, arguments);
  va_end(arguments);
  return net_intern(n, text);
}

const char *net_text(const netc *n, net_name name) { return net_names_text(&n->names, name); }
