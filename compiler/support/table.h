/* Tables of text: aligned for a terminal, Markdown, or CSV. */
#ifndef NETC_SUPPORT_TABLE_H
#define NETC_SUPPORT_TABLE_H

#include "support/arena.h"
#include <stdbool.h>
#include <stdio.h>

typedef enum { NET_TABLE_TEXT, NET_TABLE_MARKDOWN, NET_TABLE_CSV } net_table_form;

typedef struct {
  net_arena *arena;
  uint32_t columns;
  const char *const *titles;
  const char *alignment;     /* a letter per column: 'l' or 'r' */
  NET_VEC(const char *) cells; /* row by row; NULL is an empty cell */
} net_table;

net_table net_table_new(net_arena *arena, uint32_t columns, const char *const *titles, const char *alignment);
void net_table_add(net_table *table, const char *cell); /* the next cell; copied */
void net_table_format(net_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void net_table_print(FILE *to, const net_table *table, net_table_form form);

/* 12345678 → "12,345,678" */
const char *net_thousands(net_arena *arena, double value);

#endif
