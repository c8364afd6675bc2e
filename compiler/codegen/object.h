/* Objects that a user's program links: plain functions over rows of numbers, with nothing behind them. */
#ifndef NETC_CODEGEN_OBJECT_H
#define NETC_CODEGEN_OBJECT_H

#include "codegen/compile.h"

/* An exported function:
 *   void NAME(const T *input…, T *output…)                one row
 *   void NAME(size_t n, const T *input…, T *output…)      n rows
 * Inputs are the columns that the loops read, in the order of their slots, outputs likewise; both row-major
 * and aligned as their elements are. A last argument, void *scratch, stands for what is too much for the
 * stack; before it stands const void *weights, at a multiple of 64, where constants are not inside
 * (cg_library.weights). */
typedef struct {
  const char *name;
  const lp_function *f; /* scheduled, exact, without variables; of f->batch rows (1: of NAME for one row) */
  bool rows; /* n rows, in tiles of f->batch; what is left over runs with rows that ran already. With the very
                f of an entry of one row: that one again and again */
  bool scratch; /* the last argument is scratch: see cg_scratch_bytes */
} cg_entry;

/* What becomes one object. Nothing else is exported. */
typedef struct cg_library {
  const cg_target *target;
  const cg_entry *entries;
  uint32_t count;
  bool weights; /* constants lie behind a pointer that functions are given: what loops call variables */
  const char *description_name; /* a constant handed through as it is; NULL: none */
  const void *description;
  size_t description_bytes;
  const struct cg_library *better; /* the same entries for a more demanding target of the family, in the same
                                      object: the machine chooses among them when it runs. NULL: none */
} cg_library;

typedef enum { CG_FORM_OBJECT, CG_FORM_ASSEMBLY, CG_FORM_IR, CG_FORM_C } cg_form;

typedef struct {
  const char *bytes; /* of the form asked for, in the arena */
  size_t length;
  uint64_t *
      stack; /* by entry: most bytes of stack that a call takes, its return address included; 0 of C and IR */
  uint64_t code, data;  /* bytes of instructions and of constants; 0 unless the form is an object */
  uint64_t ram;         /* bytes of writable data: 0 in every object of netc's */
  cg_times times;
} cg_artefact;

/* False: reported. */
bool cg_library_make(netc *n, net_arena *arena, const cg_library *library, cg_form form,
                     cg_artefact *artefact);

/* Scratch and constants lie at multiples of a vector, a caller's scratch anywhere: so it has some bytes more.
 */
uint32_t cg_storage_align(const cg_target *target);
size_t cg_scratch_bytes(const cg_target *target, const lp_function *f);

/* The element type and width of an input (LP_COLUMN) or output (LP_OUTPUT); false: there is no such slot. */
bool cg_port(const lp_function *f, lp_storage storage, uint32_t slot, net_type *type, uint32_t *width);
uint32_t cg_port_count(const lp_function *f, lp_storage storage);

#endif
