/* Tables as text: what is read, and the line that is named when something cannot be. */
#include "data_support.h"

#include <math.h>
#include <zlib.h>

static void set_table(fixture *f, const char *text) {
  write_text(f, "t.csv", text);
  set_source(f, "csv", "t.csv");
}

static void want_columns(fixture *f, const char *a, const char *b) {
  f->input_names[0] = a, f->input_names[1] = b;
  f->inputs[0].name_count = 2;
  f->target_names[0] = "label";
}

/* Columns by name in the order asked for, class names, quotes, spaces, CRLF, no end of the last line. */
static void test_columns(void **state) {
  fixture *f = *state;
  set_table(
      f,
      "label,mass,other, pt \r\n\"a \"\"b\"\"\",1.5,text,-2\r\nc , \"3\",\"x,\r\ny\",+4e1\r\n\r\nc,.5,,5.");
  want_columns(f, "pt", "mass");
  must_load(f, TRAIN);
  assert_int_equal(f->data->split[RT_TRAIN].rows, 3);
  assert_floats(input(f, RT_TRAIN, 0), -2, 1.5, 40, 3, 5, 0.5);
  assert_classes(classes(f, RT_TRAIN), 0, 1, 1);
  assert_int_equal(f->data->class_count, 2);
  assert_string_equal(f->data->classes[0], "a \"b\"");
  assert_string_equal(f->data->classes[1], "c");
}

static void test_separators(void **state) {
  fixture *f = *state;
  const char *tables[] = {"a;b;label\n1;2;0\n3;4;1\n", "a\tb\tlabel\n1\t2\t0\n3\t4\t1\n",
                          ("\xEF\xBB\xBF" /* byte order mark */
                           "a,b,label\n1,2,0\n3,4,1\n"),
                          "\"a\",b,\"label\"\n1,2,0.0\n3,4,1\n", "a,b,label\r1,2,0\r3,4,1"};
  want_columns(f, "a", "b");
  for (int i = 0; i < 5; i++) {
    set_table(f, tables[i]);
    must_load(f, TRAIN);
    assert_floats(input(f, RT_TRAIN, 0), 1, 2, 3, 4);
    assert_classes(classes(f, RT_TRAIN), 0, 1);
  }
  gzFile to = gzopen(path_of(f, "t.csv.gz"), "wb");
  gzputs(to, tables[0]);
  gzclose(to);
  set_source(f, "csv", "t.csv.gz");
  must_load(f, TRAIN);
  assert_floats(input(f, RT_TRAIN, 0), 1, 2, 3, 4);
}

/* Every way of writing numbers gives what strtod gives, rounded to binary32. */
static void test_numbers(void **state) {
  fixture *f = *state;
  static const char *const numbers[] = {"0",
                                        "-0",
                                        "7",
                                        "+7",
                                        "1.",
                                        ".25",
                                        "0.1",
                                        "3.4028234e38",
                                        "1e-45",
                                        "1.17549435e-38",
                                        "-1E+2",
                                        "1e22",
                                        "1e23",
                                        "9007199254740993",
                                        "123456789012345678901234567890",
                                        "0.000000000000000000000000000001234",
                                        "16777217",
                                        "1.00000017881393421514957253748434595763683319091796875001",
                                        "1e-400",
                                        "000000000000000000000000012.5",
                                        "0.30000001192092896",
                                        "179769313486231570e-300",
                                        "4.9406564584124654e-324"};
  enum { COUNT = sizeof numbers / sizeof numbers[0] };
  const char *table = "a,b,label\n";
  for (int i = 0; i < COUNT; i++)
    table = net_arena_format(&f->n.arena, "%s%s,-%s,0\n", table, numbers[i],
                             numbers[i] + (*numbers[i] == '-' || *numbers[i] == '+'));
  set_table(f, table);
  want_columns(f, "a", "b");
  must_load(f, TRAIN);
  for (int i = 0; i < COUNT; i++) {
    float x = (float)strtod(numbers[i], NULL), y = -fabsf(x);
    assert_memory_equal(&input(f, RT_TRAIN, 0)[2 * i], &x, 4);
    assert_memory_equal(&input(f, RT_TRAIN, 0)[2 * i + 1], &y, 4);
  }
}

/* A million random decimal numbers would take long; 20,000 with all kinds of exponents. */
static void test_random_numbers(void **state) {
  fixture *f = *state;
  enum { COUNT = 20000 };
  char *table = malloc(COUNT * 80 + 100), *at = table + sprintf(table, "a,b,label\n");
  static float expected[2 * COUNT];
  unsigned long long seed = 1;
  for (int i = 0; i < 2 * COUNT; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    char number[40];
    sprintf(number, "%llu.%llue%d", seed >> (20 + i % 44), seed >> 33 & 0xFFFFF,
            (int)(seed >> 40 & 31) - 24 - i % 20);
    expected[i] = (float)strtod(number, NULL);
    at += sprintf(at, i % 2 ? "%s,1\n" : "%s,", number);
  }
  set_table(f, table);
  free(table);
  want_columns(f, "a", "b");
  must_load(f, TRAIN);
  assert_memory_equal(input(f, RT_TRAIN, 0), expected, sizeof expected);
}

/* One-hot labels out of columns, values as targets, weights, a column used twice. */
static void test_targets(void **state) {
  fixture *f = *state;
  set_table(f, "a,b,g,q,t,m,w\n1,2,0,1,0,0.5,2\n3,4,1,0,0,1.5,0\n5,6,0,0,1,2.5,1\n");
  want_columns(f, "a", "a");
  f->target_names[0] = "g", f->target_names[1] = "q", f->target_names[2] = "t";
  f->targets[0].column.name_count = 3;
  const char *values[] = {"m", "a"};
  f->targets[1] = (rt_target_spec){.kind = RT_TARGET_VALUES,
                                   .column = {.names = values, .name_count = 2, .shape = {1, {2}}}};
  f->spec.target_count = 2;
  f->spec.weight = &f->weight;
  must_load(f, TRAIN);
  assert_floats(input(f, RT_TRAIN, 0), 1, 1, 3, 3, 5, 5);
  assert_classes(classes(f, RT_TRAIN), 1, 0, 2);
  assert_floats((float *)f->data->split[RT_TRAIN].targets[1].data, 0.5, 1, 1.5, 3, 2.5, 5);
  assert_floats(f->data->split[RT_TRAIN].weight, 2, 0, 1);
}

/* Labels that are numbers, names, numbers as names. */
static void test_labels(void **state) {
  fixture *f = *state;
  const char *names[] = {"2", "1", "0"};
  want_columns(f, "a", "b");
  set_table(f, "a,b,label\n1,2,2\n3,4,1\n5,6,0\n");
  must_load(f, TRAIN);
  assert_classes(classes(f, RT_TRAIN), 2, 1, 0);
  assert_null(f->data->classes);
  assert_int_equal(f->data->class_count, 3);
  f->spec.classes = names, f->spec.class_count = 3;
  must_load(f, TRAIN); /* names go before numbers */
  assert_classes(classes(f, RT_TRAIN), 0, 1, 2);
  const char *words[] = {"x", "y", "z"};
  f->spec.classes = words;
  must_load(f, TRAIN); /* but numbers still stand for themselves */
  assert_classes(classes(f, RT_TRAIN), 2, 1, 0);
  assert_string_equal(f->data->classes[2], "z");
}

/* Names found in a file are numbered by all of it, whichever split is asked for. */
static void test_names_do_not_depend_on_the_split(void **state) {
  fixture *f = *state;
  want_columns(f, "a", "b");
  set_table(f, "a,b,label\n1,2,x\n3,4,y\n5,6,z\n7,8,y\n");
  f->spec.fraction[RT_TRAIN] = 0.5, f->spec.fraction[RT_TEST] = 0.5;
  must_load(f, TEST);
  assert_classes(classes(f, RT_TEST), 2, 1);
  write_text(f, "test.csv", "a,b,label\n1,2,y\n1,2,z\n");
  f->spec.split_source[RT_TEST] = (rt_source_spec){.kind = "csv", .path = path_of(f, "test.csv")};
  set_table(f, "a,b,label\n1,2,x\n3,4,y\n");
  f->spec.fraction[RT_TRAIN] = 1;
  for (uint32_t fitted = 0; fitted < 2; fitted++) { /* then the train split is read for its inputs alone */
    f->steps[0].kind = RT_STANDARD;
    f->chains[0].step_count = f->spec.normalize_count = fitted;
    must_load(f, TEST);
    assert_classes(classes(f, RT_TEST), 1, 2);
    assert_int_equal(f->data->class_count, 3);
    assert_floats(input(f, RT_TEST, 0), fitted ? -1 : 1, fitted ? -1 : 2);
  }
}

static void test_refused(void **state) {
  fixture *f = *state;
  want_columns(f, "pt", "mass");
  static const struct {
    const char *table, *message;
  } cases[] = {
      {"pt,mass,label\n1,2,0\n3,abc,0\n", "t.csv: column 'mass': line 3: 'abc' is not a number"},
      {"pt,mass,label\r1,2,0\r\r3,abc,0\r", "t.csv: column 'mass': line 4: 'abc' is not a number"},
      {"pt,mass,label\r\n1,2,0\r\n\r\n3,abc,0\r\n", "t.csv: column 'mass': line 4: 'abc' is not a number"},
      {"pt,mass,label\n1,2,0\n\n\n3,1e5x,0\n", "t.csv: column 'mass': line 5: '1e5x' is not a number"},
      {"pt,mass,label,text\n1,2,0,\"a\nb\nc\"\n3,0x10,0,\n",
       "t.csv: column 'mass': line 5: '0x10' is not a number"},
      {"pt,mass,label\n1,2,0\n\"\n\n3\",,0\n", "t.csv: column 'pt': line 3: '??3' is not a number"},
      {"pt,mass,label\n1,\"1,5\",0\n", "t.csv: column 'mass': line 2: '1,5' is not a number"},
      {"pt,mass,label\n1,-,0\n", "t.csv: column 'mass': line 2: '-' is not a number"},
      {"pt,mass,label\n1,.,0\n", "t.csv: column 'mass': line 2: '.' is not a number"},
      {"pt,mass,label\n1,1e,0\n", "t.csv: column 'mass': line 2: '1e' is not a number"},
      {"pt,mass,label\n1,1e+,0\n", "t.csv: column 'mass': line 2: '1e+' is not a number"},
      {"pt,mass,label\n1,1.2.3,0\n", "t.csv: column 'mass': line 2: '1.2.3' is not a number"},
      {"pt,mass,label\n1,,0\n", "t.csv: column 'mass': line 2: the field is empty: every row needs a value"},
      {"pt,mass,label\n1,NaN,0\n", "t.csv: column 'mass': line 2: NaN is not finite in 32 bits"},
      {"pt,mass,label\n1,-inf,0\n", "t.csv: column 'mass': line 2: -inf is not finite in 32 bits"},
      {"pt,mass,label\n1,1e39,0\n", "t.csv: column 'mass': line 2: 1e39 is not finite in 32 bits"},
      {"pt,mass,label\n1,2\n", "t.csv: line 2 has 2 fields, but the header row has 3"},
      {"pt,mass,label\n1,2,0\n7\n", "t.csv: line 3 has 1 field, but the header row has 3"},
      {"pt,mass,label\n1,2,0,4\n", "t.csv: line 2 has more fields than the header row, which has 3"},
      {"pt,mass,label\n1,2,0\n1,2,\"0\n1,2,0\n", "t.csv: line 3: a quoted field does not end"},
      {"pt,mass,label\n1,a\"b,0\n",
       "t.csv: line 2: a quote stands within a field: double it, and quote the field"},
      {"pt,mas,label\n1,2,0\n",
       "t.csv has no column 'mass' (did you mean 'mas'?); it has 'pt', 'mas', 'label'"},
      {"pt,mass,mass,label\n1,2,0,0\n", "t.csv has 2 columns 'mass'"},
      {"pt,mass,label\n", "t.csv: column 'pt' has no rows"},
      {"\n\n \n", "t.csv has no header row: it is blank"},
      {"", "cannot read t.csv: it is empty"},
      {"pt,mass,label\n1,2,0\n3,4,\n",
       "t.csv: column 'label': line 3: the label is empty: every row needs one"},
      {"pt,mass,label\n1,2,0\n3,4,3\n",
       "t.csv: column 'label': line 3: label 3 is not one of the network's 3 classes, 0 to 2"},
      {"pt,mass,label\n1,2,-1\n",
       "t.csv: column 'label': line 2: label -1 is not one of the network's 3 classes, 0 to 2"},
      {"pt,mass,label\n1,2,0.5\n",
       "t.csv: column 'label': line 2: label 0.5 is not one of the network's 3 classes, 0 to 2"},
      {"pt,mass,label\n1,2,a\n1,2,b\n1,2,c\n1,2,a\n1,2,d\n",
       "t.csv: column 'label': line 6: 'd' is one class more than the network's 3, the first of which is "
       "'a'"},
      {"pt,mass,label\n1,2,0\n1,2,a\n1,2,1\n1,2,2\n", "t.csv: column 'label': line 5: '2' is one class more "
                                                      "than the network's 3, the first of which is '0'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    set_table(f, cases[i].table);
    refuses(f, TRAIN, cases[i].message);
  }
}

static void test_refused_names(void **state) {
  fixture *f = *state;
  const char *names[] = {"gluon", "quark", "top"};
  f->spec.classes = names, f->spec.class_count = 3;
  want_columns(f, "a", "b");
  set_table(f, "a,b,label\n1,2,gluon\n1,2,qaurk\n");
  refuses(f, TRAIN,
          "t.csv: column 'label': line 3: class 'qaurk' is not among the classes (did you mean 'quark'?)");
  set_table(f, "a,b,label\n1,2,gluon\n1,2,higgs\n");
  refuses(f, TRAIN,
          "t.csv: column 'label': line 3: class 'higgs' is not among the 3 classes: add it to `classes`");
  f->targets[0].classes = 2;
  set_table(f, "a,b,label\n1,2,gluon\n1,2,top\n");
  refuses(f, TRAIN, "t.csv: column 'label': line 3: label top is not one of the network's 2 classes, 0 to 1");
}

static void test_refused_columns(void **state) {
  fixture *f = *state;
  want_columns(f, "a", "b");
  f->spec.weight = &f->weight;
  set_table(f, "a,b,label,w\n1,2,0,1\n1,2,1,-0.5\n");
  refuses(f, TRAIN, "t.csv: column 'w': line 3: weight -0.5 is negative");
  set_table(f, "a,b,label,w\n1,2,0,0\n1,2,1,0\n");
  refuses(f, TRAIN, "t.csv: column 'w': all weights of the train split are 0");
  f->spec.weight = NULL;
  f->inputs[0].shape.dim[0] = 3;
  refuses(f, TRAIN, "t.csv: column 'a' has rows of shape [2], but the network has [3] here");
  f->inputs[0].shape.dim[0] = 2;
  f->target_names[0] = "a", f->target_names[1] = "label";
  f->targets[0].column.name_count = 2;
  refuses(f, TRAIN,
          "t.csv: column 'a' has rows of shape [2], but labels are one number or name a row, or one-hot "
          "rows [3]");
  f->targets[0].classes = 2;
  refuses(f, TRAIN, "t.csv: column 'a': line 3 is not one-hot: it must have a single 1 among zeros");
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_TEST(test_columns),
                                     DATA_TEST(test_separators),
                                     DATA_TEST(test_numbers),
                                     DATA_TEST(test_random_numbers),
                                     DATA_TEST(test_targets),
                                     DATA_TEST(test_labels),
                                     DATA_TEST(test_names_do_not_depend_on_the_split),
                                     DATA_TEST(test_refused),
                                     DATA_TEST(test_refused_names),
                                     DATA_TEST(test_refused_columns)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
