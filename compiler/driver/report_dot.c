/* A report as a drawing: graphviz's text. */
#include "driver/report.h"

#include "support/table.h"

static const char *source_name(const dr_report *r, const net_value *value) {
  return value->kind == NET_VALUE_INPUT    ? net_text(r->n, value->name)
         : value->kind == NET_VALUE_RESULT ? net_text(r->n, r->graph->nodes.at[value->def].name)
                                           : NULL;
}

void dr_report_print_dot(FILE *to, const dr_report *r) {
  const net_graph *g = r->graph;
  fprintf(to, "digraph \"%s\" {\n  rankdir = TB\n  node [shape = box, fontname = \"sans-serif\"]\n",
          net_text(r->n, g->name));
  for (uint32_t i = 0; i < r->count; i++) {
    const dr_report_row *row = &r->rows[i];
    fprintf(to, "  \"%s\" [label = \"%s\\n%s", row->name, row->name, dr_report_shape(r, row->value));
    if (row->flops) fprintf(to, "\\n%s FLOPs", net_thousands(&r->n->arena, row->flops));
    fprintf(to, "\"]\n");
  }
  for (net_node_id id = 0; id < g->nodes.count; id++)
    for (uint32_t i = 0; i < g->nodes.at[id].input_count; i++) {
      net_value_id input = net_node_input(g, id, i);
      const char *from = input == NET_NONE ? NULL : source_name(r, net_graph_value_at(g, input));
      if (from) fprintf(to, "  \"%s\" -> \"%s\"\n", from, net_text(r->n, g->nodes.at[id].name));
    }
  for (uint32_t i = 0; i < g->outputs.count; i++)
    fprintf(to, "  \"%s\" -> \"output\"\n", source_name(r, net_graph_value_at(g, g->outputs.at[i])));
  fprintf(to, "}\n");
}
