/* Formats from calls: integer(8, fraction = auto, per = channel). */
#include "formats/list.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
  netc *n;
  const char *name; /* as the user wrote it */
  fm_argument arguments[FM_MAX_ARGUMENTS];
  uint32_t count;
  bool given[FM_MAX_ARGUMENTS];
  net_format_spec spec;
} call;

static net_codebook *find_codebook(const netc *n, const char *name) {
  const net_format_list *list = n->format_list;
  for (uint32_t i = 0; i < list->codebooks.count; i++)
    if (!strcmp(net_text(n, list->codebooks.at[i]->name), name)) return list->codebooks.at[i];
  return NULL;
}

static bool find_row(const char *name, uint16_t *row) {
  for (*row = 0; *row < net_format_count; ++*row)
    if (!strcmp(net_formats[*row].name, name)) return true;
  return false;
}

static bool refuse_name(netc *n, const char *name, net_loc loc) {
  const net_format_list *list = n->format_list;
  uint32_t count = 0;
  const char **names = NET_NEW_ARRAY(&n->arena, const char *, net_format_count + list->codebooks.count + 1);
  for (uint32_t i = 0; i < net_format_count; i++)
    if (i != NET_FORMAT_codebook) names[count++] = net_formats[i].name;
  for (uint32_t i = 0; i < list->codebooks.count; i++)
    names[count++] = net_text(n, list->codebooks.at[i]->name);
  names[count] = "codebook"; /* of which a program makes formats of its own */
  const char *near = net_nearest(name, names, count + 1), *all = names[0];
  if (near) return net_error(n, loc, "there is no format '%s'; did you mean '%s'?", name, near), false;
  for (uint32_t i = 1; i < count; i++) all = net_arena_format(&n->arena, "%s, %s", all, names[i]);
  return net_error(n, loc, "there is no format '%s'; there are %s", name, all), false;
}

/* ---- one argument ---- */

static const char *words_text(netc *n, const char *kind) {
  const char *const *list, *text = "";
  uint32_t count = fm_words(kind, &list);
  for (uint32_t i = 0; i < count; i++)
    text = net_arena_format(&n->arena, "%s%s%s", text, i == 0 ? "" : i + 1 == count ? " or " : ", ", list[i]);
  return text;
}

static const char *wanted(netc *n, const fm_argument *argument) {
  if (!strcmp(argument->name, "fraction")) return "a whole number or auto";
  if (!strcmp(argument->kind, "int")) return "a whole number";
  if (!strcmp(argument->kind, "bool")) return "true or false";
  if (!strcmp(argument->kind, "sign")) return "true, false or auto";
  if (!strcmp(argument->kind, "block")) return "a whole number or a list of them";
  return words_text(n, argument->kind);
}

static const char *given_text(netc *n, const net_format_argument *given) {
  switch (given->kind) {
  case NET_FORMAT_INT: return net_arena_format(&n->arena, "%lld", (long long)given->integer);
  case NET_FORMAT_BOOL: return given->integer ? "true" : "false";
  case NET_FORMAT_WORD: return net_arena_format(&n->arena, "'%s'", given->word);
  case NET_FORMAT_INTS: return "a list";
  }
  return "";
}

static bool find_word(const char *kind, const char *word, uint32_t *value) {
  const char *const *list;
  uint32_t count = fm_words(kind, &list);
  for (*value = 0; *value < count; ++*value)
    if (!strcmp(list[*value], word)) return true;
  return false;
}

/* Whether what is given can stand for an argument; a word is among its words. */
static bool accepts(const fm_argument *argument, const net_format_argument *given) {
  uint32_t value;
  bool number = !strcmp(argument->kind, "int"), block = !strcmp(argument->kind, "block");
  switch (given->kind) {
  case NET_FORMAT_INT: return number || block;
  case NET_FORMAT_BOOL: return fm_is_flag(argument);
  case NET_FORMAT_WORD:
    if (number) return !strcmp(argument->name, "fraction") && !strcmp(given->word, "auto");
    if (!strcmp(argument->kind, "sign")) return given->name && !strcmp(given->word, "auto");
    return find_word(argument->kind, given->word, &value);
  case NET_FORMAT_INTS: return block;
  }
  return false;
}

bool fm_read_block(netc *n, const char *name, const net_format_argument *given, net_shape *block) {
  *block = given->kind == NET_FORMAT_INTS ? given->ints : (net_shape){0};
  if (given->kind == NET_FORMAT_INT && given->integer >= -1 && given->integer <= INT32_MAX) {
    *block = (net_shape){.rank = NET_MAX_RANK, .dim = {1, 1, 1, 1, 1}};
    block->dim[NET_MAX_RANK - 1] = (uint32_t)given->integer;
  }
  bool right = block->rank > 0;
  for (uint32_t i = 0; i < block->rank; i++)
    right &= block->dim[i] == UINT32_MAX || (block->dim[i] > 0 && block->dim[i] <= INT32_MAX);
  if (right) return true;
  net_error(n, given->loc,
            "block of %s must be a whole number or a list of them, each at least 1, or -1 for all", name);
  return false;
}

static bool set(call *c, const fm_argument *argument, const net_format_argument *given) {
  void *field = fm_field(&c->spec, argument);
  uint32_t word;
  if (!accepts(argument, given)) {
    const char *const *list, *near = NULL;
    uint32_t count = fm_words(argument->kind, &list);
    if (given->kind == NET_FORMAT_WORD && count && !strchr(given->word, '('))
      near = net_nearest(given->word, list, count);
    if (near)
      net_error(c->n, given->loc, "%s has no %s '%s'; did you mean '%s'?", c->name, argument->name,
                given->word, near);
    else
      net_error(c->n, given->loc, "%s of %s must be %s, not %s", argument->name, c->name,
                wanted(c->n, argument), given_text(c->n, given));
    return false;
  }
  if (!strcmp(argument->kind, "block")) return fm_read_block(c->n, c->name, given, field);
  if (!strcmp(argument->kind, "sign")) c->spec.auto_sign = given->kind == NET_FORMAT_WORD;
  if (fm_is_flag(argument)) return *(bool *)field = given->kind == NET_FORMAT_BOOL && given->integer, true;
  if (given->kind == NET_FORMAT_WORD) {
    if (find_word(argument->kind, given->word, &word)) memcpy(field, &word, sizeof word); /* an enum */
    else *(int32_t *)field = NET_FORMAT_AUTO;
    return true;
  }
  if (given->integer < -100000 || given->integer > 100000) { /* keeps clear of the marks and of overflow */
    net_error(c->n, given->loc, "%s of %s is far out of range: %lld", argument->name, c->name,
              (long long)given->integer);
    return false;
  }
  return *(int32_t *)field = (int32_t)given->integer, true;
}

/* ---- a call ---- */

/* integer(w = 8): papers call arguments by their first letters. */
static const char *by_letter(char letter, const char *const *names, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (names[i][0] == tolower((unsigned char)letter)) return names[i];
  return NULL;
}

static bool by_name(call *c, const net_format_argument *given) {
  const char *names[FM_MAX_ARGUMENTS];
  for (uint32_t i = 0; i < c->count; i++) {
    names[i] = c->arguments[i].name;
    if (strcmp(names[i], given->name)) continue;
    if (!c->given[i] || given->replaces) return c->given[i] = true, set(c, &c->arguments[i], given);
    net_error(c->n, given->loc, "%s of %s is given twice", given->name, c->name);
    return false;
  }
  const char *near = net_nearest(given->name, names, c->count);
  if (!near && !given->name[1]) near = by_letter(given->name[0], names, c->count);
  if (near) {
    net_error(c->n, given->loc, "%s has no argument '%s'; did you mean '%s'?", c->name, given->name, near);
    return false;
  }
  const char *all = names[0];
  for (uint32_t i = 1; i < c->count; i++) all = net_arena_format(&c->n->arena, "%s, %s", all, names[i]);
  return net_error(c->n, given->loc, "%s has no argument '%s'; it takes %s", c->name, given->name, all),
         false;
}

/* The first that is not given yet and can take it; a bool's own name sets it: integer(8, 4, unsigned). */
static bool by_position(call *c, const net_format_argument *given) {
  net_format_argument yes = {.kind = NET_FORMAT_BOOL, .integer = true, .loc = given->loc};
  for (uint32_t i = 0; i < c->count; i++) {
    const fm_argument *argument = &c->arguments[i];
    bool flag = given->kind == NET_FORMAT_WORD && fm_is_flag(argument) &&
                !strcmp(argument->name, given->word);
    if (c->given[i] || (!flag && !accepts(argument, given))) continue;
    return c->given[i] = true, set(c, argument, flag ? &yes : given);
  }
  for (uint32_t i = 0; i < c->count; i++) /* what it may have been meant for */
    if (!c->given[i] && !c->arguments[i].standard) return set(c, &c->arguments[i], given);
  const char *own = net_formats[c->spec.family].arguments;
  net_error(c->n, given->loc, "%s cannot take %s here; it takes %s", c->name, given_text(c->n, given),
            own[0] ? own : "ste and mase_compatible, by name");
  return false;
}

static bool set_standards(call *c, net_loc loc) {
  for (uint32_t i = 0; i < c->count; i++) {
    const fm_argument *argument = &c->arguments[i];
    const char *standard = argument->standard;
    if (c->given[i]) continue;
    if (!standard)
      return net_error(c->n, loc, "%s needs %s: %s", c->name, argument->name, wanted(c->n, argument)), false;
    bool found = !strcmp(standard, "?"), number = standard[0] >= '0' && standard[0] <= '9';
    if (found && strcmp(argument->kind, "int")) continue; /* a block stays empty */
    net_format_argument given = {.kind = number || found ? NET_FORMAT_INT : NET_FORMAT_WORD,
                                 .word = standard};
    if (found) *(int32_t *)fm_field(&c->spec, argument) = NET_FORMAT_UNSET;
    else if (fm_is_flag(argument))
      *(bool *)fm_field(&c->spec, argument) = !strcmp(standard, "true");
    else if (given.integer = number ? atoi(standard) : 0, !set(c, argument, &given)) return false;
  }
  return true;
}

static bool read_call(call *c, const net_format_argument *arguments, uint32_t count, net_loc loc) {
  bool right = true;
  c->count = fm_arguments(c->n, &net_formats[c->spec.family], c->arguments);
  for (uint32_t i = 0; i < count; i++)
    right &= arguments[i].name ? by_name(c, &arguments[i]) : by_position(c, &arguments[i]);
  return right && set_standards(c, loc) && net_formats[c->spec.family].family->complete(c->n, &c->spec, loc);
}

bool net_format_known(netc *n, const char *name, net_loc loc) {
  uint16_t row;
  return find_codebook(n, name) || find_row(name, &row) || refuse_name(n, name, loc);
}

bool net_format_make(netc *n, const char *name, const net_format_argument *arguments, uint32_t count,
                     net_loc loc, uint32_t *id) {
  call c = {.n = n, .name = name};
  c.spec.codebook = find_codebook(n, name);
  if (c.spec.codebook) c.spec.family = NET_FORMAT_codebook;
  else if (!find_row(name, &c.spec.family)) return refuse_name(n, name, loc);
  if (!read_call(&c, arguments, count, loc)) return false;
  *id = net_format_intern(n, &c.spec);
  return true;
}
