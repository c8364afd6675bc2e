/* Tables of every verb: rows and columns are said once, and printed in whatever form was asked for.
 *
 * Numbers look alike everywhere: for people with thousands apart and few digits, for programs plain and with
 * all their digits. What is not finite is an empty cell, and null in JSON. */
#ifndef NETC_DRIVER_TABLE_OUTPUT_H
#define NETC_DRIVER_TABLE_OUTPUT_H

#include "driver/driver.h"

#include "support/table.h"

typedef enum { DR_AS_TEXT, DR_AS_MARKDOWN, DR_AS_CSV, DR_AS_JSON, DR_AS_DOT } dr_form;

/* What --as and --json ask for. */
dr_form dr_call_form(const dr_call *call);
/* The same for verbs that print tables only. False: --as dot, complained about. */
bool dr_table_form(dr_call *call, dr_form *form);

typedef enum {
  DR_WORD,  /* text */
  DR_COUNT, /* 12,345 for people, 12345 for programs */
  DR_REAL,  /* 0.123457 for people */
  DR_SHARE, /* of 1: "12.3 %" for people, 0.123 for programs */
  DR_RATE,  /* of samples: "12.34 %", as all accuracies */
  DR_FLAG,  /* yes, no; true, false for programs */
  DR_ANY,   /* text or number, as the cell has it */
} dr_cell_kind;

typedef struct {
  const char *title, *key; /* for people and CSV; for JSON */
  dr_cell_kind kind;
} dr_column;

typedef struct {
  const char *text; /* NULL: a number, or nothing */
  const char *hint; /* what people see where there is nothing */
  double number;    /* NAN: nothing */
  bool quiet;       /* not shown, but in JSON */
} dr_cell;

typedef struct dr_table {
  netc *n;
  const char *name, *title; /* for programs; for people */
  const dr_column *columns;
  uint32_t column_count;
  NET_VEC(dr_cell) cells; /* row by row */
} dr_table;

/* columns: an array, which ends with a title that is NULL */
dr_table dr_table_new(netc *n, const char *name, const char *title, const dr_column *columns);
/* The next cell. */
void dr_table_word(dr_table *table, const char *text); /* NULL: empty */
void dr_table_number(dr_table *table, double number);
void dr_table_cost(dr_table *table, double number); /* 0 is shown in JSON only */
void dr_table_empty(dr_table *table);
void dr_table_hint(dr_table *table, const char *hint); /* empty, but people see this */
void dr_table_flag(dr_table *table, bool flag);
void dr_table_cell(dr_table *table, dr_cell cell);
uint32_t dr_table_rows(const dr_table *table);

/* The texts that are printed, in a form that is not JSON. */
net_table dr_table_cells(const dr_table *table, dr_form form);
/* In JSON: an object a line. */
void dr_table_print(FILE *to, const dr_table *table, dr_form form);
json_t *dr_table_json(const dr_table *table); /* a list of objects */
/* All of them, each under its title; in CSV and JSON the first alone. */
void dr_tables_print(FILE *to, const dr_table *tables, uint32_t count, dr_form form);
/* The one that --table names. NULL: it names none, or there is none of that name, which was complained about.
 */
const dr_table *dr_table_chosen(dr_call *call, const dr_table *tables, uint32_t count);

#endif
