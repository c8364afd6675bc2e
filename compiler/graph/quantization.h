/* Which tensors of which nodes take which number formats: what a `quantize` block says, filled by dsl/ and
 * read by passes/.
 *
 * Each tensor of a node is decided on its own: a rule for its exact name, then the first pattern that matches
 * it, in file order, then its innermost user layer, then its operator, then `default`; else it stays as it
 * is. */
#ifndef NETC_GRAPH_QUANTIZATION_H
#define NETC_GRAPH_QUANTIZATION_H

#include "formats/calibrate.h"
#include "graph/graph.h"

typedef struct {
  net_format_id format;
  bool given;
  net_loc loc;
} net_format_choice;

/* A function looked up by its input's code. */
typedef struct {
  uint32_t entries; /* at most; 0: it is computed */
  bool given;
  net_loc loc;
} net_table_choice;

typedef enum { NET_RULE_QUOTED, NET_RULE_LAYER, NET_RULE_OPERATOR, NET_RULE_DEFAULT } net_rule_scope;

typedef struct net_quantize_rule {
  net_rule_scope scope;
  net_name what; /* quoted: an exact name, or an extended regular expression anchored at both ends */
  net_format_choice tensors[NET_TENSORS];
  net_table_choice table;
  net_loc loc;
} net_quantize_rule;

/* What a profile has decided for one tensor whose format leaves it open: steps (2^−fraction for an integer
 * with fraction = auto) and zero points, one or one for each channel. */
typedef struct net_calibrated {
  net_name node;
  net_tensor_role tensor;
  uint32_t input; /* of inputs: which, 0 the first */
  uint32_t count;
  const float *steps;
  const int32_t *zeros; /* NULL: all 0 */
} net_calibrated;

typedef struct net_quantization {
  net_name name; /* of the block */
  const net_quantize_rule *rules;
  uint32_t rule_count;
  bool fold_batch_norm; /* into the linear in front of it */
  net_calibrator calibrator;
  double percentile;   /* of NET_CALIBRATE_PERCENTILE, in (0, 1] */
  uint64_t samples;    /* of the training split that the profile looks at; 0: all */
  const net_calibrated *calibrated; /* NULL: no profile yet; such tensors then take their formats' standard */
  uint32_t calibrated_count;
  net_loc loc;
} net_quantization;

/* ---- which rule speaks (rules.c) ---- */

/* The rules with their patterns, read for one graph: a network's, quantised already or not. */
typedef struct net_rules net_rules;

/* False: a pattern is none, reported. */
bool net_rules_begin(netc *n, const net_graph *graph, const net_quantization *quantization,
                     net_rules **rules);
void net_rules_end(net_rules *rules);

/* Whether a quoted rule is a pattern at all; reports. */
bool net_rule_compiles(netc *n, const net_quantize_rule *rule);

/* Whether the node has such a tensor: relu has no weight, and only sums of products accumulate. */
bool net_node_has(const net_graph *graph, net_node_id node, net_tensor_role role);
bool net_op_has(netc *n, const struct net_op *op, net_tensor_role role);

/* The rule that decides a tensor; NULL: none speaks of it. What a node makes when it runs, batch_norm's
 * weight and bias, cannot take every format: rules about more than that node are passed over then. */
const net_quantize_rule *net_rules_find(const net_rules *rules, net_node_id node, net_tensor_role role);
/* The closest rule that was passed over for the one found; NULL: none. */
const net_quantize_rule *net_rules_passed(const net_rules *rules, net_node_id node, net_tensor_role role);

/* The rule that says whether a node's function is looked up; NULL: none does, or there are no tables of it.
 */
const net_quantize_rule *net_rules_table(const net_rules *rules, net_node_id node);

/* What of a rule has meant something in the graphs seen so far; zero at first. */
typedef struct {
  bool matched, has[NET_TENSORS], has_table;
} net_rule_use;
/* uses: one for each rule */
void net_rules_use(const net_rules *rules, net_rule_use *uses);
/* Reports what meant nothing, of the rules of some scopes (a bit each: 1 << NET_RULE_QUOTED). where: what was
 * looked at, "network 'jsc_tiny'". graph: where names like a pattern's may be, or NULL. */
bool net_rules_report(netc *n, const net_quantization *quantization, const net_rule_use *uses,
                      uint32_t scopes, const char *where, const net_graph *graph);

/* "linear", "\"head.*\"": a rule as it was written */
const char *net_rule_text(netc *n, const net_quantize_rule *rule);

#endif
