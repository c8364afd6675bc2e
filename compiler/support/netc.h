/* struct netc: the context of one run of the compiler, handed to everything in place of globals. */
#ifndef NETC_SUPPORT_NETC_H
#define NETC_SUPPORT_NETC_H

#include "support/arena.h"
#include "support/diagnostics.h"
#include "support/names.h"
#include "support/source.h"

struct net_op;     /* ops/ops.h */
struct net_format; /* formats/formats.h */
struct net_format_list;

typedef struct netc {
  net_arena arena; /* everything that lives as long as the run */
  net_names names;
  net_sources sources;
  net_diagnostics diagnostics;
  const struct net_op *ops; /* table of operators: graph/ reaches them only through it */
  uint32_t op_count;
  struct net_op_signature *signatures; /* of the operators, read when first asked for: graph/operator.c */
  const struct net_format *formats; /* table of number formats */
  uint32_t format_count;
  struct net_format_list *format_list; /* formats in use, by id; users' codebooks */
} netc;

/* guard: where to go when memory runs out (see arena.h) */
void netc_init(netc *n, jmp_buf *guard);
void netc_free(netc *n);

net_name net_intern(netc *n, const char *text);
net_name net_intern_bytes(netc *n, const char *text, size_t length);
net_name net_intern_format(netc *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *net_text(const netc *n, net_name name);

#endif
