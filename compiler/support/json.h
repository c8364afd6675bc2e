/* JSON on top of jansson: the conventions of netc's output. */
#ifndef NETC_SUPPORT_JSON_H
#define NETC_SUPPORT_JSON_H

#include <jansson.h>
#include <stdio.h>

/* A number, or null when it is not finite. */
json_t *net_json_number(double value);
/* A string; bytes that are no UTF-8 become '?'. NULL gives null. */
json_t *net_json_text(const char *text);
/* Prints one object on a line, in the order its keys were set, and drops the reference. */
void net_json_print(FILE *to, json_t *object);

#endif
