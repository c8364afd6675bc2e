/* Parsing one text. */
#ifndef NETC_DSL_PARSE_H
#define NETC_DSL_PARSE_H

#include "dsl/ast.h"

/* Parses a source of n->sources. NULL: errors were reported, as many as could be found. */
net_file *net_parse(netc *n, uint32_t source);

/* Parses `PATH=VALUE`, the argument of --set; false: errors were reported. */
bool net_parse_setting(netc *n, uint32_t source, net_dotted *path, net_expr **value);

#endif
