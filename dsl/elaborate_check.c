/* netc check: everything in a program, whether or not a command line would use it. */
#include "dsl/elaborate_quantize.h"
#include "dsl/elaborate_require.h"
#include "dsl/elaborate_sweep.h"
#include "dsl/elaborate_values.h"
#include "dsl/format.h"

/* ---- attempts: a recipe need not fit every network ---- */

static bool fits(net_elaborator *e, const net_decl *network, const net_decl *train) {
  net_network body;
  net_recipe recipe;
  const net_decl *data = NULL;
  rt_data_spec *spec;
  if (!net_elaborate_body(e, network, &body) || !net_elaborate_train(e, train, &body, &recipe, &data))
    return false;
  return !data || net_elaborate_data(e, data, &body, &recipe, &spec);
}

/* The errors reported are those with the first network, if no network fits. */
static bool check_train(net_elaborator *e, const net_decl *train) {
  net_diagnostics before = e->n->diagnostics;
  for (uint32_t i = 0; i < e->program->decls.count; i++) {
    if (e->program->decls.at[i]->kind != NET_DECL_NETWORK) continue;
    bool ok = fits(e, e->program->decls.at[i], train);
    net_diagnostics_forget(e->n, &before);
    if (ok) return true;
  }
  const net_decl *first = NULL;
  return !net_program_count(e->program, NET_DECL_NETWORK, &first) || fits(e, first, train);
}

/* Networks, data, recipes, formats and their rules. */
static bool check_blocks(netc *n, const net_program *program) {
  net_elaborator e;
  bool ok = net_elaborator_begin(n, &n->arena, program, &e) && net_elaborate_codebooks(&e);
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *decl = program->decls.at[i];
    net_network network;
    if (decl->kind == NET_DECL_NETWORK) ok &= net_elaborate_body(&e, decl, &network);
    else if (decl->kind == NET_DECL_DATA) ok &= net_check_data(&e, decl);
  }
  for (uint32_t i = 0, fit = ok; fit && i < program->decls.count;
       i++) /* recipes need whole networks and data */
    if (program->decls.at[i]->kind == NET_DECL_TRAIN) ok &= check_train(&e, program->decls.at[i]);
  for (uint32_t i = 0; i < program->decls.count; i++)
    if (program->decls.at[i]->kind == NET_DECL_QUANTIZE) ok &= net_check_quantize(&e, program->decls.at[i]);
  return ok;
}

/* ---- sweeps: the program with what they set is checked as if it were the file ---- */

/* A point, with the setting of one column in place of its own. */
static bool set_point(net_elaborator *e, const net_sweep *sweep, uint32_t point, uint32_t other,
                      const net_expr *instead, net_program *program) {
  bool ok = true;
  net_program *changed;
  *program = *e->program;
  for (uint32_t c = 0; c < sweep->column_count; c++) {
    net_setting setting = net_sweep_setting(sweep, point, c);
    if (c == other) setting.value = (net_expr *)instead;
    if (!net_setting_apply(e->n, program, &setting, NULL, &changed)) ok = false;
    else *program = *changed;
  }
  return ok;
}

static bool check_point(net_elaborator *e, const net_sweep *sweep, uint32_t point, uint32_t other,
                        const net_expr *instead, net_loc loc) {
  net_loc block = sweep->decl->loc;
  net_program program;
  if (!set_point(e, sweep, point, other, instead, &program)) return false;
  if (check_blocks(e->n, &program)) return true;
  const net_diagnostics *d = &e->n->diagnostics;
  net_loc last = d->list.at[d->list.count - 1].where;
  if (last.begin < block.begin || last.begin >= block.end) net_note(e->n, loc, "with what this sweep sets");
  return false;
}

/* Does the point set something written in the sweep that none before it does? Where that is in *loc. */
static bool is_fresh(const net_sweep *sweep, uint32_t point, net_loc *loc) {
  for (uint32_t c = 0; c < sweep->column_count; c++) {
    const net_sweep_value *v = net_sweep_at(sweep, point, c);
    if (v->fresh) return *loc = v->value->loc, true;
  }
  return false;
}

/* What a sweep sets must be there, and take such values: every one that is written, and the ends of ranges.
 */
static bool check_sweep(net_elaborator *e, const net_decl *decl) {
  net_sweep sweep;
  net_loc loc;
  if (!net_elaborate_sweep(e, decl, &sweep)) return false;
  loc = sweep.column_count == 1 ? sweep.columns[0].loc : sweep.loc;
  if (!check_point(e, &sweep, 0, NET_NONE, NULL, loc)) return false;
  bool ok = true;
  for (uint32_t p = 1; p < sweep.point_count && ok; p++)
    if (is_fresh(&sweep, p, &loc)) ok = check_point(e, &sweep, p, NET_NONE, NULL, loc);
  for (uint32_t c = 0; c < sweep.column_count && ok; c++) {
    const net_sweep_column *column = &sweep.columns[c];
    if (column->low)
      ok = check_point(e, &sweep, 0, c, column->low, column->low->loc) &&
           check_point(e, &sweep, 0, c, column->high, column->high->loc);
  }
  return ok;
}

/* ---- searches ---- */

static bool check_value(net_elaborator *e, const net_vary *vary, double x) {
  net_setting setting = {vary->path, (net_expr *)net_vary_value(e->n, vary, x), vary->loc};
  net_program *changed;
  if (!net_setting_apply(e->n, e->program, &setting, NULL, &changed)) return false;
  if (check_blocks(e->n, changed)) return true;
  net_note(e->n, vary->loc, "with what this search sets: %s = %s", vary->text,
           net_format_expr(e->n, setting.value));
  return false;
}

/* Every value that is listed, and the ends of ranges. */
static bool check_values(net_elaborator *e, const net_vary *vary) {
  if (vary->field != NET_VARY_SETTING) return true;
  const sr_parameter *p = &vary->values;
  for (uint32_t i = 0; i < vary->count; i++)
    if (!check_value(e, vary, i)) return false;
  return vary->count || (check_value(e, vary, p->low) && check_value(e, vary, p->high));
}

static bool suits(net_elaborator *e, const net_search *search, const net_decl *network) {
  net_network body;
  net_search_points points;
  return net_elaborate_body(e, network, &body) &&
         net_search_begin(e->n, e->arena, e->program, search, body.graph, &points);
}

/* What varies must be there in some network; the errors reported are those with the first. */
static bool check_search(net_elaborator *e, const net_search *search) {
  net_diagnostics before = e->n->diagnostics;
  const net_decl *first = NULL;
  for (uint32_t i = 0; i < search->vary_count; i++)
    if (!check_values(e, &search->varies[i])) return false;
  for (uint32_t i = 0; i < e->program->decls.count; i++) {
    if (e->program->decls.at[i]->kind != NET_DECL_NETWORK) continue;
    bool ok = suits(e, search, e->program->decls.at[i]);
    net_diagnostics_forget(e->n, &before);
    if (ok) return true;
  }
  return !net_program_count(e->program, NET_DECL_NETWORK, &first) || suits(e, search, first);
}

bool net_check_program(netc *n, const net_program *program) {
  net_elaborator e;
  if (!net_elaborator_begin(n, &n->arena, program, &e)) return false;
  net_search *searches = NET_NEW_ARRAY(&n->arena, net_search, program->decls.count + 1);
  bool ok = check_blocks(n, program);
  for (uint32_t i = 0; i < program->decls.count; i++) {
    const net_decl *decl = program->decls.at[i];
    net_requirements requirements;
    switch (decl->kind) {
    case NET_DECL_SEARCH: ok &= net_elaborate_search_block(&e, decl, &searches[i]); break;
    case NET_DECL_REQUIRE: ok &= net_elaborate_require(&e, decl, &requirements); break;
    default: break;
    }
  }
  for (uint32_t i = 0, good = ok; good && i < program->decls.count;
       i++) /* each checks the program again, changed */
    if (program->decls.at[i]->kind == NET_DECL_SWEEP) ok &= check_sweep(&e, program->decls.at[i]);
    else if (program->decls.at[i]->kind == NET_DECL_SEARCH) ok &= check_search(&e, &searches[i]);
  if (ok) net_warn_unused(n, program);
  return ok;
}
