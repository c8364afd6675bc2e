/* The command line: a table of verbs, a table of options, a call. */
#ifndef NETC_DRIVER_DRIVER_H
#define NETC_DRIVER_DRIVER_H

#include "support/json.h"
#include "support/netc.h"

/* Exit codes. */
enum {
  DR_DONE = 0,
  DR_WRONG_INPUT = 1, /* the input is wrong or cannot be read or written, or a loss stopped being finite */
  DR_WRONG_COMMAND = 2,
  DR_DOES_NOT_HOLD = 3, /* a check, requirement or verification */
  DR_FAULT = 70,        /* netc is wrong */
  DR_SIGNAL = 128,      /* + the signal: interrupted and saved */
};

typedef enum {
#define OPTION(id, name, letter, argument, choices, text) DR_##id,
#include "driver/options.def"
#undef OPTION
  DR_OPTIONS
} dr_option_id;

typedef struct {
  const char *name, *argument, *choices, *text;
  char letter;
} dr_option;
extern const dr_option dr_options[DR_OPTIONS];

/* A bit an option. */
typedef unsigned __int128 dr_option_set;
_Static_assert(DR_OPTIONS <= 128, "options are more than a set holds");

typedef struct dr_call dr_call;

typedef struct {
  const char *name;
  int (*run)(dr_call *call); /* gives the exit code; faults and errors are printed and counted by main */
  const char *arguments;
  dr_option_set options;
  const char *text;
} dr_verb;
extern const dr_verb dr_verbs[];
extern const uint32_t dr_verb_count;

#define VERB(name, function, arguments, options, text) int function(dr_call *call);
#include "driver/verbs.def"
#undef VERB

/* One command line, parsed. */
struct dr_call {
  netc *n;
  const dr_verb *verb;
  const char *value[DR_OPTIONS];  /* NULL: not given; flags: "" */
  NET_VEC(const char *) settings; /* of --set, in order */
  NET_VEC(const char *) arguments;
  FILE *out, *talk;           /* data; talk */
  bool json, color, terminal; /* color and terminal are about talk */
  bool wrong;                 /* the command line is wrong, and it was said */
};

/* Parses the words behind the verb; prints what is wrong with them and gives false. */
bool dr_parse(dr_call *call, int count, char **words);
void dr_print_help(FILE *to, const dr_verb *verb); /* NULL: of netc itself */
void dr_print_completions(FILE *to, const char *shell);

/* Prints the diagnostics there are, in the call's form. */
void dr_flush(dr_call *call);
/* A complaint about the command line, which makes DR_WRONG_COMMAND the exit code; gives that. */
int dr_wrong(dr_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bool dr_has(const dr_call *call, dr_option_id option) { return call->value[option] != NULL; }
/* An option's number, if given; false: it was complained about. */
bool dr_integer(dr_call *call, dr_option_id option, uint64_t least, uint64_t most, uint64_t *value);
bool dr_real(dr_call *call, dr_option_id option, double above, double *value);

#endif
