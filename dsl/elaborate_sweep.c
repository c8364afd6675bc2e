/* A sweep block → points. */
#include "dsl/elaborate_sweep.h"

#include "dsl/format.h"
#include "runtime/hash.h"
#include "runtime/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

typedef NET_VEC(net_sweep_value) values;

/* What changes together: columns, and rows of values for them. */
typedef struct {
  NET_VEC(uint32_t) columns;
  values rows;
} axis;

/* A range whose values are drawn. */
typedef struct {
  uint32_t column;
  net_constant low, high;
  bool log;
} drawn;

typedef struct {
  net_elaborator *e;
  net_sweep *sweep;
  NET_VEC(net_sweep_column) columns;
  NET_VEC(axis) axes;
  NET_VEC(drawn) draws;
  uint32_t draw_axis; /* where they stand among the axes */
  int64_t sample;     /* 0: not said */
} maker;

static double real_of(const net_constant *c) {
  return c->kind == NET_CONSTANT_INTEGER ? (double)c->integer : c->kind == NET_CONSTANT_REAL ? c->real : NAN;
}

/* ---- values ---- */

/* What an expression comes to as a number; NAN: it is none, which is no error. */
static double number_of(net_elaborator *e, const net_expr *expr) {
  net_diagnostics before = e->n->diagnostics;
  net_constant c = {0};
  bool ok = net_evaluate(e->n, &e->constants, expr, &c);
  net_diagnostics_forget(e->n, &before);
  return ok ? real_of(&c) : NAN;
}

static net_sweep_value written(net_elaborator *e, net_expr *expr) {
  return (net_sweep_value){expr, net_format_expr(e->n, expr), number_of(e, expr), true};
}

static net_sweep_value negative(net_elaborator *e, net_sweep_value v, net_loc loc) {
  net_expr *whole = net_expr_new(e->n, NET_EXPR_NEGATE, loc);
  whole->negated = v.value;
  whole->depth = 2;
  return (net_sweep_value){whole, net_arena_format(&e->n->arena, "-%s", v.text), -v.number, v.fresh};
}

static net_sweep_value integer(net_elaborator *e, int64_t x, net_loc loc) {
  uint64_t magnitude = x < 0 ? -(uint64_t)x : (uint64_t)x;
  net_expr *expr = net_expr_new(e->n, NET_EXPR_INTEGER, loc);
  const char *text = net_arena_format(&e->n->arena, "%" PRIu64, magnitude);
  expr->integer.value = (int64_t)magnitude;
  expr->integer.text = net_intern(e->n, text);
  net_sweep_value v = {expr, text, (double)magnitude, false};
  return x < 0 ? negative(e, v, loc) : v;
}

static net_sweep_value real(net_elaborator *e, double x, net_loc loc) {
  net_expr *expr = net_expr_new(e->n, NET_EXPR_REAL, loc);
  const char *text = net_arena_format(&e->n->arena, "%.17g", fabs(x));
  for (int digits = 6; digits < 17; digits++) {
    const char *shorter = net_arena_format(&e->n->arena, "%.*g", digits, fabs(x));
    if (strtod(shorter, NULL) != fabs(x)) continue;
    text = shorter;
    break;
  }
  if (!strpbrk(text, ".e")) text = net_arena_format(&e->n->arena, "%s.0", text);
  expr->real.value = fabs(x);
  expr->real.text = net_intern(e->n, text);
  net_sweep_value v = {expr, text, fabs(x), false};
  return x < 0 ? negative(e, v, loc) : v;
}

/* ---- ranges ---- */

static bool ends(net_elaborator *e, const net_expr *range, net_constant *low, net_constant *high) {
  netc *n = e->n;
  if (!net_evaluate(n, &e->constants, range->range.low, low) ||
      !net_evaluate(n, &e->constants, range->range.high, high))
    return false;
  if (isnan(real_of(low)) || isnan(real_of(high)))
    return net_error(n, range->loc, "a range goes from a number to a number"), false;
  if (real_of(low) <= real_of(high)) return true;
  net_error(n, range->loc, "this range is empty: its end is below its beginning");
  return false;
}

static bool are_integers(const net_constant *low, const net_constant *high) {
  return low->kind == NET_CONSTANT_INTEGER && high->kind == NET_CONSTANT_INTEGER;
}

static bool too_many(maker *m, net_loc loc) {
  net_error(m->e->n, loc, "a sweep has at most %d runs, and this makes more%s", NET_SWEEP_RUNS,
            m->sample ? "" : ": 'sample = 100' draws some of them");
  return false;
}

/* 1..5 as a list. */
static bool enumerate(maker *m, const net_expr *range, values *into) {
  net_constant low, high;
  if (!ends(m->e, range, &low, &high)) return false;
  if (!are_integers(&low, &high)) {
    net_error(
        m->e->n, range->loc,
        "there are too many numbers between these to try all: list some, or draw some with 'sample = 20'");
    return false;
  }
  if ((double)high.integer - (double)low.integer >= NET_SWEEP_RUNS) return too_many(m, range->loc);
  for (int64_t x = low.integer; x <= high.integer; x++) {
    net_sweep_value v = integer(m->e, x, range->loc);
    v.fresh = x == low.integer || x == high.integer;
    net_vec_push(&m->e->n->arena, into, v);
  }
  return true;
}

/* log(1e-6..0.1): its range, else NULL. (A format may be called log, too; it takes no range.) */
static const net_expr *log_range(const netc *n, const net_expr *value) {
  if (value->kind != NET_EXPR_CALL || value->call.callee.parts.count != 1 || value->call.args.count != 1 ||
      strcmp(net_text(n, value->call.callee.parts.at[0].name), "log"))
    return NULL;
  const net_arg *arg = &value->call.args.at[0];
  return !arg->name.name.id && arg->value->kind == NET_EXPR_RANGE ? arg->value : NULL;
}

static bool take_draw(maker *m, const net_expr *range, bool log, uint32_t column) {
  drawn d = {.column = column, .log = log};
  if (!ends(m->e, range, &d.low, &d.high)) return false;
  if (log && real_of(&d.low) <= 0)
    return net_error(m->e->n, range->range.low->loc, "a logarithmic range begins above 0"), false;
  if (are_integers(&d.low, &d.high) && (double)d.high.integer - (double)d.low.integer >= UINT32_MAX)
    return net_error(m->e->n, range->loc, "this range has too many integers: at most 2^32 - 1"), false;
  m->columns.at[column].low = range->range.low;
  m->columns.at[column].high = range->range.high;
  if (!m->draws.count) {
    m->draw_axis = m->axes.count;
    net_vec_push(&m->e->n->arena, &m->axes, (axis){0});
  }
  net_vec_push(&m->e->n->arena, &m->draws, d);
  return true;
}

static int64_t draw_integer(rt_random *r, const drawn *d) {
  int64_t low = d->low.integer, high = d->high.integer;
  if (!d->log) return low + (int64_t)rt_random_below(r, (uint32_t)(high - low) + 1);
  double x = exp(log((double)low) + rt_random_double(r) * (log((double)high + 1) - log((double)low)));
  int64_t i = (int64_t)floor(x);
  return i < low ? low : i > high ? high : i;
}

/* Six digits are enough, are read easily, and hide what logarithms differ by from machine to machine. */
static double draw_real(rt_random *r, const drawn *d) {
  double low = real_of(&d->low), high = real_of(&d->high), u = rt_random_double(r);
  double x = d->log ? exp(log(low) + u * (log(high) - log(low))) : low + u * (high - low);
  char text[32];
  snprintf(text, sizeof text, "%.6g", x);
  x = strtod(text, NULL);
  return x < low ? low : x > high ? high : x;
}

/* Each setting has a stream of its own, by its name: a larger sample goes on with the draws of a smaller. */
static void draw_all(maker *m) {
  netc *n = m->e->n;
  axis *a = m->draws.count ? &m->axes.at[m->draw_axis] : NULL;
  for (uint32_t k = 0; k < m->draws.count; k++) net_vec_push(&n->arena, &a->columns, m->draws.at[k].column);
  for (uint32_t k = 0; k < m->draws.count; k++) {
    const drawn *d = &m->draws.at[k];
    const net_sweep_column *c = &m->columns.at[d->column];
    rt_random r;
    rt_random_start(&r, m->sweep->seed, RT_RANDOM_SWEEP, rt_hash(c->text));
    if (!k) {
      net_vec_reserve(&n->arena, &a->rows, (uint32_t)m->sample * m->draws.count);
      a->rows.count = (uint32_t)m->sample * m->draws.count;
    }
    for (uint32_t i = 0; i < (uint32_t)m->sample; i++)
      a->rows.at[i * m->draws.count + k] = are_integers(&d->low, &d->high)
                                               ? integer(m->e, draw_integer(&r, d), c->low->loc)
                                               : real(m->e, draw_real(&r, d), c->low->loc);
  }
}

/* ---- entries ---- */

static bool take_list(maker *m, const net_expr *list, values *into) {
  bool ok = true;
  for (uint32_t i = 0; i < list->list.count; i++) {
    net_expr *one = list->list.at[i];
    if (one->kind == NET_EXPR_RANGE) ok &= enumerate(m, one, into);
    else net_vec_push(&m->e->n->arena, into, written(m->e, one));
  }
  if (!list->list.count) net_error(m->e->n, list->loc, "this list is empty: there is nothing to try");
  return ok && list->list.count;
}

static bool add_column(maker *m, const net_entry *entry, uint32_t *column) {
  netc *n = m->e->n;
  net_sweep_column c = {.path = entry->path, .text = net_dotted_text(n, &entry->path), .loc = entry->loc};
  *column = m->columns.count;
  for (uint32_t i = 0; i < m->columns.count; i++) {
    if (!net_dotted_same(&m->columns.at[i].path, &entry->path)) continue;
    net_error(n, entry->path.loc, "'%s' is swept twice", c.text);
    net_note(n, m->columns.at[i].loc, "it is here, too");
    return false;
  }
  net_vec_push(&n->arena, &m->columns, c);
  return true;
}

/* The values that an entry lists; *range: it is a range to draw from instead. */
static bool take_values(maker *m, const net_entry *entry, values *into, const net_expr **range, bool *log) {
  net_expr *value = entry->value;
  *range = log_range(m->e->n, value);
  *log = *range != NULL;
  if (value->kind == NET_EXPR_RANGE && m->sample) *range = value;
  if (*range && !m->sample) {
    net_error(m->e->n, value->loc,
              "values of a logarithmic range are drawn: say how many with 'sample = 20'");
    return false;
  }
  if (*range) return true;
  if (value->kind == NET_EXPR_LIST) return take_list(m, value, into);
  if (value->kind == NET_EXPR_RANGE) return enumerate(m, value, into);
  net_vec_push(&m->e->n->arena, into, written(m->e, value));
  return true;
}

static bool take_entry(maker *m, const net_entry *entry) {
  axis a = {0};
  uint32_t column;
  const net_expr *range;
  bool log;
  if (!add_column(m, entry, &column) || !take_values(m, entry, &a.rows, &range, &log)) return false;
  if (range) return take_draw(m, range, log, column);
  net_vec_push(&m->e->n->arena, &a.columns, column);
  net_vec_push(&m->e->n->arena, &m->axes, a);
  return true;
}

static bool zip_lengths(maker *m, const net_entry *zip, const values *lists) {
  for (uint32_t i = 1; i < zip->value->map->entries.count; i++) {
    const net_entry *first = &zip->value->map->entries.at[0], *other = &zip->value->map->entries.at[i];
    if (lists[i].count == lists[0].count) continue;
    net_error(m->e->n, other->loc, "a zip pairs lists of one length, and this one has %u values, not %u",
              lists[i].count, lists[0].count);
    net_note(m->e->n, first->loc, "the first has %u", lists[0].count);
    return false;
  }
  return true;
}

static bool take_zip(maker *m, const net_entry *zip) {
  netc *n = m->e->n;
  const net_entries *entries = &zip->value->map->entries;
  values *lists = NET_NEW_ARRAY(&n->arena, values, entries->count + 1);
  axis a = {0};
  bool ok = true;
  for (uint32_t i = 0; i < entries->count; i++) {
    const net_entry *entry = &entries->at[i];
    const net_expr *range = NULL;
    uint32_t column;
    bool log;
    if (entry->kind != NET_ENTRY_SET) {
      net_error(n, entry->loc, "a zip pairs lists: train.batch_size = [64, 128]");
      ok = false;
      continue;
    }
    ok &= add_column(m, entry, &column) && take_values(m, entry, &lists[i], &range, &log);
    if (range)
      net_error(n, entry->value->loc, "a zip pairs lists, and what is drawn stands outside it"), ok = false;
    net_vec_push(&n->arena, &a.columns, column);
  }
  if (!entries->count) net_error(n, zip->loc, "this zip is empty: there is nothing to pair"), ok = false;
  if (!ok || !zip_lengths(m, zip, lists)) return false;
  for (uint32_t k = 0; k < lists[0].count; k++)
    for (uint32_t i = 0; i < entries->count; i++) net_vec_push(&n->arena, &a.rows, lists[i].at[k]);
  net_vec_push(&n->arena, &m->axes, a);
  return true;
}

/* ---- the sweep's own settings ---- */

typedef struct {
  const char *name, *what;
  int64_t least, most;
} own_setting;

enum { OWN_SAMPLE, OWN_REPEAT, OWN_SEED, OWN_COUNT };
static const own_setting own[OWN_COUNT] = {{"sample", "the number of draws", 1, NET_SWEEP_RUNS},
                                           {"repeat", "the number of repeats", 1, NET_SWEEP_RUNS},
                                           {"seed", "the seed", 0, INT64_MAX}};

static uint32_t own_setting_of(const netc *n, const net_entry *entry) {
  uint32_t i = OWN_COUNT;
  if (entry->kind == NET_ENTRY_SET && entry->path.parts.count == 1)
    for (i = 0; i < OWN_COUNT; i++)
      if (!strcmp(own[i].name, net_text(n, entry->path.parts.at[0].name))) break;
  return i;
}

static bool take_own(maker *m, const net_map *map) {
  int64_t found[OWN_COUNT] = {0, 1, 0};
  bool ok = true;
  for (uint32_t i = 0; i < map->entries.count; i++) {
    const net_entry *entry = &map->entries.at[i];
    uint32_t which = own_setting_of(m->e->n, entry);
    if (which == OWN_COUNT) continue;
    ok &= net_evaluate_integer(m->e->n, &m->e->constants, entry->value, own[which].what, own[which].least,
                               own[which].most, &found[which]);
    m->sweep->seeded |= which == OWN_SEED;
  }
  m->sample = found[OWN_SAMPLE];
  m->sweep->repeat = (uint32_t)found[OWN_REPEAT];
  m->sweep->seed = (uint64_t)found[OWN_SEED];
  return ok;
}

/* train.seed, fine.seed: what repeats set, too. */
static bool check_seeds(maker *m) {
  netc *n = m->e->n;
  for (uint32_t i = 0; i < m->columns.count; i++) {
    const net_idents *parts = &m->columns.at[i].path.parts;
    net_name first = parts->at[0].name;
    bool train =
        !strcmp(net_text(n, first), "train") || net_program_find(m->e->program, NET_DECL_TRAIN, first);
    if (!train || strcmp(net_text(n, parts->at[parts->count - 1].name), "seed")) continue;
    if (m->sweep->repeat == 1 && !m->sweep->seeded) continue;
    net_error(n, m->columns.at[i].loc,
              "'%s' is what 'repeat' and 'seed' of a sweep set: leave out one of them",
              m->columns.at[i].text);
    return false;
  }
  return true;
}

/* ---- points ---- */

static uint32_t rows_of(const axis *a) { return a->rows.count / a->columns.count; }

static bool make_points(maker *m) {
  net_sweep *s = m->sweep;
  uint64_t count = 1;
  for (uint32_t i = 0; i < m->axes.count; i++) {
    count *= rows_of(&m->axes.at[i]);
    if (count * s->repeat > NET_SWEEP_RUNS) return too_many(m, s->loc);
  }
  if (count * s->repeat > NET_SWEEP_RUNS) return too_many(m, s->loc);
  s->point_count = (uint32_t)count;
  s->columns = m->columns.at;
  s->column_count = m->columns.count;
  s->values = NET_NEW_ARRAY(&m->e->n->arena, net_sweep_value, (size_t)count * s->column_count + 1);
  for (uint32_t p = 0; p < count; p++) {
    uint32_t rest = p;
    for (uint32_t i = m->axes.count; i-- > 0;) {
      const axis *a = &m->axes.at[i];
      uint32_t rows = rows_of(a), row = rest % rows;
      rest /= rows;
      for (uint32_t k = 0; k < a->columns.count; k++) {
        net_sweep_value *v = &a->rows.at[row * a->columns.count + k];
        s->columns[a->columns.at[k]].varies |= rows > 1;
        s->values[(size_t)p * s->column_count + a->columns.at[k]] = *v;
        v->fresh = false;
      }
    }
  }
  return true;
}

bool net_elaborate_sweep(net_elaborator *e, const net_decl *decl, net_sweep *sweep) {
  maker m = {.e = e, .sweep = sweep};
  *sweep = (net_sweep){.decl = decl, .name = decl->name.name, .loc = decl->name.loc};
  bool ok = take_own(&m, decl->map);
  for (uint32_t i = 0; i < decl->map->entries.count; i++) {
    const net_entry *entry = &decl->map->entries.at[i];
    const char *name = entry->path.parts.count ? net_dotted_text(e->n, &entry->path) : "";
    if (own_setting_of(e->n, entry) != OWN_COUNT) continue;
    if (entry->kind == NET_ENTRY_BLOCK && !strcmp(name, "zip") && entry->value->kind == NET_EXPR_MAP) {
      ok &= take_zip(&m, entry);
    } else if (entry->kind == NET_ENTRY_SET) {
      ok &= take_entry(&m, entry);
    } else {
      net_error(e->n, entry->loc, "a sweep sets lists: train.batch_size = [64, 128]");
      ok = false;
    }
  }
  if (ok && m.sample && !m.draws.count) {
    net_error(e->n, sweep->loc, "this sweep has a 'sample', and no range to draw from");
    ok = false;
  }
  if (!ok || !check_seeds(&m)) return false;
  draw_all(&m);
  return make_points(&m);
}

net_sweep *net_elaborate_sweeps(netc *n, net_arena *arena, const net_program *program,
                                const char *const *names, uint32_t *count) {
  net_elaborator e;
  const net_decl *first;
  uint32_t all = net_program_count(program, NET_DECL_SWEEP, &first), made = 0;
  if (!net_elaborator_begin(n, arena, program, &e)) return NULL;
  if (!all) return net_error(n, NET_NOWHERE, "the program has no sweep block"), NULL;
  net_sweep *sweeps = NET_NEW_ARRAY(&n->arena, net_sweep, *count ? *count : all);
  bool ok = true;
  for (uint32_t i = 0; i < *count; i++) {
    const net_decl *decl = net_choose(&e, NET_DECL_SWEEP, names[i], NET_NOWHERE);
    ok &= decl && net_elaborate_sweep(&e, decl, &sweeps[made]);
    made += ok;
  }
  for (uint32_t i = 0; !*count && i < program->decls.count; i++) {
    if (program->decls.at[i]->kind != NET_DECL_SWEEP) continue;
    ok &= net_elaborate_sweep(&e, program->decls.at[i], &sweeps[made]);
    made += ok;
  }
  *count = made;
  return ok ? sweeps : NULL;
}

net_setting net_sweep_setting(const net_sweep *sweep, uint32_t point, uint32_t column) {
  const net_sweep_column *c = &sweep->columns[column];
  return (net_setting){c->path, net_sweep_at(sweep, point, column)->value, c->loc};
}

net_setting net_sweep_seed(netc *n, const net_sweep *sweep, uint64_t seed) {
  net_elaborator e = {.n = n};
  net_setting setting = {.path = {.loc = sweep->loc}, .loc = sweep->loc};
  net_vec_push(&n->arena, &setting.path.parts, (net_ident){net_intern(n, "train"), sweep->loc});
  net_vec_push(&n->arena, &setting.path.parts, (net_ident){net_intern(n, "seed"), sweep->loc});
  setting.value = integer(&e, (int64_t)seed, sweep->loc).value;
  return setting;
}
