/* A report as a drawing: graphviz's text. */
#include "driver/report.h"

#include "formats/formats.h"
#include "support/table.h"

void dr_report_print_dot(FILE *to, const dr_report *r) {
  const net_graph *g = r->graph;
  fprintf(to, "digraph \"%s\" {\n  rankdir = TB\n  node [shape = box, fontname = \"sans-serif\"]\n",
          net_text(r->n, g->name));
  for (uint32_t i = 0; i < r->count; i++) {
    const dr_report_row *row = &r->rows[i];
    fprintf(to, "  \"%s\" [label = \"%s\\n%s", row->name, row->name, dr_report_shape(r, row->value));
    if (row->value->format) fprintf(to, "\\n%s", net_format_text(r->n, row->value->format));
    if (row->flops) fprintf(to, "\\n%s FLOPs", net_thousands(&r->n->arena, row->flops));
    fprintf(to, "\"]\n");
  }
  for (net_node_id id = 0; id < g->nodes.count; id++)
    for (uint32_t i = 0; i < g->nodes.at[id].input_count && !net_node_is_quantizer(g, id); i++) {
      net_value_id input = net_node_input(g, id, i);
      const char *from = input == NET_NONE ? NULL : dr_report_source(r, input);
      if (from) fprintf(to, "  \"%s\" -> \"%s\"\n", from, net_text(r->n, g->nodes.at[id].name));
    }
  for (uint32_t i = 0; i < g->outputs.count; i++)
    fprintf(to, "  \"%s\" -> \"output\"\n", dr_report_source(r, g->outputs.at[i]));
  fprintf(to, "}\n");
}
