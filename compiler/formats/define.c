/* User's formats: format nf4 = codebook([-1.0, …, 1.0], scale = absmax, block = 64). */
#include "formats/list.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_VALUES = 65536 };

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static bool refuse_name(netc *n, const char *name, net_loc loc) {
  for (uint32_t i = 0; i < net_format_count; i++)
    if (!strcmp(net_formats[i].name, name))
      return net_error(n, loc, "'%s' is a format of netc; give the codebook another name", name), false;
  return true;
}

static bool same(const net_codebook *a, const net_codebook *b) {
  return a->count == b->count && a->absmax == b->absmax && net_shape_same(&a->block, &b->block) &&
         !memcmp(a->values, b->values, a->count * sizeof *a->values);
}

/* A program is read again where settings change it: what is equal stays the same format. */
static void add(netc *n, net_codebook *codebook) {
  net_format_list *list = n->format_list;
  for (uint32_t i = 0; i < list->codebooks.count; i++) {
    net_codebook **old = &list->codebooks.at[i];
    if (!net_name_same((*old)->name, codebook->name)) continue;
    if (!same(*old, codebook)) *old = codebook;
    return;
  }
  net_vec_push(&n->arena, &list->codebooks, codebook);
}

/* Rounded to binary32, ascending. */
static bool read_values(netc *n, net_codebook *codebook, const double *values, uint32_t count) {
  float *sorted = NET_NEW_ARRAY(&n->arena, float, count + 1);
  if (count < 2 || count > MOST_VALUES)
    return net_error(n, codebook->loc, "a codebook needs 2 to %d values, not %u", MOST_VALUES, count), false;
  for (uint32_t i = 0; i < count; i++) {
    sorted[i] = (float)values[i];
    if (!isfinite(sorted[i]))
      return net_error(n, codebook->loc, "value %u of the codebook is not a finite number of binary32",
                       i + 1),
             false;
  }
  qsort(sorted, count, sizeof *sorted, by_value);
  for (uint32_t i = 1; i < count; i++)
    if (sorted[i] == sorted[i - 1])
      return net_error(n, codebook->loc, "the codebook holds %g twice", (double)sorted[i]), false;
  codebook->values = sorted;
  codebook->count = count;
  return true;
}

static bool read_scale(netc *n, net_codebook *codebook, const net_format_argument *given) {
  static const char *const words[] = {"none", "absmax"};
  const char *word = given->kind == NET_FORMAT_WORD ? given->word : "";
  codebook->absmax = !strcmp(word, "absmax");
  if (codebook->absmax || !strcmp(word, "none")) return true;
  const char *near = net_nearest(word, words, 2);
  if (near) net_error(n, given->loc, "codebook has no scale '%s'; did you mean '%s'?", word, near);
  else net_error(n, given->loc, "scale of a codebook must be absmax or none");
  return false;
}

static bool read_argument(netc *n, net_codebook *codebook, const net_format_argument *given) {
  static const char *const names[] = {"scale", "block"};
  if (!given->name)
    return net_error(n, given->loc, "a codebook takes scale and block by name, after the values"), false;
  if (!strcmp(given->name, "scale")) return read_scale(n, codebook, given);
  if (!strcmp(given->name, "block")) return fm_read_block(n, "codebook", given, &codebook->block);
  const char *near = net_nearest(given->name, names, 2);
  if (near) net_error(n, given->loc, "codebook has no argument '%s'; did you mean '%s'?", given->name, near);
  else
    net_error(n, given->loc, "codebook has no argument '%s'; it takes values, scale and block", given->name);
  return false;
}

bool net_format_define(netc *n, const char *name, const double *values, uint32_t count,
                       const net_format_argument *arguments, uint32_t argument_count, net_loc loc) {
  net_codebook *codebook = NET_NEW(&n->arena, net_codebook);
  *codebook = (net_codebook){.name = net_intern(n, name), .loc = loc};
  if (!refuse_name(n, name, loc) || !read_values(n, codebook, values, count)) return false;
  bool given[2] = {false, false}; /* scale, block */
  for (uint32_t i = 0; i < argument_count; i++) {
    if (!read_argument(n, codebook, &arguments[i])) return false;
    bool *twice = &given[arguments[i].name[0] == 'b'];
    if (*twice) return net_error(n, arguments[i].loc, "%s is given twice", arguments[i].name), false;
    *twice = true;
  }
  if (codebook->block.rank && !codebook->absmax)
    return net_error(n, loc, "a codebook's block needs a scale: scale = absmax"), false;
  if (!codebook->block.rank) { /* the whole tensor */
    codebook->block.rank = NET_MAX_RANK;
    for (uint32_t i = 0; i < NET_MAX_RANK; i++) codebook->block.dim[i] = UINT32_MAX;
  }
  add(n, codebook);
  return true;
}
