/* Which node first gave a value that is not finite. */
#ifndef NETC_PIPELINE_EXPLAIN_H
#define NETC_PIPELINE_EXPLAIN_H

#include "pipeline/tables.h"

/* For rt_program.explain: reruns the batch in the interpreter. context: pl_graphs. */
const char *pl_explain(void *context, const rt_step *step);

#endif
