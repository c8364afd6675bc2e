/* Data: what a `data` block asks for, and what it becomes: columns in memory, normalised, split. */
#ifndef NETC_RUNTIME_DATA_H
#define NETC_RUNTIME_DATA_H

#include "support/netc.h"
#include "support/tensor.h"

/* ---- what is asked for ---- */

typedef enum { RT_TRAIN, RT_VALIDATION, RT_TEST, RT_SPLITS } rt_split_name;
extern const char *const rt_split_names[RT_SPLITS]; /* "train", "validation", "test" */

/* A column a network reads, made of one or more parts side by side: hdf5, npz: names of datasets; csv: names
 * of columns; npy, idx: names of files in the source's path if that is a directory, else beside that file (no
 * names: that file itself). synthetic needs no names. */
typedef struct {
  const char **names;
  uint32_t name_count;
  net_shape shape; /* of one sample, as the network declares it. The data's must be the same row-major array:
                    * equal but for dimensions of 1, or one of the two flat ([28, 28] feeds f32[784]) */
  net_loc where;
} rt_column_spec;

/* One source: a row of the table of data sources (runtime/sources.def) and its arguments. */
typedef struct {
  const char *kind; /* "hdf5", "csv", "npy", "npz", "idx", "synthetic"; NULL: none */
  const char *path; /* as resolved against the program's directory; NULL for synthetic */
  net_loc where;
  /* synthetic: seeded Gaussian classes (classes > 0), or values of a fixed random linear map plus noise */
  uint32_t samples, classes;
  uint64_t seed;
  /* A source of one split may call its columns otherwise than the block does; only `names`, `name_count` and
   * `where` are read. NULL: as in the block; else as many as the block's inputs and targets. In a program:
   *   source = idx("fashion-mnist")
   *   input  = "train-images-idx3-ubyte.gz"
   *   target = "train-labels-idx1-ubyte.gz"
   *   split  = { train = 0.9, validation = 0.1,
   *              test = idx("fashion-mnist", input = "t10k-images-idx3-ubyte.gz",
   *                         target = "t10k-labels-idx1-ubyte.gz") }
   * so every source takes the named arguments input, target and weight where it stands for a split. */
  const rt_column_spec *inputs, *targets, *weight;
} rt_source_spec;

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

/* One step of a normalisation chain. */
typedef enum {
  RT_STANDARD,     /* (x − mean) / σ, σ of the population; σ = 0 counts as 1 */
  RT_MINMAX,       /* to [0, 1]; a constant element becomes 0 */
  RT_SCALE,        /* a·x */
  RT_LOG1P,        /* ln(1 + x); x ≤ −1 is an error */
  RT_CLIP,         /* to [a, b] */
  RT_POWER_OF_TWO, /* times the greatest power of two that leaves |x| ≤ 1; an element of zeros stays */
  RT_NORMALIZERS
} rt_normalizer;

typedef struct {
  rt_normalizer kind;
  double a, b; /* scale: a; clip: a = lo, b = hi */
  net_loc where;
} rt_normalize_step;

/* A chain with a column name applies to the elements of that name: a CSV column or another part of an input,
 * or an element that an HDF5 dataset names in its attribute `names`. */
typedef struct {
  const char *column; /* NULL: every element that has no chain of its own */
  rt_normalize_step *steps;
  uint32_t step_count;
  net_loc where;
} rt_normalize_chain;

typedef struct {
  const char *name; /* of the data block */
  net_loc where;
  rt_source_spec source;                  /* what fractions split … */
  rt_source_spec split_source[RT_SPLITS]; /* … and the source of a split that has its own (kind NULL: none) */
  double fraction[RT_SPLITS];             /* of `source`, in this order; sum ≤ 1; default 0.8, 0.1, 0.1. Not
                                           * looked at where a split has its own source */
  bool shuffle;                           /* rows of `source` before they are split, by seed; default false */
  uint64_t seed;
  rt_column_spec *inputs;
  uint32_t input_count;
  rt_target_spec *targets;
  uint32_t target_count;
  rt_column_spec *weight; /* NULL: none */
  const char **classes;   /* names, or NULL: labels that are text get names in order of appearance */
  uint32_t class_count;
  rt_normalize_chain *normalize;
  uint32_t normalize_count;
} rt_data_spec;

/* The tables behind the words of a program, for checks and suggestions. */
typedef struct {
  const char *name, *takes; /* "hdf5"; its arguments for a person: "a path" */
  bool has_path;            /* takes a path; else samples, classes, seed */
  const char *endings;      /* of file names, for `predict`: ".h5 .hdf5"; NULL: none */
} rt_source_info;
uint32_t rt_source_count(void);
const rt_source_info *rt_source_at(uint32_t i);

typedef struct {
  const char *name;
  uint32_t arguments; /* how many numbers it takes: exactly these many */
} rt_normalizer_info;
extern const rt_normalizer_info rt_normalizers[RT_NORMALIZERS];

/* The splits that have rows by the spec: a bit each (1 << RT_TEST …). */
unsigned rt_data_splits(const rt_data_spec *spec);

/* ---- what it becomes ---- */

/* A column in memory: rows × width elements, row-major; f32, or u32 for class numbers. The data are 64-byte
 * aligned and readable for 64 bytes past their end. */
typedef struct {
  const char *name; /* of its first part; NULL: synthetic data have none */
  net_type type;
  uint32_t width;
  void *data;
  bool alias; /* an RT_TARGET_INPUT: the data belong to the input */
} rt_column;

typedef struct {
  uint32_t rows;
  rt_column *inputs, *targets;
  uint32_t input_count, target_count;
  float *weight; /* NULL: all 1; aligned and with slack as columns have it */
} rt_split;

/* A fitted normalisation of one input: a list of steps, each over all elements; what checkpoints store and
 * objects compile in. An element that a step does not concern has the operands that leave it as it is.
 *   standard, minmax, scale, power_of_two: y = (x − offset) · factor, both rounded to binary32 (0, 1)
 *   clip: lo = offset, hi = factor (−∞, ∞)
 *   log1p: y = ln(1 + x) in double, rounded once, where factor is 1 (0) */
typedef struct {
  rt_normalizer kind;
  float *offset, *factor; /* per element of the input */
} rt_fitted_step;

typedef struct rt_fitted {
  uint32_t width, step_count;
  rt_fitted_step *steps;
} rt_fitted;

typedef struct {
  const rt_data_spec *spec;
  rt_split split[RT_SPLITS]; /* those not wanted have 0 rows and no columns */
  rt_fitted *normalization;  /* one per input; fitted on the train split alone */
  const char **classes;      /* names: the spec's, those found in the file, or NULL */
  uint32_t class_count;      /* of names; without names the first class target's; 0: there is none */
} rt_data;

/* Reads, checks, splits and normalises. wanted: a bit per split (1 << RT_TEST …), each of which must have
 * rows. The train split's inputs are read whenever normalisation must be fitted. fitted: stored
 * normalisations (one per input) to use instead, or NULL. Big memory is malloc'ed until rt_data_free, the
 * rest in n->arena. Reports and returns NULL on any bad data, naming file, dataset and row (rows count from
 * 0, lines from 1). Class names found in a file depend on all of its labels, whatever is wanted; still,
 * whoever stores weights should store rt_data.classes with them and put them into the spec the next time. */
rt_data *rt_data_load(netc *n, const rt_data_spec *spec, unsigned wanted, const rt_fitted *fitted);
void rt_data_free(rt_data *data);
void rt_split_free(rt_split *split);

/* The inputs alone of a file (`predict`): the kind by its ending, the columns by the spec's names; where
 * those say nothing about such a file (the spec's source is of another kind), its only dataset or all columns
 * of a CSV. Normalised by fitted (one per input; NULL: not at all). rows: to be freed with rt_split_free. */
bool rt_data_load_inputs(netc *n, const char *path, const rt_data_spec *spec, const rt_fitted *fitted,
                         rt_split *rows);

/* Applies a fitted normalisation to rows of one input; the caller looks for what is not finite afterwards. */
void rt_normalize(const rt_fitted *fitted, float *rows, uint64_t row_count);

#endif
