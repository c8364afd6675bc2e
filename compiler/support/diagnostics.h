/* Diagnostics: errors, warnings and notes are collected with their places and printed by the driver, as text
 * with carets or as JSON. Nothing below main exits; a function that reported an error returns false or
 * NULL. */
#ifndef NETC_SUPPORT_DIAGNOSTICS_H
#define NETC_SUPPORT_DIAGNOSTICS_H

#include "support/arena.h"
#include "support/source.h"
#include <stdbool.h>
#include <stdio.h>

struct netc;

typedef enum {
  NET_ERROR,   /* the input is wrong or cannot be read or written: exit code 1 */
  NET_FAULT,   /* netc itself is wrong: exit code 70 */
  NET_WARNING,
  NET_NOTE, /* belongs to the diagnostic before it */
} net_severity;

typedef struct {
  net_severity severity;
  net_loc where;
  const char *message; /* no final full stop or newline */
} net_diagnostic;

typedef enum { NET_DIAGNOSTICS_TEXT, NET_DIAGNOSTICS_JSON } net_diagnostics_form;

typedef struct net_diagnostics {
  net_arena *arena;
  NET_VEC(net_diagnostic) list;
  uint32_t printed; /* how many of the list are printed already */
  uint32_t errors, faults, warnings;
} net_diagnostics;

void net_diagnostics_init(net_diagnostics *diagnostics, net_arena *arena);

void net_error(struct netc *n, net_loc where, const char *format, ...) __attribute__((format(printf, 3, 4)));
void net_fault(struct netc *n, net_loc where, const char *format, ...) __attribute__((format(printf, 3, 4)));
void net_warning(struct netc *n, net_loc where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void net_note(struct netc *n, net_loc where, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* An error of the operating system: "cannot VERB PATH: strerror(errno)". */
void net_error_errno(struct netc *n, net_loc where, const char *verb, const char *path);

/* Takes back what was reported since `before` was copied from n->diagnostics, and not printed. */
void net_diagnostics_forget(struct netc *n, const net_diagnostics *before);

/* Prints what has not been printed yet. Text: FILE:LINE:COLUMN: error: MESSAGE, then the line with a
 * caret. */
void net_diagnostics_flush(struct netc *n, FILE *to, net_diagnostics_form form, bool color);

/* The candidate nearest to a misspelt word (optimal string alignment distance, at most a third of the word's
 * length and at least 1), or NULL. */
const char *net_nearest(const char *word, const char *const *candidates, uint32_t count);

#endif
