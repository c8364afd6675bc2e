/* Each source gives the numbers that were written to it, whatever their type, order and packing. */
#include "data_support.h"

#include <zip.h>
#include <zlib.h>

/* ---- hdf5 ---- */

static void test_hdf5_types(void **state) {
  fixture *f = *state;
  const struct {
    hid_t type;
    double values[6]; /* that the type holds exactly, and binary32 too */
  } types[] = {{H5T_STD_I8BE, {-128, 127, 0, 1, 2, 3}},      {H5T_STD_U16LE, {65535, 0, 1, 2, 3, 4}},
               {H5T_STD_I32BE, {-65536, 1, 2, 3, 4, 5}},     {H5T_STD_I64LE, {-1e6, 1e9, 2, 3, 4, 5}},
               {H5T_STD_U64BE, {0x1p60, 1, 2, 3, 4, 5}},     {H5T_IEEE_F32BE, {-0.5, 1e-30f, 2, 3, 4, 5}},
               {H5T_IEEE_F64LE, {0.1f, -1e30f, 2, 3, 4, 5}}, {H5T_IEEE_F64BE, {0.1f, 1, 2, 3, 4, 5}}};
  int labels[] = {0, 1, 2};
  set_source(f, "hdf5", "t.h5");
  write_labels(f, "t.h5", "y", 3, labels);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    f->input_names[0] = net_arena_format(&f->n.arena, "group/x%zu", i);
    write_hdf5(f, "t.h5", f->input_names[0], types[i].type, 2, (hsize_t[]){3, 2}, H5T_NATIVE_DOUBLE,
               types[i].values);
    must_load(f, TRAIN);
    for (int k = 0; k < 6; k++) assert_float_equal(input(f, RT_TRAIN, 0)[k], types[i].values[k], 0);
    assert_classes(classes(f, RT_TRAIN), 0, 1, 2);
  }
}

/* Rows of several dimensions, read in pieces that cut through chunks. */
static void test_hdf5_dimensions(void **state) {
  fixture *f = *state;
  float x[7 * 2 * 3];
  int y[7];
  for (int i = 0; i < 42; i++) x[i] = (float)i;
  for (int i = 0; i < 7; i++) y[i] = i % 3;
  write_hdf5(f, "t.h5", "x", H5T_IEEE_F32LE, 3, (hsize_t[]){7, 2, 3}, H5T_NATIVE_FLOAT, x);
  write_labels(f, "t.h5", "y", 7, y);
  set_source(f, "hdf5", "t.h5");
  f->spec.fraction[RT_TRAIN] = 0.6;
  f->spec.fraction[RT_VALIDATION] = 0.1;
  f->spec.fraction[RT_TEST] = 0.3;
  const net_shape shapes[] = {{2, {2, 3}}, {1, {6}}, {3, {1, 2, 3}}, {3, {2, 3, 1}}};
  for (int i = 0; i < 4; i++) {
    f->inputs[0].shape = shapes[i];
    must_load(f, ALL);
    assert_int_equal(f->data->split[RT_TRAIN].rows, 4);
    assert_int_equal(f->data->split[RT_VALIDATION].rows, 1);
    assert_int_equal(f->data->split[RT_TEST].rows, 2);
    for (int k = 0; k < 24; k++) assert_float_equal(input(f, RT_TRAIN, 0)[k], k, 0);
    for (int k = 0; k < 6; k++) assert_float_equal(input(f, RT_VALIDATION, 0)[k], 24 + k, 0);
    for (int k = 0; k < 12; k++) assert_float_equal(input(f, RT_TEST, 0)[k], 30 + k, 0);
    assert_classes(classes(f, RT_TEST), 2, 0);
  }
}

/* One input out of several datasets, side by side. */
static void test_hdf5_parts(void **state) {
  fixture *f = *state;
  float a[] = {1, 2, 3, 4}, b[] = {10, 11, 20, 21, 30, 31, 40, 41}, c[16];
  int y[] = {0, 1, 2, 1};
  for (int i = 0; i < 16; i++) c[i] = (float)(100 + i);
  write_floats(f, "t.h5", "a", 4, 0, a);
  write_floats(f, "t.h5", "b", 4, 2, b);
  write_hdf5(f, "t.h5", "c", H5T_IEEE_F32LE, 3, (hsize_t[]){4, 2, 2}, H5T_NATIVE_FLOAT, c);
  write_labels(f, "t.h5", "y", 4, y);
  set_source(f, "hdf5", "t.h5");
  f->input_names[0] = "b", f->input_names[1] = "a", f->input_names[2] = "c";
  f->inputs[0].name_count = 3;
  f->inputs[0].shape.dim[0] = 7;
  f->spec.fraction[RT_TRAIN] = 0.5, f->spec.fraction[RT_TEST] = 0.5;
  must_load(f, TRAIN | TEST);
  assert_floats(input(f, RT_TRAIN, 0), 10, 11, 1, 100, 101, 102, 103, 20, 21, 2, 104, 105, 106, 107);
  assert_floats(input(f, RT_TEST, 0), 30, 31, 3, 108, 109, 110, 111, 40, 41, 4, 112, 113, 114, 115);
}

static void test_hdf5_strings(void **state) {
  fixture *f = *state;
  float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
  write_floats(f, "t.h5", "x", 4, 2, x);
  hid_t fixed = H5Tcopy(H5T_C_S1), padded = H5Tcopy(H5T_C_S1), variable = H5Tcopy(H5T_C_S1);
  H5Tset_size(fixed, 3), H5Tset_strpad(fixed, H5T_STR_NULLPAD);
  H5Tset_size(padded, 4), H5Tset_strpad(padded, H5T_STR_SPACEPAD);
  H5Tset_size(variable, H5T_VARIABLE), H5Tset_cset(variable, H5T_CSET_UTF8);
  const char *names[] = {"top", "g", "top", "qq"};
  hsize_t rows = 4;
  write_hdf5(f, "t.h5", "fixed", fixed, 1, &rows, fixed, "topg\0\0topqq\0");
  write_hdf5(f, "t.h5", "padded", padded, 1, &rows, padded, "top g   top qq  ");
  write_hdf5(f, "t.h5", "variable", variable, 1, &rows, variable, names);
  H5Tclose(fixed), H5Tclose(padded), H5Tclose(variable);
  set_source(f, "hdf5", "t.h5");
  const char *datasets[] = {"fixed", "padded", "variable"}, *classes_given[] = {"g", "qq", "top"};
  for (int i = 0; i < 3; i++) {
    f->target_names[0] = datasets[i];
    f->spec.classes = NULL, f->spec.class_count = 0;
    must_load(f, TRAIN); /* names in order of appearance */
    assert_classes(classes(f, RT_TRAIN), 0, 1, 0, 2);
    assert_int_equal(f->data->class_count, 3);
    assert_string_equal(f->data->classes[0], "top");
    assert_string_equal(f->data->classes[2], "qq");
    f->spec.classes = classes_given, f->spec.class_count = 3;
    must_load(f, TRAIN);
    assert_classes(classes(f, RT_TRAIN), 2, 0, 2, 1);
  }
}

/* The attribute `names`: of classes beside numbers, and of elements for chains of their own. */
static void test_hdf5_names(void **state) {
  fixture *f = *state;
  float x[] = {1, 20, 3, 40};
  int y[] = {0, 2};
  write_floats(f, "t.h5", "x", 2, 2, x);
  write_labels(f, "t.h5", "y", 2, y);
  hid_t file = H5Fopen(path_of(f, "t.h5"), H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, 4);
  const struct {
    const char *dataset, *names;
    hsize_t count;
  } attributes[] = {{"x", "pt\0\0eta\0", 2}, {"y", "a\0\0\0b\0\0\0c\0\0\0", 3}};
  for (int i = 0; i < 2; i++) {
    hid_t d = H5Dopen2(file, attributes[i].dataset, H5P_DEFAULT),
          space = H5Screate_simple(1, &attributes[i].count, NULL);
    hid_t a = H5Acreate2(d, "names", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, type, attributes[i].names);
    H5Aclose(a), H5Sclose(space), H5Dclose(d);
  }
  H5Tclose(type), H5Fclose(file);
  set_source(f, "hdf5", "t.h5");
  f->steps[0] = (rt_normalize_step){.kind = RT_SCALE, .a = 10};
  f->chains[0].column = "eta", f->chains[0].step_count = 1;
  f->spec.normalize_count = 1;
  must_load(f, TRAIN);
  assert_floats(input(f, RT_TRAIN, 0), 1, 200, 3, 400);
  assert_int_equal(f->data->class_count, 3);
  assert_string_equal(f->data->classes[1], "b");
}

/* ---- npy ---- */

static void npy_gives(fixture *f, const char *descr, bool fortran, const void *bytes, size_t length,
                      const float *values) {
  write_npy(f, "x.npy",
            net_arena_format(&f->n.arena, "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }", descr,
                             fortran ? "True" : "False"),
            bytes, length);
  must_load(f, TRAIN);
  for (int i = 0; i < 6; i++) {
    float x = input(f, RT_TRAIN, 0)[fortran ? i % 2 * 3 + i / 2 : i];
    assert_true(x == values[i]);
  }
}

/* Every type, both byte orders, both orders of elements: the bytes are turned round by hand. */
static void test_npy_types(void **state) {
  fixture *f = *state;
  static const uint8_t u1[] = {0, 1, 2, 253, 254, 255};
  static const int8_t i1[] = {-128, -1, 0, 1, 2, 127};
  static const uint16_t u2[] = {0, 1, 258, 65533, 65534, 65535},
                        f2[] = {0x3C00, 0xC000, 0x3555, 0x7BFF, 0x0001, 0x8400};
  static const int16_t i2[] = {-32768, -2, 0, 1, 258, 32767};
  static const uint32_t u4[] = {0, 1, 66051, 4, 5, 0x80000000};
  static const int32_t i4[] = {-65536, -1, 0, 66051, 2, 0x40000000};
  static const uint64_t u8[] = {0, 1, 66051, 3, UINT64_C(1) << 40, UINT64_C(1) << 63};
  static const int64_t i8[] = {-(INT64_C(1) << 40), -1, 0, 1, 2, 66051};
  static const float f4[] = {-0.5f, 0.1f, 1e30f, 3, -1e-40f, 5};
  static const double f8[] = {-0.5, 0.25, 1e30, 3, 4, -5};
  const float half[] = {1, -2, 0x1.554p-2f, 65504, 0x1p-24f, -0x1p-14f};
  const struct {
    const char *descr;
    size_t size;
    const void *data;
  } types[] = {{"b1", 1, u1}, {"u1", 1, u1}, {"i1", 1, i1}, {"u2", 2, u2}, {"i2", 2, i2}, {"f2", 2, f2},
               {"u4", 4, u4}, {"i4", 4, i4}, {"f4", 4, f4}, {"u8", 8, u8}, {"i8", 8, i8}, {"f8", 8, f8}};
  float values[6];
  write_npy(f, "y.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "\1\2", 2);
  f->input_names[0] = "x.npy", f->target_names[0] = "y.npy";
  f->inputs[0].shape.dim[0] = 3;
  set_source(f, "npy", ".");
  for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
    for (int i = 0; i < 6; i++)
      values[i] = !strcmp(types[t].descr, "f2") ? half[i]
                  : types[t].data == (void *)u1 ? u1[i]
                  : types[t].data == (void *)i1 ? i1[i]
                  : types[t].data == (void *)u2 ? u2[i]
                  : types[t].data == (void *)i2 ? i2[i]
                  : types[t].data == (void *)u4 ? (float)u4[i]
                  : types[t].data == (void *)i4 ? (float)i4[i]
                  : types[t].data == (void *)u8 ? (float)u8[i]
                  : types[t].data == (void *)i8 ? (float)i8[i]
                  : types[t].data == (void *)f4 ? f4[i]
                                                : (float)f8[i];
    size_t size = types[t].size;
    unsigned char swapped[48];
    for (size_t i = 0; i < 6 * size; i++)
      swapped[i] = ((const unsigned char *)types[t].data)[i / size * size + size - 1 - i % size];
    for (int fortran = 0; fortran < 2; fortran++) {
      const char *native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "<" : ">";
      npy_gives(f, net_arena_format(&f->n.arena, "%s%s", native, types[t].descr), fortran, types[t].data,
                6 * size, values);
      npy_gives(f, net_arena_format(&f->n.arena, "%s%s", *native == '<' ? ">" : "<", types[t].descr), fortran,
                swapped, 6 * size, values);
    }
  }
  assert_classes(classes(f, RT_TRAIN), 1, 2);
}

/* Fortran order of more dimensions, split so that runs are read in pieces. */
static void test_npy_fortran(void **state) {
  fixture *f = *state;
  int32_t stored[5 * 2 * 3];
  for (int r = 0; r < 5; r++)
    for (int i = 0; i < 2; i++)
      for (int k = 0; k < 3; k++) stored[r + 5 * (i + 2 * k)] = 100 * r + 10 * i + k;
  write_npy(f, "x.npy", "{'fortran_order': True, \"descr\": '<i4', 'shape': (5L, 2L, 3L)}", stored,
            sizeof stored);
  write_npy(f, "y.npy", "{'descr': '|u1', 'fortran_order': True, 'shape': (5, 1), }", "\0\1\2\1\0", 5);
  f->input_names[0] = "x.npy", f->target_names[0] = "y.npy";
  f->inputs[0].shape = (net_shape){2, {2, 3}};
  f->spec.fraction[RT_TRAIN] = 0.6, f->spec.fraction[RT_TEST] = 0.4;
  set_source(f, "npy", "x.npy"); /* names are beside it */
  must_load(f, TRAIN | TEST);
  assert_floats(input(f, RT_TRAIN, 0), 0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112, 200);
  assert_floats(input(f, RT_TEST, 0), 300, 301, 302, 310, 311, 312, 400, 401, 402, 410, 411, 412);
  assert_classes(classes(f, RT_TEST), 1, 0);
}

/* Versions 2 and 3 have longer lengths; strings are labels. */
static void test_npy_versions_and_strings(void **state) {
  fixture *f = *state;
  for (char version = 2; version <= 3; version++) {
    static const char dictionary[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }          \n";
    char bytes[256] = "\x93NUMPY";
    bytes[6] = version;
    bytes[8] = sizeof dictionary - 1;
    memcpy(bytes + 12, dictionary, sizeof dictionary - 1);
    memcpy(bytes + 12 + sizeof dictionary - 1, (float[]){1, 2, 3, 4}, 16);
    write_bytes(f, "x.npy", bytes, 12 + sizeof dictionary - 1 + 16);
    f->input_names[0] = "x.npy", f->target_names[0] = "y.npy";
    set_source(f, "npy", ".");
    write_npy(f, "y.npy", "{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }", "topg\0\0", 6);
    must_load(f, TRAIN);
    assert_floats(input(f, RT_TRAIN, 0), 1, 2, 3, 4);
    assert_string_equal(f->data->classes[0], "top");
    static const uint32_t wide[] = {0x3B1, 'x', 'g', 0}, swapped[] = {0xB1030000, 0x78000000, 0x67000000, 0};
    write_npy(f, "y.npy", "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", wide, 16);
    must_load(f, TRAIN);
    assert_string_equal(f->data->classes[0], "\xCE\xB1x");
    assert_string_equal(f->data->classes[1], "g");
    write_npy(f, "y.npy", "{'descr': '>U2', 'fortran_order': False, 'shape': (2,), }", swapped, 16);
    must_load(f, TRAIN);
    assert_string_equal(f->data->classes[0], "\xCE\xB1x");
  }
}

/* ---- npz ---- */

static void test_npz(void **state) {
  fixture *f = *state;
  static const char x[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n",
                    y[] = "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n";
  static char member[2][256];
  size_t length[2];
  const char *headers[] = {x, y};
  for (int i = 0; i < 2; i++) {
    memcpy(member[i], "\x93NUMPY\1\0", 8);
    member[i][8] = (char)strlen(headers[i]);
    strcpy(member[i] + 10, headers[i]);
    length[i] = 10 + strlen(headers[i]);
  }
  memcpy(member[0] + length[0], (float[]){1, 2, 3, 4, 5, 6}, 24);
  memcpy(member[1] + length[1], (int64_t[]){2, 0, 1}, 24);
  for (int packed = 0; packed < 2; packed++) {
    zip_t *z = zip_open(path_of(f, "t.npz"), ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(z);
    for (int i = 0; i < 2; i++) {
      zip_int64_t at =
          zip_file_add(z, i ? "y.npy" : "x.npy", zip_source_buffer(z, member[i], length[i] + 24, 0), 0);
      zip_set_file_compression(z, (zip_uint64_t)at, packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    }
    assert_int_equal(zip_close(z), 0);
    set_source(f, "npz", "t.npz");
    f->spec.fraction[RT_TRAIN] = 2.0 / 3, f->spec.fraction[RT_TEST] = 1.0 / 3;
    must_load(f, TRAIN | TEST);
    assert_floats(input(f, RT_TRAIN, 0), 1, 2, 3, 4);
    assert_floats(input(f, RT_TEST, 0), 5, 6);
    assert_classes(classes(f, RT_TRAIN), 2, 0);
    assert_classes(classes(f, RT_TEST), 1);
    f->spec.shuffle = true; /* reads the members again from their beginning */
    must_load(f, TRAIN | TEST);
    f->spec.shuffle = false;
  }
}

/* ---- idx ---- */

static void write_gz(fixture *f, const char *name, const void *bytes, size_t length) {
  gzFile to = gzopen(path_of(f, name), "wb");
  assert_int_equal(gzwrite(to, bytes, (unsigned)length), length);
  assert_int_equal(gzclose(to), Z_OK);
}

static void test_idx(void **state) {
  fixture *f = *state;
  static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,  0,  0,
                                         0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255},
                             labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 1, 0};
  f->input_names[0] = "images", f->target_names[0] = "labels";
  f->inputs[0].shape = (net_shape){3, {1, 2, 2}};
  for (int packed = 0; packed < 2; packed++) {
    (packed ? write_gz : write_bytes)(f, "images", images, sizeof images);
    (packed ? write_gz : write_bytes)(f, "labels", labels, sizeof labels);
    set_source(f, "idx", packed ? "." : "images");
    must_load(f, TRAIN);
    assert_floats(input(f, RT_TRAIN, 0), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255);
    assert_classes(classes(f, RT_TRAIN), 2, 1, 0);
  }
}

static void test_idx_types(void **state) {
  fixture *f = *state;
  static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 1};
  static const struct {
    unsigned char code, size, bytes[16];
    float values[2];
  } types[] = {{0x08, 1, {255, 1}, {255, 1}},
               {0x09, 1, {255, 1}, {-1, 1}},
               {0x0B, 2, {1, 2, 255, 254}, {258, -2}},
               {0x0C, 4, {0, 1, 2, 3, 255, 255, 255, 254}, {66051, -2}},
               {0x0D, 4, {0x3F, 0x80, 0, 0, 0xC0, 0x20, 0, 0}, {1, -2.5f}},
               {0x0E, 8, {0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 4, 0, 0, 0, 0, 0, 0}, {1, -2.5f}}};
  write_bytes(f, "labels", labels, sizeof labels);
  f->input_names[0] = "x", f->target_names[0] = "labels";
  set_source(f, "idx", ".");
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    unsigned char bytes[12 + 16] = {0, 0, types[i].code, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    memcpy(bytes + 12, types[i].bytes, 16);
    write_bytes(f, "x", bytes, 12 + 2u * types[i].size);
    must_load(f, TRAIN);
    assert_floats(input(f, RT_TRAIN, 0), types[i].values[0], types[i].values[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_TEST(test_hdf5_types),  DATA_TEST(test_hdf5_dimensions),
                                     DATA_TEST(test_hdf5_parts),  DATA_TEST(test_hdf5_strings),
                                     DATA_TEST(test_hdf5_names),  DATA_TEST(test_npy_types),
                                     DATA_TEST(test_npy_fortran), DATA_TEST(test_npy_versions_and_strings),
                                     DATA_TEST(test_npz),         DATA_TEST(test_idx),
                                     DATA_TEST(test_idx_types)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
