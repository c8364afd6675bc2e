/* From a trained network to an object that any program links: freeze, lower, schedule, emit. */
#ifndef NETC_PIPELINE_OBJECT_H
#define NETC_PIPELINE_OBJECT_H

#include "codegen/object.h"
#include "pipeline/pipeline.h"

enum { PL_VERSIONS = 3 }; /* of a multiversion: x86_64_v2, v3 and v4 */
enum {
  PL_STACK_BOUND = 16 << 10
}; /* bytes of scratch that a call may have on the stack, unless said otherwise */

struct pl_object;

typedef struct {
  const net_graph *network;    /* inference mode; with or without number formats */
  const float *const *weights; /* by value: elements of parameters and statistics */
  const struct rt_fitted *normalization; /* one per input; NULL: rows come normalised */
  const char *target;          /* for cg_target_find; NULL: x86_64 */
  bool codes; /* also functions that take and give codes (PREFIX_q, PREFIX_q_batch), where all inputs are
                 quantised */
  bool multiversion; /* code for x86_64_v2, v3 and v4 in one object, chosen by the machine; target is not
                        looked at */
  const char *prefix;          /* of everything exported: a C identifier; NULL: the network's name */
  uint32_t tile; /* rows of a tile of PREFIX_batch, a multiple of the target's lanes; 0: chosen, 1: none */
  size_t stack_bound;          /* bytes of scratch on the stack; 0: PL_STACK_BOUND */
  bool separate; /* constants go to a file of their own: a pointer to it is an argument */
  cg_form form;
  /* The text that PREFIX_description holds, of an object whose ports and functions are known (their stack is
   * not yet); NULL: there is none. */
  const char *(*describe)(void *context, const struct pl_object *object);
  void *context;
  pl_options options;
} pl_object_request;

typedef struct {
  const char *name; /* of the network's input or output */
  net_type type;
  net_shape shape; /* of a row */
  net_format_id format;
  uint32_t elements;
} pl_port;

typedef struct {
  const char *name; /* as exported */
  bool rows;        /* of any number of rows, which is the first argument */
  bool codes;       /* inputs and outputs are code_inputs and code_outputs */
  uint64_t stack;   /* most bytes that a call takes */
  uint64_t scratch; /* bytes that the caller hands over as the last argument; 0: there is none */
  uint32_t tile;    /* rows that are computed at once */
} pl_function;

/* Everything lies in the arena of struct netc. */
typedef struct pl_object {
  const char *bytes;
  size_t length;
  const char
      *target; /* its string (several: with spaces): float code gives the same bits for equal strings only */
  pl_port *inputs, *outputs;
  pl_port *code_inputs, *code_outputs; /* as many; codes of their formats where they are no floats. NULL:
                                          there are no functions on codes */
  uint32_t input_count, output_count;
  pl_function *functions;
  uint32_t function_count;
  const char *description_name;   /* exported too; NULL: no description was given */
  uint64_t flash, code, data;     /* bytes: instructions and constants together, each (objects only) */
  uint64_t
      ram; /* bytes of writable data: 0, or of a multiversion the word that remembers the machine's level */
  uint64_t stack, scratch;        /* most that any function takes */
  const char *weights; /* what that file holds: see separate.h; NULL: constants are inside */
  size_t weights_bytes;
  uint64_t weights_hash; /* of what is behind its head */
  double seconds;
} pl_object;

/* NULL: reported, or stopped as asked (no diagnostic then). */
const pl_object *pl_object_make(netc *n, const pl_object_request *request);

#endif
