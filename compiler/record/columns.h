/* The tables of the record, column by column. */
#ifndef NETC_RECORD_COLUMNS_H
#define NETC_RECORD_COLUMNS_H

#include "record/record.h"

typedef enum {
  RC_ID,
  RC_TEXT,
  RC_REAL,
  RC_COUNT,
  RC_SEED,
  RC_STATUS,
  RC_KIND,
  RC_FLAG,
  RC_PROGRAM
} rc_column_kind;

typedef struct {
  const char *name, *constraint;
  rc_column_kind kind;
  size_t offset; /* of the field */
} rc_column;

/* The field of a struct. */
#define RC_FIELD(type, row, column) (*(type *)((char *)(row) + (column)->offset))
#define RC_FIELD_OF(type, row, column) (*(type const *)((const char *)(row) + (column)->offset))

typedef struct {
  const char *name;
  const rc_column *columns; /* ends with a name that is NULL */
  const char *head, *tail; /* of the definition: a column that is no field, with a comma; what comes behind */
} rc_table;

extern const rc_table rc_experiment_table, rc_run_table, rc_epoch_table, rc_trial_table;

#endif
