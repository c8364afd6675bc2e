/* columns.def as arrays: which fields of the structs are columns. */
#include "record/columns.h"

#define ID RC_ID
#define TEXT RC_TEXT
#define REAL RC_REAL
#define COUNT RC_COUNT
#define SEED RC_SEED
#define STATUS RC_STATUS
#define KIND RC_KIND
#define FLAG RC_FLAG
#define PROGRAM RC_PROGRAM

#define COLUMN(table, name, kind, constraint) COLUMN_##table(name, kind, constraint)
#define FIELD(type, name, kind, constraint) {#name, constraint, kind, offsetof(type, name)},

#define COLUMN_experiment(name, kind, constraint) FIELD(rc_experiment, name, kind, constraint)
#define COLUMN_run(...)
#define COLUMN_epoch(...)
#define COLUMN_trial(...)
static const rc_column experiment_columns[] = {
#include "record/columns.def"
    {0}};
#undef COLUMN_experiment
#undef COLUMN_run
#define COLUMN_experiment(...)
#define COLUMN_run(name, kind, constraint) FIELD(rc_run, name, kind, constraint)
static const rc_column run_columns[] = {
#include "record/columns.def"
    {0}};
#undef COLUMN_run
#undef COLUMN_epoch
#define COLUMN_run(...)
#define COLUMN_epoch(name, kind, constraint) FIELD(rc_epoch, name, kind, constraint)
static const rc_column epoch_columns[] = {
#include "record/columns.def"
    {0}};
#undef COLUMN_epoch
#undef COLUMN_trial
#define COLUMN_epoch(...)
#define COLUMN_trial(name, kind, constraint) FIELD(rc_trial, name, kind, constraint)
static const rc_column trial_columns[] = {
#include "record/columns.def"
    {0}};

const rc_table rc_experiment_table = {"experiment", experiment_columns, "", ""};
const rc_table rc_run_table = {"run", run_columns, "", ", UNIQUE (experiment, number)"};
const rc_table rc_epoch_table = {"epoch", epoch_columns,
                                 "run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, ",
                                 ", PRIMARY KEY (run, epoch)"};
const rc_table rc_trial_table = {"trial", trial_columns, "", ", PRIMARY KEY (experiment, number)"};
