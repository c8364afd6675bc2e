#include "driver/driver.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

const dr_option dr_options[DR_OPTIONS] = {
#define OPTION(id, name, letter, argument, choices, text) {name, argument, choices, text, letter},
#include "driver/options.def"
#undef OPTION
};

const dr_verb dr_verbs[] = {
#define ON(id) ((dr_option_set)1 << DR_##id)
#define VERB(name, function, arguments, options, text) {#name, function, arguments, options, text},
#include "driver/verbs.def"
#undef VERB
#undef ON
};
const uint32_t dr_verb_count = sizeof dr_verbs / sizeof *dr_verbs;

int dr_wrong(dr_call *call, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  net_error(call->n, NET_NOWHERE, "%s", net_arena_vformat(&call->n->arena, format, arguments));
  va_end(arguments);
  call->wrong = true;
  return DR_WRONG_COMMAND;
}

static bool takes(const dr_verb *verb, dr_option_id option) { return verb->options >> option & 1; }

/* "'--epoch'; did you mean '--epochs'?" */
static void complain(dr_call *call, const char *word) {
  const char *names[DR_OPTIONS];
  uint32_t count = 0;
  for (dr_option_id o = 0; o < DR_OPTIONS; o++)
    if (takes(call->verb, o)) names[count++] = dr_options[o].name;
  const char *name = word + strspn(word, "-"), *equals = strchr(name, '=');
  const char *stem = equals ? net_arena_copy(&call->n->arena, name, (size_t)(equals - name)) : name;
  const char *near = net_nearest(stem, names, count);
  dr_wrong(call, "'%s' takes no option '%s'%s", call->verb->name, word,
           near ? net_arena_format(&call->n->arena, "; did you mean '--%s'?", near) : "");
}

static bool is_choice(const char *choices, const char *value) {
  size_t length = strlen(value);
  for (const char *at = choices; at && *at; at += strcspn(at, " "), at += *at == ' ')
    if (strcspn(at, " ") == length && !strncmp(at, value, length)) return true;
  return false;
}

static bool take(dr_call *call, dr_option_id option, const char *value) {
  const dr_option *o = &dr_options[option];
  if (o->argument && !*value) return dr_wrong(call, "--%s needs a value", o->name), false;
  if (o->choices && !is_choice(o->choices, value))
    return dr_wrong(call, "--%s takes one of %s, not '%s'", o->name, o->choices, value), false;
  if (option == DR_set) net_vec_push(&call->n->arena, &call->settings, value);
  else if (call->value[option] && o->argument) return dr_wrong(call, "--%s is given twice", o->name), false;
  call->value[option] = value;
  return true;
}

bool dr_parse(dr_call *call, int count, char **words) {
  struct option longs[DR_OPTIONS + 1] = {0};
  char letters[2 * DR_OPTIONS + 2] = ":";
  uint32_t n = 0, k = 1;
  for (dr_option_id o = 0; o < DR_OPTIONS; o++) {
    if (!takes(call->verb, o)) continue;
    longs[n++] = (struct option){dr_options[o].name, dr_options[o].argument ? required_argument : no_argument,
                                 NULL, 256 + (int)o};
    if (!dr_options[o].letter) continue;
    letters[k++] = dr_options[o].letter;
    if (dr_options[o].argument) letters[k++] = ':';
  }
  opterr = 0;
  optind = 1;
  for (int c; (c = getopt_long(count, words, letters, longs, NULL)) != -1;) {
    if (c == '?') return complain(call, words[optind - 1]), false;
    if (c == ':') return dr_wrong(call, "'%s' needs a value", words[optind - 1]), false;
    dr_option_id option = (dr_option_id)(c - 256);
    for (dr_option_id o = 0; c < 256 && o < DR_OPTIONS; o++)
      if (dr_options[o].letter == c) option = o;
    if (!take(call, option, optarg ? optarg : "")) return false;
  }
  while (optind < count) net_vec_push(&call->n->arena, &call->arguments, (const char *)words[optind++]);
  if (dr_has(call, DR_json) && dr_has(call, DR_as) && strcmp(call->value[DR_as], "json"))
    return dr_wrong(call, "--json and --as %s contradict each other", call->value[DR_as]), false;
  call->json = dr_has(call, DR_json) || (dr_has(call, DR_as) && !strcmp(call->value[DR_as], "json"));
  if (dr_has(call, DR_color) && strcmp(call->value[DR_color], "auto"))
    call->color = !strcmp(call->value[DR_color], "always");
  if (dr_has(call, DR_help)) return true;
  uint32_t least = *call->verb->arguments != '[';
  uint32_t most = strstr(call->verb->arguments, "…")   ? UINT32_MAX
                  : strchr(call->verb->arguments, ' ') ? 2
                                                       : 1;
  if (call->arguments.count < least)
    return dr_wrong(call, "'%s' needs %s (see netc %s --help)", call->verb->name, call->verb->arguments,
                    call->verb->name),
           false;
  if (call->arguments.count > most)
    return dr_wrong(call, "'%s' takes %s: '%s' is too much", call->verb->name, call->verb->arguments,
                    call->arguments.at[most]),
           false;
  return true;
}

bool dr_integer(dr_call *call, dr_option_id option, uint64_t least, uint64_t most, uint64_t *value) {
  const char *text = call->value[option];
  if (!text) return true;
  char *end;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  if (!*text || *end || errno || strchr(text, '-') || number < least || number > most) {
    dr_wrong(call, "--%s takes a whole number from %llu to %llu, not '%s'", dr_options[option].name,
             (unsigned long long)least, (unsigned long long)most, text);
    return false;
  }
  *value = number;
  return true;
}

bool dr_real(dr_call *call, dr_option_id option, double above, double *value) {
  const char *text = call->value[option];
  if (!text) return true;
  char *end;
  double number = strtod(text, &end);
  if (!*text || *end || !(number > above) || number > 1e300)
    return dr_wrong(call, "--%s takes a number above %g, not '%s'", dr_options[option].name, above, text),
           false;
  *value = number;
  return true;
}
