/* A network as it is deployed: compiled to an object, which is loaded and called here. */
#ifndef NETC_DRIVER_DEPLOY_H
#define NETC_DRIVER_DEPLOY_H

#include "codegen/jit.h"
#include "driver/subject.h"
#include "pipeline/object.h"

enum { DR_MOST_PORTS = 8 };

typedef struct {
  const pl_object *object;
  bool codes;                    /* the functions of codes */
  const pl_port *inputs, *outputs; /* of the functions */
  cg_jit *jit;
  void (*one)(void), (*rows)(void);
  uint32_t port_count; /* inputs, then outputs */
  size_t bytes[DR_MOST_PORTS]; /* of a row */
  void *scratch;
} dr_deployed;

/* Of a graph with weights by value, without normalisation: rows come normalised; or, as codes, there must be
 * functions of codes. target NULL: native. False: reported, or stopped as asked (then jit is NULL and nothing
 * is wrong). */
bool dr_deploy(dr_call *call, const net_graph *graph, const float *const *weights, const char *target,
               bool codes, dr_deployed *deployed);
/* ports: where the row, or the rows, of each input and output lie. */
void dr_deployed_row(const dr_deployed *d, void *const *ports);
void dr_deployed_rows(const dr_deployed *d, size_t count, void *const *ports);
void dr_deployed_end(dr_deployed *d);

#endif
