/* Inside netc search: trials asked for by a strategy, measured in processes, recorded, told. */
#ifndef NETC_DRIVER_SEARCH_H
#define NETC_DRIVER_SEARCH_H

#include "driver/candidates.h"
#include "driver/table_output.h"
#include "dsl/elaborate_search.h"
#include "record/record.h"

/* What came of a trial. Children give it as it is. */
typedef struct {
  bool done;  /* else it failed, and message says why */
  bool alone; /* code was compiled for it alone */
  double quantities[NET_BUDGETS];
  double seconds;
  char message[256];
} dr_outcome;

typedef struct {
  dr_call *call;
  netc *n;
  const char *command; /* as it was given */
  dr_subject subject; /* of the network as it is; then of candidates */
  net_search search;
  net_search_points points;
  sr_search *strategy;
  bool trains;             /* trials are trainings: settings vary. Else quantisations of one set of weights */
  bool needs[NET_BUDGETS]; /* what is measured */
  rt_checkpoint *weights;  /* of all trials; NULL: trials train */
  dr_candidates *candidates;
  uint32_t at_once;
  const char *directory;        /* of the search: winner, trainings */
  NET_VEC(dr_outcome) outcomes; /* by trial */
  /* fine_tune: of trials of the front */
  const uint32_t *tuned; /* trials, in the order of the front */
  dr_outcome *tuned_outcomes;
  uint32_t tuned_count;
  /* the record */
  rc_db *db;
  rc_experiment experiment;
  bool resumed;
  rc_trial *known;             /* of a search that goes on, by number */
  uint32_t known_count, taken; /* taken: of those, told */
  int signal;                  /* it was interrupted by; 0: it was not */
} dr_searching;

/* search_trials.c: measures the trials of a batch that are not known, and tells the strategy of all. False:
 * reported, or interrupted. */
bool dr_search_batch(dr_searching *s, uint32_t first, uint32_t count);
/* A trial's formats; false: reported. */
bool dr_search_formats(dr_searching *s, const double *x, net_quantization *quantization);
/* The program with a trial's settings and, where formats vary, its quantize block of the name. NULL:
 * reported. */
const net_program *dr_search_changed(dr_searching *s, const double *x, const char *block);
const char *dr_search_block_name(const dr_searching *s);
/* Trains trials of the front further with their formats. False: reported, or interrupted. */
bool dr_search_tune(dr_searching *s);
/* Where a trial's training lies. */
const char *dr_search_place(const dr_searching *s, uint32_t trial, bool tuned);

/* search_record.c: an experiment of its own, or the one to go on with. False: reported. */
bool dr_search_record_begin(dr_searching *s, bool resume);
/* What is known of the trial of that number (tuned ones follow the others); false: nothing. */
bool dr_search_recall(dr_searching *s, uint32_t number, const double *x, dr_outcome *outcome);
/* What the record is to know of it. */
rc_trial dr_search_row_of(dr_searching *s, uint32_t number, const double *x, const dr_outcome *outcome);
bool dr_search_record_end(dr_searching *s, rc_status status, const char *message);
json_t *dr_search_parameters_json(const dr_searching *s, const double *x);
json_t *dr_search_quantities_json(const dr_outcome *outcome);

/* search_winner.c: the rows of the result: what no other beats, tuned or not, the best by the first aim
 * first. */
typedef struct {
  uint32_t trial;
  bool tuned;
  const dr_outcome *outcome;
} dr_search_row;
dr_search_row *dr_search_rows(dr_searching *s, uint32_t *count);
/* The winner's quantize block as text; NULL: formats do not vary, or reported. */
const char *dr_search_block_text(dr_searching *s, const dr_search_row *row);
/* Its checkpoint in the search's directory; and the program with it, where -o says. False: reported. */
bool dr_search_write(dr_searching *s, const dr_search_row *winner, const char **checkpoint);

/* search_report.c */
void dr_search_print_trial(dr_searching *s, uint32_t trial); /* --json: a line */
bool dr_search_report(dr_searching *s, const dr_search_row *rows, uint32_t count, const char *checkpoint,
                      double seconds);

#endif
