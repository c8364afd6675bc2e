/* The formats of a run, and how a row's arguments reach the fields of a specification. */
#ifndef NETC_FORMATS_LIST_H
#define NETC_FORMATS_LIST_H

#include "formats/families.h"

typedef struct net_format_list {
  NET_VEC(net_format_spec) specs; /* by id */
  NET_VEC(net_codebook *) codebooks;
} net_format_list;

/* An argument of a row, read from its declaration. */
typedef struct {
  const char *name, *kind; /* int, bool, block, or the name of a list of words */
  const char *standard;    /* value if it is not given; "?": complete() finds it; NULL: must be given */
  size_t offset;           /* of its field */
} fm_argument;

enum { FM_MAX_ARGUMENTS = 10 };

/* The row's own arguments, then those that every format takes. */
uint32_t fm_arguments(netc *n, const net_format *row, fm_argument *arguments);
/* The words of a kind, by value; 0 for kinds that are no words. */
uint32_t fm_words(const char *kind, const char *const **words);

/* block = 16 or block = [1, 16]; reports. */
bool fm_read_block(netc *n, const char *name, const net_format_argument *given, net_shape *block);

/* true or false; a sign may be `auto` too */
static inline bool fm_is_flag(const fm_argument *argument) {
  return !strcmp(argument->kind, "bool") || !strcmp(argument->kind, "sign");
}
static inline void *fm_field(net_format_spec *spec, const fm_argument *argument) {
  return (char *)spec + argument->offset;
}

#endif
