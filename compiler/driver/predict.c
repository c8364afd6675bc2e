/* netc predict: applies a trained network to rows of a file. */
#include "driver/calibrate.h"
#include "driver/weights.h"

#include "runtime/write.h"

int dr_predict(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  if (!dr_has(call, DR_input)) return dr_wrong(call, "'predict' needs --input");
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  net_experiment *e = &subject.experiment;
  if (!e->data)
    return net_error(n, NET_NOWHERE, "the program has no data block: it says how inputs are normalised"),
           DR_WRONG_INPUT;
  rt_checkpoint *weights = dr_find_weights(&subject);
  if (!weights || !dr_settle_formats(&subject, weights) || !dr_check_accumulators(&subject, weights))
    return DR_WRONG_INPUT;
  uint32_t fitted_count;
  const rt_fitted *fitted = rt_checkpoint_normalization(n, weights, &fitted_count);
  if (n->diagnostics.errors) return DR_WRONG_INPUT;
  rt_split rows;
  if (!rt_data_load_inputs(n, call->value[DR_input], e->data, fitted, &rows)) return DR_WRONG_INPUT;
  int code;
  const float *const *numbers;
  if (!dr_integer_weights(&subject, weights, &numbers)) return rt_split_free(&rows), DR_WRONG_INPUT;
  pl_compiled *compiled = dr_compile(&subject, PL_INFER, e->recipe.train.batch_size, numbers, &code);
  if (!compiled) return rt_split_free(&rows), code;
  const rt_program *program = pl_program(compiled);
  float *variables = dr_variables(call, program), **outputs;
  code = DR_WRONG_INPUT;
  if (dr_load_weights(&subject, weights, program, variables) &&
      rt_predict(n, program, &rows, e->recipe.train.threads, variables, &outputs)) {
    const char *path = call->value[DR_output];
    bool ok = true;
    if (path) ok = rt_write_outputs(n, path, program->outputs, outputs, program->network_outputs, rows.rows);
    else rt_write_csv(call->out, program->outputs, outputs, program->network_outputs, rows.rows);
    if (ok && path && !call->json) fprintf(call->talk, "%u rows written to %s\n", rows.rows, path);
    code = ok ? DR_DONE : DR_WRONG_INPUT;
  }
  pl_free(compiled);
  rt_split_free(&rows);
  return code;
}
