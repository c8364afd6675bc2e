/* What training minimises and how parameters follow: plain specs, filled by dsl/ and read by passes/. */
#ifndef NETC_GRAPH_OBJECTIVE_H
#define NETC_GRAPH_OBJECTIVE_H

#include "graph/graph.h"

/* A column of targets: becomes a value of kind TARGET. */
typedef struct net_target {
  net_name name;
  net_type type;   /* NET_U32: class numbers, rank 0; NET_F32: values */
  net_shape shape; /* of one sample */
  net_loc loc;
} net_target;

/* One term of the objective: factor · op(prediction, target). */
typedef struct net_loss_term {
  const char *op;      /* row of class LOSS */
  net_name prediction; /* a value of the graph */
  uint32_t target;     /* index in net_objective.targets */
  double factor;
  const net_attribute *attributes;
  uint32_t attribute_count;
  const float *class_weights; /* per class; NULL: none */
  uint32_t class_count;
  net_loc loc; /* where the term was written */
} net_loss_term;

/* What training minimises: the sum of the terms. The first term gives the weight sum, the first term whose
 * target is a class number the count of correct samples. */
typedef struct net_objective {
  const net_loss_term *terms;
  uint32_t term_count;
  const net_target *targets; /* by column: all of the data's, used or not */
  uint32_t target_count;
  bool sample_weights; /* the data has a weight for each sample */
  net_loc loc;
} net_objective;

/* How the parameters follow their gradients. Learning rates are not here: the runtime gives one for each
 * group (net_value.group) at each step. */
typedef struct net_optimizer {
  const char *op; /* row of class UPDATE with a parameter, a gradient and a rate */
  const net_attribute *attributes;
  uint32_t attribute_count;
  double clip_norm; /* bound on the norm of all gradients together; 0: none */
  net_loc loc;
} net_optimizer;

#endif
