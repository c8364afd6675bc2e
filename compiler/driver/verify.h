/* netc verify: what is promised of a network with its weights, check by check. */
#ifndef NETC_DRIVER_VERIFY_H
#define NETC_DRIVER_VERIFY_H

#include "driver/observe.h"
#include "driver/weights.h"
#include "dsl/require.h"
#include "passes/integer_only.h"
#include "passes/ranges.h"

/* Inputs that a network is run on. */
typedef struct {
  const char *name; /* "test": a split; "random", "extreme" */
  rt_split rows;
} dr_rows;
enum { DR_ROW_SETS = 3 };
enum { DR_INTERPRETED_ROWS = 1000 }; /* of the random ones: objects see all of them */

typedef struct {
  dr_subject *subject;
  dr_call *call;
  netc *n;
  rt_checkpoint *weights;
  const net_graph *graph, *plain; /* with number formats; before */
  bool formatted;                 /* they are two */
  rt_split_name split;
  rt_data *data; /* NULL: the program has none */
  dr_rows sets[DR_ROW_SETS];
  uint32_t set_count, batch, threads;
  const float *const *numbers; /* by value of graph: parameters and statistics */
  const net_ranges *ranges;
  bool integer_only, exact; /* exact: so that emulation has the same bits: all formats have a binary point */
  net_integer_break broken; /* where it is not */
  dr_observation seen;      /* graph, compiled to give every value of every sample */
  dr_observation deployed;  /* as it is used: what it gives alone; integer-only ones on integers */
  uint32_t failed;          /* checks that do not hold */
} dr_verification;

/* Says how a check came out: {"check", "holds", …fields} or a line. fields may be NULL. */
void dr_verify_say(dr_verification *v, const char *check, bool holds, json_t *fields, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same of what cannot be told: "holds" is null, and nothing fails. */
void dr_verify_open(dr_verification *v, const char *check, json_t *fields, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* verify_rows.c: the data's rows, random ones and extreme ones. False: reported. */
bool dr_verify_rows(dr_verification *v);
void dr_verify_rows_free(dr_verification *v);

/* verify_nodes.c: every node's compiled results against the interpreter's, fed the compiled code's own
 * inputs. False: reported, not a check that failed. */
bool dr_verify_nodes(dr_verification *v, const dr_rows *rows);

/* verify_outputs.c: from end to end; integer-only graphs in integers too. */
bool dr_verify_outputs(dr_verification *v, const dr_rows *rows);

/* verify_objects.c: objects and C, here and in emulators, give what the emulation gives. */
bool dr_verify_objects(dr_verification *v, const dr_rows *rows);
bool dr_check_witnesses(dr_call *call); /* those of --witness; complains */

/* verify_formats.c: every value lies in its interval, quantised ones on their grids; no sum overflows. */
bool dr_verify_grids(dr_verification *v, const dr_rows *rows);
void dr_verify_accumulators(dr_verification *v);

/* verify_layers.c: how far each layer is from float. */
bool dr_verify_layers(dr_verification *v);
/* Where the first largest is. */
uint64_t dr_largest(const float *x, uint64_t count);

/* verify_require.c: the budgets of a require block. */
bool dr_verify_requirements(dr_verification *v, const net_requirements *requirements);
/* Loss and accuracy of a graph on the split; false: reported. */
bool dr_verify_evaluate(dr_verification *v, const net_graph *graph, rt_evaluation *result);

/* sensitivity.c: one layer quantised at a time; prints a table. */
bool dr_sensitivity(dr_verification *v);

#endif
