/* Which rows go to which split, what a split's columns are like in memory, and sources of splits' own. */
#include "data_support.h"

#include <zlib.h>

/* rows of x = (row, −row), labels row mod 3, weights row + 1 */
static void write_rows(fixture *f, const char *file, int rows) {
  float *x = malloc((size_t)rows * 2 * sizeof *x), *w = malloc((size_t)rows * sizeof *w);
  int *y = malloc((size_t)rows * sizeof *y);
  for (int i = 0; i < rows; i++)
    x[2 * i] = (float)i, x[2 * i + 1] = (float)-i, w[i] = (float)(i + 1), y[i] = i % 3;
  write_floats(f, file, "x", (hsize_t)rows, 2, x);
  write_floats(f, file, "w", (hsize_t)rows, 0, w);
  write_labels(f, file, "y", (hsize_t)rows, y);
  free(x), free(w), free(y);
}

static void fractions(fixture *f, double train, double validation, double test) {
  f->spec.fraction[RT_TRAIN] = train;
  f->spec.fraction[RT_VALIDATION] = validation;
  f->spec.fraction[RT_TEST] = test;
}

/* Stored order, one split after the other; boundaries rounded, whatever the fractions' own rounding. */
static void test_fractions(void **state) {
  fixture *f = *state;
  static const struct {
    int rows;
    double fraction[3];
    uint32_t counts[3];
  } cases[] = {{150, {0.7, 0.1, 0.2}, {105, 15, 30}},
               {10, {0.8, 0.1, 0.1}, {8, 1, 1}},
               {7, {0.5, 0.25, 0.25}, {4, 1, 2}},
               {9, {0.1, 0.2, 0.3}, {1, 2, 2}},
               {30, {1.0 / 3, 1.0 / 3, 1.0 / 3}, {10, 10, 10}},
               {49, {1 / 49.0, 47 / 49.0, 1 / 49.0}, {1, 47, 1}}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *file = net_arena_format(&f->n.arena, "t%zu.h5", i);
    write_rows(f, file, cases[i].rows);
    set_source(f, "hdf5", file);
    fractions(f, cases[i].fraction[0], cases[i].fraction[1], cases[i].fraction[2]);
    must_load(f, ALL);
    uint32_t row = 0;
    for (uint32_t s = 0; s < RT_SPLITS; s++) {
      const rt_split *split = &f->data->split[s];
      assert_int_equal(split->rows, cases[i].counts[s]);
      for (uint32_t r = 0; r < split->rows; r++, row++) {
        assert_float_equal(input(f, s, 0)[2 * r], row, 0);
        assert_float_equal(input(f, s, 0)[2 * r + 1], -(float)row, 0);
        assert_int_equal(classes(f, s)[r], row % 3);
      }
    }
  }
}

/* The split that all the figures for jets are about. */
static void test_150000_rows(void **state) {
  fixture *f = *state;
  f->spec.source = (rt_source_spec){.kind = "synthetic", .samples = 150000, .classes = 3};
  fractions(f, 0.7, 0.1, 0.2);
  must_load(f, ALL);
  assert_int_equal(f->data->split[RT_TRAIN].rows, 105000);
  assert_int_equal(f->data->split[RT_VALIDATION].rows, 15000);
  assert_int_equal(f->data->split[RT_TEST].rows, 30000);
}

/* Only what is wanted is there; columns are aligned and have readable slack. */
static void test_memory(void **state) {
  fixture *f = *state;
  write_rows(f, "t.h5", 21);
  set_source(f, "hdf5", "t.h5");
  fractions(f, 0.5, 0.2, 0.3);
  f->spec.weight = &f->weight;
  must_load(f, VALIDATION | TEST);
  assert_int_equal(f->data->split[RT_TRAIN].rows, 0);
  assert_null(f->data->split[RT_TRAIN].inputs);
  for (uint32_t s = RT_VALIDATION; s <= RT_TEST; s++) {
    const rt_split *split = &f->data->split[s];
    const struct {
      const void *data;
      size_t bytes;
    } columns[] = {{split->inputs[0].data, split->rows * 8},
                   {split->targets[0].data, split->rows * 4},
                   {split->weight, split->rows * 4}};
    for (int i = 0; i < 3; i++) {
      assert_int_equal((uintptr_t)columns[i].data % 64, 0);
      const char *slack = (const char *)columns[i].data + columns[i].bytes;
      for (int k = 0; k < 64; k++) assert_int_equal(slack[k], 0); /* ASan minds if it is not ours */
    }
    assert_int_equal(split->inputs[0].width, 2);
    assert_int_equal(split->inputs[0].type, NET_F32);
    assert_int_equal(split->targets[0].type, NET_U32);
    assert_string_equal(split->inputs[0].name, "x");
  }
  assert_floats(f->data->split[RT_TEST].weight, 16, 17, 18, 19, 20, 21);
}

/* Shuffled: every row in one split, all its columns together, the same for the same seed, and the same
 * whether the source is read whole or row by row (CSV). */
static void test_shuffle(void **state) {
  fixture *f = *state;
  enum { ROWS = 500 };
  write_rows(f, "t.h5", ROWS);
  const char *table = "x,x2,y,w\n";
  for (int i = 0; i < ROWS; i++)
    table = net_arena_format(&f->n.arena, "%s%d,%d,%d,%d\n", table, i, -i, i % 3, i + 1);
  write_text(f, "t.csv", table);
  fractions(f, 0.7, 0.1, 0.2);
  f->spec.shuffle = true;
  f->spec.seed = 4;
  f->spec.weight = &f->weight;
  uint32_t order[2][ROWS];
  for (int i = 0; i < 2; i++) {
    set_source(f, i ? "csv" : "hdf5", i ? "t.csv" : "t.h5");
    f->input_names[1] = "x2";
    f->inputs[0].name_count = i ? 2 : 1;
    must_load(f, ALL);
    bool seen[ROWS] = {false};
    uint32_t at = 0;
    for (uint32_t s = 0; s < RT_SPLITS; s++)
      for (uint32_t r = 0; r < f->data->split[s].rows; r++) {
        uint32_t row = order[i][at++] = (uint32_t)input(f, s, 0)[2 * r];
        assert_false(seen[row]);
        seen[row] = true;
        assert_float_equal(input(f, s, 0)[2 * r + 1], -(float)row, 0);
        assert_int_equal(classes(f, s)[r], row % 3);
        assert_float_equal(f->data->split[s].weight[r], row + 1, 0);
      }
    assert_int_equal(at, ROWS);
  }
  assert_memory_equal(order[0], order[1], sizeof order[0]);
  uint32_t fixed = 0;
  for (uint32_t i = 0; i < ROWS; i++) fixed += order[0][i] == i;
  assert_true(fixed < 10);
  must_load(f, TEST);
  assert_float_equal(input(f, RT_TEST, 0)[0], order[0][400], 0);
  f->spec.seed = 5;
  must_load(f, TEST);
  assert_memory_not_equal(input(f, RT_TEST, 0), &order[0][400], 40);
}

/* A source of its own for one split, under other names; fractions split the rest. */
static void test_split_sources(void **state) {
  fixture *f = *state;
  static const unsigned char train[] = {0, 0, 8, 2, 0, 0, 0, 4, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
                             train_labels[] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 0},
                             test[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 11, 12, 13, 14},
                             test_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 2, 2};
  write_bytes(f, "train-images", train, sizeof train);
  write_bytes(f, "train-labels", train_labels, sizeof train_labels);
  write_bytes(f, "t10k-images", test, sizeof test);
  write_bytes(f, "t10k-labels", test_labels, sizeof test_labels);
  const char *images[] = {"t10k-images"}, *labels[] = {"t10k-labels"};
  rt_column_spec own_input = {.names = images, .name_count = 1},
                 own_target = {.names = labels, .name_count = 1};
  f->input_names[0] = "train-images", f->target_names[0] = "train-labels";
  set_source(f, "idx", ".");
  f->spec.split_source[RT_TEST] =
      (rt_source_spec){.kind = "idx", .path = f->directory, .inputs = &own_input, .targets = &own_target};
  fractions(f, 0.75, 0.25, 0.1); /* the last is not looked at */
  assert_int_equal(rt_data_splits(&f->spec), ALL);
  must_load(f, ALL);
  assert_int_equal(f->data->split[RT_TRAIN].rows, 3);
  assert_floats(input(f, RT_VALIDATION, 0), 7, 8);
  assert_floats(input(f, RT_TEST, 0), 11, 12, 13, 14);
  assert_classes(classes(f, RT_TEST), 2, 2);
  assert_classes(classes(f, RT_TRAIN), 0, 1, 2);
  /* all splits from sources of their own: nothing else is there */
  f->spec.split_source[RT_TRAIN] = f->spec.source;
  f->spec.source.kind = NULL;
  assert_int_equal(rt_data_splits(&f->spec), TRAIN | TEST);
  must_load(f, TRAIN | TEST);
  assert_int_equal(f->data->split[RT_TRAIN].rows, 4);
  refuses(f, VALIDATION, "data d has no validation split: give it a fraction of the rows or a source");
  /* a wrong name is reported where the split's source says it */
  images[0] = "t10k-image";
  refuses(f, TEST, "cannot open t10k-image: there is no such file (did you mean 't10k-images'?)");
}

/* Autoencoders: the target is the input as it is after normalisation, not a copy. */
static void test_target_is_input(void **state) {
  fixture *f = *state;
  write_rows(f, "t.h5", 5);
  set_source(f, "hdf5", "t.h5");
  f->targets[0] = (rt_target_spec){.kind = RT_TARGET_INPUT};
  f->steps[0] = (rt_normalize_step){.kind = RT_SCALE, .a = 2};
  f->chains[0].step_count = 1;
  f->spec.normalize_count = 1;
  must_load(f, TRAIN);
  const rt_split *s = &f->data->split[RT_TRAIN];
  assert_ptr_equal(s->targets[0].data, s->inputs[0].data);
  assert_int_equal(s->targets[0].width, 2);
  assert_floats((float *)s->targets[0].data, 0, 0, 2, -2, 4, -4);
}

/* One-hot rows, and values of several dimensions, as targets. */
static void test_targets(void **state) {
  fixture *f = *state;
  double one_hot[] = {0, 0, 1, 1, 0, 0, 0, 1, 0};
  float x[] = {1, 2, 3, 4, 5, 6}, values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  write_floats(f, "t.h5", "x", 3, 2, x);
  write_hdf5(f, "t.h5", "y", H5T_STD_I16LE, 2, (hsize_t[]){3, 3}, H5T_NATIVE_DOUBLE, one_hot);
  write_hdf5(f, "t.h5", "v", H5T_IEEE_F64LE, 3, (hsize_t[]){3, 2, 2}, H5T_NATIVE_FLOAT, values);
  const char *v[] = {"v"};
  f->targets[1] = (rt_target_spec){.kind = RT_TARGET_VALUES,
                                   .column = {.names = v, .name_count = 1, .shape = {2, {2, 2}}}};
  f->spec.target_count = 2;
  set_source(f, "hdf5", "t.h5");
  must_load(f, TRAIN);
  assert_classes(classes(f, RT_TRAIN), 2, 0, 1);
  assert_memory_equal(f->data->split[RT_TRAIN].targets[1].data, values, sizeof values);
  assert_int_equal(f->data->split[RT_TRAIN].targets[1].width, 4);
}

/* Two inputs from one file. */
static void test_inputs(void **state) {
  fixture *f = *state;
  write_rows(f, "t.h5", 4);
  const char *w[] = {"w"};
  f->inputs[1] = (rt_column_spec){.names = w, .name_count = 1, .shape = {1, {1}}};
  f->spec.input_count = 2;
  set_source(f, "hdf5", "t.h5");
  must_load(f, TRAIN);
  assert_floats(input(f, RT_TRAIN, 0), 0, 0, 1, -1);
  assert_floats(input(f, RT_TRAIN, 1), 1, 2, 3, 4);
}

static void test_refused(void **state) {
  fixture *f = *state;
  write_rows(f, "t.h5", 10);
  set_source(f, "hdf5", "t.h5");
  fractions(f, 0.98, 0.01, 0);
  refuses(f, VALIDATION, "data d: its validation split has no rows: 0.01 of 10 are too few");
  refuses(f, TEST, "data d has no test split: give it a fraction of the rows or a source");
  fractions(f, 0.8, 0.3, 0);
  refuses(f, TRAIN, "data d: the splits' fractions make 1.1, more than 1");
  fractions(f, -0.1, 0.3, 0);
  refuses(f, VALIDATION, "data d: -0.1 is no fraction of the rows for the train split");
  fractions(f, 0, 0.3, 0);
  f->steps[0].kind = RT_STANDARD;
  f->chains[0].step_count = 1;
  f->spec.normalize_count = 1;
  refuses(f, VALIDATION, "data d has no train split: give it a fraction of the rows or a source");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      DATA_TEST(test_fractions), DATA_TEST(test_150000_rows),   DATA_TEST(test_memory),
      DATA_TEST(test_shuffle),   DATA_TEST(test_split_sources), DATA_TEST(test_target_is_input),
      DATA_TEST(test_targets),   DATA_TEST(test_inputs),        DATA_TEST(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
