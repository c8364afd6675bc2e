/* Every broken file of tests/data/ is refused with the one message it deserves, and what they were broken
 * from is not. Each stands for the inputs, of shape [4], or for the labels of 3 classes; the other is good.
 */
#include "data_support.h"

typedef struct {
  const char *file, *message; /* NULL: good; ends in *: what follows is the library's own */
} given;

static const given hdf5[] = {
    {"good.h5", NULL},
    {"cut.h5", "cannot read cut.h5: it is cut short (HDF5: truncated file*"},
    {"head.h5", "cannot read head.h5: it is *"},
    {"text.h5", "cannot read text.h5: it is no HDF5 file"},
    {"empty.h5", "cannot read empty.h5: it is empty"},
    {"nan.h5", "nan.h5: dataset 'features': row 7, element 2 is NaN: every number must be finite"},
    {"infinite.h5",
     "infinite.h5: dataset 'features': row 0, element 3 is -infinity: every number must be finite"},
    {"label.h5", "label.h5: dataset 'labels': row 9: label 3 is not one of the network's 3 classes, 0 to 2"},
    {"fraction.h5", "fraction.h5: dataset 'labels': row 4: label 1.5 is not a class number"},
    {"shape.h5", "shape.h5: dataset 'features' has rows of shape [3], but the network has [4] here"},
    {"rows.h5",
     "rows.h5: dataset 'labels' has 11 rows, but rows.h5: dataset 'features' has 12: they must agree"},
    {"one_hot.h5", "one_hot.h5: dataset 'labels': row 3 is not one-hot: it must have a single 1 among zeros"},
    {"filter.h5",
     "filter.h5: dataset 'features' is packed by filter 32000 (lzf), which libhdf5 lacks here: pack "
     "it with gzip"},
    {"records.h5", "records.h5: dataset 'features' holds records [12]: only numbers and strings are read"},
};

static const given npy[] = {
    {"features.npy", NULL},
    {"cut.npy", "cut.npy is cut short: its header promises 12 rows, more than the file can hold"},
    {"head.npy", "head.npy is cut short: it ends at byte 9, but its data reach to byte 10"},
    {"header.npy", "header.npy is cut short: it ends at byte 60, but its data reach to byte 128"},
    {"longer.npy", "longer.npy goes on after byte 320, where its data end by its header"},
    {"magic.npy", "magic.npy is no .npy file: it does not begin as one"},
    {"version.npy", "version.npy is a .npy file of version 9; versions 1 to 3 are read"},
    {"dictionary.npy", "dictionary.npy is damaged: its header is not one of numpy's"},
    {"promise.npy",
     "promise.npy is cut short: its header promises 120000000000000 rows, more than the file can hold"},
    {"overflow.npy",
     "overflow.npy is cut short: its header promises 4294967296 rows, more than the file can hold"},
    {"zero.npy", "zero.npy is empty: one of its dimensions is 0"},
    {"scalar.npy", "scalar.npy holds a single value: it has no rows"},
    {"object.npy",
     "object.npy holds elements of type |O: Python objects are never unpickled: save it as numbers "
     "or strings (numpy.asarray(x, dtype=…))"},
    {"records.npy",
     "records.npy holds elements of type record: records of named fields are not read: save each "
     "field as an array of its own"},
    {"complex.npy",
     "complex.npy holds elements of type <c8: only numbers, truth values and strings are read"},
    {"date.npy", "date.npy holds elements of type <M8[s]: only numbers, truth values and strings are read"},
    {"nan.npy", "nan.npy: row 11, element 0 is NaN: every number must be finite"},
    {"text.npy", "text.npy holds text, where numbers are wanted"},
    {"labels.npy", "labels.npy has rows of shape [], but the network has [4] here"},
};

static const given npy_labels[] = {
    {"labels.npy", NULL},
    {"text.npy", NULL},
    {"features.npy",
     "features.npy has rows of shape [4], but labels are one number or name a row, or one-hot "
     "rows [3]"},
};

static const given npz[] = {
    {"good.npz", NULL},
    {"cut.npz", "cannot read cut.npz: it is no zip archive, or it is cut short"},
    {"missing.npz",
     "missing.npz has no array 'features' (did you mean 'feature'?); it has 'feature', 'labels'"},
    {"member.npz",
     "member.npz: array 'features' is cut short: its header promises 12 rows, more than the file can hold"},
    {"checksum.npz", "checksum.npz: array 'features' is damaged: CRC error"},
};

static const given idx[] = {
    {"images.idx", NULL},
    {"images.idx.gz", NULL},
    {"cut.idx", "cut.idx is cut short: its header promises 12 rows, more than the file can hold"},
    {"cut.idx.gz", "cut.idx.gz is cut short: its gzip data end too early"},
    {"crc.idx.gz", "crc.idx.gz is damaged: incorrect data check"},
    {"damaged.idx.gz", "damaged.idx.gz is damaged: invalid distance too far back"},
    {"head.idx", "head.idx is cut short: it ends at byte 6, but its data reach to byte 8"},
    {"magic.idx", "magic.idx is no IDX file: it does not begin as one"},
    {"type.idx", "type.idx is no IDX file: it does not begin as one"},
    {"longer.idx", "longer.idx goes on after byte 60, where its data end by its header"},
    {"promise.idx",
     "promise.idx is cut short: its header promises 4294967295 rows, more than the file can hold"},
    {"promise.idx.gz",
     "promise.idx.gz is cut short: its header promises 16777215 rows, more than the file can hold"},
    {"rank.idx", "rank.idx has 8 dimensions; at most 7 are read"},
    {"scalar.idx", "scalar.idx holds a single value: it has no rows"},
};

static const given idx_labels[] = {
    {"labels.idx", NULL},
    {"label.idx", "label.idx: row 5: label 9 is not one of the network's 3 classes, 0 to 2"},
};

static const given csv[] = {
    {"good.csv", NULL},
    {"text.csv", "text.csv: column 'c': line 4: 'three' is not a number"},
    {"missing.csv", "missing.csv: column 'b': line 7: the field is empty: every row needs a value"},
    {"short.csv", "short.csv: line 5 has 4 fields, but the header row has 5"},
    {"long.csv", "long.csv: line 5 has more fields than the header row, which has 5"},
    {"nan.csv", "nan.csv: column 'd': line 13: nan is not finite in 32 bits"},
    {"quote.csv", "quote.csv: line 6: a quoted field does not end"},
    {"inner.csv", "inner.csv: line 6: a quote stands within a field: double it, and quote the field"},
    {"label.csv",
     "label.csv: column 'labels': line 8: label 7 is not one of the network's 3 classes, 0 to 2"},
    {"no_label.csv", "no_label.csv: column 'labels': line 8: the label is empty: every row needs one"},
    {"header.csv", "header.csv has no column 'a'; it has '1', '2', '3', '4', '0'"},
    {"column.csv", "column.csv has no column 'c'; it has 'a', 'b', 'cc', 'd', 'labels'"},
    {"blank.csv", "blank.csv has no header row: it is blank"},
    {"only_header.csv", "only_header.csv: column 'a' has no rows"},
};

/* A message without the directory in front of its files. */
static const char *without_directory(fixture *f) {
  static const char prefix[] = NETC_TEST_SOURCE "/tests/data/";
  const char *text = message(f);
  char *out = net_arena_alloc(&f->n.arena, strlen(text) + 1, 1), *to = out;
  while (*text)
    if (!strncmp(text, prefix, sizeof prefix - 1)) text += sizeof prefix - 1;
    else *to++ = *text++;
  return out;
}

/* name: the input or the label file of npy and idx, where the given one goes; NULL: names are those of
 * columns */
static void all(fixture *f, const char *kind, const char **name, const given *files, size_t count) {
  f->inputs[0].shape.dim[0] = 4;
  for (size_t i = 0; i < count; i++) {
    const char *file = name ? "" : files[i].file;
    f->spec.source.kind = kind;
    f->spec.source.path = net_arena_format(&f->n.arena, "%s/tests/data/%s", NETC_TEST_SOURCE, file);
    if (name) *name = files[i].file;
    if (!files[i].message) {
      must_load(f, TRAIN);
      assert_int_equal(f->data->split[RT_TRAIN].rows, 12);
      assert_classes(classes(f, RT_TRAIN), 0, 1, 2, 0);
    } else {
      assert_null(load(f, TRAIN));
      const char *text = without_directory(f), *star = strchr(files[i].message, '*');
      if (star) assert_memory_equal(text, files[i].message, (size_t)(star - files[i].message));
      else assert_string_equal(text, files[i].message);
    }
  }
}

#define ALL_OF(files) files, sizeof files / sizeof files[0]

static void test_hdf5(void **state) {
  fixture *f = *state;
  f->input_names[0] = "features", f->target_names[0] = "labels";
  all(f, "hdf5", NULL, ALL_OF(hdf5));
}

static void test_npz(void **state) {
  fixture *f = *state;
  f->input_names[0] = "features", f->target_names[0] = "labels";
  all(f, "npz", NULL, ALL_OF(npz));
}

static void test_npy(void **state) {
  fixture *f = *state;
  f->target_names[0] = "labels.npy";
  all(f, "npy", f->input_names, ALL_OF(npy));
  f->input_names[0] = "features.npy";
  all(f, "npy", f->target_names, ALL_OF(npy_labels));
}

static void test_idx(void **state) {
  fixture *f = *state;
  f->target_names[0] = "labels.idx";
  all(f, "idx", f->input_names, ALL_OF(idx));
  f->input_names[0] = "images.idx";
  all(f, "idx", f->target_names, ALL_OF(idx_labels));
}

static void test_csv(void **state) {
  fixture *f = *state;
  static const char *const columns[] = {"a", "b", "c", "d"};
  memcpy(f->input_names, columns, sizeof columns);
  f->inputs[0].name_count = 4, f->target_names[0] = "labels";
  all(f, "csv", NULL, ALL_OF(csv));
  f->spec.source.path = net_arena_format(&f->n.arena, "%s/tests/data/binary.csv", NETC_TEST_SOURCE);
  assert_null(load(f, TRAIN));
  assert_non_null(strstr(without_directory(f), "binary.csv has no column 'a'; it has "));
}

int main(void) {
  const struct CMUnitTest tests[] = {DATA_TEST(test_hdf5), DATA_TEST(test_npz), DATA_TEST(test_npy),
                                     DATA_TEST(test_idx), DATA_TEST(test_csv)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
