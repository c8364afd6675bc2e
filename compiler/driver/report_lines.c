/* Costs by line of the program, each with its text. */
#include "driver/report.h"

#include "support/table.h"

void dr_report_print_lines(FILE *to, const dr_report *r) {
  static const char *const titles[] = {"line", "MACs", "FLOPs", "BitOPs", "source"};
  netc *n = r->n;
  net_table t = net_table_new(&n->arena, 5, titles, "lrrrl");
  bool *done = NET_NEW_ARRAY(&n->arena, bool, r->count);
  for (uint32_t i = 0; i < r->count; i++) {
    net_position at = net_sources_find(&n->sources, r->rows[i].loc);
    double macs = 0, flops = 0, bitops = 0;
    if (r->rows[i].node == NET_NONE || done[i] || !at.source) continue;
    for (uint32_t other = i; other < r->count; other++) {
      const dr_report_row *row = &r->rows[other];
      net_position there = net_sources_find(&n->sources, row->loc);
      if (row->node == NET_NONE || there.source != at.source || there.line != at.line) continue;
      done[other] = true;
      macs += row->macs, flops += row->flops, bitops += row->bitops;
    }
    net_table_format(&t, "%s:%u", at.source->path, at.line);
    net_table_add(&t, net_thousands(&n->arena, macs));
    net_table_add(&t, net_thousands(&n->arena, flops));
    net_table_add(&t, net_thousands(&n->arena, bitops));
    uint32_t skip = 0;
    while (skip < at.line_length && at.line_text[skip] == ' ') skip++;
    net_table_format(&t, "%.*s", (int)(at.line_length - skip), at.line_text + skip);
  }
  net_table_print(to, &t, NET_TABLE_TEXT);
}
