/* What `netc compile` writes beside the object. */
#ifndef NETC_DRIVER_COMPILE_H
#define NETC_DRIVER_COMPILE_H

#include "driver/subject.h"
#include "pipeline/object.h"

/* An object with the network it came from. */
typedef struct {
  netc *n;
  const pl_object *object;
  const char *prefix;      /* of everything exported */
  const char *network;     /* its name in the program */
  const char *source;      /* the program, as it is named */
  const char *file;        /* the object's own name, without directories */
  const char *weights_file; /* that of its constants, if they are not inside */
  const char **classes;    /* names; NULL: there are none */
  uint32_t class_count;
  uint64_t program_hash, weights_hash;
} dr_compiled;

/* Whether functions in C can be called that; reports. */
bool dr_check_prefix(netc *n, const char *prefix);
/* PREFIX_description: JSON in one line, what tools read (examples/embed/netc.py). In the arena. */
const char *dr_compiled_description(const dr_compiled *c);
/* A header for C and C++. */
void dr_print_header(FILE *to, const dr_compiled *c);

#endif
