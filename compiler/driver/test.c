/* netc test: evaluates a trained network on a split. */
#include "driver/calibrate.h"
#include "driver/weights.h"

#include "support/table.h"

#include <math.h>

static const char *class_name(dr_call *call, const rt_data *data, uint32_t c) {
  if (data->classes && c < data->class_count) return data->classes[c];
  return net_arena_format(&call->n->arena, "%u", c);
}

static void print_json(dr_call *call, const char *split, const rt_evaluation *r, const rt_train_spec *spec) {
  json_t *object = json_pack("{s:s, s:I, s:o, s:o}", "split", split, "samples", (json_int_t)r->samples,
                             "loss", net_json_number(r->loss), "accuracy", net_json_number(r->accuracy));
  uint32_t top = 0;
  for (uint32_t m = 0; m < spec->metric_count; m++)
    if (!strcmp(spec->metrics[m].name, "top_k"))
      json_object_set_new(object, net_arena_format(&call->n->arena, "top_%u", spec->metrics[m].k),
                          net_json_number(r->top_k[top++]));
  if (r->auc) {
    json_t *list = json_array();
    for (uint32_t c = 0; c < r->classes; c++) json_array_append_new(list, net_json_number(r->auc[c]));
    json_object_set_new(object, "auc", list);
  }
  if (r->confusion) {
    json_t *matrix = json_array();
    for (uint32_t i = 0; i < r->classes; i++) {
      json_t *line = json_array();
      for (uint32_t k = 0; k < r->classes; k++)
        json_array_append_new(line, json_integer((json_int_t)r->confusion[i * r->classes + k]));
      json_array_append_new(matrix, line);
    }
    json_object_set_new(object, "confusion", matrix);
  }
  if (!isnan(r->rmse)) json_object_set_new(object, "rmse", net_json_number(r->rmse));
  net_json_print(call->out, object);
}

static void print_confusion(dr_call *call, const rt_data *data, const rt_evaluation *r) {
  const char **titles = NET_NEW_ARRAY(&call->n->arena, const char *, r->classes + 1);
  char *alignment = net_arena_alloc(&call->n->arena, r->classes + 2, 1);
  titles[0] = "is \\ said";
  alignment[0] = 'l';
  for (uint32_t c = 0; c < r->classes; c++) titles[c + 1] = class_name(call, data, c), alignment[c + 1] = 'r';
  net_table t = net_table_new(&call->n->arena, r->classes + 1, titles, alignment);
  for (uint32_t i = 0; i < r->classes; i++) {
    net_table_add(&t, class_name(call, data, i));
    for (uint32_t k = 0; k < r->classes; k++)
      net_table_format(&t, "%llu", (unsigned long long)r->confusion[i * r->classes + k]);
  }
  putc('\n', call->out);
  net_table_print(call->out, &t, NET_TABLE_TEXT);
}

static void print_text(dr_call *call, const char *split, const rt_data *data, const rt_evaluation *r,
                       const rt_train_spec *spec) {
  FILE *to = call->out;
  fprintf(to, "%s: %llu samples\nloss      %.6f\n", split, (unsigned long long)r->samples, r->loss);
  if (!isnan(r->accuracy)) fprintf(to, "accuracy  %.2f %%\n", 100 * r->accuracy);
  uint32_t top = 0;
  for (uint32_t m = 0; m < spec->metric_count; m++)
    if (!strcmp(spec->metrics[m].name, "top_k"))
      fprintf(to, "top %-5u %.2f %%\n", spec->metrics[m].k, 100 * r->top_k[top++]);
  if (!isnan(r->rmse)) fprintf(to, "rmse      %.6g\n", r->rmse);
  if (r->auc) {
    fprintf(to, "auc      ");
    for (uint32_t c = 0; c < r->classes; c++) fprintf(to, " %s %.4f", class_name(call, data, c), r->auc[c]);
    putc('\n', to);
  }
  if (r->confusion) print_confusion(call, data, r);
}

int dr_test(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  net_experiment *e = &subject.experiment;
  if (!e->data)
    return net_error(n, NET_NOWHERE, "the program has no data: testing needs a data block"), DR_WRONG_INPUT;
  rt_split_name split = RT_TEST;
  for (int s = 0; s < RT_SPLITS; s++)
    if (dr_has(call, DR_split) && !strcmp(rt_split_names[s], call->value[DR_split])) split = (rt_split_name)s;
  rt_checkpoint *weights = dr_find_weights(&subject);
  if (!weights || !dr_settle_formats(&subject, weights) || !dr_check_accumulators(&subject, weights))
    return DR_WRONG_INPUT;
  uint32_t fitted_count;
  const rt_fitted *fitted = rt_checkpoint_normalization(n, weights, &fitted_count);
  if (n->diagnostics.errors) return DR_WRONG_INPUT;
  bool balanced = false; /* class weights come from the training rows */
  for (uint32_t t = 0; t < e->recipe.objective.term_count; t++) balanced |= e->recipe.balanced[t];
  rt_data *data = rt_data_load(n, e->data, 1u << split | (balanced ? 1u << RT_TRAIN : 0), fitted);
  if (!data || !net_balance_classes(n, &n->arena, data, &e->recipe)) return DR_WRONG_INPUT;
  int code = DR_WRONG_INPUT;
  const float *const *numbers;
  pl_compiled *compiled = NULL;
  if (dr_integer_weights(&subject, weights, &numbers))
    compiled = dr_compile(&subject, PL_EVALUATE, e->recipe.train.batch_size, numbers, &code);
  if (!compiled) return rt_data_free(data), code;
  float *variables = dr_variables(call, pl_program(compiled));
  rt_evaluation result;
  const rt_train_spec *spec = &e->recipe.train;
  code = DR_WRONG_INPUT;
  if (dr_load_weights(&subject, weights, pl_program(compiled), variables) &&
      rt_evaluate(n, pl_program(compiled), data, split, spec->metrics, spec->metric_count, spec->threads,
                  variables, &result)) {
    if (call->json) print_json(call, rt_split_names[split], &result, spec);
    else print_text(call, rt_split_names[split], data, &result, spec);
    code = DR_DONE;
  }
  pl_free(compiled);
  rt_data_free(data);
  return code;
}
