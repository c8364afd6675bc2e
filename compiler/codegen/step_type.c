#include "codegen/step_type.h"

#define POINTER(field) {offsetof(rt_step, field), true, #field}
#define NUMBER(field) {offsetof(rt_step, field), false, #field}

const cg_step_field_info cg_step_fields[CG_STEP_FIELDS] = {
    [CG_STEP_COLUMNS] = POINTER(columns),
    [CG_STEP_INDEX] = POINTER(index),
    [CG_STEP_VARIABLES] = POINTER(variables),
    [CG_STEP_SCRATCH] = POINTER(scratch),
    [CG_STEP_SCALARS] = POINTER(scalars),
    [CG_STEP_OUTPUTS] = POINTER(outputs),
    [CG_STEP_LOSS] = POINTER(loss),
    [CG_STEP_WEIGHT_SUM] = POINTER(weight_sum),
    [CG_STEP_CORRECT] = POINTER(correct),
    [CG_STEP_PARALLEL_FOR] = POINTER(parallel_for),
    [CG_STEP_POOL] = POINTER(pool),
    [CG_STEP_COUNT] = NUMBER(count),
    [CG_STEP_STEP] = NUMBER(step),
    [CG_STEP_KEY0] = NUMBER(key[0]),
    [CG_STEP_KEY1] = NUMBER(key[1]),
    [CG_STEP_AHEAD] = NUMBER(ahead),
};

_Static_assert(sizeof(void *) == 8, "compiled code reads pointers of rt_step as 64-bit");
_Static_assert(sizeof(((rt_step *)0)->count) == 4 && sizeof(((rt_step *)0)->key) == 8, "u32 fields");
