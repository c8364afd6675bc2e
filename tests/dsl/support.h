/* What the tests of the language share. */
#ifndef NETC_TESTS_DSL_SUPPORT_H
#define NETC_TESTS_DSL_SUPPORT_H

#include "dsl/format.h"
#include "dsl/parse.h"
#include "dsl/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Parses a text named t.net; NULL if that reported errors. */
net_file *parse_text(netc *n, const char *text);
net_file *parse_bytes(netc *n, const char *text, size_t length);

/* Parses a text that must be right; fails the test with the diagnostics if it is not. */
net_file *parse_right(netc *n, const char *text);

/* The diagnostics not printed yet, as text; to be freed. */
char *diagnostics(netc *n);

/* The text must give errors, and their printed form must contain each of the wanted texts, up to a NULL. */
void assert_errors(const char *text, ...);
/* How many errors the text gives. */
uint32_t count_errors(const char *text);

#endif
