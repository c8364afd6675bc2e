/* Functions that rules have looked up in tables, by codes of integers. */
#include "passes/quantize.h"

#include <math.h>

/* What a tensor's codes stand for: (q − zero) · unit, q from low to high. */
typedef struct {
  double unit, low, high;
  int32_t zero;
} codes;

typedef struct {
  netc *n;
  const net_graph *from;
  net_node_id node;
  net_loc loc; /* of the rule */
} asker;

/* "sigmoid 'act' is looked up by codes, but …: …" */
static bool refuse(const asker *a, const char *tensor, const char *what, const char *example) {
  const net_node *node = net_graph_at(a->from, a->node);
  const char *op = net_node_op(a->from, a->node)->name;
  net_error(a->n, a->loc,
            "%s '%s' is looked up by codes, but its %s %s: give it one of up to 16 bits, "
            "like %s { %s = %s }",
            op, net_text(a->n, node->name), tensor, what, op, tensor, example);
  net_note(a->n, node->loc, "for '%s'", net_text(a->n, node->name));
  return false;
}

/* known: false where a profile has yet to say what a step is. False: reported. */
static bool find_codes(const asker *a, net_format_id format, const net_calibrated *steps, const char *tensor,
                       const char *example, codes *c, bool *known) {
  enum { MOST_WIDTH = 16 };
  const net_format_spec *spec = net_format_at(a->n, format);
  net_format_grid grid = net_format_grid_of(spec);
  bool point = net_format_has_point(spec), open = !point || spec->fraction == NET_FORMAT_AUTO;
  *c = (codes){.unit = 1};
  if (grid == NET_GRID_NONE) return refuse(a, tensor, "has no integer format", example);
  if (spec->width > MOST_WIDTH) return refuse(a, tensor, "has a wider format", example);
  if (spec->ste == NET_STE_LEARNED_STEP)
    return refuse(a, tensor, "has a step that training changes", example);
  if (open && steps && steps->count > 1) return refuse(a, tensor, "has a step for each channel", example);
  net_format_steps(spec, &c->low, &c->high);
  if (point) c->unit = ldexp(1, -(open ? spec->width / 2 : spec->fraction));
  if (open && steps) c->unit = (double)steps->steps[0];
  if (open && steps && steps->zeros) c->zero = steps->zeros[0];
  *known &= grid != NET_GRID_STEPS || steps;
  return true;
}

bool net_quantize_table(netc *n, net_tabling *t, const net_calibrated *y_steps) {
  asker a = {n, t->from, t->node, t->loc};
  codes x, y;
  bool known = true;
  const char *op = net_node_op(t->from, t->node)->name;
  const char *output = !strcmp(op, "tanh") ? "integer(8, 7)" : "integer(8, 8, unsigned = true)";
  if (!find_codes(&a, t->graph->values.at[t->x].format, net_quantize_steps_of(t->graph, t->x), "input",
                  "integer(8, auto)", &x, &known) ||
      !find_codes(&a, t->y_format, y_steps, "output", output, &y, &known))
    return false;
  t->made = NET_NONE;
  if (!known) return true;
  net_calibration calibration = {0};
  if (y_steps) calibration = (net_calibration){y_steps->steps, y_steps->zeros, y_steps->count};
  t->y_steps = y_steps ? &calibration : NULL;
  t->x_unit = x.unit, t->y_unit = y.unit, t->y_zero = y.zero;
  t->low = (int64_t)x.low - x.zero, t->high = (int64_t)x.high - x.zero;
  net_node_id id = t->made = net_node_op(t->from, t->node)->table(t);
  t->y_steps = NULL;
  if (id == NET_NONE) return false;
  const net_node *node = net_graph_at(t->from, t->node);
  net_name *layers = NET_NEW_ARRAY(t->arena, net_name, node->layer_count + 1);
  for (uint32_t i = 0; i < node->layer_count; i++) layers[i] = net_node_layer(t->from, t->node, i);
  net_graph_set_layers(t->graph, id, layers, node->layer_count);
  t->graph->nodes.at[id].use = node->use;
  return true;
}
