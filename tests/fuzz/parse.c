/* libFuzzer on the language: any bytes as a program and as a setting. What parses must format to a text that
 * parses to the same tree and formats to itself; then it is elaborated. `make fuzz-parse` builds and runs it.
 */
#include "dsl/elaborate.h"
#include "dsl/evaluate.h"
#include "dsl/format.h"
#include "dsl/parse.h"
#include "dsl/settings.h"
#include "ops/ops.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint32_t add_source(netc *n, const char *path, const char *text, size_t length) {
  uint32_t source;
  if (!net_sources_add(&n->sources, path, net_arena_copy(&n->arena, text, length), length, &source)) abort();
  return source;
}

static net_file *parse(netc *n, const char *text, size_t length) {
  net_file *file = net_parse(n, add_source(n, "fuzz.net", text, length));
  if (!file == !n->diagnostics.errors) abort(); /* an error said and none found, or the other way round */
  return file;
}

static void print_twice(netc *n, const net_file *file) {
  const char *once = net_format_file(n, file);
  net_file *again = parse(n, once, strlen(once));
  if (!again || !net_file_equal(file, again) || strcmp(net_format_file(n, again), once)) abort();
}

static void set(netc *n, const char *bytes, size_t length, const net_program *program) {
  char *text = net_arena_copy(&n->arena, bytes, length);
  net_setting setting;
  net_program *changed;
  if (net_setting_parse(n, text, &setting) && net_setting_apply(n, program, &setting, NULL, &changed))
    net_program_text(n, changed);
}

static void run(netc *n, const char *bytes, size_t length) {
  net_file *file = parse(n, bytes, length);
  static const char fallback[] =
      "const c = 1\ndata d { a = f(b = 1), c = { d = 2 } }\ntrain { e { g = 1 } }\n";
  if (file) print_twice(n, file);
  else file = net_parse(n, add_source(n, "fallback.net", fallback, sizeof fallback - 1));
  net_program program = {.file = file, .decls = file->decls};
  net_scope scope;
  if (net_program_check(n, &program)) {
    net_scope_of_program(n, &program, &scope);
    net_check_program(n, &program);
  }
  set(n, bytes, length, &program);
  FILE *sink = fopen("/dev/null", "w");
  net_diagnostics_flush(n, sink, NET_DIAGNOSTICS_TEXT, true);
  fclose(sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  netc n;
  netc_init(&n, NULL);
  net_ops_install(&n);
  run(&n, (const char *)bytes, length);
  if (n.diagnostics.faults) abort();
  netc_free(&n);
  return 0;
}
