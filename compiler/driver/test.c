/* netc test: evaluates a trained network on a split. */
#include "driver/evaluation.h"

#include "pictures/chart.h"

#include <math.h>

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
  const char **names = NET_NEW_ARRAY(&call->n->arena, const char *, r->classes);
  for (uint32_t c = 0; c < r->classes; c++) names[c] = dr_class_name(call->n, data, c);
  pic_matrix matrix = {
      .rows = "is", .columns = "said", .names = names, .counts = r->confusion, .size = r->classes};
  putc('\n', call->out);
  pic_matrix_print(call->n, call->out, &matrix);
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
    for (uint32_t c = 0; c < r->classes; c++)
      fprintf(to, " %s %.4f", dr_class_name(call->n, data, c), r->auc[c]);
    putc('\n', to);
  }
  if (r->confusion) print_confusion(call, data, r);
}

int dr_test(dr_call *call) {
  dr_subject subject;
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  rt_checkpoint *weights = dr_needs_data(&subject, "testing") ? dr_find_weights(&subject) : NULL;
  rt_split_name split = dr_split(call, RT_TEST);
  const rt_train_spec *spec = &subject.experiment.recipe.train;
  rt_data *data = NULL;
  rt_evaluation result;
  int code = DR_WRONG_INPUT;
  if (weights &&
      dr_evaluate(&subject, weights, split, spec->metrics, spec->metric_count, &data, &result, &code)) {
    if (call->json) print_json(call, rt_split_names[split], &result, spec);
    else print_text(call, rt_split_names[split], data, &result, spec);
    code = DR_DONE;
  }
  rt_data_free(data);
  return code;
}
