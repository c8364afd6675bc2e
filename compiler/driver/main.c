/* netc VERB FILE [NETWORK] [options] */
#include "config.h"

#include "driver/driver.h"

#include "ops/ops.h"

#include <stdlib.h>
#include <unistd.h>

void dr_flush(dr_call *call) {
  net_diagnostics_flush(call->n, call->talk, call->json ? NET_DIAGNOSTICS_JSON : NET_DIAGNOSTICS_TEXT,
                        call->color);
}

static const dr_verb *find_verb(const char *name) {
  for (uint32_t v = 0; v < dr_verb_count; v++)
    if (!strcmp(dr_verbs[v].name, name)) return &dr_verbs[v];
  return NULL;
}

static int unknown_verb(dr_call *call, const char *name) {
  const char *names[64];
  for (uint32_t v = 0; v < dr_verb_count; v++) names[v] = dr_verbs[v].name;
  const char *near = net_nearest(name, names, dr_verb_count);
  return dr_wrong(call, "'%s' is no verb%s%s%s (see netc --help)", name, near ? "; did you mean '" : "",
                  near ? near : "", near ? "'?" : "");
}

/* Words that are not verbs: about netc itself. */
static int about(dr_call *call, int count, char **words) {
  const char *word = count > 1 ? words[1] : "";
  if (!strcmp(word, "--version")) {
    fprintf(call->out, "netc %s\nMIT licence. There is no warranty.\n", PACKAGE_VERSION);
    return DR_DONE;
  }
  if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
    const dr_verb *verb = count > 2 ? find_verb(words[2]) : NULL;
    if (count > 2 && !verb) return unknown_verb(call, words[2]);
    dr_print_help(call->out, verb);
    return DR_DONE;
  }
  if (!strcmp(word, "completions")) {
    if (count != 3 || (strcmp(words[2], "bash") && strcmp(words[2], "zsh")))
      return dr_wrong(call, "'completions' takes bash or zsh");
    dr_print_completions(call->out, words[2]);
    return DR_DONE;
  }
  if (count > 1) return unknown_verb(call, word);
  dr_print_help(call->talk, NULL);
  return DR_WRONG_COMMAND;
}

static int run(dr_call *call, int count, char **words) {
  call->verb = count > 1 ? find_verb(words[1]) : NULL;
  if (!call->verb) return about(call, count, words);
  if (!dr_parse(call, count - 1, words + 1)) return DR_WRONG_COMMAND;
  if (dr_has(call, DR_help)) {
    dr_print_help(call->out, call->verb);
    return DR_DONE;
  }
  return call->verb->run(call);
}

static int session(netc *n, int count, char **words) {
  dr_call call = {.n = n, .out = stdout, .talk = stderr};
  call.terminal = isatty(STDERR_FILENO);
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  call.color = call.terminal && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
  net_ops_install(n);
  int code = run(&call, count, words);
  if (fflush(call.out) || ferror(call.out)) { /* a full disk, a closed pipe */
    net_error_errno(n, NET_NOWHERE, "write", "the standard output");
    if (code == DR_DONE) code = DR_WRONG_INPUT;
  }
  dr_flush(&call);
  if (n->diagnostics.faults) return DR_FAULT;
  if (call.wrong) return DR_WRONG_COMMAND;
  return n->diagnostics.errors && code == DR_DONE ? DR_WRONG_INPUT : code;
}

int main(int count, char **words) {
  jmp_buf guard;
  netc n;
  if (setjmp(guard)) {
    fputs("netc: error: this machine has no memory left\n", stderr);
    return DR_WRONG_INPUT;
  }
  netc_init(&n, &guard);
  int code = session(&n, count, words);
  netc_free(&n);
  return code;
}
