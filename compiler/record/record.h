/* The record: every experiment, run, epoch and trial, in DIRECTORY/runs.db (SQLite).
 *
 * Several processes may write at once; each event is a transaction of its own. A process that was killed has
 * lost nothing that these functions had returned from. After fork() a child uses no record of its parent's:
 * parents write for their children.
 *
 * Texts and rows that are read live in n->arena. Numbers that are not there are NAN, texts NULL, counts and
 * ids 0. A db that is NULL takes everything and does nothing: a run without a record. */
#ifndef NETC_RECORD_RECORD_H
#define NETC_RECORD_RECORD_H

#include "support/json.h"
#include "support/netc.h"

enum { RC_VERSION = 1 }; /* of the tables; files of other versions are refused */

typedef struct rc_db rc_db;

typedef enum {
  RC_STRICT,  /* what goes wrong is an error */
  RC_LENIENT, /* it is one warning, and from then on nothing is recorded: training is what matters */
  RC_READ,    /* nothing is made or written; a record that is not there is an error */
} rc_mode;

/* Whether netc was built with SQLite. */
bool rc_available(void);
/* Opens the record of a directory; RC_STRICT and RC_LENIENT make both if need be. False: reported (an error,
 * but for RC_LENIENT a warning), and *db is NULL. Built without SQLite: RC_LENIENT says nothing. */
bool rc_open(netc *n, const char *directory, rc_mode mode, rc_db **db);
void rc_close(rc_db *db); /* NULL is fine */

/* ---- what is recorded ---- */

typedef enum { RC_RUNNING, RC_DONE, RC_FAILED, RC_INTERRUPTED, RC_STATUSES } rc_status;
extern const char *const rc_status_names[RC_STATUSES];

typedef enum { RC_SWEEP, RC_SEARCH, RC_KINDS } rc_kind;
extern const char *const rc_kind_names[RC_KINDS];

/* A sweep or a search. Both are numbered together: there is one experiment 3. */
typedef struct {
  int64_t id;           /* given by rc_experiment_begin */
  rc_kind kind;
  const char *name;     /* of the block, or NULL */
  const char *network;
  const char *program_hash, *program; /* the flattened text; stored once for all that have the hash */
  const char *command;  /* ready to paste */
  const char *directory; /* where it was given */
  const char *settings; /* JSON: what a resumed experiment must agree on */
  const char *started, *finished; /* UTC, "2026-01-31T12:34:56.789Z"; given by begin and end */
  rc_status status;
  const char *message;  /* of one that failed */
  const char *version, *machine; /* netc's; JSON */
} rc_experiment;

typedef struct {
  int64_t id;               /* given by rc_run_begin */
  int64_t experiment, number; /* 0: a run on its own; else its number in the experiment, from 1 */
  const char *network, *recipe, *data, *quantize; /* names of blocks; NULL: none */
  const char *settings;     /* JSON object: what the run was trained with, by path: {"train.epochs": 50, …} */
  const char *options; /* what of this the command line said: "--set PATH=VALUE", "--epochs 5", a line each */
  uint64_t seed;
  const char *program_name, *program_hash, *program; /* file; 16 hex digits; flattened text */
  const char *weights_hash, *data_hash; /* of the best checkpoint's tensors; of all splits read */
  const char *target, *machine, *version;
  const char *command;      /* ready to paste */
  const char *place;        /* the directory that command was given in, where relative paths begin */
  const char *directory;    /* of the run; NULL: it keeps no files */
  const char *started;
  double seconds;
  rc_status status;
  uint32_t epochs, best_epoch; /* done; 0: no best */
  double train_loss, train_accuracy, validation_loss, validation_accuracy; /* of the best epoch */
  double test_loss, test_accuracy;
  const char *message;      /* of a run that failed */
} rc_run;

typedef struct {
  uint32_t epoch; /* from 1 */
  double train_loss, train_accuracy, validation_loss, validation_accuracy, learning_rate, seconds,
      samples_per_second;
} rc_epoch;

typedef struct {
  int64_t experiment, number; /* from 1 */
  const char *parameters, *objectives; /* JSON objects, as the search has them */
  bool feasible;
  rc_status status;
  uint64_t seed;
  double seconds;
  int64_t run; /* that it was trained in; 0: none */
  const char *message;
} rc_trial;

/* Rows as they are before anything is known of them: all numbers NAN. */
rc_run rc_run_empty(void);
const char *rc_now(net_arena *arena);     /* the time, as the record has it */
const char *rc_machine(net_arena *arena); /* JSON: host, processor, cores, memory, system */

/* ---- experiments ---- */

/* Sets id, started, status. Holds the experiment until rc_close, so that no second process goes on with it.
 */
bool rc_experiment_begin(rc_db *db, rc_experiment *experiment);
/* The newest one with the kind, name, network, program_hash and settings of `like` that is not done;
 * found->id is 0 if there is none. It is held, as by begin: an error, if a process that lives is at work on
 * it. False: reported. */
bool rc_experiment_resume(rc_db *db, const rc_experiment *like, rc_experiment *found);
bool rc_experiment_end(rc_db *db, int64_t id, rc_status status, const char *message);
/* found->id is 0 if there is none. */
bool rc_experiment_find(rc_db *db, int64_t id, rc_experiment *found);

/* ---- runs ---- */

/* Sets id, started, status. A number within an experiment that is there already is taken over, unless it is
 * done (an error): the run that was under way when the process was killed begins anew, or goes on, with its
 * id and without its epochs. */
bool rc_run_begin(rc_db *db, rc_run *run);
/* Goes on with a run of that directory (any way to write it): sets its id, keeps when it started. False:
 * reported; *found tells whether there is one. */
bool rc_run_resume(rc_db *db, rc_run *run, bool *found);
/* Rows of epochs, in one transaction; a row that is there is replaced. */
bool rc_run_epochs(rc_db *db, int64_t run, const rc_epoch *epochs, uint32_t count);
/* Epochs behind this one go: a resumed run has not done them yet. */
bool rc_run_forget(rc_db *db, int64_t run, uint32_t epoch);
/* The last epochs, results, hashes, seconds, status, directory and message, all at once. */
bool rc_run_end(rc_db *db, const rc_run *run, const rc_epoch *epochs, uint32_t count);
/* A run from its beginning to its end in one transaction: of children that tell their parent when all is
 * over. */
bool rc_run_whole(rc_db *db, rc_run *run, const rc_epoch *epochs, uint32_t count);
/* found->id is 0 if there is none. */
bool rc_run_find(rc_db *db, int64_t id, rc_run *found);
bool rc_run_read_epochs(rc_db *db, int64_t run, rc_epoch **epochs, uint32_t *count);

/* ---- trials ---- */

/* A number that is there already is begun anew, unless it is done (an error). */
bool rc_trial_begin(rc_db *db, const rc_trial *trial);
bool rc_trial_end(rc_db *db, const rc_trial *trial);
/* Trials from beginning to end, in one transaction. */
bool rc_trials_whole(rc_db *db, const rc_trial *trials, uint32_t count);

/* ---- reading ---- */

/* Columns that filters compare with numbers, and that rows are sorted by. */
bool rc_has_column(const char *name);
uint32_t rc_columns(const char *const **names);

typedef struct {
  const char *column, *comparison; /* "<" "<=" ">" ">=" "=" "!=" */
  double number;
  const char *text; /* compared in place of the number, by = and != */
} rc_condition;

typedef struct {
  const char *network; /* NULL: any */
  int kind;            /* rc_kind; −1: any; RC_KINDS: runs on their own */
  int status;          /* rc_status; −1: any */
  int64_t experiment;  /* 0: any */
  const rc_condition *conditions; /* all of them hold */
  uint32_t condition_count;
  const char *sort; /* a column, "-column" for the greatest first; NULL: by id (in an experiment by number) */
  uint32_t limit;   /* 0: all */
} rc_filter;

bool rc_runs(rc_db *db, const rc_filter *filter, rc_run **runs, uint32_t *count);
/* Of the filter network, kind, status, experiment and limit (the newest ones) are looked at. */
bool rc_experiments(rc_db *db, const rc_filter *filter, rc_experiment **experiments, uint32_t *count);
/* By number. */
bool rc_trials(rc_db *db, int64_t experiment, rc_trial **trials, uint32_t *count);

/* ---- as JSON ---- */

/* Objects with a key per field, in order; settings, parameters and objectives as objects. programs: with the
 * text. */
json_t *rc_run_json(const rc_run *run, bool programs);
json_t *rc_epoch_json(const rc_epoch *epoch);
json_t *rc_experiment_json(const rc_experiment *experiment, bool programs);
json_t *rc_trial_json(const rc_trial *trial);
/* Back again: of a child that tells its parent, of a line of log.jsonl. Numbers that are null are NAN. */
void rc_run_from_json(net_arena *arena, const json_t *object, rc_run *run);
void rc_epoch_from_json(net_arena *arena, const json_t *object, rc_epoch *epoch);

/* ---- taking away ---- */

bool rc_run_delete(rc_db *db, int64_t id);               /* with its epochs */
bool rc_experiment_delete(rc_db *db, int64_t id);        /* with its runs, their epochs, its trials */

#endif
