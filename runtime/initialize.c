#include "runtime/hash.h"
#include "runtime/random.h"
#include "runtime/train.h"

static void fill(rt_random *random, const rt_variable *v, float *at) {
  (void)random;
  for (uint64_t i = 0, n = net_shape_elements(&v->shape); i < n; i++) at[i] = (float)v->value;
}

static void uniform(rt_random *random, const rt_variable *v, float *at) {
  for (uint64_t i = 0, n = net_shape_elements(&v->shape); i < n; i++)
    at[i] = (float)(v->value * (2 * rt_random_double(random) - 1));
}

static void normal(rt_random *random, const rt_variable *v, float *at) {
  for (uint64_t i = 0, n = net_shape_elements(&v->shape); i < n; i++)
    at[i] = (float)(v->value * rt_random_normal(random));
}

static void (*const initializers[])(rt_random *, const rt_variable *, float *) = {
    [RT_FILL] = fill,
    [RT_UNIFORM] = uniform,
    [RT_NORMAL] = normal,
};

void rt_initialize(const rt_program *program, uint64_t seed, float *variables) {
  memset(variables, 0, program->variable_floats * sizeof *variables); /* the gaps between them, too */
  for (uint32_t i = 0; i < program->variable_count; i++) {
    const rt_variable *v = &program->variables[i];
    rt_random random;
    rt_random_start(&random, seed, RT_RANDOM_WEIGHTS, rt_hash(v->name));
    initializers[v->initializer](&random, v, variables + v->offset);
  }
}
