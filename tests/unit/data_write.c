/* Predictions: written whole in each form, and read back; inputs of `predict` by name or without one. */
#include "data_support.h"
#include "runtime/write.h"

#include <math.h>
#include <sys/stat.h>

static const float logits[] = {0.1f, -1e-30f, 3e38f, 4, 5, 1.0f / 3}, mass[] = {1.5f, -2};
static float *const data[] = {(float *)logits, (float *)mass};
static const rt_output outputs[] = {{"logits", 3, {1, {3}}}, {"mass", 1, {1, {1}}}};

/* Nothing but the named file lies in the directory. */
static void only(fixture *f, const char *name) {
  DIR *dir = opendir(f->directory);
  for (struct dirent *e; (e = readdir(dir));)
    if (e->d_name[0] != '.') assert_string_equal(e->d_name, name);
  closedir(dir);
}

static void test_npy(void **state) {
  fixture *f = *state;
  assert_true(rt_write_outputs(&f->n, path_of(f, "out.npy"), outputs, data, 1, 2));
  only(f, "out.npy");
  rt_split rows;
  f->inputs[0].shape.dim[0] = 3;
  assert_true(rt_data_load_inputs(&f->n, path_of(f, "out.npy"), &f->spec, NULL, &rows));
  assert_int_equal(rows.rows, 2);
  assert_memory_equal(rows.inputs[0].data, logits, sizeof logits);
  rt_split_free(&rows);
  struct stat st; /* numpy aligns data to 64 bytes, and so do we */
  assert_int_equal(stat(path_of(f, "out.npy"), &st), 0);
  assert_int_equal((size_t)st.st_size, 128 + sizeof logits);
  /* rows of several dimensions */
  const rt_output image = {"image", 6, {2, {3, 2}}};
  assert_true(rt_write_outputs(&f->n, path_of(f, "out.npy"), &image, data, 1, 1));
  f->inputs[0].shape = (net_shape){2, {3, 2}};
  assert_true(rt_data_load_inputs(&f->n, path_of(f, "out.npy"), &f->spec, NULL, &rows));
  assert_int_equal(rows.rows, 1);
  rt_split_free(&rows);
}

static void test_csv(void **state) {
  fixture *f = *state;
  assert_true(rt_write_outputs(&f->n, path_of(f, "out.csv"), outputs, data, 2, 2));
  only(f, "out.csv");
  char text[512] = "";
  FILE *in = fopen(path_of(f, "out.csv"), "rb");
  fread(text, 1, sizeof text - 1, in);
  fclose(in);
  assert_string_equal(text, "logits_0,logits_1,logits_2,mass\n"
                            "0.100000001,-1e-30,3.00000001e+38,1.5\n"
                            "4,5,0.333333343,-2\n");
  /* the same bits again, here without names: all columns */
  rt_split rows;
  f->inputs[0].shape.dim[0] = 4;
  assert_true(rt_data_load_inputs(&f->n, path_of(f, "out.csv"), &f->spec, NULL, &rows));
  const float *x = rows.inputs[0].data;
  assert_memory_equal(x, logits, 12);
  assert_memory_equal(x + 4, logits + 3, 12);
  rt_split_free(&rows);
  const rt_output odd = {"a \"b\", c", 1, {1, {1}}};
  assert_true(rt_write_outputs(&f->n, path_of(f, "out.csv"), &odd, data + 1, 1, 1));
  in = fopen(path_of(f, "out.csv"), "rb");
  assert_non_null(fgets(text, sizeof text, in));
  fclose(in);
  assert_string_equal(text, "\"a \"\"b\"\", c\"\n");
}

static void test_hdf5(void **state) {
  fixture *f = *state;
  const char *names[] = {"logits", "mass"};
  assert_true(rt_write_outputs(&f->n, path_of(f, "out.h5"), outputs, data, 2, 2));
  only(f, "out.h5");
  f->inputs[0] = (rt_column_spec){.names = names, .name_count = 1, .shape = {1, {3}}};
  f->inputs[1] = (rt_column_spec){.names = names + 1, .name_count = 1, .shape = {1, {1}}};
  f->spec.input_count = 2;
  f->spec.source.kind = "npz"; /* named alike */
  rt_split rows;
  assert_true(rt_data_load_inputs(&f->n, path_of(f, "out.h5"), &f->spec, NULL, &rows));
  assert_memory_equal(rows.inputs[0].data, logits, sizeof logits);
  assert_memory_equal(rows.inputs[1].data, mass, sizeof mass);
  rt_split_free(&rows);
}

static void cannot_write(fixture *f, const char *name, uint32_t count, const char *text) {
  assert_false(rt_write_outputs(&f->n, path_of(f, name), outputs, data, count, 2));
  assert_string_equal(message(f), text);
}

/* What fails leaves no trace, and what was there before. */
static void test_cannot_write(void **state) {
  fixture *f = *state;
  cannot_write(f, "out.npy", 2,
               "cannot write out.npy: a .npy file holds one array, but there are 2 outputs; use .h5 or .csv");
  cannot_write(f, "out.txt", 1, "cannot write out.txt: its name must end in .npy, .csv, .h5 or .hdf5");
  cannot_write(f, "nowhere/out.csv", 1, "cannot write nowhere/out.csv: No such file or directory");
  only(f, "");
  write_text(f, "out.h5", "kept");
  rt_output twice[] = {outputs[0], outputs[0]};
  assert_false(rt_write_outputs(&f->n, path_of(f, "out.h5"), twice, data, 2, 2));
  assert_string_equal(message(f), "cannot write out.h5: libhdf5 fails to build it");
  only(f, "out.h5");
  FILE *in = fopen(path_of(f, "out.h5"), "rb");
  char text[8] = "";
  assert_int_equal(fread(text, 1, 7, in), 4);
  fclose(in);
  assert_string_equal(text, "kept");
}

static void cannot_read(fixture *f, const char *name, const char *text) {
  rt_split rows;
  assert_false(rt_data_load_inputs(&f->n, path_of(f, name), &f->spec, NULL, &rows));
  assert_string_equal(message(f), text);
  assert_null(rows.inputs);
}

static void test_cannot_read(void **state) {
  fixture *f = *state;
  f->spec.source.kind = "hdf5";
  cannot_read(f, "in.txt",
              "cannot tell what in.txt is: its name ends in none of .h5 .hdf5 .hdf .csv .tsv .csv.gz "
              ".tsv.gz .npy .npy.gz .npz -ubyte -ubyte.gz .idx .idx.gz");
  cannot_read(f, "in.npy", "cannot open in.npy: No such file or directory");
  assert_true(rt_write_outputs(&f->n, path_of(f, "in.h5"), outputs, data, 2, 2));
  cannot_read(f, "in.h5", "in.h5 has no dataset 'x'; it has 'logits' f32 [2, 3], 'mass' f32 [2, 1]");
  f->spec.source.kind = "csv"; /* names are not those of such a file */
  cannot_read(f, "in.h5",
              "in.h5 must have one dataset to be read without naming it; it has 'logits' f32 [2, 3], "
              "'mass' f32 [2, 1]");
  f->spec.input_count = 2;
  cannot_read(f, "in.h5",
              "in.h5: which of its data are the network's 2 inputs cannot be told from a file of kind hdf5");
  f->spec.input_count = 1;
  write_text(f, "in.csv", "x,x2\n1,nan\n");
  cannot_read(f, "in.csv", "in.csv: column 'x' has rows of shape [], but the network has [2] here");
  f->spec.source.kind = "npy";
  cannot_read(f, "in.csv", "in.csv: column 'x2': line 2: nan is not finite in 32 bits");
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_TEST(test_npy), DATA_TEST(test_csv), DATA_TEST(test_hdf5),
                                     DATA_TEST(test_cannot_write), DATA_TEST(test_cannot_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
