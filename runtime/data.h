/* Data: what a `data` block asks for, and what it becomes: columns in memory, normalised, split. */
#ifndef NETC_RUNTIME_DATA_H
#define NETC_RUNTIME_DATA_H

#include "support/netc.h"
#include "support/tensor.h"

/* ---- what is asked for ---- */

typedef enum { RT_TRAIN, RT_VALIDATION, RT_TEST, RT_SPLITS } rt_split_name;

/* One source: a row of the table of data sources (runtime/sources.def) and its arguments. */
typedef struct {
  const char *kind; /* "hdf5", "csv", "npy", "npz", "idx", "synthetic"; NULL: none */
  const char *path; /* as resolved against the program's directory; NULL for synthetic */
  net_loc where;
  /* synthetic: seeded Gaussian classes (classes > 0), or values of a fixed random linear map plus noise */
  uint32_t samples, classes;
  uint64_t seed;
} rt_source_spec;

/* A column a network reads: one dataset (hdf5, npz: a name; npy, idx: a file name), or columns of a CSV. */
typedef struct {
  const char **names; /* datasets or CSV columns, in order */
  uint32_t name_count;
  net_shape shape; /* of one sample, as the network declares it: the data's shape must agree (row-major) */
  net_loc where;
} rt_column_spec;

typedef enum {
  RT_TARGET_CLASS,  /* class numbers, class names, or one-hot rows → u32 class numbers */
  RT_TARGET_VALUES, /* → f32 values */
  RT_TARGET_INPUT,  /* the first input itself, after normalisation (autoencoders) */
} rt_target_kind;

typedef struct {
  rt_target_kind kind;
  rt_column_spec column; /* for RT_TARGET_CLASS the shape is rank 0 */
  uint32_t classes;      /* how many the network tells apart: a label ≥ classes is an error */
} rt_target_spec;

/* One step of a normalisation chain. A chain with a column name applies to that CSV column only. */
typedef enum { RT_STANDARD, RT_MINMAX, RT_SCALE, RT_LOG1P, RT_CLIP, RT_POWER_OF_TWO, RT_NORMALIZERS } rt_normalizer;

typedef struct {
  rt_normalizer kind;
  double a, b; /* scale: a; clip: a = lo, b = hi */
  net_loc where;
} rt_normalize_step;

typedef struct {
  const char *column; /* NULL: every column that has no chain of its own */
  rt_normalize_step *steps;
  uint32_t step_count;
} rt_normalize_chain;

typedef struct {
  const char *name; /* of the data block */
  net_loc where;
  rt_source_spec source;                   /* split by fractions … */
  rt_source_spec split_source[RT_SPLITS]; /* … or a source per split (kind NULL: none) */
  double fraction[RT_SPLITS];              /* sum ≤ 1; default 0.8, 0.1, 0.1 */
  bool shuffle;                            /* rows before they are split, by seed; default false */
  uint64_t seed;
  rt_column_spec *inputs;
  uint32_t input_count;
  rt_target_spec *targets;
  uint32_t target_count;
  rt_column_spec *weight; /* NULL: none */
  const char **classes;   /* names, or NULL: CSV labels that are no numbers get names in order of appearance */
  uint32_t class_count;
  rt_normalize_chain *normalize;
  uint32_t normalize_count;
} rt_data_spec;

/* ---- what it becomes ---- */

/* A column in memory: rows × width elements, row-major, 64-byte aligned; f32, or u32 for class numbers. */
typedef struct {
  const char *name;
  net_type type;
  uint32_t width;
  void *data;
} rt_column;

typedef struct {
  uint32_t rows;
  rt_column *inputs, *targets;
  float *weight; /* NULL: all 1 */
} rt_split;

/* A fitted normalisation of one input: a list of steps, each y = (x − offset[i]) · factor[i] per element after
 * its function (log1p, clip); what checkpoints store and objects compile in. */
typedef struct {
  rt_normalizer kind;
  float *offset, *factor; /* per element of the input; log1p: unused; clip: offset = lo, factor = hi */
} rt_fitted_step;

typedef struct {
  uint32_t width, step_count;
  rt_fitted_step *steps;
} rt_fitted;

typedef struct {
  const rt_data_spec *spec;
  rt_split split[RT_SPLITS];
  rt_fitted *normalization; /* one per input; fitted on the train split alone */
  const char **classes;     /* names, or NULL */
  uint32_t class_count;
} rt_data;

/* Reads, checks, splits and normalises. wanted: a bit per split (1 << RT_TEST …); the train split is read
 * whenever normalisation must be fitted. fitted: a stored normalisation to use instead of fitting, or NULL.
 * Columns live in malloc'ed memory until rt_data_free. Reports and returns NULL on any bad data, naming file,
 * dataset and row. */
rt_data *rt_data_load(netc *n, const rt_data_spec *spec, unsigned wanted, const rt_fitted *fitted);
void rt_data_free(rt_data *data);

/* The inputs alone of a file (`predict`): hdf5, csv, npy by its ending; normalised by fitted. */
bool rt_data_load_inputs(netc *n, const char *path, const rt_data_spec *spec, const rt_fitted *fitted,
                         rt_split *rows);

void rt_normalize(const rt_fitted *fitted, float *rows, uint64_t row_count);

#endif
