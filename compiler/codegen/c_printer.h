/* The walk from form-2 loop IR to C: what its files share. Outside codegen/, see c.h. */
#ifndef NETC_CODEGEN_C_PRINTER_H
#define NETC_CODEGEN_C_PRINTER_H

#include "codegen/c.h"
#include "loops/range.h"

enum {
  CC_COLUMNS = 100, /* of a line */
  CC_EXPANDED = 64, /* statements that an unrolled loop may become: above that it stays a loop */
};

typedef NET_VEC(char) cc_text;

/* How tightly an expression binds: what is below an operator's level gets parentheses. */
typedef enum { CC_CHOICE, CC_TEST, CC_SUM, CC_PRODUCT, CC_PREFIX, CC_PRIMARY } cc_level;
typedef struct {
  const char *text;
  cc_level level;
} cc_value;

/* Functions that C has no operator for, printed where they are used: c_helpers.def. */
typedef enum {
#define CC_HELPER(name, needs, text) CC_##name,
#include "codegen/c_helpers.def"
#undef CC_HELPER
  CC_HELPERS
} cc_helper;

/* Data compiled in: its elements in the narrowest type that holds them. */
typedef struct {
  const char *name;
  const void *data;
  net_type type, as;       /* of the elements; in the table */
  bool bits;               /* floats as the bits they are made of: some are infinite or NaN */
  int64_t least, most;     /* integers */
  uint32_t elements, used; /* used: those behind are never read */
} cc_table;

typedef struct {
  bool open, constant;
  int64_t value;    /* constant: expanded, or runs once */
  const char *name; /* else a variable */
} cc_var;

typedef struct {
  const char *name; /* of the register, or of all its elements */
  bool named;       /* in this nest */
  bool array;       /* some index of it is no constant: it stays an array */
  bool *used;       /* by element */
} cc_reg;

typedef struct {
  const char *name, *text; /* as an argument; of its buffer */
  net_type type;
  uint32_t width;
  bool input;
} cc_port;

/* A function of one sample, its nests printed as functions of their own. */
typedef struct {
  const lp_function *f;
  const char *name;
  const char *scratch; /* type of its scratch; NULL: it needs none */
  const char *calls;   /* of the nests, a line each */
  cc_port *ports;      /* its arguments: inputs, then outputs */
  uint32_t port_count;
} cc_function;

typedef struct cc_printer {
  netc *n;
  net_arena *arena;
  const cg_library *library;
  bool failed;
  cc_text *to; /* where lines go */
  uint32_t indent;
  NET_VEC(const char *) names; /* taken, in the file and in the nest being printed */
  NET_VEC(cc_table) tables;
  NET_VEC(cc_function) functions;
  bool used[CC_HELPERS][NET_TYPE_COUNT]; /* helpers, by type */
  bool floats;                           /* some arithmetic is of floats */

  /* of the function being printed */
  const lp_function *f;
  uint32_t *table_of;        /* by buffer: table + 1, or 0 */
  const char **buffer_names; /* by buffer: its pointer, or the name of its place in scratch */
  bool *in_nest;             /* by buffer: the nest uses it */

  /* of the nest being printed */
  lp_scope scope;
  cc_var *vars;
  cc_reg *regs;
  uint32_t temporaries;

  /* of the statement being printed, by expression */
  uint32_t *uses;
  cc_value *values;
  lp_expr whole; /* what the statement assigns: it needs no name */
  NET_VEC(lp_expr) touched;
} cc_printer;

/* c.c */
void cc_fault(cc_printer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint32_t cc_append(cc_printer *p, cc_text *to, const char *format, ...) __attribute__((format(printf, 3, 4)));
void cc_line(cc_printer *p, const char *format, ...) __attribute__((format(printf, 2, 3))); /* indented */
/* What was appended from `start` on is one line, whose text begins at `indent`: its rest goes on below. */
void cc_break_line(cc_printer *p, cc_text *to, uint32_t start, uint32_t indent);

/* c_names.c */
const char *cc_identifier(cc_printer *p, const char *text); /* one that is free: it is taken now */
const char *cc_type_name(net_type type);                    /* "int32_t"; bools are ints */
bool cc_is_keyword(const char *name);                       /* nothing may be called so */
void cc_reserve(cc_printer *p, const char *name);           /* as it is */
void cc_release(cc_printer *p, const char *name);           /* no longer taken: the very text that was */

/* c_tables.c */
uint32_t cc_table_of(cc_printer *p, lp_buffer buffer);
void cc_print_tables(cc_printer *p, cc_text *to);
const char *cc_number(cc_printer *p, net_type type, double real,
                      int64_t integer); /* a constant of that type */

/* c_helpers.c */
const char *cc_helper_name(cc_printer *p, cc_helper helper, net_type type); /* marks it as used */
const char *cc_conversion(cc_printer *p, net_type to, net_type from);       /* floats to integers */
void cc_print_helpers(cc_printer *p, cc_text *to);

/* c_index.c */
const char *cc_index(cc_printer *p, lp_buffer buffer, uint32_t first, uint32_t count, int64_t *most);
const char *cc_integer(cc_printer *p, lp_expr e);           /* an index or a bound */
bool cc_constant(cc_printer *p, lp_expr e, int64_t *value); /* whether it is one, loops being expanded */

/* c_memory.c */
cc_value cc_load(cc_printer *p, const lp_expr_info *load);
cc_value cc_lookup(cc_printer *p, const lp_expr_info *lookup);
const char *cc_place(cc_printer *p, lp_buffer buffer, uint32_t first, uint32_t count); /* an lvalue */
const char *cc_element_name(cc_printer *p, lp_reg reg, uint32_t row, uint32_t column);
const char *cc_register(cc_printer *p, lp_reg reg, lp_expr i, lp_expr j);

/* c_expression.c */
void cc_begin_statement(cc_printer *p);
void cc_count_uses(cc_printer *p, lp_expr e);
cc_value cc_expression(cc_printer *p, lp_expr e);
const char *cc_operand(cc_printer *p, lp_expr e, cc_level level); /* in parentheses if it binds less */

/* c_ranges.c */
int cc_outcome(cc_printer *p, const lp_expr_info *comparison); /* what it always gives, or −1 */
/* Bounds of a float that is no NaN, or false. */
bool cc_bounds(const cc_printer *p, lp_expr e, double *low, double *high);

/* c_statement.c: body of a nest; afterwards in_nest and regs say what it took */
void cc_statements(cc_printer *p, lp_stmt first);

/* c_function.c: the nests of f, to p->to; NULL: failed */
const cc_function *cc_print_function(cc_printer *p, const lp_function *f, const char *name);

#endif
