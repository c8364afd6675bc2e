/* netc profile: statistics of a network's weights and activations on data. */
#include "driver/profile.h"

#include "driver/calibrate.h"
#include "driver/observe.h"
#include "driver/table_output.h"

#include <math.h>

enum { DEFAULT_BINS = 64 }; /* of JSON: tables have no room for histograms */

static bool read_request(dr_call *call, dr_profile_request *r, dr_form *form) {
  uint64_t batch = r->batch, bins = 0;
  if (!dr_table_form(call, form)) return false;
  if (*form == DR_AS_JSON) bins = DEFAULT_BINS;
  if (!dr_integer(call, DR_samples, 1, UINT32_MAX, &r->samples) ||
      !dr_integer(call, DR_batch, 1, 1 << 24, &batch) ||
      !dr_integer(call, DR_bins, 1, RT_STATISTICS_BINS, &bins) || !dr_real(call, DR_sigma, 0, &r->sigma) ||
      !dr_real(call, DR_quantile, 0, &r->quantile))
    return false;
  if (r->quantile <= 0.5 || r->quantile >= 1) {
    dr_wrong(call, "--quantile takes a number between 0.5 and 1, not '%s'", call->value[DR_quantile]);
    return false;
  }
  for (int s = 0; s < RT_SPLITS; s++)
    if (dr_has(call, DR_split) && !strcmp(rt_split_names[s], call->value[DR_split]))
      r->split = (rt_split_name)s;
  r->batch = (uint32_t)batch;
  r->bins = (uint32_t)bins;
  r->channels = dr_has(call, DR_per) && !strcmp(call->value[DR_per], "channel");
  r->nodes = call->value[DR_node];
  r->magnitudes = dr_has(call, DR_magnitudes);
  return true;
}

/* ---- JSON ---- */

static json_t *histogram(const rt_summary *s, uint32_t bins) {
  if (!s->histogram) return json_null();
  json_t *counts = json_array();
  for (uint32_t i = 0; i < bins; i++)
    json_array_append_new(counts, json_integer((json_int_t)s->histogram[i]));
  return json_pack("{s:o, s:o, s:o}", "min", net_json_number(s->histogram_low), "max",
                   net_json_number(s->histogram_high), "counts", counts);
}

static json_t *statistics(const rt_summary *s, const dr_profile_request *r) {
  const struct {
    const char *key;
    double value;
  } numbers[] = {
      {"min", s->min},
      {"max", s->max},
      {"range", s->max - s->min},
      {"mean", s->mean},
      {"abs_mean", s->abs_mean},
      {"variance", s->variance},
      {"variance_unbiased", s->unbiased},
      {"quantile", r->quantile},
      {"quantile_min", s->quantile_low},
      {"quantile_max", s->quantile_high},
      {"quantile_range", s->quantile_high - s->quantile_low},
      {"n_sigma", r->sigma},
      {"n_sigma_min", s->sigma_low},
      {"n_sigma_max", s->sigma_high},
      {"n_sigma_range", s->sigma_high - s->sigma_low},
  };
  json_t *object = json_object();
  json_object_set_new(object, "count", json_integer((json_int_t)s->count));
  json_object_set_new(object, "not_finite", json_integer((json_int_t)s->not_finite));
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    json_object_set_new(object, numbers[i].key, net_json_number(numbers[i].value));
  if (r->bins) json_object_set_new(object, "histogram", histogram(s, r->bins));
  return object;
}

static void print_json(dr_call *call, const dr_profile_result *p, const dr_profile_request *r) {
  for (uint32_t i = 0; i < p->count; i++)
    for (uint32_t c = 0; c < p->rows[i].channels && p->rows[i].summaries; c++) {
      const dr_profile_row *row = &p->rows[i];
      json_t *object = json_pack("{s:s, s:s}", "node", net_text(call->n, p->graph->nodes.at[row->node].name),
                                 "tensor", row->tensor);
      if (r->channels) json_object_set_new(object, "channel", json_integer(c));
      json_object_set_new(object, "statistics", statistics(&row->summaries[c], r));
      net_json_print(call->out, object);
    }
}

/* ---- tables ---- */

static bool any_not_finite(const dr_profile_result *p) {
  bool any = false;
  for (uint32_t i = 0; i < p->count; i++)
    for (uint32_t c = 0; c < p->rows[i].channels && p->rows[i].summaries; c++)
      any |= p->rows[i].summaries[c].not_finite > 0;
  return any;
}

static dr_table make_table(dr_call *call, const dr_profile_result *p, const dr_profile_request *r) {
  net_arena *arena = &call->n->arena;
  const dr_column all[] = {
      {"node", "node", DR_WORD},
      {"tensor", "tensor", DR_WORD},
      {"channel", "channel", DR_COUNT},
      {"values", "count", DR_COUNT},
      {"not finite", "not_finite", DR_COUNT},
      {"min", "min", DR_REAL},
      {"max", "max", DR_REAL},
      {"mean", "mean", DR_REAL},
      {"mean abs", "abs_mean", DR_REAL},
      {"variance", "variance", DR_REAL},
      {net_arena_format(arena, "Q(%.6g)", 1 - r->quantile), "quantile_min", DR_REAL},
      {net_arena_format(arena, "Q(%.6g)", r->quantile), "quantile_max", DR_REAL},
      {net_arena_format(arena, "-%.6g sigma", r->sigma), "n_sigma_min", DR_REAL},
      {net_arena_format(arena, "+%.6g sigma", r->sigma), "n_sigma_max", DR_REAL},
  };
  enum { COLUMNS = sizeof all / sizeof *all };
  bool not_finite = any_not_finite(p);
  dr_column *columns = NET_NEW_ARRAY(arena, dr_column, COLUMNS + 1);
  for (uint32_t i = 0, k = 0; i < COLUMNS; i++)
    if (strcmp(all[i].key, "channel") ? strcmp(all[i].key, "not_finite") || not_finite : r->channels)
      columns[k++] = all[i];
  dr_table t = dr_table_new(call->n, "profile", "Profile", columns);
  for (uint32_t i = 0; i < p->count; i++)
    for (uint32_t c = 0; c < p->rows[i].channels && p->rows[i].summaries; c++) {
      const rt_summary *s = &p->rows[i].summaries[c];
      dr_table_word(&t, net_text(call->n, p->graph->nodes.at[p->rows[i].node].name));
      dr_table_word(&t, p->rows[i].tensor);
      if (r->channels) dr_table_number(&t, c);
      dr_table_number(&t, (double)s->count);
      if (not_finite) dr_table_number(&t, (double)s->not_finite);
      const double numbers[] = {s->min,          s->max,           s->mean,      s->abs_mean,  s->variance,
                                s->quantile_low, s->quantile_high, s->sigma_low, s->sigma_high};
      for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) dr_table_number(&t, numbers[k]);
    }
  return t;
}

int dr_profile(dr_call *call) {
  dr_subject subject;
  dr_profile_request request = DR_PROFILE_DEFAULTS;
  dr_profile_result result;
  rt_checkpoint *weights;
  dr_form form;
  int code;
  if (!read_request(call, &request, &form)) return DR_WRONG_COMMAND;
  if (!dr_open(call, &subject) || !dr_elaborate(&subject)) return DR_WRONG_INPUT;
  if (!dr_weights_in_hand(&subject, true, &weights) || !dr_settle_formats(&subject, weights))
    return DR_WRONG_INPUT;
  if (!dr_profile_run(&subject, weights, &request, &result, &code)) return code;
  if (form == DR_AS_JSON) {
    print_json(call, &result, &request);
    return DR_DONE;
  }
  if (form == DR_AS_TEXT)
    fprintf(call->out, "network %s, %llu samples of the %s split%s\n\n",
            net_text(call->n, result.graph->name), (unsigned long long)result.samples,
            rt_split_names[request.split], request.magnitudes ? ", magnitudes" : "");
  dr_table table = make_table(call, &result, &request);
  dr_table_print(call->out, &table, form);
  return DR_DONE;
}
