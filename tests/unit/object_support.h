/* Objects made of networks in the .net language with random weights, loaded into the test, and what the
 * interpreter gives for the same rows. */
#ifndef NETC_TESTS_OBJECT_SUPPORT_H
#define NETC_TESTS_OBJECT_SUPPORT_H

#include "codegen/elf_file.h"
#include "dsl/elaborate.h"
#include "interpret/interpret.h"
#include "ops/ops.h"
#include "pipeline/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct {
  netc n;
  const net_graph *graph;
  const float **weights; /* by value id */
} object_subject;

#define OBJECT_MULTIVERSION "multiversion" /* as a target: all levels of x86_64 in one object */
extern const char *const object_targets[]; /* what objects are made for; NULL at the end */

/* A network of a program (NULL: of the example with that name), with weights drawn from the seed. */
void object_begin(object_subject *s, const char *text, const char *network, uint64_t seed);
/* A network of the jets with number formats, by rules as in a quantize block. */
void object_begin_quantized(object_subject *s, const char *network, const char *rules, uint64_t seed);
/* … of a program. */
void object_begin_program(object_subject *s, const char *text, const char *network, const char *rules,
                          uint64_t seed);
void object_end(object_subject *s);
void object_silence(object_subject *s); /* no diagnostics; prints them if there are some */
const pl_object *object_make(object_subject *s, const char *target);
const pl_object *object_make_as(object_subject *s, const char *target, cg_form form);

/* A directory of the test's own, removed at exit. */
const char *object_directory(void);
void object_write(const char *path, const void *bytes, size_t length);
/* Runs a shell command; fails the test unless it gives 0. */
void object_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Functions of an object of one input and one output, linked by gcc into a shared library and loaded. */
typedef struct {
  void *handle;
  void (*one)(const float *x, float *y);
  void (*one_scratch)(const float *x, float *y, void *scratch); /* instead, if it takes scratch */
  void (*batch)(size_t n, const float *x, float *y);
  void (*batch_scratch)(size_t n, const float *x, float *y, void *scratch);
  char *scratch;
} object_loaded;
bool object_load(const pl_object *object, const char *target,
                 object_loaded *loaded); /* false: not on this machine */
void object_unload(object_loaded *loaded);
void object_call(const object_loaded *l, const float *x, float *y);
void object_call_batch(const object_loaded *l, size_t n, const float *x, float *y);

/* What the interpreter gives for rows of the only input, of the only output. */
void object_interpret(object_subject *s, uint32_t rows, const float *x, float *y);
float *object_rows(object_subject *s, uint32_t rows, uint64_t seed);
uint32_t object_width(const object_subject *s, bool output);

#endif
