/* A search block: what varies, what is aimed at, what must hold; and candidates, of one network.
 *
 *   net_elaborate_search(n, arena, program, name, &search)
 *   net_search_begin(n, arena, program, &search, network.graph, &points)     points.space is for sr_begin
 *   net_search_quantization(n, arena, &points, x, &quantization)             one candidate's formats
 *   net_search_program(n, program, chosen, &points, x, &changed)             one candidate's settings */
#ifndef NETC_DSL_ELABORATE_SEARCH_H
#define NETC_DSL_ELABORATE_SEARCH_H

#include "dsl/elaborate.h"
#include "dsl/require.h"
#include "dsl/settings.h"
#include "search/search.h"

/* ---- what varies ---- */

typedef enum {
  NET_VARY_SETTING,  /* train.batch_size, test_hhy.width: anything that --set takes */
  NET_VARY_WIDTH,    /* linear.weight.width: of the base's format, else of integer(width, auto) */
  NET_VARY_FRACTION, /* linear.weight.fraction: of the base's format, else of integer(8, fraction) */
  NET_VARY_FORMAT,   /* linear.weight.format */
  NET_VARY_FIELDS
} net_vary_field;

typedef struct {
  net_vary_field field;
  const char *text; /* "linear.weight.width", as it was written, without `vary` and `all` */
  net_dotted path;  /* settings */
  /* the others: as the rules of a quantize block have it */
  net_rule_scope scope;
  net_name what;
  net_tensor_role tensor;
  bool all; /* one value for all that it matches, and not one for each */
  /* Its values: numbers as they are, or of a list their places in it. A list of numbers is a range of places,
   * any other a choice. */
  sr_parameter values;
  const net_expr *const *list;  /* NULL: numbers */
  const net_format_id *formats; /* NET_VARY_FORMAT: of the list */
  const double *numbers;        /* of the list, if it has nothing but numbers; else NULL */
  uint32_t count;               /* of the list */
  net_loc loc;
} net_vary;

/* ---- what is aimed at ---- */

typedef enum { NET_AIM_NUMBER, NET_AIM_QUANTITY, NET_AIM_NEGATE, NET_AIM_BINARY } net_aim_kind;

typedef struct net_aim net_aim;
struct net_aim {
  net_aim_kind kind;
  double number;
  net_budget quantity;
  net_binary op;
  const net_aim *left, *right; /* NEGATE: left */
};

typedef struct {
  bool maximize;
  const char *text; /* "bitops + 0.2 * weight_bytes" */
  const net_aim *value;
  net_loc loc;
} net_search_aim;

/* Whether a quantity can be aimed at. */
bool net_is_aim(net_budget quantity);
/* quantities: by net_budget. NaN where it is not defined. */
double net_aim_value(const net_aim *aim, const double *quantities);

/* ---- the block ---- */

typedef struct {
  net_name name;
  const net_vary *varies;
  uint32_t vary_count;
  const net_search_aim *aims; /* in the order they were written; at least one */
  uint32_t aim_count;
  const net_requirement *requirements;
  uint32_t requirement_count;
  bool needs[NET_BUDGETS]; /* quantities that aims and requirements speak of */
  const sr_strategy *strategy;
  uint32_t trials, population, levels; /* population, levels: 0: the strategy's standard */
  uint64_t seed;
  uint32_t fine_tune; /* epochs of quantisation-aware training for candidates near the front; 0: none */
  net_name base;      /* the quantize block whose formats the varied parts change; id 0: none */
  bool varies_settings, varies_formats;
  net_loc loc;
} net_search;

/* The block of that name; NULL: the only one. Reports. */
bool net_elaborate_search(netc *n, net_arena *arena, const net_program *program, const char *name,
                          net_search *search);
/* What the strategies minimise (aim_count numbers): maximised aims are negated. */
void net_search_objectives(const net_search *search, const double *quantities, double *objectives);
/* 0: all requirements hold; else the sum of how far each is off, as parts of its bound. NaN: one cannot be
 * told. */
double net_search_violation(const net_search *search, const double *quantities);

/* ---- candidates of one network ---- */

typedef struct {
  const net_vary *vary;
  const char *name;      /* "linear_1.weight.width", "all linear.weight.width", "train.batch_size" */
  const net_name *nodes; /* formats: whose tensors it decides */
  uint32_t node_count;
} net_search_parameter;

typedef struct {
  const net_search *search;
  const net_decl *base_block;             /* NULL: none */
  net_quantization base;                  /* without rules if there is none */
  const net_search_parameter *parameters; /* one for each of space.parameters */
  sr_space space;
  /* Of each tensor whose format varies: the node, the tensor, and which parameters decide (SR_NEW: none). */
  const struct net_search_tensor {
    net_name node;
    net_tensor_role tensor;
    net_format_id base; /* NET_FORMAT_FLOAT32: none */
    uint32_t width, fraction, format;
  } *tensors;
  uint32_t tensor_count;
} net_search_points;

/* The network as it is, before formats. Of several entries that speak of a tensor the closest decides, as
 * with rules; one that decides nothing is an error. Reports. */
bool net_search_begin(netc *n, net_arena *arena, const net_program *program, const net_search *search,
                      const net_graph *network, net_search_points *points);
/* The format of points->tensors[tensor] at x. False: there is no such format, reported. */
bool net_search_format(netc *n, const net_search_points *points, uint32_t tensor, const double *x,
                       net_format_id *format);
/* The base's rules, and in front of them one for each varied node, by its exact name. */
bool net_search_quantization(netc *n, net_arena *arena, const net_search_points *points, const double *x,
                             net_quantization *quantization);
/* The same as a quantize block of that name: the base's with the formats of the varied nodes. NULL: reported.
 */
const net_decl *net_search_block(netc *n, const net_search_points *points, const double *x, const char *name);
/* The same as text, ready to be pasted. */
const char *net_search_block_text(netc *n, const net_search_points *points, const double *x,
                                  const char *name);
/* The program with a candidate's settings. */
bool net_search_program(netc *n, const net_program *program, const net_chosen *chosen,
                        const net_search_points *points, const double *x, net_program **changed);
/* A parameter's value as it would be written: 6, 0.001, ternary. */
const char *net_search_value_text(netc *n, const net_search_points *points, uint32_t parameter, double x);

#endif
