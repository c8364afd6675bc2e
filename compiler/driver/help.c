/* Texts made from the tables: help, completions. help2man makes the manual page from these. */
#include "config.h"

#include "driver/driver.h"
#include "pipeline/pipeline.h"

static void print_option(FILE *to, const dr_option *o) {
  char head[80], letter[8] = "    ";
  if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
  snprintf(head, sizeof head, "%s--%s%s%s", letter, o->name, o->argument ? "=" : "",
           o->argument ? o->argument : "");
  fprintf(to, "  %-26s %s%s%s%s\n", head, o->text, o->choices ? " (" : "", o->choices ? o->choices : "",
          o->choices ? ")" : "");
}

static void print_verb_help(FILE *to, const dr_verb *verb) {
  fprintf(to, "Usage: netc %s %s [options]\n\n%s.\n\nOptions:\n", verb->name, verb->arguments, verb->text);
  for (dr_option_id o = 0; o < DR_OPTIONS; o++)
    if (verb->options >> o & 1) print_option(to, &dr_options[o]);
  if (!(verb->options >> DR_print_after & 1)) return;
  fprintf(to, "\nStages:\n");
  for (pl_stage s = 0; s < PL_STAGES; s++) fprintf(to, "  %-26s %s\n", pl_stage_names[s], pl_stage_texts[s]);
}

void dr_print_help(FILE *to, const dr_verb *verb) {
  if (verb) {
    print_verb_help(to, verb);
    return;
  }
  fprintf(to, "Usage: netc VERB FILE [NETWORK] [options]\n\n"
              "A compiler for neural networks: trains, tests and runs what a .net file says.\n"
              "FILE is a .net program, or a checkpoint, which carries its program. NETWORK may be left out\n"
              "when there is one.\n\nVerbs:\n");
  for (uint32_t v = 0; v < dr_verb_count; v++)
    fprintf(to, "  %-12s %s\n", dr_verbs[v].name, dr_verbs[v].text);
  fprintf(to,
          "\n  netc VERB --help            options of a verb\n"
          "  netc --version              version and licence\n"
          "  netc completions SHELL      completions for bash or zsh\n\n"
          "Exit status: 0 done; 1 the input is wrong, or a loss stopped being finite; 2 the command line is\n"
          "wrong; 3 a check does not hold; 70 a fault of netc; 130 and 143 interrupted and saved.\n");
}

static void print_bash(FILE *to) {
  fprintf(to, "_netc() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
              "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W '");
  for (uint32_t v = 0; v < dr_verb_count; v++) fprintf(to, "%s ", dr_verbs[v].name);
  fprintf(to, "completions --help --version' -- \"$word\"))\n    return\n  fi\n  case $before in\n");
  for (dr_option_id o = 0; o < DR_OPTIONS; o++)
    if (dr_options[o].choices)
      fprintf(to, "  --%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", dr_options[o].name,
              dr_options[o].choices);
  fprintf(to, "  esac\n  if [ \"${word#-}\" != \"$word\" ]; then\n    case ${COMP_WORDS[1]} in\n");
  for (uint32_t v = 0; v < dr_verb_count; v++) {
    fprintf(to, "    %s) COMPREPLY=($(compgen -W '", dr_verbs[v].name);
    for (dr_option_id o = 0; o < DR_OPTIONS; o++)
      if (dr_verbs[v].options >> o & 1) fprintf(to, "--%s ", dr_options[o].name);
    fprintf(to, "' -- \"$word\")) ;;\n");
  }
  fprintf(
      to,
      "    esac\n    return\n  fi\n"
      "  if [ \"$COMP_CWORD\" -ge 3 ] && [ -f \"${COMP_WORDS[2]}\" ]; then\n"
      "    COMPREPLY=($(compgen -W \"$(sed -n 's/^network \\([A-Za-z_0-9]*\\).*/\\1/p' \"${COMP_WORDS[2]}\" "
      "2>/dev/null)\" -- \"$word\"))\n    [ ${#COMPREPLY[@]} -gt 0 ] && return\n  fi\n"
      "  COMPREPLY=($(compgen -f -- \"$word\"))\n}\n"
      "complete -o filenames -o bashdefault -F _netc netc\n");
}

/* [ and : mean something to _arguments, ' to the shell */
static void print_zsh_text(FILE *to, const char *text) {
  for (; *text; text++) {
    if (strchr("[]:\\", *text)) fputc('\\', to);
    fputs(*text == '\'' ? "'\\''" : (char[]){*text, 0}, to);
  }
}

static void print_zsh(FILE *to) {
  fprintf(to, "#compdef netc\n_netc() {\n  local -a verbs\n  verbs=(\n");
  for (uint32_t v = 0; v < dr_verb_count; v++) {
    fprintf(to, "    '%s:", dr_verbs[v].name);
    print_zsh_text(to, dr_verbs[v].text);
    fprintf(to, "'\n");
  }
  fprintf(to, "  )\n  if (( CURRENT == 2 )); then\n    _describe verb verbs\n    return\n  fi\n"
              "  local verb=$words[2]\n  (( CURRENT-- ))\n  shift words\n  case $verb in\n");
  for (uint32_t v = 0; v < dr_verb_count; v++) {
    fprintf(to, "  %s) _arguments", dr_verbs[v].name);
    for (dr_option_id o = 0; o < DR_OPTIONS; o++) {
      if (!(dr_verbs[v].options >> o & 1)) continue;
      const dr_option *option = &dr_options[o];
      fprintf(to, " \\\n    '%s--%s%s[", o == DR_set ? "*" : "", option->name, option->argument ? "=" : "");
      print_zsh_text(to, option->text);
      fprintf(to, "]");
      if (option->choices) fprintf(to, ":%s:(%s)", option->argument, option->choices);
      else if (option->argument) fprintf(to, ":%s:_files", option->argument);
      fprintf(to, "'");
    }
    fprintf(to, " \\\n    '*:file:_files' ;;\n");
  }
  fprintf(to, "  esac\n}\n_netc \"$@\"\n");
}

void dr_print_completions(FILE *to, const char *shell) {
  if (!strcmp(shell, "zsh")) print_zsh(to);
  else print_bash(to);
}
