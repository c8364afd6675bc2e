/* A whole program: a text and the texts it imports, in one list of declarations. */
#ifndef NETC_DSL_PROGRAM_H
#define NETC_DSL_PROGRAM_H

#include "dsl/ast.h"

typedef struct net_program {
  const net_file *file; /* the text the program was loaded from */
  net_decls
      decls; /* in order, an import's declarations in its place (once, however often it is imported), and no
              * IMPORT among them. Where one comes from is where its loc lies: net_sources_find(loc). No two
              * of a name space have the same name; there is at most one train without a name */
} net_program;

/* Reads and parses a file and its imports (relative to the file they stand in), and checks what concerns
 * names alone: nothing is defined, set or passed twice. False: errors were reported. */
bool net_program_load(netc *n, const char *path, net_program **out);
/* The same with a text at hand, of a checkpoint say. The path is for messages, and for imports if it has any.
 */
bool net_program_from_text(netc *n, const char *path, const char *text, size_t length, net_program **out);

/* The declaration of that kind and name (id 0: the train without a name), or NULL. */
const net_decl *net_program_find(const net_program *program, net_decl_kind kind, net_name name);
/* How many declarations of a kind there are; the first of them in *first (or NULL) */
uint32_t net_program_count(const net_program *program, net_decl_kind kind, const net_decl **first);
/* "jets, mnist": their names, for messages */
const char *net_program_names(netc *n, const net_program *program, net_decl_kind kind);

/* One text that says what the program says, imports flattened; formatted. For checkpoints. */
const char *net_program_text(netc *n, const net_program *program);

/* check.c: what net_program_load checks at its end. False: errors were reported. */
bool net_program_check(netc *n, const net_program *program);

#endif
