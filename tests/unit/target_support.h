/* Objects for processors other than x86_64: what they export, and what emulators make of them. */
#ifndef NETC_TESTS_TARGET_SUPPORT_H
#define NETC_TESTS_TARGET_SUPPORT_H

#include "codegen/target.h"
#include "tests/unit/object_support.h"

extern const char
    *const target_names[]; /* all of targets.def but x86_64's, which are in tests/unit/object.c */
extern const uint32_t target_name_count;

bool target_find(const char *name, cg_target *target);

/* An object exports what it says and needs nothing, has no writable data, and is as large as it says. */
void target_check_object(const pl_object *object, const char *target);

/* Functions of an object with one input and one output: NAME and NAME_batch. */
enum { TARGET_ROWS = 61 };
typedef struct {
  const pl_object *object;
  bool codes;
  uint32_t in, out; /* bytes of a row */
  const char *name;
} target_ports;

/* What builds and runs programs of a family; TARGET_NO_TOOLS: not on this machine. */
enum { TARGET_NO_TOOLS = UINT32_MAX };
uint32_t target_tools(const char *family);
/* y: TARGET_ROWS rows all at once, then one by one */
void target_run_here(const target_ports *sizes, const uint8_t *x, uint8_t *y);
void target_run_there(const target_ports *sizes, uint32_t tools, const uint8_t *x, uint8_t *y);

#endif
