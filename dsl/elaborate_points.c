/* A search and a network → parameters, and what formats and settings a point stands for. */
#include "dsl/elaborate_quantize.h"
#include "dsl/elaborate_values.h"
#include "dsl/format.h"
#include "formats/formats.h"

typedef struct net_search_tensor tensor;
typedef NET_VEC(net_name) names;

typedef struct {
  netc *n;
  net_arena *arena;
  const net_search *search;
  const net_graph *network;
  net_search_points *points;
  net_quantization fields[NET_VARY_FIELDS]; /* what varies in a field, as rules */
  uint32_t *varies[NET_VARY_FIELDS];        /* by rule */
  NET_VEC(tensor) tensors; /* width, fraction, format: first the entry of varies, then the parameter */
  NET_VEC(net_search_parameter) parameters;
} maker;

/* ---- which entry decides: as rules do ---- */

static void make_rules(maker *m, net_vary_field field) {
  NET_VEC(net_quantize_rule) rules = {0};
  const net_search *s = m->search;
  m->varies[field] = NET_NEW_ARRAY(m->arena, uint32_t, s->vary_count + 1);
  for (uint32_t i = 0; i < s->vary_count; i++) {
    const net_vary *v = &s->varies[i];
    if (v->field != field) continue;
    net_quantize_rule rule = {.scope = v->scope, .what = v->what, .loc = v->loc};
    net_format_id any;
    net_format_parse(m->n, "integer(8, auto)", strlen("integer(8, auto)"), v->loc, &any);
    rule.tensors[v->tensor] = (net_format_choice){v->formats ? v->formats[0] : any, true, v->loc};
    m->varies[field][rules.count] = i;
    net_vec_push(m->arena, &rules, rule);
  }
  m->fields[field] = (net_quantization){.name = s->name, .rules = rules.at, .rule_count = rules.count};
}

/* Entries that speak of nothing in the network are errors. */
static bool begin_field(maker *m, net_vary_field field, net_rules **rules) {
  netc *n = m->n;
  const net_quantization *q = &m->fields[field];
  if (!net_rules_begin(n, m->network, q, rules)) return false;
  net_rule_use *uses = NET_NEW_ARRAY(&n->arena, net_rule_use, q->rule_count + 1);
  net_rules_use(*rules, uses);
  const char *where = net_arena_format(&n->arena, "network '%s'", net_text(n, m->network->name));
  if (net_rules_report(n, q, uses, ~0u, where, m->network)) return true;
  net_rules_end(*rules);
  return false;
}

static uint32_t decides(const maker *m, const net_rules *rules, net_vary_field field, net_node_id node,
                        net_tensor_role role) {
  const net_quantize_rule *rule = net_rules_find(rules, node, role);
  return rule ? m->varies[field][rule - m->fields[field].rules] : SR_NEW;
}

/* A format has its width and its fraction already. */
static bool is_clear(maker *m, const tensor *t) {
  uint32_t other = t->width != SR_NEW ? t->width : t->fraction;
  if (t->format == SR_NEW || other == SR_NEW) return true;
  net_error(m->n, m->search->varies[t->format].loc, "the format of %s.%s varies, and so does its %s",
            net_text(m->n, t->node), net_tensor_role_names[t->tensor],
            t->width != SR_NEW ? "width" : "fraction");
  net_note(m->n, m->search->varies[other].loc, "that varies here");
  return false;
}

static net_format_id base_format(const net_rules *base, net_node_id node, net_tensor_role role) {
  const net_quantize_rule *rule = net_rules_find(base, node, role);
  return rule ? rule->tensors[role].format : NET_FORMAT_FLOAT32;
}

static bool find_tensors(maker *m) {
  net_rules *rules[NET_VARY_FIELDS], *base;
  net_vary_field field = NET_VARY_WIDTH;
  if (!net_rules_begin(m->n, m->network, &m->points->base, &base)) return false;
  while (field < NET_VARY_FIELDS && begin_field(m, field, &rules[field])) field++;
  bool ok = field == NET_VARY_FIELDS;
  for (net_node_id node = 0; ok && node < m->network->nodes.count; node++)
    for (net_tensor_role role = 0; role < NET_TENSORS; role++) {
      tensor t = {.node = m->network->nodes.at[node].name, .tensor = role};
      t.width = decides(m, rules[NET_VARY_WIDTH], NET_VARY_WIDTH, node, role);
      t.fraction = decides(m, rules[NET_VARY_FRACTION], NET_VARY_FRACTION, node, role);
      t.format = decides(m, rules[NET_VARY_FORMAT], NET_VARY_FORMAT, node, role);
      if (t.width == SR_NEW && t.fraction == SR_NEW && t.format == SR_NEW) continue;
      ok &= is_clear(m, &t);
      t.base = base_format(base, node, role);
      net_vec_push(m->arena, &m->tensors, t);
    }
  while (field-- > NET_VARY_WIDTH) net_rules_end(rules[field]);
  net_rules_end(base);
  return ok;
}

/* ---- parameters ---- */

static uint32_t *decider(tensor *t, net_vary_field field) {
  return field == NET_VARY_WIDTH ? &t->width : field == NET_VARY_FRACTION ? &t->fraction : &t->format;
}

static void add_parameter(maker *m, const net_vary *v, const char *name, const names *nodes) {
  net_search_parameter p = {.vary = v, .name = name, .nodes = nodes->at, .node_count = nodes->count};
  net_vec_push(m->arena, &m->parameters, p);
}

/* Puts parameters in place of entries; done: tensors whose number is a parameter's already, by field. */
static bool add_formats(maker *m, uint32_t vary, bool *done) {
  const net_vary *v = &m->search->varies[vary];
  names tied = {0};
  uint32_t count = m->parameters.count, matched = 0;
  for (uint32_t i = 0; i < m->tensors.count; i++) {
    tensor *t = &m->tensors.at[i];
    uint32_t *by = decider(t, v->field);
    bool *mark = &done[i * NET_VARY_FIELDS + v->field];
    if (t->tensor != v->tensor || *by != vary || *mark) continue;
    *mark = true;
    *by = v->all ? count : count + matched;
    matched++;
    if (v->all) {
      net_vec_push(m->arena, &tied, t->node);
      continue;
    }
    names one = {0};
    net_vec_push(m->arena, &one, t->node);
    static const char *const words[] = {
        [NET_VARY_WIDTH] = "width", [NET_VARY_FRACTION] = "fraction", [NET_VARY_FORMAT] = "format"};
    add_parameter(m, v,
                  net_arena_format(m->arena, "%s.%s.%s", net_text(m->n, t->node),
                                   net_tensor_role_names[t->tensor], words[v->field]),
                  &one);
  }
  if (v->all && matched) add_parameter(m, v, net_arena_format(m->arena, "all %s", v->text), &tied);
  if (!matched)
    net_error(m->n, v->loc, "closer entries decide all that %s would: it varies nothing", v->text);
  return matched;
}

static bool add_parameters(maker *m) {
  bool ok = true, *done = NET_NEW_ARRAY(m->arena, bool, m->tensors.count *NET_VARY_FIELDS + 1);
  for (uint32_t i = 0; i < m->search->vary_count; i++) {
    const net_vary *v = &m->search->varies[i];
    if (v->field == NET_VARY_SETTING) add_parameter(m, v, v->text, &(names){0});
    else ok &= add_formats(m, i, done);
  }
  sr_parameter *space = NET_NEW_ARRAY(m->arena, sr_parameter, m->parameters.count + 1);
  for (uint32_t i = 0; i < m->parameters.count; i++) {
    space[i] = m->parameters.at[i].vary->values;
    space[i].name = m->parameters.at[i].name;
  }
  net_search_points *points = m->points;
  points->parameters = m->parameters.at;
  points->space = (sr_space){space, m->parameters.count};
  points->tensors = m->tensors.at;
  points->tensor_count = m->tensors.count;
  return ok;
}

/* ---- formats ---- */

static bool has_width(const net_format_spec *spec) {
  return !strncmp(net_formats[spec->family].arguments, "width: int", strlen("width: int"));
}

/* The base's format, or integer(8, auto), with other bits. */
static bool change(netc *n, net_format_id base, const net_vary *width, double w, const net_vary *fraction,
                   double f, net_format_id *format) {
  net_loc loc = width ? width->loc : fraction->loc;
  if (base == NET_FORMAT_FLOAT32)
    net_format_parse(n, "integer(8, auto)", strlen("integer(8, auto)"), loc, &base);
  net_format_spec spec = *net_format_at(n, base);
  const char *name = net_formats[spec.family].name;
  if (width && !has_width(&spec)) return net_error(n, loc, "%s has no width that could vary", name), false;
  if (fraction && !net_format_has_point(&spec))
    return net_error(n, loc, "%s has no fraction that could vary", name), false;
  if (width) spec.width = (int32_t)net_vary_number(width, w);
  if (fraction) spec.fraction = (int32_t)net_vary_number(fraction, f);
  const char *text = net_format_spec_text(n, &spec);
  return net_format_parse(n, text, strlen(text), loc, format);
}

bool net_search_format(netc *n, const net_search_points *points, uint32_t at, const double *x,
                       net_format_id *format) {
  const tensor *t = &points->tensors[at];
  if (t->format != SR_NEW)
    return *format = points->parameters[t->format].vary->formats[(uint32_t)x[t->format]], true;
  const net_vary *width = t->width == SR_NEW ? NULL : points->parameters[t->width].vary;
  const net_vary *fraction = t->fraction == SR_NEW ? NULL : points->parameters[t->fraction].vary;
  return change(n, t->base, width, width ? x[t->width] : 0, fraction, fraction ? x[t->fraction] : 0, format);
}

/* Every width and every fraction makes a format. Once for each entry: others would say the same. */
static bool check_formats(netc *n, const net_search_points *points) {
  const sr_space *space = &points->space;
  double *x = NET_NEW_ARRAY(&n->arena, double, space->count + 1);
  for (uint32_t i = 0; i < space->count; i++) x[i] = space->parameters[i].low;
  for (uint32_t i = 0; i < points->tensor_count; i++) {
    const tensor *t = &points->tensors[i];
    uint32_t by[] = {t->width, t->fraction};
    for (int k = 0; k < 2; k++) {
      if (by[k] == SR_NEW) continue;
      const sr_parameter *p = &space->parameters[by[k]];
      net_format_id format;
      for (double value = p->low; value <= p->high; value++) {
        x[by[k]] = value;
        if (!net_search_format(n, points, i, x, &format)) return false;
      }
      x[by[k]] = p->low;
    }
  }
  return true;
}

bool net_search_begin(netc *n, net_arena *arena, const net_program *program, const net_search *search,
                      const net_graph *network, net_search_points *points) {
  maker m = {.n = n, .arena = arena, .search = search, .network = network, .points = points};
  *points = (net_search_points){.search = search};
  points->base = (net_quantization){.name = search->name,
                                    .calibrator = NET_CALIBRATE_MSE,
                                    .percentile = 0.999,
                                    .samples = 4096,
                                    .loc = search->loc};
  if (search->base.id) {
    points->base_block = net_program_find(program, NET_DECL_QUANTIZE, search->base);
    if (!net_elaborate_quantization(n, arena, program, net_text(n, search->base), network, &points->base))
      return false;
  }
  for (net_vary_field field = NET_VARY_WIDTH; field < NET_VARY_FIELDS; field++) make_rules(&m, field);
  return find_tensors(&m) && add_parameters(&m) && check_formats(n, points);
}
