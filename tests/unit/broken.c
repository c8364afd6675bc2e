/* tests/dsl/broken/NAME.net: programs that are wrong, and in NAME.expected all that netc says about them.
 * NETC_UPDATE=1 in the environment writes what it says instead, to be read before it is kept. */
#include "tests/dsl/support.h"

#include "support/file.h"

#include <dirent.h>
#include <stdlib.h>

#define FOLDER NETC_TEST_SOURCE "/tests/dsl/broken"

static int is_program(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length > 4 && !strcmp(entry->d_name + length - 4, ".net");
}

static bool check(const char *name, bool update) {
  netc n;
  netc_init(&n, NULL);
  const char *text, *wanted = "";
  size_t length;
  assert_true(net_file_read(&n, NET_NOWHERE, net_arena_format(&n.arena, FOLDER "/%s", name), &text, &length));
  net_program *program = NULL;
  bool ok = !net_program_from_text(&n, name, text, length, &program);
  ok &= n.diagnostics.errors > 0 && n.diagnostics.faults == 0;
  char *messages = diagnostics(&n);
  const char *path = net_arena_format(&n.arena, FOLDER "/%.*s.expected", (int)strlen(name) - 4, name);
  if (update) assert_true(net_file_write(&n, path, messages, strlen(messages), false));
  assert_true(net_file_read(&n, NET_NOWHERE, path, &wanted, &length));
  if (strcmp(messages, wanted)) {
    fprintf(stderr, "%s: wanted:\n%s\ngot:\n%s\n", name, wanted, messages);
    ok = false;
  }
  free(messages);
  netc_free(&n);
  return ok;
}

static void test_broken(void **state) {
  (void)state;
  struct dirent **entries;
  int count = scandir(FOLDER, &entries, is_program, alphasort);
  assert_true(count > 40);
  bool ok = true;
  for (int i = 0; i < count; i++) {
    ok &= check(entries[i]->d_name, getenv("NETC_UPDATE") != NULL);
    free(entries[i]);
  }
  free(entries);
  assert_true(ok);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_broken)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
