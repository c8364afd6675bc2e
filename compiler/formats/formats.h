/* Number formats: a table, one file per family.
 *
 * A format is a row of the table with its parameters: integer(8, 4), block_fp(8, exponent = 8, block = 16).
 * It is interned in the context: equal formats have equal ids, and id 0 is float32, which changes nothing.
 * The rules are those of README.md; `mase` selects the arithmetic of the tool that the formats come from
 * where the two differ (mase_compatible in a rule). */
#ifndef NETC_FORMATS_FORMATS_H
#define NETC_FORMATS_FORMATS_H

#include "support/netc.h"
#include "support/tensor.h"

typedef enum { NET_ROUND_HALF_EVEN, NET_ROUND_HALF_UP, NET_ROUND_FLOOR, NET_ROUND_ZERO } net_rounding;
typedef enum { NET_SATURATE, NET_WRAP, NET_SYMMETRIC } net_overflow;
typedef enum { NET_PER_TENSOR, NET_PER_CHANNEL } net_granularity;
typedef enum { NET_SCALE_SYMMETRIC, NET_SCALE_AFFINE } net_scheme;
typedef enum { NET_RESCALE_MULTIPLIER, NET_RESCALE_POWER_OF_TWO } net_rescaling;
typedef enum { NET_STE_PLAIN, NET_STE_CLIPPED, NET_STE_LEARNED_STEP } net_ste;

#define NET_FORMAT_AUTO INT32_MIN        /* a parameter that the profile decides */
#define NET_FORMAT_UNSET (INT32_MIN + 1) /* not given: complete() finds it */

/* A user's format: its values, ascending. Lives in the context; equal names are the same codebook. */
typedef struct net_codebook {
  net_name name;
  const float *values;
  uint32_t count;
  bool absmax; /* values are times the block's largest magnitude */
  net_shape block;
  net_loc loc; /* of its definition */
} net_codebook;

/* One format. A family reads the fields its row names; the others are 0, so that equal formats compare equal.
 */
typedef struct net_format_spec {
  uint16_t family; /* row */
  int32_t width, fraction, exponent, bias, exponent_bias_width, scale_bits;
  net_shape block; /* right-aligned to the tensor's shape; UINT32_MAX: the whole dimension. block = 16 as
                      written without brackets: 16 along the last dimension, 1 along the others */
  bool auto_sign; /* unsigned if nothing negative can come; signed until the graph has told */
  bool is_unsigned, bipolar, stochastic, scaled, mase;
  net_rounding rounding;
  net_overflow overflow;
  net_granularity per;
  net_scheme scheme;
  net_rescaling rescale;
  net_ste ste;
  const net_codebook *codebook;
} net_format_spec;

/* An argument as written: integer(8, fraction = auto). */
typedef struct {
  const char *name; /* NULL: by position */
  enum { NET_FORMAT_INT, NET_FORMAT_BOOL, NET_FORMAT_WORD, NET_FORMAT_INTS } kind;
  int64_t integer; /* and bool */
  const char *word;
  net_shape ints; /* −1 as UINT32_MAX */
  bool replaces;  /* by name: takes the place of one given before, by position or name */
  net_loc loc;
} net_format_argument;

/* What a tensor needs beside the format, given by calibration: the steps and zero points of scaled_integer,
 * or the steps 2^−f of an integer whose fraction is `auto`. One for the tensor, or one for each channel.
 * Steps of ste = learned_step are trained: any numbers, those below FLT_MIN count as that. */
typedef struct {
  const float *scale;
  const int32_t *zero; /* NULL: all 0 */
  uint32_t count;
} net_calibration;

/* A tensor to quantise. Channels are its first dimension, or the second if the first is the batch, which
 * nothing that is shared by elements (block, channel, mean) ever crosses. */
typedef struct {
  const net_shape *shape;
  bool batched;
  const float *values;
  const double *wide; /* values as they were before they were rounded to binary32; NULL: they were not */
  const net_calibration *calibration; /* NULL: none */
  const float *draws; /* of stochastic formats: a uniform number in [0, 1) each; NULL: the likelier value */
} net_format_tensor;

/* The elements that share exponents, scales or means, as prepared by a family from its parameters and the
 * elements: all of the tensor, a channel or a block. value() reads nothing else. */
typedef struct {
  const net_format_spec *spec;
  bool mase;
  int lowest, highest, exponent; /* exponents; shared one */
  int32_t zero;
  float step, scale, threshold;
  float low, high; /* closed range of the format's values */
} net_format_part;

struct fm_parts; /* formats/parts.h: where a part's elements lie */

/* What the formats of a family do. */
typedef struct net_format_family {
  /* Completes and checks the parameters; reports at loc. */
  bool (*complete)(netc *n, net_format_spec *spec, net_loc loc);
  double (*width)(const net_format_spec *spec); /* bits an element, block exponents left out */
  /* The shape of a part, as net_format_spec.block has it. NULL: the whole tensor is one. */
  void (*block)(const net_format_spec *spec, const net_format_tensor *x, net_shape *block);
  /* Finds what the elements of the part at hand share. */
  void (*prepare)(const net_format_tensor *x, struct fm_parts *parts, net_format_part *part);
  /* Finds the finest grid of the format that can hold the part, whose elements are results already: they lie
   * on it if value() leaves each as it is. NULL: as prepare. */
  void (*fit)(const net_format_tensor *x, struct fm_parts *parts, net_format_part *part);
  float (*value)(const net_format_part *part, float x, float draw); /* the reference. draw: NAN for none */
  float (*wide)(const net_format_part *part, double x); /* rounds once. NULL: by way of binary32 */
  /* What one step more changes: see net_format_terms. NULL: has no step. */
  float (*term)(const net_format_part *part, float x);
  /* Whether values are none but -1, 0 and 1, whatever they are made of. NULL: never. */
  bool (*ones)(const net_format_spec *spec);
  const struct fm_emitter *emitter; /* formats/emit.h */
  /* Where results do not ascend with their own element (all formats that are not NET_FORMAT_PER_ELEMENT;
   * MASE's of some others): a bound of their magnitudes for a tensor without larger ones than `most`. */
  double (*reach)(const net_format_spec *spec, double most);
} net_format_family;

typedef struct net_format {
  const char *name;
  const char
      *arguments; /* "width: int, fraction: int?, rounding: rounding = half_even": ? is found by complete */
  uint32_t flags;
  const net_format_family *family;
} net_format;

enum {
  NET_FORMAT_PER_ELEMENT = 1, /* each element on its own: no block, no tensor-wide maximum or mean */
  NET_FORMAT_WEIGHTS_ONLY = 2,
  NET_FORMAT_IEEE = 4, /* keeps infinities and NaN; the others take NaN for 0 and saturate */
  NET_FORMAT_STEPS = 8,  /* steps by calibration or training */
  NET_FORMAT_POINT = 16, /* a binary point: values are multiples of 2^-fraction, unless steps are learned */
};

/* NET_FORMAT_integer, …: rows. float32 is row 0. */
enum {
#define FORMAT(name, ...) NET_FORMAT_##name,
#include "formats/formats.def"
#undef FORMAT
};

extern const net_format net_formats[];
extern const uint32_t net_format_count;
void net_formats_install(netc *n);

/* Whether a word of some argument goes on with a number in brackets, as multiplier(31) does: the word of such
 * an argument as written is all of it. */
bool net_format_word_takes_number(const char *word);
/* Whether there is a format of that name; reports, with a suggestion. */
bool net_format_known(netc *n, const char *name, net_loc loc);
/* Format id of a call by name; reports unknown names (with a suggestion), wrong arguments. Every format takes
 * `ste = plain, clipped or learned_step` and `mase_compatible = true` besides its own arguments. */
bool net_format_make(netc *n, const char *name, const net_format_argument *arguments, uint32_t count,
                     net_loc loc, uint32_t *id);
/* format NAME = codebook([values…], scale = absmax or none, block = …): NAME is a format from then on, in
 * place of an earlier one of that name. */
bool net_format_define(netc *n, const char *name, const double *values, uint32_t count,
                       const net_format_argument *arguments, uint32_t argument_count, net_loc loc);
/* The specification must be complete. */
uint32_t net_format_intern(netc *n, const net_format_spec *spec);
const net_format_spec *net_format_at(const netc *n, uint32_t id);
uint32_t net_formats_in_use(const netc *n); /* ids are below */
/* "integer(8, 4)": reads back as the same format. In the arena. */
const char *net_format_text(netc *n, uint32_t id);
const char *net_format_spec_text(netc *n, const net_format_spec *spec);
/* The same, backwards; reports all mistakes at loc. Codebooks go by name. */
bool net_format_parse(netc *n, const char *text, size_t length, net_loc loc, uint32_t *id);
double net_format_width(const netc *n, uint32_t id);

/* What values are whole multiples of. */
typedef enum {
  NET_GRID_NONE,  /* nothing, or what each tensor decides */
  NET_GRID_POINT, /* 2^-fraction, unless steps are learned: net_format_has_point */
  NET_GRID_STEPS, /* steps by calibration or training, which may be any numbers; zero points stand beside them
                   */
  NET_GRID_ONES,  /* 1: they are none but -1, 0 and 1 */
} net_format_grid;
net_format_grid net_format_grid_of(const net_format_spec *spec);

static inline bool net_format_has_point(const net_format_spec *spec) {
  return net_formats[spec->family].flags & NET_FORMAT_POINT;
}
/* Whether elements stand alone, and steps are known before they are (or by the format's standard). */
bool net_format_stands_alone(const net_format_spec *spec);
/* Whether steps come from outside: from calibration or training. */
bool net_format_is_open(const net_format_spec *spec);

/* The reference quantiser; out may be the tensor's own values. */
void net_format_quantize(const net_format_spec *spec, const net_format_tensor *x, float *out);
/* dx = dy · gradient: straight-through (plain), or 0 where x lies outside the closed range (clipped, and x's
 * part of learned_step). */
void net_format_gradient(const net_format_spec *spec, const net_format_tensor *x, const float *dy, float *dx);
/* What results can be where each element lies in [from, to], which may be infinite. Of x only shape, batched
 * and calibration are looked at. */
void net_format_range(const net_format_spec *spec, const net_format_tensor *x, const double *from,
                      const double *to, float *low, float *high);
/* The gradient of ste = learned_step for the step is the sum of dy · term: with v = x / step, term is the
 * lowest number of steps if v is no higher, the highest if it is no lower, else R(v) − v. */
void net_format_terms(const net_format_spec *spec, const net_format_tensor *x, float *terms);
/* Lowest and highest number of steps of a format that has a grid, zero points left out. */
void net_format_steps(const net_format_spec *spec, double *low, double *high);
/* Whether values can be results of the quantiser. */
bool net_format_on_grid(const net_format_spec *spec, const net_format_tensor *y);
/* Step and zero point for values from lowest to highest, by a scaled_integer's width and scheme (min-max;
 * other calibrators choose the range). */
void net_format_scale(const net_format_spec *spec, float lowest, float highest, float *scale, int32_t *zero);

#endif
