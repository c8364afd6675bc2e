/* From a program to what the compiler and the runtime take: graphs, objectives, recipes, data specs.
 *
 * Everything here reports all errors it finds, with places, and gives false at the end if there were any. */
#ifndef NETC_DSL_ELABORATE_H
#define NETC_DSL_ELABORATE_H

#include "dsl/program.h"
#include "graph/graph.h"
#include "graph/objective.h"
#include "graph/quantization.h"
#include "runtime/data.h"
#include "runtime/train.h"

/* A network's graph in inference mode, with the names that its body binds. */
typedef struct {
  const net_decl *decl;
  net_graph *graph;
  NET_VEC(struct {
    net_name name;
    net_value_id value;
  })
  bindings; /* of the network's own body: what losses may look at */
} net_network;

/* What a `train` block asks for, about one network and one data block. */
typedef struct {
  const net_decl *decl; /* NULL: the program has none, everything is a default */
  net_objective objective;
  net_optimizer optimizer;
  rt_train_spec train;  /* all but program_text, settings, threads */
  const bool *named;    /* per target: the loss names the column; else the data block does */
  const bool *balanced; /* per term: class weights are to be made from the training data's classes */
} net_recipe;

/* Names on the command line; NULL: the only one, or the default. */
typedef struct {
  const char *network, *train, *data, *quantize;
  const char *directory; /* where relative paths of data begin; NULL: where the file of the data block is */
} net_choice;

typedef struct {
  net_network network;
  net_recipe recipe;
  rt_data_spec *data; /* NULL: the recipe names none */
} net_experiment;

/* The network alone: show, bench. name NULL: the only one; several are an error that lists them. */
bool net_elaborate_network(netc *n, net_arena *arena, const net_program *program, const char *name,
                           net_network *network);
/* Whether the program has what was chosen: else it is the choice that is wrong. Reports. */
bool net_choice_check(netc *n, const net_program *program, const net_choice *choice);
/* Network, recipe and data: train, test, predict. Sets frozen and group of the graph's parameters. */
bool net_elaborate(netc *n, net_arena *arena, const net_program *program, const net_choice *choice,
                   net_experiment *experiment);
/* class_weight = balanced, once the data is there: samples / (classes · samples of the class). */
bool net_balance_classes(netc *n, net_arena *arena, const rt_data *data, net_recipe *recipe);

/* The quantize block of that name (NULL: the only one), and whether its rules mean something: a pattern in
 * this network, the others in some network of the program. */
bool net_elaborate_quantization(netc *n, net_arena *arena, const net_program *program, const char *name,
                                const net_graph *network, net_quantization *quantization);

/* Everything in the program: each network, each recipe with each network it fits, each data block; names in
 * blocks that later stages use. names: the networks. */
bool net_check_program(netc *n, const net_program *program);

#endif
