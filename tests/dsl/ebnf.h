/* A grammar read from its document: sentences made from it, and a recogniser for it. */
#ifndef NETC_TESTS_DSL_EBNF_H
#define NETC_TESTS_DSL_EBNF_H

#include "tests/dsl/generate.h"

/* Symbols from 0 on are kinds of tokens; below are nonterminals: ~0, ~1, … */
typedef struct {
  int left;
  NET_VEC(int) right;
} ebnf_rule;

typedef struct {
  netc *n;
  NET_VEC(const char *) names; /* of nonterminals; NULL for those that stand for [ ], { } and ( ) */
  NET_VEC(ebnf_rule) rules;
  NET_VEC(uint32_t) heights; /* of the lowest tree of each nonterminal */
} ebnf;

typedef NET_VEC(int) ebnf_sentence;

/* Reads `name = …` productions: "quoted" and CAPITAL tokens, | [ ] { } ( ). Fails the test if it cannot. */
void ebnf_read(netc *n, const char *text, ebnf *grammar);
int ebnf_find(const ebnf *grammar, const char *name);
/* A random sentence of a nonterminal; deeper ones with more budget. */
void ebnf_make(const ebnf *grammar, generator *g, int symbol, uint32_t budget, ebnf_sentence *out);
/* Whether the tokens are a sentence of it: Earley's algorithm. */
bool ebnf_accepts(const ebnf *grammar, int symbol, const ebnf_sentence *sentence);

#endif
