/* Require blocks within elaborate. */
#ifndef NETC_DSL_ELABORATE_REQUIRE_H
#define NETC_DSL_ELABORATE_REQUIRE_H

#include "dsl/elaborate_common.h"
#include "dsl/require.h"

/* `flash <= 32 KiB`, of a require block or a search. Reports. */
bool net_elaborate_budget(net_elaborator *e, const net_entry *entry, net_requirement *row);
bool net_elaborate_require(net_elaborator *e, const net_decl *decl, net_requirements *requirements);

#endif
