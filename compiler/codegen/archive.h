/* Archives of one object, as ar(1) writes them: the GNU form, with an index of symbols. */
#ifndef NETC_CODEGEN_ARCHIVE_H
#define NETC_CODEGEN_ARCHIVE_H

#include "support/arena.h"

/* The same bytes for the same object: no time, no user. member: the object's name in it. The result lies in
 * the arena. */
const char *cg_archive(net_arena *arena, const char *member, const char *object, size_t object_length,
                       const char *const *symbols, uint32_t symbol_count, size_t *length);

#endif
