#include "runtime/metrics.h"

#include <math.h>
#include <stdlib.h>

typedef enum { RT_LOOKS_AT_NOTHING, RT_LOOKS_AT_SCORES, RT_LOOKS_AT_VALUES } looks_at;

/* One batch as metrics see it. */
typedef struct {
  uint32_t first, count;
  const float *scores;          /* count × classes; of a single logit z: 0 and z */
  const uint32_t *labels;       /* count */
  const float *values, *truths; /* count × width */
} batch;

/* A metric at work. */
typedef struct {
  const struct row *row;
  uint32_t k, place; /* place: among metrics of the same name */
  double sum;
  float *scores;  /* auc: classes × samples */
  double *before; /* auc: by class, ln Σ exp z_j over j < c */
} part;

struct row {
  const char *name;
  looks_at looks_at;
  void (*start)(rt_tally *, part *);
  void (*add)(rt_tally *, part *, const batch *);
  void (*finish)(rt_tally *, part *);
};

struct rt_tally {
  netc *n;
  net_arena *arena;
  const rt_program *program;
  const rt_split *split;
  rt_evaluation *result;
  part *parts;
  uint32_t part_count, classes, top_ks;
  uint32_t *labels; /* of all rows */
  float *pairs;     /* room for the scores of a single logit */
};

static uint32_t classes_of(const rt_tally *t) {
  uint32_t width = t->program->outputs[t->program->logits].width;
  return width == 1 ? 2 : width;
}

/* ---- top_k: the label's score is among the k largest; of equal scores the lower class comes first ---- */

static void top_k_start(rt_tally *t, part *p) { p->place = t->top_ks++; }

static void top_k_add(rt_tally *t, part *p, const batch *b) {
  for (uint32_t i = 0; i < b->count; i++) {
    const float *s = b->scores + (size_t)i * t->classes;
    uint32_t label = b->labels[i], ahead = 0;
    for (uint32_t c = 0; c < t->classes; c++)
      ahead += c < label ? !(s[c] < s[label]) : c > label && !(s[c] <= s[label]);
    p->sum += ahead < p->k;
  }
}

static void top_k_finish(rt_tally *t, part *p) { t->result->top_k[p->place] = p->sum / t->split->rows; }

/* ---- confusion: rows are the truth, columns the class of the largest score, the first of equals ---- */

static void confusion_start(rt_tally *t, part *p) {
  (void)p;
  t->result->confusion = NET_NEW_ARRAY(&t->n->arena, uint64_t, (size_t)t->classes * t->classes);
}

static void confusion_add(rt_tally *t, part *p, const batch *b) {
  (void)p;
  for (uint32_t i = 0; i < b->count; i++) {
    const float *s = b->scores + (size_t)i * t->classes;
    uint32_t best = 0;
    for (uint32_t c = 1; c < t->classes; c++)
      if (s[c] > s[best]) best = c;
    t->result->confusion[(size_t)b->labels[i] * t->classes + best]++;
  }
}

/* ---- auc: how often a sample of the class scores above one of another class, ties counting a half ---- */

static void auc_start(rt_tally *t, part *p) {
  p->scores = NET_NEW_ARRAY(t->arena, float, (size_t)t->classes * t->split->rows);
  p->before = NET_NEW_ARRAY(t->arena, double, t->classes);
  t->result->auc = NET_NEW_ARRAY(&t->n->arena, double, t->classes);
  t->result->roc = NET_NEW_ARRAY(&t->n->arena, rt_roc, t->classes);
}

static double log_add(double a, double b) { /* ln(eᵃ + eᵇ) */
  double high = a > b ? a : b, low = a > b ? b : a;
  return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* Samples are ranked by the softmax's probability p of the class, as
 * ln(p / (1 − p)) = z_c − ln Σ_{j≠c} exp z_j, which still tells apart what is 1 to within rounding as a
 * probability. Rounded to binary32, as the logits are, equal odds are equal in whatever order they were
 * summed: quantised networks have many of these. */
static void auc_add(rt_tally *t, part *p, const batch *b) {
  for (uint32_t i = 0; i < b->count; i++) {
    const float *z = b->scores + (size_t)i * t->classes;
    double sum = -INFINITY;
    for (uint32_t c = 0; c < t->classes; c++) p->before[c] = sum, sum = log_add(sum, z[c]);
    sum = -INFINITY;
    for (uint32_t c = t->classes; c-- > 0; sum = log_add(sum, z[c]))
      p->scores[(size_t)c * t->split->rows + b->first + i] = (float)(z[c] - log_add(p->before[c], sum));
  }
}

typedef struct {
  float score;
  uint32_t is_class;
} ranked;

static int by_score(const void *a, const void *b) {
  float x = ((const ranked *)a)->score, y = ((const ranked *)b)->score;
  return x < y ? -1 : x > y;
}

static double area(ranked *samples, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (isnan(samples[i].score)) return NAN;
  qsort(samples, count, sizeof *samples, by_score);
  uint64_t in = 0, out = 0, halves = 0; /* halves: twice the pairs in the right order */
  for (uint32_t i = 0; i < count;) {
    uint64_t tied_in = 0, tied_out = 0;
    for (float score = samples[i].score; i < count && samples[i].score == score; i++)
      samples[i].is_class ? tied_in++ : tied_out++;
    halves += tied_in * (2 * out + tied_out);
    in += tied_in;
    out += tied_out;
  }
  return (double)halves / (2.0 * (double)in * (double)out);
}

/* Of sorted samples: from the highest score down, a step of 1/256 in either rate before the next point. */
static rt_roc curve(net_arena *arena, const ranked *samples, uint32_t count) {
  enum { STEPS = 256 };
  double *x = NET_NEW_ARRAY(arena, double, 2 * STEPS + 3), *y = NET_NEW_ARRAY(arena, double, 2 * STEPS + 3);
  rt_roc roc = {1, x, y};
  uint64_t all = 0, in = 0, out = 0;
  for (uint32_t i = 0; i < count; i++) all += samples[i].is_class;
  if (!all || all == count) return (rt_roc){0};
  for (uint32_t i = count; i > 0;) {
    for (float score = samples[i - 1].score; i > 0 && samples[i - 1].score == score; i--)
      samples[i - 1].is_class ? in++ : out++;
    double to_x = (double)out / (double)(count - all), to_y = (double)in / (double)all;
    if (i && to_x - x[roc.count - 1] < 1.0 / STEPS && to_y - y[roc.count - 1] < 1.0 / STEPS) continue;
    x[roc.count] = to_x, y[roc.count++] = to_y;
  }
  return roc;
}

static void auc_finish(rt_tally *t, part *p) {
  uint32_t rows = t->split->rows;
  ranked *samples = NET_NEW_ARRAY(t->arena, ranked, rows);
  for (uint32_t c = 0; c < t->classes; c++) {
    for (uint32_t i = 0; i < rows; i++)
      samples[i] = (ranked){p->scores[(size_t)c * rows + i], t->labels[i] == c};
    t->result->auc[c] = area(samples, rows);
    if (!isnan(t->result->auc[c])) t->result->roc[c] = curve(&t->n->arena, samples, rows);
  }
}

/* ---- rmse: over all samples and elements ---- */

static void rmse_add(rt_tally *t, part *p, const batch *b) {
  size_t count = (size_t)b->count * t->program->outputs[t->program->values].width;
  for (size_t i = 0; i < count; i++) {
    double d = (double)b->values[i] - b->truths[i];
    p->sum += d * d;
  }
}

static void rmse_finish(rt_tally *t, part *p) {
  t->result->rmse = sqrt(p->sum / ((double)t->split->rows * t->program->outputs[t->program->values].width));
}

/* ---- the table ---- */

static const struct row rows[] = {
#define METRIC(name, looks_at, start, add, finish) {#name, looks_at, start, add, finish},
#include "runtime/metrics.def"
#undef METRIC
};
enum { ROWS = sizeof rows / sizeof *rows };

uint32_t rt_metric_count(void) { return ROWS; }
const char *rt_metric_name(uint32_t i) { return rows[i].name; }
bool rt_metric_fits(uint32_t i, bool classes, bool values) {
  return rows[i].looks_at == RT_LOOKS_AT_SCORES   ? classes
         : rows[i].looks_at == RT_LOOKS_AT_VALUES ? values
                                                  : true;
}

static const struct row *find(netc *n, const char *name) {
  const char *names[ROWS];
  for (uint32_t i = 0; i < ROWS; i++) {
    if (!strcmp(rows[i].name, name)) return &rows[i];
    names[i] = rows[i].name;
  }
  const char *near = net_nearest(name, names, ROWS);
  net_error(n, NET_NOWHERE, "there is no metric '%s'%s%s%s", name, near ? ": did you mean '" : "",
            near ? near : "", near ? "'?" : "");
  return NULL;
}

/* Labels as class numbers; a single logit's targets may also be the values 0 and 1 (bce_with_logits). */
static bool take_labels(rt_tally *t) {
  const rt_column *target = &t->split->targets[t->program->target_column];
  if (target->type == NET_U32) return t->labels = target->data, true;
  if (target->width != 1 || t->classes != 2) return false;
  t->labels = NET_NEW_ARRAY(t->arena, uint32_t, t->split->rows);
  for (uint32_t i = 0; i < t->split->rows; i++) t->labels[i] = ((const float *)target->data)[i] > 0.5f;
  return true;
}

/* Is what the metric looks at there? */
static bool prepare(rt_tally *t, const struct row *row) {
  const rt_program *p = t->program;
  if (row->looks_at == RT_LOOKS_AT_SCORES && !t->labels) {
    if (p->logits != UINT32_MAX) t->classes = classes_of(t);
    if (p->logits == UINT32_MAX || !take_labels(t)) {
      net_error(t->n, NET_NOWHERE, "metric '%s' needs classes, and network '%s' has none", row->name,
                p->network);
      return false;
    }
    t->result->classes = t->classes;
  }
  if (row->looks_at == RT_LOOKS_AT_VALUES &&
      (p->values == UINT32_MAX || t->split->targets[p->values_target].type != NET_F32)) {
    net_error(t->n, NET_NOWHERE, "metric '%s' needs a target of values, and network '%s' has none", row->name,
              p->network);
    return false;
  }
  return true;
}

rt_tally *rt_tally_make(netc *n, net_arena *arena, const rt_program *program, const rt_split *split,
                        const rt_metric *metrics, uint32_t metric_count, rt_evaluation *result) {
  rt_tally *t = NET_NEW(arena, rt_tally);
  *t = (rt_tally){.n = n, .arena = arena, .program = program, .split = split, .result = result};
  t->parts = NET_NEW_ARRAY(arena, part, metric_count);
  result->top_k = NET_NEW_ARRAY(&n->arena, double, metric_count);
  for (uint32_t i = 0; i < metric_count; i++) {
    part *p = &t->parts[t->part_count++];
    *p = (part){.row = find(n, metrics[i].name), .k = metrics[i].k};
    if (!p->row || !prepare(t, p->row)) return NULL;
    if (p->row->start) p->row->start(t, p);
  }
  return t;
}

static const float *scores_of(rt_tally *t, void *const *outputs, uint32_t count) {
  const float *logits = outputs[t->program->logits];
  if (t->program->outputs[t->program->logits].width > 1) return logits;
  if (!t->pairs) t->pairs = NET_NEW_ARRAY(t->arena, float, 2 * (size_t)t->split->rows);
  for (uint32_t i = 0; i < count; i++) t->pairs[2 * i] = 0, t->pairs[2 * i + 1] = logits[i];
  return t->pairs;
}

void rt_tally_add(rt_tally *t, void *const *outputs, uint32_t first, uint32_t count) {
  const rt_program *p = t->program;
  batch b = {.first = first, .count = count};
  if (t->labels) b.scores = scores_of(t, outputs, count), b.labels = t->labels + first;
  if (p->values != UINT32_MAX) {
    size_t width = p->outputs[p->values].width;
    b.values = outputs[p->values];
    b.truths = (const float *)t->split->targets[p->values_target].data + first * width;
  }
  for (uint32_t i = 0; i < t->part_count; i++)
    if (t->parts[i].row->add) t->parts[i].row->add(t, &t->parts[i], &b);
}

void rt_tally_finish(rt_tally *t) {
  for (uint32_t i = 0; i < t->part_count; i++)
    if (t->parts[i].row->finish) t->parts[i].row->finish(t, &t->parts[i]);
}
