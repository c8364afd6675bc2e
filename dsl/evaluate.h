/* Constants: the values of expressions that are known before there is a graph. */
#ifndef NETC_DSL_EVALUATE_H
#define NETC_DSL_EVALUATE_H

#include "dsl/program.h"

typedef enum {
  NET_CONSTANT_NONE, /* none */
  NET_CONSTANT_BOOLEAN,
  NET_CONSTANT_INTEGER, /* 32 KiB is the integer 32768 */
  NET_CONSTANT_REAL,    /* 1 % is the number 0.01 */
  NET_CONSTANT_STRING,
  NET_CONSTANT_LIST,
} net_constant_kind;

typedef struct net_constant net_constant;
struct net_constant {
  net_constant_kind kind;
  net_loc loc; /* of the expression it comes from */
  union {
    bool boolean;
    int64_t integer;
    double real;
    net_name string;
    struct {
      net_constant *at;
      uint32_t count;
    } list;
  };
};

/* Names that stand for constants: of the program at the outside, the parameters of a layer within. */
typedef struct net_scope net_scope;
struct net_scope {
  const net_scope *outer;
  NET_VEC(struct {
    net_name name;
    net_constant value;
  })
  constants;
};

/* Evaluates every `const` of the program, in whatever order they stand. False: errors were reported. */
bool net_scope_of_program(netc *n, const net_program *program, net_scope *scope);
void net_scope_add(netc *n, net_scope *scope, net_name name, net_constant value);
/* the constant of that name, or NULL */
const net_constant *net_scope_find(const net_scope *scope, net_name name);

/* Integers, numbers, strings, lists of constants, names in scope, none, true and false, + - * / and negation.
 * Integers stay integers (64 bits): `/` must divide them exactly. False: an error was reported, at its place.
 */
bool net_evaluate(netc *n, const net_scope *scope, const net_expr *expr, net_constant *out);

/* The same where one kind is wanted; `what` names the thing in messages ("the number of epochs"). */
bool net_evaluate_integer(netc *n, const net_scope *scope, const net_expr *expr, const char *what,
                          int64_t least, int64_t most, int64_t *out);
bool net_evaluate_real(netc *n, const net_scope *scope, const net_expr *expr, const char *what, double *out);
bool net_evaluate_boolean(netc *n, const net_scope *scope, const net_expr *expr, const char *what, bool *out);
bool net_evaluate_string(netc *n, const net_scope *scope, const net_expr *expr, const char *what,
                         net_name *out);

/* "an integer", "a string", … */
const char *net_constant_kind_text(net_constant_kind kind);
/* The constant as it would be written, in the arena. */
const char *net_constant_text(netc *n, const net_constant *constant);

#endif
