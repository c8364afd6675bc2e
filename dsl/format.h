/* Programs as text, in one canonical form: `netc fmt`.
 *
 * Two spaces of indentation, lines of at most NET_FORMAT_WIDTH characters where they can be broken, `=` and
 * `{` of neighbouring short lines aligned, comments beside neighbouring lines too. Kept of what was written:
 * the order, comments, single blank lines, numbers as spelled, parentheses, and where the lines of maps,
 * bodies and chains were broken. Parsing the result gives an equal tree, and formatting that, the same text.
 */
#ifndef NETC_DSL_FORMAT_H
#define NETC_DSL_FORMAT_H

#include "dsl/ast.h"

enum { NET_FORMAT_WIDTH = 100 };

/* The whole text, in the arena; empty for an empty file. */
const char *net_format_file(netc *n, const net_file *file);

/* An expression on one line, without its comments. */
const char *net_format_expr(netc *n, const net_expr *expr);

#endif
