/* What the verifiers of both forms share. */
#ifndef NETC_LOOPS_VERIFY_H
#define NETC_LOOPS_VERIFY_H

#include "loops/range.h"

enum { LP_MAX_REPORTS = 10 }; /* more faults than that say no more */

typedef struct {
  const lp_function *f;
  net_arena arena;
  lp_scope scope;
  net_name in; /* nest or node, for messages */
  uint32_t faults;
} lp_verifier;

/* Reports a fault; false always. */
bool lp_verify_fault(lp_verifier *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *lp_verify_text(lp_verifier *v, lp_expr e); /* an expression, shortened */
/* Ids, types, lanes and lists of all buffers and expressions: after this nothing points into nowhere. */
bool lp_verify_structure(lp_verifier *v);
/* Whether an access lies within its dimensions; lanes: elements from there along the last one. */
/* Whether its places lie inside. */
bool lp_verify_lookup(lp_verifier *v, const lp_expr_info *lookup);
bool lp_verify_access(lp_verifier *v, lp_buffer buffer, uint32_t first, uint32_t count, uint32_t lanes,
                      bool form2);

#endif
