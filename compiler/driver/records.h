/* netc runs: the record of runs, seen and kept in order. */
#ifndef NETC_DRIVER_RECORDS_H
#define NETC_DRIVER_RECORDS_H

#include "driver/driver.h"
#include "driver/table_output.h"
#include "record/record.h"

/* What words name: run 7; a sweep or a search with all that belongs to it. */
typedef struct {
  bool experiment;
  rc_run run;
  rc_experiment of; /* if experiment */
} dr_record;

typedef NET_VEC(dr_record) dr_records;

/* "7", "sweep 3", "search 4", one after another. False: reported; a word that is none is a wrong command
 * line. */
bool dr_records_find(dr_call *call, rc_db *db, const char *const *words, uint32_t count, dr_records *found);
/* Runs in their order, those of experiments too. */
bool dr_records_runs(dr_call *call, rc_db *db, const dr_records *records, rc_run **runs, uint32_t *count);
/* What the options --network, --kind, --status, --where, --sort and --limit ask for. */
bool dr_records_filter(dr_call *call, rc_filter *filter);

/* "sweep 3.7", or NULL */
const char *dr_record_place(netc *n, rc_db *db, const rc_run *run);
/* A run whose process was killed is recorded as running: nobody holds its directory then. */
rc_status dr_record_status(const rc_run *run);
/* Whether a process is training there. */
bool dr_is_busy(const char *directory);
/* Options in a line. */
const char *dr_record_options(netc *n, const rc_run *run);
/* A path of settings in JSON as text; NULL: it is not there. */
const char *dr_setting_text(netc *n, const json_t *settings, const char *path);
void dr_records_table(dr_call *call, rc_db *db, const rc_run *runs, uint32_t count, dr_table *table);

/* The words behind each. */
int dr_records_list(dr_call *call, rc_db *db, const char *const *words, uint32_t count);
int dr_records_show(dr_call *call, rc_db *db, const char *const *words, uint32_t count);
int dr_records_compare(dr_call *call, rc_db *db, const char *const *words, uint32_t count);
int dr_records_export(dr_call *call, rc_db *db, const char *const *words, uint32_t count);
int dr_records_delete(dr_call *call, rc_db *db, const char *const *words, uint32_t count);
int dr_records_repeat(dr_call *call, rc_db *db, const char *const *words, uint32_t count);

#endif
