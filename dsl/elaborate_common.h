/* What the parts of elaborate share. */
#ifndef NETC_DSL_ELABORATE_COMMON_H
#define NETC_DSL_ELABORATE_COMMON_H

#include "dsl/elaborate.h"
#include "dsl/evaluate.h"
#include "graph/operator.h"

typedef struct {
  netc *n;
  net_arena *arena; /* of graphs */
  const net_program *program;
  net_scope constants;   /* of the program */
  const char *directory; /* of net_choice */
} net_elaborator;

bool net_elaborator_begin(netc *n, net_arena *arena, const net_program *program, net_elaborator *e);

/* A key that a block knows, and what is done with its value. */
typedef struct {
  const char *name;
  bool (*take)(net_elaborator *e, const net_entry *entry, void *into);
  const char *base; /* what `name.part = value` is a part of where the name itself is not set: a call of that
                       name, "" for a map; NULL: it has no parts */
} net_key;

/* Takes the settings of a map by a table of keys; what is not a setting goes to other (NULL: an error).
 * Unknown keys are errors with a suggestion. what: "a data block". */
bool net_take_map(net_elaborator *e, const net_map *map, const net_key *keys, uint32_t key_count,
                  const char *what, bool (*other)(net_elaborator *e, const net_entry *entry, void *into),
                  void *into);
/* Likewise the named arguments of a call; positional ones take the keys in order, up to positional. */
bool net_take_args(net_elaborator *e, const net_args *args, uint32_t skip, const net_key *keys,
                   uint32_t key_count, uint32_t positional, const char *what, void *into);

/* "; did you mean 'relu'?", "; there are a, b, c" if they are few, or "", in the arena */
const char *net_suggestion(netc *n, const char *word, const char *const *names, uint32_t count);

/* The name and arguments of an expression that is a call or a bare name: adam, adam(…). Several parts or
 * another kind of expression: reported, false. what: "an optimizer". */
bool net_as_call(net_elaborator *e, const net_expr *expr, const char *what, net_ident *name,
                 const net_args **args);

/* Chooses a declaration by name, or the only one. NULL: reported. */
const net_decl *net_choose(net_elaborator *e, net_decl_kind kind, const char *name, net_loc where);

/* elaborate_unused.c: warnings about names that nothing uses, once each. */
void net_warn_unused(netc *n, const net_program *program);
/* elaborate_normalize.c */
bool net_take_normalize(net_elaborator *e, const net_expr *value, rt_data_spec *spec);
/* elaborate_data.c: a data block's own settings, whatever network it is for. */
bool net_check_data(net_elaborator *e, const net_decl *decl);
bool net_elaborate_data(net_elaborator *e, const net_decl *decl, const net_network *network,
                        const net_recipe *recipe, rt_data_spec **data);
bool net_elaborate_train(net_elaborator *e, const net_decl *decl, net_network *network, net_recipe *recipe,
                         const net_decl **data);
/* elaborate_quantize.c: a block, and whether each rule means something in some network. */
bool net_check_quantize(net_elaborator *e, const net_decl *decl);
bool net_elaborate_body(net_elaborator *e, const net_decl *decl, net_network *network);

#endif
