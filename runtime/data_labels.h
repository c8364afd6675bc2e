/* Inside the data code: labels as a source has them (numbers, names, one-hot rows) to class numbers. */
#ifndef NETC_RUNTIME_DATA_LABELS_H
#define NETC_RUNTIME_DATA_LABELS_H

#include "runtime/data_table.h"

/* One target's labels over all tables of a data block. */
typedef struct {
  netc *n;
  const rt_data_spec *spec;
  uint32_t target;              /* index in the spec */
  rt_texts texts;               /* those of all tables, in order */
  uint32_t *ids[RT_SPLITS + 1]; /* by table: a text id a row, malloc'ed; NULL: not text */
  const rt_view *view[RT_SPLITS + 1];
  uint32_t *class_of;   /* by text id */
  const char **classes; /* names: the spec's, or those found; NULL: there are none */
  uint32_t class_count;
} rt_labels;

void rt_labels_init(netc *n, const rt_data_spec *spec, uint32_t target, rt_labels *labels);
/* Reads a table's labels if they are text. Tables come in the order in which new names are numbered. */
bool rt_labels_add(rt_labels *labels, uint32_t table, const rt_view *view, uint64_t rows);
/* Gives each text its class, when all tables are added. */
bool rt_labels_settle(rt_labels *labels);
/* The classes of a table's rows, all of them checked. */
bool rt_labels_read(const rt_labels *labels, uint32_t table, const rt_view *view, const rt_rows *rows,
                    uint32_t *to);
void rt_labels_free(rt_labels *labels);

#endif
