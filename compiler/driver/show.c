/* netc show: a network's graph with shapes and costs. */
#include "driver/calibrate.h"
#include "driver/observe.h"
#include "driver/profile.h"
#include "driver/report.h"
#include "driver/weights.h"

#include "support/table.h"

enum { NODES, LAYERS, KINDS, LINES, RANGES, TABLES };

/* ranged: weights are in hand, so that ranges say something about them */
static void print_page(FILE *to, const dr_report *r, const dr_table *tables, dr_form form, bool ranged) {
  const char *heading = form == DR_AS_MARKDOWN ? "# " : "";
  fprintf(to, "%snetwork %s, batch %u\n\n", heading, net_text(r->n, r->graph->name), r->batch);
  dr_table_print(to, &tables[NODES], form);
  fprintf(to, "\n");
  for (uint32_t k = 0; k < DR_KINDS; k++)
    fprintf(to, "%s%.0f %s", k ? ", " : "", tables[KINDS].cells.at[2 * k + 1].number, dr_kinds[k]);
  fprintf(to, "\n%s%s bytes of weights, %s bytes of activations at once\n\n",
          form == DR_AS_MARKDOWN ? "\n" : "", net_thousands(&r->n->arena, r->total.weight_bytes),
          net_thousands(&r->n->arena, (double)r->activation_bytes));
  if (dr_table_rows(&tables[LAYERS])) dr_table_print(to, &tables[LAYERS], form), fprintf(to, "\n");
  dr_table_print(to, &tables[LINES], form);
  if (ranged) fprintf(to, "\n"), dr_table_print(to, &tables[RANGES], form);
}

static void print(dr_call *call, const dr_report *r, bool ranged) {
  dr_form form = dr_call_form(call);
  dr_table tables[TABLES] = {[NODES] = dr_report_nodes(r),
                             [LAYERS] = dr_report_layers(r),
                             [KINDS] = dr_report_kinds(r),
                             [LINES] = dr_report_lines(r),
                             [RANGES] = dr_report_ranges(r)};
  const dr_table *one = dr_table_chosen(call, tables, TABLES);
  if (call->wrong) return;
  if (one) dr_table_print(call->out, one, form);
  else if (form == DR_AS_JSON) net_json_print(call->out, dr_report_json(r));
  else if (form == DR_AS_DOT) dr_report_print_dot(call->out, r);
  else if (form == DR_AS_CSV) dr_table_print(call->out, &tables[NODES], form);
  else print_page(call->out, r, tables, form, ranged);
}

/* Weights, if any are named, and what the network's values are on data, if that is asked for. */
static bool look(dr_subject *subject, rt_checkpoint **weights, const net_range **seen) {
  dr_call *call = subject->call;
  dr_profile_request request = DR_PROFILE_DEFAULTS;
  dr_profile_result profile;
  int code;
  if (!dr_integer(call, DR_samples, 1, UINT32_MAX, &request.samples) || !dr_elaborate(subject)) return false;
  if (!dr_has(call, DR_samples))
    return (*weights = dr_find_weights(subject)) && dr_settle_formats(subject, *weights);
  if (!dr_weights_in_hand(subject, true, weights) || !dr_settle_formats(subject, *weights) ||
      !dr_profile_run(subject, *weights, &request, &profile, &code))
    return false;
  *seen = dr_profile_annotate(&profile, subject->experiment.network.graph);
  return true;
}

int dr_show(dr_call *call) {
  dr_subject subject;
  uint64_t batch = 8;
  if (!dr_integer(call, DR_batch, 1, 1 << 24, &batch)) return DR_WRONG_COMMAND;
  if (!dr_open(call, &subject)) return DR_WRONG_INPUT;
  net_network *network = &subject.experiment.network;
  if (!dr_elaborate_network(&subject)) return DR_WRONG_INPUT;
  if (dr_has(call, DR_why)) return dr_why(&subject);
  pl_options options;
  if (!dr_compile_options(call, &options)) return DR_WRONG_COMMAND;
  if (options.print_after != PL_STAGES || options.stop_after != PL_STAGES || options.print_ir ||
      options.print_asm || options.time_passes) { /* what becomes of the network's training step */
    if (!dr_elaborate(&subject)) return DR_WRONG_INPUT;
    int code;
    pl_free(dr_compile(&subject, PL_TRAIN, subject.experiment.recipe.train.batch_size, NULL, &code));
    return code;
  }
  rt_checkpoint *weights = NULL;
  bool ranged = dr_has(call, DR_load) || subject.checkpoint || dr_has(call, DR_samples);
  const net_range *seen = NULL;
  if (ranged && !look(&subject, &weights, &seen)) return DR_WRONG_INPUT;
  dr_report report = dr_report_make(&subject, network->graph, (uint32_t)batch);
  report.seen = seen;
  report.ranges = dr_graph_ranges(&subject, report.graph, weights);
  if (!report.ranges || (!net_ranges_check(report.ranges, ranged ? NET_ERROR : NET_WARNING) && ranged))
    return DR_WRONG_INPUT;
  print(call, &report, ranged);
  return DR_DONE;
}
