/* What is wrong with data is said once, with file, dataset and row. */
#include "data_support.h"

#include <math.h>
#include <sys/stat.h>
#include <zip.h>

static void set_hdf5(fixture *f) {
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
  const int y[] = {0, 1, 2, 1};
  write_floats(f, "t.h5", "x", 4, 2, x);
  write_labels(f, "t.h5", "y", 4, y);
  write_floats(f, "t.h5", "group/values", 4, 2, x);
  set_source(f, "hdf5", "t.h5");
}

static void test_hdf5_names(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  f->input_names[0] = "group/value";
  refuses(f, TRAIN,
          "t.h5 has no dataset 'group/value' (did you mean 'group/values'?); it has 'group/values' f32 "
          "[4, 2], 'x' f32 [4, 2], 'y' u8 [4]");
  f->input_names[0] = "group";
  refuses(f, TRAIN,
          "t.h5 has no dataset 'group'; it has 'group/values' f32 [4, 2], 'x' f32 [4, 2], 'y' u8 [4]");
  f->input_names[0] = "/nothing/here";
  refuses(
      f, TRAIN,
      "t.h5 has no dataset '/nothing/here'; it has 'group/values' f32 [4, 2], 'x' f32 [4, 2], 'y' u8 [4]");
  f->input_names[0] = "";
  refuses(f, TRAIN, "t.h5 has no dataset ''; it has 'group/values' f32 [4, 2], 'x' f32 [4, 2], 'y' u8 [4]");
  f->input_names[0] = "/group/values";
  must_load(f, TRAIN);
}

static void test_hdf5_shapes(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  const float x[24] = {0};
  f->inputs[0].shape.dim[0] = 3;
  refuses(f, TRAIN, "t.h5: dataset 'x' has rows of shape [2], but the network has [3] here");
  write_hdf5(f, "t.h5", "image", H5T_IEEE_F32LE, 3, (hsize_t[]){4, 2, 3}, H5T_NATIVE_FLOAT, x);
  f->input_names[0] = "image";
  f->inputs[0].shape = (net_shape){2, {3, 2}};
  refuses(f, TRAIN, "t.h5: dataset 'image' has rows of shape [2, 3], but the network has [3, 2] here");
  f->input_names[0] = "y";
  refuses(f, TRAIN, "t.h5: dataset 'y' has rows of shape [], but the network has [3, 2] here");
  f->input_names[0] = "x", f->inputs[0].shape = (net_shape){1, {2}};
  f->target_names[0] = "x";
  refuses(f, TRAIN,
          "t.h5: dataset 'x' has rows of shape [2], but labels are one number or name a row, or one-hot "
          "rows [3]");
  f->target_names[0] = "y";
  f->weight_names[0] = "x";
  f->spec.weight = &f->weight;
  refuses(f, TRAIN, "t.h5: dataset 'x' has rows of shape [2], but a weight is one number");
}

static void test_hdf5_kinds(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  hsize_t rows = 4;
  hid_t record = H5Tcreate(H5T_COMPOUND, 8), text = H5Tcopy(H5T_C_S1);
  H5Tinsert(record, "a", 0, H5T_NATIVE_FLOAT), H5Tinsert(record, "b", 4, H5T_NATIVE_INT);
  write_hdf5(f, "t.h5", "record", record, 1, &rows, record, (char[32]){0});
  write_hdf5(f, "t.h5", "text", text, 1, &rows, text, "ab\0d");
  H5Tclose(record), H5Tclose(text);
  f->input_names[0] = "record";
  refuses(f, TRAIN, "t.h5: dataset 'record' holds records [4]: only numbers and strings are read");
  f->input_names[0] = "text", f->inputs[0].shape.dim[0] = 1;
  refuses(f, TRAIN, "t.h5: dataset 'text' holds text, where numbers are wanted");
  f->input_names[0] = "x", f->inputs[0].shape.dim[0] = 2, f->target_names[0] = "text";
  refuses(f, TRAIN, "t.h5: dataset 'text': row 2: the label is empty: every row needs one");
  hid_t file = H5Fopen(path_of(f, "t.h5"), H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
  H5Dclose(H5Dcreate2(file, "scalar", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space), H5Fclose(file);
  f->input_names[0] = "scalar";
  refuses(f, TRAIN, "t.h5: dataset 'scalar' holds a single value: it has no rows");
  rows = 0;
  write_hdf5(f, "t.h5", "nothing", H5T_IEEE_F32LE, 1, &rows, H5T_NATIVE_FLOAT, NULL);
  f->input_names[0] = "nothing", f->inputs[0].shape.dim[0] = 1;
  f->spec.target_count = 0;
  refuses(f, TRAIN, "t.h5: dataset 'nothing' has no rows");
}

static void test_rows_disagree(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  write_labels(f, "t.h5", "short", 3, (int[]){0, 1, 2});
  f->target_names[0] = "short";
  refuses(f, TRAIN, "t.h5: dataset 'short' has 3 rows, but t.h5: dataset 'x' has 4: they must agree");
}

static void test_not_finite(void **state) {
  fixture *f = *state;
  const float x[] = {1, 2, 3, 4, 5, NAN, 7, 8}, y[] = {-INFINITY, 2, 3, 4, 5, 6, 7, 8};
  const double wide[] = {1, 2, 3, 1e200, 5, 6, 7, 8};
  set_hdf5(f);
  write_floats(f, "t.h5", "nan", 4, 2, x);
  write_floats(f, "t.h5", "inf", 4, 2, y);
  write_hdf5(f, "t.h5", "wide", H5T_IEEE_F64LE, 2, (hsize_t[]){4, 2}, H5T_NATIVE_DOUBLE, wide);
  f->input_names[0] = "nan";
  refuses(f, TRAIN, "t.h5: dataset 'nan': row 2, element 1 is NaN: every number must be finite");
  f->spec.shuffle = true;
  refuses(f, TRAIN, "t.h5: dataset 'nan': row 2, element 1 is NaN: every number must be finite");
  f->spec.shuffle = false;
  f->spec.fraction[RT_TRAIN] = 0.5, f->spec.fraction[RT_TEST] = 0.5;
  must_load(f, TRAIN); /* not among its rows */
  refuses(f, TEST, "t.h5: dataset 'nan': row 2, element 1 is NaN: every number must be finite");
  f->input_names[0] = "inf";
  refuses(f, TRAIN, "t.h5: dataset 'inf': row 0, element 0 is -infinity: every number must be finite");
  f->input_names[0] = "wide";
  refuses(f, TRAIN, "t.h5: dataset 'wide': row 1, element 1 is infinity: every number must be finite");
  f->input_names[0] = "x";
  f->targets[0].kind = RT_TARGET_VALUES, f->targets[0].column.shape = (net_shape){1, {2}};
  f->target_names[0] = "nan";
  refuses(f, TEST, "t.h5: dataset 'nan': row 2, element 1 is NaN: every number must be finite");
}

/* In the middle of many numbers, and in the last ones. */
static void test_not_finite_anywhere(void **state) {
  fixture *f = *state;
  enum { ROWS = 333 };
  float x[2 * ROWS];
  f->spec.target_count = 0;
  for (int bad = 0; bad < 2 * ROWS; bad += 7) {
    for (int i = 0; i < 2 * ROWS; i++) x[i] = i == bad ? -NAN : 3e38f;
    const char *file = net_arena_format(&f->n.arena, "%d.h5", bad);
    write_floats(f, file, "x", ROWS, 2, x);
    set_source(f, "hdf5", file);
    refuses(f, TRAIN,
            net_arena_format(&f->n.arena,
                             "%s: dataset 'x': row %d, element %d is NaN: every number must be finite", file,
                             bad / 2, bad % 2));
  }
}

static void test_labels(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  static const struct {
    double labels[4];
    const char *message;
  } cases[] = {
      {{0, 1, 3, 1}, "t.h5: dataset 'l0': row 2: label 3 is not one of the network's 3 classes, 0 to 2"},
      {{0, 1, 2, -1}, "t.h5: dataset 'l1': row 3: label -1 is not one of the network's 3 classes, 0 to 2"},
      {{0, 0.5, 2, -1}, "t.h5: dataset 'l2': row 1: label 0.5 is not a class number"},
      {{NAN, 0.5, 2, -1}, "t.h5: dataset 'l3': row 0: label nan is not a class number"},
      {{1, 1, 2, 1e300},
       "t.h5: dataset 'l4': row 3: label 1e+300 is not one of the network's 3 classes, 0 to 2"}};
  hsize_t rows = 4;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    f->target_names[0] = net_arena_format(&f->n.arena, "l%zu", i);
    write_hdf5(f, "t.h5", f->target_names[0], H5T_IEEE_F64LE, 1, &rows, H5T_NATIVE_DOUBLE, cases[i].labels);
    refuses(f, TRAIN, cases[i].message);
  }
}

static void test_one_hot(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  static const float rows[][3] = {{0, 0, 0}, {1, 1, 0}, {0.5, 0.5, 0}, {0, 2, 0}, {NAN, 0, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    float labels[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0};
    memcpy(labels + 6, rows[i], sizeof rows[i]);
    f->target_names[0] = net_arena_format(&f->n.arena, "h%zu", i);
    write_floats(f, "t.h5", f->target_names[0], 4, 3, labels);
    refuses(f, TRAIN,
            net_arena_format(
                &f->n.arena,
                "t.h5: dataset 'h%zu': row 2 is not one-hot: it must have a single 1 among zeros", i));
  }
}

/* Files that are not there, cannot be opened, are directories, empty, or something else: for every kind. */
static void test_files(void **state) {
  fixture *f = *state;
  static const char *const kinds[] = {"hdf5", "csv", "npy", "npz", "idx"};
  static const char *const wrong[] = {"cannot read wrong: it is no HDF5 file",
                                      "wrong has no column 'x'; it has 'this is no data'",
                                      "wrong is no .npy file: it does not begin as one",
                                      "cannot read wrong: it is no zip archive, or it is cut short",
                                      "wrong is no IDX file: it does not begin as one"};
  write_text(f, "empty", "");
  write_text(f, "wrong", "this is no data\n");
  assert_int_equal(mkdir(path_of(f, "folder"), 0777), 0);
  assert_int_equal(symlink("circle", path_of(f, "circle")), 0);
  for (int i = 0; i < 5; i++) {
    bool files = i == 2 || i == 4; /* names are those of files */
    const char *names[] = {"missing", "wrnog", "circle", "empty", "folder", "wrong"},
               *messages[] = {"cannot open missing: No such file or directory",
                              "cannot open wrnog: there is no such file (did you mean 'wrong'?)",
                              "cannot open circle: Too many levels of symbolic links",
                              "cannot read empty: it is empty",
                              "cannot read folder: it is a directory",
                              wrong[i]};
    for (int k = 0; k < 6; k++) {
      set_source(f, kinds[i], files ? "" : names[k]);
      f->input_names[0] = files ? names[k] : "x";
      refuses(f, TRAIN, messages[k]);
    }
  }
  set_source(f, "npy", "nowhere");
  refuses(f, TRAIN, "cannot open nowhere: No such file or directory");
  if (!geteuid()) return; /* root may read everything */
  assert_int_equal(chmod(path_of(f, "wrong"), 0), 0);
  set_source(f, "csv", "wrong");
  refuses(f, TRAIN, "cannot open wrong: Permission denied");
}

static void test_npz_names(void **state) {
  fixture *f = *state;
  zip_t *z = zip_open(path_of(f, "t.npz"), ZIP_CREATE, NULL);
  zip_file_add(z, "inputs.npy", zip_source_buffer(z, "", 0, 0), 0);
  zip_file_add(z, "labels.npy", zip_source_buffer(z, "", 0, 0), 0);
  zip_file_add(z, "readme.txt", zip_source_buffer(z, "", 0, 0), 0);
  zip_close(z);
  set_source(f, "npz", "t.npz");
  f->input_names[0] = "input";
  refuses(f, TRAIN, "t.npz has no array 'input' (did you mean 'inputs'?); it has 'inputs', 'labels'");
  f->input_names[0] = "inputs";
  refuses(f, TRAIN, "t.npz: array 'inputs' is no .npy file: it does not begin as one");
}

/* Errors point to the part of the program that asked for what is wrong. */
static void points_to(fixture *f, net_loc where) {
  assert_null(load(f, TRAIN));
  net_loc at = f->n.diagnostics.list.at[0].where;
  message(f);
  assert_int_equal(at.begin, where.begin);
  assert_int_equal(at.end, where.end);
}

static void test_places(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  f->spec.where = (net_loc){1, 2};
  f->spec.source.where = (net_loc){3, 4};
  f->inputs[0].where = (net_loc){5, 6};
  f->targets[0].column.where = (net_loc){7, 8};
  f->steps[0] = (rt_normalize_step){.kind = RT_CLIP, .a = 2, .b = 1, .where = {9, 10}};
  f->chains[0].step_count = 1, f->chains[0].where = (net_loc){11, 12};
  f->spec.normalize_count = 1;
  points_to(f, f->steps[0].where);
  f->steps[0].b = 3;
  f->chains[0].column = "nothing";
  points_to(f, f->chains[0].where);
  f->target_names[0] = "nothing";
  points_to(f, f->targets[0].column.where);
  f->input_names[0] = "nothing";
  points_to(f, f->inputs[0].where);
  f->spec.source.path = path_of(f, "nothing");
  points_to(f, f->spec.source.where);
  f->spec.fraction[RT_TRAIN] = 2;
  points_to(f, f->spec.where);
}

/* Any truncation of a good file is refused, and said to be one. */
static void test_truncated(void **state) {
  fixture *f = *state;
  set_hdf5(f);
  FILE *in = fopen(path_of(f, "t.h5"), "rb");
  char bytes[16384];
  size_t length = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  assert_true(length > 2000 && length < sizeof bytes);
  set_source(f, "hdf5", "cut.h5");
  for (size_t cut = 1; cut < length; cut += cut < 200 ? 7 : 97) {
    write_bytes(f, "cut.h5", bytes, cut);
    assert_null(load(f, TRAIN));
    const char *text = message(f);
    assert_true(strstr(text, "cut short") || strstr(text, "is no HDF5 file") || strstr(text, "is damaged"));
    assert_true(cut < 100 || strstr(text, "cut.h5: it is cut short (HDF5: truncated file"));
  }
}

/* Bytes of a good file replaced wherever they stand. */
static void patch(fixture *f, const char *from, const char *to, const void *find, const void *put,
                  size_t size) {
  char bytes[16384];
  FILE *in = fopen(path_of(f, from), "rb");
  size_t length = fread(bytes, 1, sizeof bytes, in), found = 0;
  fclose(in);
  for (size_t at = 0; at + size <= length; at++)
    if (!memcmp(bytes + at, find, size)) memcpy(bytes + at, put, size), found++;
  assert_true(found > 0);
  write_bytes(f, to, bytes, length);
}

/* Damage that libhdf5 1.10 does not notice before it reads past its buffers: chunks larger than the dataset,
 * numbers of 64 KiB each. */
static void test_damaged(void **state) {
  fixture *f = *state;
  static const char chunk[] = "\3\0\0\0\1\0\0\0\4\0\0", large[] = "\3\0\0\0\1\0\1\0\4\0\0";
  static const char type[] = "\x11\x20\x1f\0\4\0\0", wide[] = "\x11\x20\x1f\0\4\0\1";
  set_hdf5(f);
  set_source(f, "hdf5", "damaged.h5");
  patch(f, "t.h5", "damaged.h5", chunk, large, sizeof chunk);
  refuses(f, TRAIN, "damaged.h5: dataset 'x' is damaged: the sizes in its header do not fit together");
  patch(f, "t.h5", "damaged.h5", type, wide, sizeof type);
  refuses(f, TRAIN, "damaged.h5: dataset 'x' is damaged: the sizes in its header do not fit together");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      DATA_TEST(test_hdf5_names),    DATA_TEST(test_hdf5_shapes), DATA_TEST(test_hdf5_kinds),
      DATA_TEST(test_rows_disagree), DATA_TEST(test_not_finite),  DATA_TEST(test_not_finite_anywhere),
      DATA_TEST(test_labels),        DATA_TEST(test_one_hot),     DATA_TEST(test_files),
      DATA_TEST(test_npz_names),     DATA_TEST(test_places),      DATA_TEST(test_truncated),
      DATA_TEST(test_damaged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
