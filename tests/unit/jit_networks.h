/* Small networks in the .net language that between them need every operator of training, and the graphs that
 * are compiled of them. */
#ifndef NETC_TESTS_JIT_NETWORKS_H
#define NETC_TESTS_JIT_NETWORKS_H

#include "tests/unit/jit_support.h"

typedef struct {
  const char *name,
      *text; /* parameters and body of a network; its first result is what the first loss looks at */
  const char *losses[2], *predictions[2]; /* the second may be absent */
  uint32_t classes;                       /* of the first loss; 0: values */
  bool weighted;                          /* samples and classes have weights, labels are smoothed */
  bool norm;                              /* trains on more than one sample */
  uint64_t frozen;  /* by parameter, in the order of values: a bit if it is not trained */
  uint64_t outputs; /* draws of more outputs of evaluation; 0: none */
} jit_network;

extern const jit_network jit_networks[];
extern const uint32_t jit_network_count;
const jit_network *jit_network_find(const char *name);

typedef enum {
  JIT_SGD,
  JIT_NESTEROV,
  JIT_ADAM,
  JIT_ADAMW,
  JIT_OPTIMIZERS,
  JIT_EVALUATE = JIT_OPTIMIZERS
} jit_mode;
extern const char *const jit_mode_names[JIT_OPTIMIZERS + 1];

/* The graph of a training step with that optimiser, or of evaluation. */
net_graph *jit_network_graph(netc *n, const jit_network *network, jit_mode mode);

#endif
