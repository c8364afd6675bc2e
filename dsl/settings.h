/* Settings: values put into a program from outside, by --set and by sweeps.
 *
 *   train.epochs                   the block of a kind: the chosen one, else the one without a name, else the
 * only one fine.epochs, train.fine.epochs a block by its name, or by kind and name
 *   train.optimizer.learning_rate  an argument: `optimizer = adam(…)` or `optimizer = adam`
 *   data.split.train               a key of a map within
 *   test_hhy.width                 a parameter of a network or layer
 *   classes                        a constant or format
 *
 * What can be told from the program alone is an error here: a first name that is nothing, a parameter that a
 * network does not take, a constant that is none. Blocks, maps and calls take any key: it is added if it is
 * not there, in the form of the path (`epochs = …`, `optimizer.learning_rate = …` when no optimizer is set),
 * with the place of the setting, and elaborate judges it as if it had been written there. */
#ifndef NETC_DSL_SETTINGS_H
#define NETC_DSL_SETTINGS_H

#include "dsl/program.h"

typedef struct {
  net_dotted path;
  net_expr *value;
  net_loc loc;
} net_setting;

/* Which block its kind stands for: the names given with --train, --data, … and the network; id 0: not chosen.
 */
typedef struct {
  net_name blocks[NET_DECL_KIND_COUNT];
} net_chosen;

/* Parses the argument of --set. False: errors were reported. */
bool net_setting_parse(netc *n, const char *text, net_setting *out);

/* The program with the setting in place; the program given stays as it is (they share what is equal). chosen
 * may be NULL. False: an error was reported. */
bool net_setting_apply(netc *n, const net_program *program, const net_setting *setting,
                       const net_chosen *chosen, net_program **out);

#endif
