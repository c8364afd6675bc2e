/* Reading what MASE gave (tests/formats): fields, numbers, formats. */
#ifndef NETC_TESTS_RECORDED_H
#define NETC_TESTS_RECORDED_H

#include "support/netc.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A file's text, to be cut up: of tests/formats if the path has no '/'. */
char *recorded_load(netc *n, const char *path);
/* The next line, cut off; NULL: there is none. Empty ones and those that begin with "# " are left out. */
char *recorded_line(char **text);
char *recorded_field(char **line); /* up to the next tab; "" behind the last */
/* "3f800000 …"; in the arena */
uint32_t recorded_floats(netc *n, const char *text, float **values);
long long recorded_integer(const json_t *object, const char *key);
/* A format as it is written in a program, up to its last argument: "integer(8, 4"; NULL: there is none
 * such. */
const char *recorded_format(netc *n, const char *name, const json_t *parameters);
/* The parameters of one tensor of a layer, "data_in_width" as "width"; NULL: the layer has none of it. */
json_t *recorded_part(const json_t *layer, const char *tensor);

/* main of a test: its tests, or of each file among the arguments the one that is given its name. How many
 * failed. */
int recorded_main(int count, char **arguments, const struct CMUnitTest *tests, size_t test_count,
                  CMUnitTestFunction of_file);

#endif
