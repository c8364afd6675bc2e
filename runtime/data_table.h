/* Inside the data code: a source that is open with the columns a data block asks of it. */
#ifndef NETC_RUNTIME_DATA_TABLE_H
#define NETC_RUNTIME_DATA_TABLE_H

#include "runtime/source.h"

/* A column as a source has it: parts side by side, checked against the network's shape. */
typedef struct {
  rt_source *source;
  rt_role role;
  const char *label; /* for messages: of the first part */
  net_loc where;
  rt_dataset *parts;
  uint32_t part_count;
  uint32_t width;
  bool one_hot; /* labels: a row of zeros and a one */
  const char *
      *elements; /* names of the elements where the file or the program names them, else NULL; by width */
} rt_view;

typedef enum { RT_READ_INPUTS = 1, RT_READ_TARGETS = 2 } rt_read_what; /* bits; weights go with targets */

typedef struct {
  rt_source source;
  uint64_t rows;
  rt_view *inputs, *targets, *weight; /* NULL: not read. targets of RT_TARGET_INPUT have no parts */
} rt_table;

/* Rows of a table: [first, first + count), of order if there is one. */
typedef struct {
  uint64_t first, count;
  const uint32_t *order;
} rt_rows;

static inline uint64_t rt_rows_at(const rt_rows *rows, uint64_t i) {
  return rows->order ? rows->order[rows->first + i] : rows->first + i;
}

/* Opens a source and finds its columns. any_names: predict: the only dataset, or all columns. On failure the
 * table still has to be closed. */
bool rt_table_open(netc *n, const rt_data_spec *spec, const rt_source_spec *source, unsigned what,
                   bool any_names, rt_table *table);
void rt_table_close(rt_table *table);

/* "jets.h5: dataset 'features': row 17, element 3" */
const char *rt_view_place(const rt_view *view, uint64_t row, uint64_t element);

/* count × width f32 to memory from rt_column_alloc, in the rows' order; refuses NaN and infinities. */
bool rt_view_read(const rt_view *view, const rt_rows *rows, float *to);
/* Refuses numbers that are not finite. problem: what to say of such a number, after the place. */
bool rt_view_check_finite(const rt_view *view, const rt_rows *rows, const float *data, const char *problem);
/* Rows as f64 (for labels). */
bool rt_view_read_f64(const rt_view *view, uint64_t first, uint64_t rows, double *to);
/* How many rows to read at a time. */
uint64_t rt_view_block(const rt_view *view);

#endif
