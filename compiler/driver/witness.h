/* Other ways to compute what a network computes: objects for several targets, C through a compiler, foreign
 * objects in an emulator. Each is called for all rows at once, and row by row. */
#ifndef NETC_DRIVER_WITNESS_H
#define NETC_DRIVER_WITNESS_H

#include "driver/subject.h"
#include "runtime/data.h"

typedef struct {
  const char *name;     /* as --witness has it */
  const char *target;   /* of the object; NULL: there is C in its place */
  const char *compiler; /* that makes a program of it; NULL: the object is loaded here */
  const char *emulator; /* that runs the program; NULL: the machine does */
} dr_witness;
extern const dr_witness dr_witnesses[];
extern const uint32_t dr_witness_count;

/* Whether the machine has what the witness needs; else *lacks says what. */
bool dr_witness_is_here(dr_call *call, const dr_witness *witness, const char **lacks);

/* What a witness says: outputs of the network in order, rows × elements, computed at once and row by row. */
typedef struct {
  float **at_once, **row_by_row;
} dr_testimony;

/* Of a graph with weights by value, of `count` rows as the network sees them. In the arena. False: reported.
 */
bool dr_witness_hear(dr_call *call, net_arena *arena, const dr_witness *witness, const net_graph *graph,
                     const float *const *weights, const rt_split *rows, uint32_t count,
                     dr_testimony *testimony);

#endif
