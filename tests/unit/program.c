/* dsl/program.c, check.c, evaluate.c, settings.c: imports, constants, --set. */
#include "tests/dsl/support.h"

#include "dsl/evaluate.h"
#include "dsl/settings.h"
#include "support/file.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static netc n;
static char folder[64];

static int setup(void **state) {
  (void)state;
  netc_init(&n, NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  netc_free(&n);
  return 0;
}

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/netc-program-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/* The diagnostics so far hold each of the texts, up to a NULL. */
static void assert_said(const char *first, ...) {
  char *messages = diagnostics(&n);
  va_list wanted;
  va_start(wanted, first);
  for (const char *part = first; part; part = va_arg(wanted, const char *))
    if (!strstr(messages, part)) {
      fprintf(stderr, "'%s' is not in:\n%s\n", part, messages);
      fail();
    }
  va_end(wanted);
  free(messages);
}

/* ---- imports ---- */

static const char *path_of(const char *name) { return net_arena_format(&n.arena, "%s/%s", folder, name); }

static void put(const char *name, const char *text) {
  assert_true(net_make_directories(&n, net_path_directory(&n, path_of(name))));
  assert_true(net_file_write(&n, path_of(name), text, strlen(text), false));
}

/* Paths of imported data are to be seen from the file that imports them, where the flat text will stand. */
static void test_imported_paths(void **state) {
  (void)state;
  put("flat.net", "import \"lib/data.net\"\n");
  put("lib/data.net", "data d {\n  source = hdf5(\"a.h5\")\n  target = \"a.h5\"\n"
                      "  split  = { train = 0.9, test = csv(path = \"/b.csv\", input = \"x\") }\n"
                      "}\ndata e { source = npy(\"../c.npy\") }\n");
  net_program *p;
  assert_true(net_program_load(&n, path_of("flat.net"), &p));
  assert_string_equal(net_program_text(&n, p),
                      "data d {\n  source = hdf5(\"lib/a.h5\")\n  target = \"a.h5\"\n"
                      "  split  = { train = 0.9, test = csv(path = \"/b.csv\", input = \"x\") }\n"
                      "}\n\ndata e { source = npy(\"lib/../c.npy\") }\n");
}

static void test_imports(void **state) {
  (void)state;
  put("main.net",
      "# main\nnetc 1\nimport \"lib/a.net\"  # layers\n\nconst m = 1\nimport \"lib/b.net\"\n# end\n");
  put("lib/a.net", "# a\nimport \"b.net\"\nconst a = b + 1\n");
  put("lib/b.net", "import \"../lib/c.net\"\nconst b = 2  # two\n");
  put("lib/c.net", "layer f(x) {\n  x -> relu\n}\n");
  net_program *p;
  assert_true(net_program_load(&n, path_of("main.net"), &p));
  static const char *const names[] = {"f", "b", "a", "m"}, *const files[] = {"c.net", "b.net", "a.net",
                                                                             "main.net"};
  assert_int_equal(p->decls.count, 4);
  for (int i = 0; i < 4; i++) {
    const net_decl *d = p->decls.at[i];
    assert_string_equal(net_text(&n, d->name.name), names[i]);
    const char *path = net_sources_find(&n.sources, d->loc).source->path;
    assert_string_equal(strrchr(path, '/') + 1, files[i]);
  }
  const char *flat =
      "# main\nnetc 1\n\nlayer f(x) {\n  x -> relu\n}\n\nconst b = 2  # two\nconst a = b + 1\n\n"
      "const m = 1\n# end\n";
  assert_string_equal(net_program_text(&n, p), flat);
  net_program *again;
  assert_true(net_program_from_text(&n, "flat", flat, strlen(flat), &again));
  assert_int_equal(again->decls.count, 4);
  for (int i = 0; i < 4; i++) assert_true(net_decl_equal(p->decls.at[i], again->decls.at[i]));
  assert_ptr_equal(net_program_find(p, NET_DECL_CONST, net_intern(&n, "a")), p->decls.at[2]);
  assert_null(net_program_find(p, NET_DECL_DATA, net_intern(&n, "a")));
  const net_decl *first;
  assert_int_equal(net_program_count(p, NET_DECL_CONST, &first), 3);
  assert_ptr_equal(first, p->decls.at[1]);
  assert_string_equal(net_program_names(&n, p, NET_DECL_CONST), "b, a, m");
}

static void test_import_errors(void **state) {
  (void)state;
  net_program *p;
  put("one.net", "import \"two.net\"\n");
  put("two.net", "import \"lib/../three.net\"\n");
  put("three.net", "import \"two.net\"\n");
  assert_false(net_program_load(&n, path_of("one.net"), &p));
  assert_said("three.net:1:8: error: imports go in a circle: ", "two.net imports ", "three.net imports ",
              "two.net:1:8: note: ", "is imported here", NULL);
  put("self.net", "import \"self.net\"\n");
  assert_false(net_program_load(&n, path_of("self.net"), &p));
  assert_said("self.net imports ", NULL);
  put("bad.net", "import \"worse.net\"\nimport \"gone.net\"\nimport \"lib\"\nconst a = 1 1\n");
  put("worse.net", "const b = = 2\n");
  put("lib/x.net", "");
  assert_false(net_program_load(&n, path_of("bad.net"), &p)); /* its own errors come first */
  assert_said("bad.net:4:13: error", NULL);
  put("bad.net", "import \"worse.net\"\nimport \"gone.net\"\nimport \"lib\"\n");
  assert_false(net_program_load(&n, path_of("bad.net"), &p));
  assert_said("worse.net:1:11: error: unexpected '='",
              "bad.net:1:8: note: ", "bad.net:2:8: error: cannot open ", "gone.net: No such file",
              "bad.net:3:8: error: cannot read ", "it is a directory", NULL);
  put("main.net", "import \"other.net\"\nconst a = 1\n");
  put("other.net", "const a = 2\n");
  assert_false(net_program_load(&n, path_of("main.net"), &p));
  assert_said("main.net:2:7: error: const 'a' is defined twice",
              "other.net:1:7: note: const 'a' is defined here", NULL);
  assert_false(net_program_load(&n, path_of("nowhere.net"), &p));
  assert_said("nowhere.net: No such file", NULL);
  for (int i = 0; i < 80; i++)
    put(net_arena_format(&n.arena, "deep%d.net", i),
        net_arena_format(&n.arena, "import \"deep%d.net\"\n", i + 1));
  assert_false(net_program_load(&n, path_of("deep0.net"), &p));
  assert_said("more than 64 files import each other in a row", NULL);
}

/* ---- constants ---- */

static net_program *program(const char *text) {
  net_program *p = NULL;
  if (net_program_from_text(&n, "t.net", text, strlen(text), &p)) return p;
  char *messages = diagnostics(&n);
  fprintf(stderr, "%s\n%s", text, messages);
  free(messages);
  fail();
  return NULL;
}

static bool evaluate(const char *text, net_constant *out) {
  net_program *p =
      program(net_arena_format(&n.arena, "const three = 3\nconst half = 0.5\nformat e = %s\n", text));
  net_scope scope;
  assert_true(net_scope_of_program(&n, p, &scope));
  return net_evaluate(&n, &scope, net_program_find(p, NET_DECL_FORMAT, net_intern(&n, "e"))->value, out);
}

static void test_evaluate(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
  } integers[] = {
      {"7", 7},
      {"three * 2 - 1", 5},
      {"-three", -3},
      {"7 - 2 - 1", 4},
      {"12 / 3 / 2", 2},
      {"2 + 3 * 4", 14},
      {"(2 + 3) * 4", 20},
      {"32 KiB", 32768},
      {"2MiB", 2097152},
      {"1.5 KiB", 1536},
      {"-9 / three", -3},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775807 - 1", INT64_MIN},
      {"0 / 5", 0},
      {"4 / -1", -4},
  };
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
    net_constant c;
    assert_true(evaluate(integers[i].text, &c));
    assert_int_equal(c.kind, NET_CONSTANT_INTEGER);
    assert_true(c.integer == integers[i].value);
  }
  static const struct {
    const char *text;
    double value;
  } reals[] = {{"0.1", 0.1},          {"1 %", 0.01},        {"2.5 %", 0.025},
               {"half * three", 1.5}, {"1.0 / 4", 0.25},    {"3 - half", 2.5},
               {"-half", -0.5},       {"1e308 + 0", 1e308}, {"7.0 / 2", 3.5}};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    net_constant c;
    assert_true(evaluate(reals[i].text, &c));
    assert_int_equal(c.kind, NET_CONSTANT_REAL);
    assert_true(c.real == reals[i].value);
  }
  static const char *const texts[][2] = {
      {"none", "none"},           {"true", "true"}, {"false", "false"},
      {"\"a\\\"\"", "\"a\\\"\""}, {"[]", "[]"},     {"[1, [half, \"x\"], none]", "[1, [0.5, \"x\"], none]"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    net_constant c;
    assert_true(evaluate(texts[i][0], &c));
    assert_string_equal(net_constant_text(&n, &c), texts[i][1]);
  }
  assert_int_equal(n.diagnostics.errors, 0);
}

static void test_evaluate_errors(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"7 / 2", "3:12: error: 7 / 2 is no integer, and integers must divide exactly: write 7.0 / 2"},
      {"1 / (3 - three)", "3:16: error: division by zero"},
      {"1.5 / 0", "division by zero"},
      {"9223372036854775807 + 1", "does not fit 64 bits"},
      {"-9223372036854775807 - 2", "does not fit 64 bits"},
      {"(-9223372036854775807 - 1) / -1", "does not fit 64 bits"},
      {"-(-9223372036854775807 - 1)", "does not fit 64 bits"},
      {"4294967296 * 4294967296", "does not fit 64 bits"},
      {"9223372036854775807 MiB", "does not fit 64 bits"},
      {"1e300 MiB", "does not fit 64 bits"},
      {"1e308 * 10", "too large for double precision"},
      {"1.3 KiB", "1.3 KiB is not a whole number of bytes"},
      {"1 + \"a\"", "3:16: error: '+' calculates with numbers, and this is a string"},
      {"none * 2", "'*' calculates with numbers, and this is none"},
      {"-true", "'-' calculates with numbers, and this is true or false"},
      {"thre", "there is no constant 'thre': did you mean 'three'?"},
      {"a.b", "there is no constant 'a.b'"},
      {"f(1)", "must be a constant (a number, a string, or a list of them), and is a call"},
      {"1..2", "and is a range"},
      {"[1, x -> y]", "3:16: error: this must be a constant"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    net_constant c;
    assert_false(evaluate(rows[i][0], &c));
    assert_said(rows[i][1], NULL);
  }
}

static void test_constants(void **state) {
  (void)state;
  net_scope scope;
  assert_true(net_scope_of_program(&n, program("const a = b * c\nconst b = c + 1\nconst c = 2\n"), &scope));
  assert_true(net_scope_find(&scope, net_intern(&n, "a"))->integer == 6);
  net_scope inner = {.outer = &scope};
  net_scope_add(&n, &inner, net_intern(&n, "b"), (net_constant){.kind = NET_CONSTANT_INTEGER, .integer = 9});
  assert_true(net_scope_find(&inner, net_intern(&n, "b"))->integer == 9);
  assert_true(net_scope_find(&inner, net_intern(&n, "c"))->integer == 2);
  assert_null(net_scope_find(&inner, net_intern(&n, "d")));
  assert_false(net_scope_of_program(
      &n, program("const a = b\nconst b = [1, -c]\nconst c = a + 1\nconst d = d"), &scope));
  assert_said("1:7: error: constants go in a circle: a needs b needs c needs a", "4:7: error: ", "d needs d",
              NULL);
  char *row = net_arena_alloc(&n.arena, 20000 * 32, 1), *at = row;
  for (int i = 0; i < 20000; i++) at += sprintf(at, "const c%d = c%d + 1\n", i, i + 1);
  sprintf(at, "const c20000 = 0\n");
  assert_true(net_scope_of_program(&n, program(row), &scope));
  assert_true(net_scope_find(&scope, net_intern(&n, "c0"))->integer == 20000);
}

static void test_wanted(void **state) {
  (void)state;
  net_program *p = program("data d { a = 5, b = 2.5, c = true, d = \"s\", e = [1], f = 3 }");
  net_entry *e = p->decls.at[0]->map->entries.at;
  int64_t integer;
  double real;
  bool boolean;
  net_name string;
  assert_true(net_evaluate_integer(&n, NULL, e[0].value, "a", 1, 10, &integer) && integer == 5);
  assert_true(net_evaluate_real(&n, NULL, e[0].value, "a", &real) && real == 5);
  assert_true(net_evaluate_real(&n, NULL, e[1].value, "b", &real) && real == 2.5);
  assert_true(net_evaluate_boolean(&n, NULL, e[2].value, "c", &boolean) && boolean);
  assert_true(net_evaluate_string(&n, NULL, e[3].value, "d", &string));
  assert_int_equal(n.diagnostics.errors, 0);
  assert_false(net_evaluate_integer(&n, NULL, e[0].value, "the number of epochs", 6, 10, &integer));
  assert_false(net_evaluate_integer(&n, NULL, e[0].value, "the number of epochs", 1, 4, &integer));
  assert_false(net_evaluate_integer(&n, NULL, e[1].value, "b", 1, 10, &integer));
  assert_false(net_evaluate_real(&n, NULL, e[4].value, "e", &real));
  assert_false(net_evaluate_boolean(&n, NULL, e[5].value, "f", &boolean));
  assert_false(net_evaluate_string(&n, NULL, e[2].value, "c", &string));
  assert_said("1:14: error: the number of epochs must be at least 6, and is 5", "must be at most 4, and is 5",
              "b must be an integer, and is 2.5", "e must be a number, and is a list",
              "f must be true or false, and is 3", "c must be a string, and is true", NULL);
}

/* ---- settings ---- */

static const char example[] = "const classes = 5\n"
                              "\n"
                              "data jets {\n"
                              "  source = hdf5(\"jets.h5\")\n"
                              "  split  = { train = 0.7, test = 0.3 }\n"
                              "}\n"
                              "\n"
                              "network n(x: f32[16], width = 32) {\n"
                              "  x -> linear(width)\n"
                              "}\n"
                              "\n"
                              "train {\n"
                              "  optimizer = adam(learning_rate = 1e-4)\n"
                              "  schedule  = cosine\n"
                              "  epochs    = 50\n"
                              "  loss      = mse + mae\n"
                              "}\n"
                              "\n"
                              "train fine {\n"
                              "  epochs = 5\n"
                              "}\n"
                              "\n"
                              "quantize int8 {\n"
                              "  linear { weight = integer(8, 4) }\n"
                              "}\n"
                              "\n"
                              "sweep rates { train.epochs = [1, 2] }\n";

static bool apply(const char *text, const net_program *p, const net_chosen *chosen, net_program **out) {
  net_setting s;
  return net_setting_parse(&n, text, &s) && net_setting_apply(&n, p, &s, chosen, out);
}

/* Setting that gives the example with one line in place of another; the example itself stays. */
static void assert_set(const char *text, const net_chosen *chosen, const char *from, const char *to) {
  net_program *p = program(example), *changed = NULL;
  bool ok = apply(text, p, chosen, &changed);
  if (!ok) fprintf(stderr, "%s", diagnostics(&n));
  assert_true(ok);
  const char *at = strstr(example, from);
  assert_non_null(at);
  const char *wanted =
      net_arena_format(&n.arena, "%.*s%s%s", (int)(at - example), example, to, at + strlen(from));
  assert_string_equal(net_program_text(&n, changed), wanted);
  assert_string_equal(net_program_text(&n, p), example);
}

static void test_settings(void **state) {
  (void)state;
  assert_string_equal(net_program_text(&n, program(example)), example);
  assert_set("train.epochs=3", NULL, "= 50", "= 3");
  assert_set("fine.epochs=3", NULL, "epochs = 5\n", "epochs = 3\n");
  assert_set("train.fine.epochs=3", NULL, "epochs = 5\n", "epochs = 3\n");
  net_chosen fine = {0};
  fine.blocks[NET_DECL_TRAIN] = net_intern(&n, "fine");
  assert_set("train.epochs=3", &fine, "epochs = 5\n", "epochs = 3\n");
  assert_set("train.optimizer.learning_rate = 1e-3", NULL, "1e-4", "1e-3");
  assert_set("train.optimizer.beta=0.9", NULL, "= 1e-4)", "= 1e-4, beta = 0.9)");
  assert_set("train.optimizer=sgd(momentum = 0.9)", NULL, "adam(learning_rate = 1e-4)",
             "sgd(momentum = 0.9)");
  assert_set("train.schedule.minimum=1e-6", NULL, "= cosine", "= cosine(minimum = 1e-6)");
  assert_set("data.split.train=0.5", NULL, "0.7", "0.5");
  assert_set("jets.split.seed=1", NULL, "test = 0.3", "test = 0.3, seed = 1");
  assert_set("data.split={ train = 1 }", NULL, "{ train = 0.7, test = 0.3 }", "{ train = 1 }");
  assert_set("n.width=64", NULL, "width = 32", "width = 64");
  assert_set("network.width=64", NULL, "width = 32", "width = 64");
  assert_set("classes=10", NULL, "= 5\n\ndata", "= 10\n\ndata");
  assert_set("quantize.linear.weight=none", NULL, "integer(8, 4)", "none");
  assert_set("int8.linear={ bias = none }", NULL, "{ weight = integer(8, 4) }", "{ bias = none }");
  assert_set("rates.train.epochs=[3]", NULL, "[1, 2]", "[3]");
  /* new keys are added for elaborate to judge, at the place of the setting */
  assert_set("train.epoch=3", NULL, "= mse + mae\n", "= mse + mae\n  epoch     = 3\n");
  assert_set("fine.optimizer.beta=1", NULL, "epochs = 5\n", "epochs         = 5\n  optimizer.beta = 1\n");
  net_program *changed;
  assert_true(apply("train.epoch=3", program(example), NULL, &changed));
  const net_decl *train = net_program_find(changed, NET_DECL_TRAIN, (net_name){0});
  net_position place = net_sources_find(&n.sources, train->map->entries.at[4].loc);
  assert_string_equal(place.source->path, "--set");
  assert_true(apply("train.epochs=3", program("const a = 1"), NULL, &changed)); /* trains by the defaults */
  assert_string_equal(net_program_text(&n, changed), "const a = 1\n\ntrain {\n  epochs = 3\n}\n");
}

static void test_setting_errors(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"trian.epochs=3", "--set:1:1: error: there is no 'trian' in this program: did you mean 'train'?"},
      {"zzzz.epochs=3", "there is no 'zzzz' in this program: a setting begins with"},
      {"clases=3", "did you mean 'classes'?"},
      {"n.widht=3", "--set:1:3: error: network 'n' has no parameter 'widht': did you mean 'width'?"},
      {"n.x=3", "'x' is an input of network 'n'"},
      {"n.width.a=3", "'n.width' is an integer and has no 'a'"},
      {"n=3", "network 'n' cannot be set as a whole"},
      {"train=3", "the default train cannot be set as a whole"},
      {"fine=3", "train 'fine' cannot be set as a whole"},
      {"train.loss.weight=3",
       "--set:1:12: error: 'train.loss' is a calculation and has no 'weight': set it as a whole"},
      {"train.epochs.x=3", "'train.epochs' is an integer and has no 'x'"},
      {"train.optimizer.learning_rate.x=3", "'train.optimizer.learning_rate' is a number and has no 'x'"},
      {"train.optimizer.a.b=3", "'train.optimizer' has no argument 'a' to set something in"},
      {"quantize.linear=3", "'quantize.linear' is a block of settings"},
      {"classes.x=3", "'classes' is an integer and has no 'x'"},
      {"search.trials=3", "this program has no search"},
      {"train.epochs=", "--set:1:14: error: unexpected end of the setting, expected a value"},
  };
  net_program *p = program(example), *changed;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_false(apply(rows[i][0], p, NULL, &changed));
    assert_said(rows[i][1], NULL);
  }
  p = program("data a { x = 1 }\ndata b { x = 1 }\nquantize a { y = 1 }\n");
  assert_false(apply("data.x=3", p, NULL, &changed));
  assert_said("there are 2 of 'data' (a, b): write data.NAME", NULL);
  assert_false(apply("a.x=3", p, NULL, &changed));
  assert_said("'a' is both a data and a quantize: write data.a or quantize.a", NULL);
  assert_true(apply("data.a.x=3", p, NULL, &changed));
  net_chosen gone = {0};
  gone.blocks[NET_DECL_DATA] = net_intern(&n, "gone");
  assert_false(apply("data.x=3", p, &gone, &changed));
  assert_said("there is no data 'gone'", NULL);
  for (int depth = 255; depth <= 256; depth++) { /* within the map of y there is room for 255 */
    char *value = net_arena_format(&n.arena, "a.y.z=%0*d", 2 * depth, 0);
    memset(value + 6, '[', (size_t)depth);
    memset(value + 6 + depth, ']', (size_t)depth);
    assert_true(apply(value, program("data a { y = { z = 1 } }"), NULL, &changed) == (depth == 255));
  }
  assert_said("--set:1:1: error: this would nest deeper than 256 levels", NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(imported_paths), TEST(imports), TEST(import_errors), TEST(evaluate), TEST(evaluate_errors),
      TEST(constants), TEST(wanted),        TEST(settings), TEST(setting_errors),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
