/* rt_step as compiled code sees it: byte offsets of its fields, from the C compiler's own layout. */
#ifndef NETC_CODEGEN_STEP_TYPE_H
#define NETC_CODEGEN_STEP_TYPE_H

#include "runtime/step.h"

typedef enum {
  CG_STEP_COLUMNS,
  CG_STEP_INDEX,
  CG_STEP_VARIABLES,
  CG_STEP_SCRATCH,
  CG_STEP_SCALARS,
  CG_STEP_OUTPUTS,
  CG_STEP_LOSS,
  CG_STEP_WEIGHT_SUM,
  CG_STEP_CORRECT,
  CG_STEP_PARALLEL_FOR,
  CG_STEP_POOL,
  CG_STEP_COUNT,
  CG_STEP_STEP,
  CG_STEP_KEY0,
  CG_STEP_KEY1,
  CG_STEP_AHEAD,
  CG_STEP_FIELDS
} cg_step_field;

typedef struct {
  uint32_t offset;
  bool pointer; /* else u32 */
  const char *name;
} cg_step_field_info;

extern const cg_step_field_info cg_step_fields[CG_STEP_FIELDS];

#endif
