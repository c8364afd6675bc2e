/* netc show: a network's graph with shapes and costs. */
#include "driver/report.h"

#include "support/table.h"

/* For programs to read. */
static const char *plain(net_arena *arena, double x) { return net_arena_format(arena, "%.0f", x); }

static void print_table(FILE *to, const dr_report *r, net_table_form form) {
  static const char *const titles[] = {"node",       "kind", "op",    "shape",
                                       "parameters", "MACs", "FLOPs", "BitOPs"};
  netc *n = r->n;
  net_table t = net_table_new(&n->arena, 8, titles, "llllrrrr");
  const char *(*number)(net_arena *, double) = form == NET_TABLE_CSV ? plain : net_thousands;
  for (uint32_t i = 0; i < r->count; i++) {
    const dr_report_row *row = &r->rows[i];
    net_table_add(&t, row->name);
    net_table_add(&t, row->kind);
    net_table_add(&t, row->op);
    net_table_add(&t, dr_report_shape(r, row->value));
    net_table_add(&t, row->parameters ? number(&n->arena, (double)row->parameters) : NULL);
    net_table_add(&t, row->macs ? number(&n->arena, row->macs) : NULL);
    net_table_add(&t, row->flops ? number(&n->arena, row->flops) : NULL);
    net_table_add(&t, row->bitops ? number(&n->arena, row->bitops) : NULL);
  }
  net_table_add(&t, "total");
  for (int i = 0; i < 3; i++) net_table_add(&t, NULL);
  net_table_add(&t, number(&n->arena, (double)r->total.parameters));
  net_table_add(&t, number(&n->arena, r->total.macs));
  net_table_add(&t, number(&n->arena, r->total.flops));
  net_table_add(&t, number(&n->arena, r->total.bitops));
  net_table_print(to, &t, form);
}

static void print_text(FILE *to, const dr_report *r) {
  fprintf(to, "network %s, batch %u\n\n", net_text(r->n, r->graph->name), r->batch);
  print_table(to, r, NET_TABLE_TEXT);
  fprintf(to, "\n%s bytes of weights, %s bytes of activations at once\n\n",
          net_thousands(&r->n->arena, r->total.weight_bytes),
          net_thousands(&r->n->arena, (double)r->activation_bytes));
  dr_report_print_lines(to, r);
}

int dr_show(dr_call *call) {
  dr_subject subject;
  uint64_t batch = 8;
  if (dr_has(call, DR_quantize) || dr_has(call, DR_why)) return dr_not_built(call, "quantising a network");
  if (!dr_integer(call, DR_batch, 1, 1 << 24, &batch)) return DR_WRONG_COMMAND;
  if (!dr_open(call, &subject)) return DR_WRONG_INPUT;
  net_network *network = &subject.experiment.network;
  if (!dr_elaborate_network(&subject)) return DR_WRONG_INPUT;
  pl_options options;
  if (!dr_compile_options(call, &options)) return DR_WRONG_COMMAND;
  if (options.print_after != PL_STAGES || options.stop_after != PL_STAGES || options.print_ir ||
      options.print_asm || options.time_passes) { /* what becomes of the network's training step */
    if (!dr_elaborate(&subject)) return DR_WRONG_INPUT;
    int code;
    pl_free(dr_compile(&subject, PL_TRAIN, subject.experiment.recipe.train.batch_size, &code));
    return code;
  }
  dr_report report = dr_report_make(&subject, network->graph, (uint32_t)batch);
  const char *as = call->value[DR_as] ? call->value[DR_as] : "text";
  if (call->json) net_json_print(call->out, dr_report_json(&report));
  else if (!strcmp(as, "dot")) dr_report_print_dot(call->out, &report);
  else if (!strcmp(as, "text")) print_text(call->out, &report);
  else print_table(call->out, &report, strcmp(as, "csv") ? NET_TABLE_MARKDOWN : NET_TABLE_CSV);
  return DR_DONE;
}
