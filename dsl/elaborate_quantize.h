/* What the parts of elaborate that read number formats share. */
#ifndef NETC_DSL_ELABORATE_QUANTIZE_H
#define NETC_DSL_ELABORATE_QUANTIZE_H

#include "dsl/elaborate_common.h"

/* elaborate_format.c */
/* What a quantize block says about all formats in it. */
typedef struct {
  bool mase_compatible;
  net_name ste; /* id 0: not set */
} net_format_habits;

/* Makes the program's codebooks known. False: reported. */
bool net_elaborate_codebooks(net_elaborator *e);
/* A format as written: integer(8, 4), nf4. False: reported. */
bool net_elaborate_format(net_elaborator *e, const net_expr *expr, const net_format_habits *habits,
                          net_format_id *format);

/* elaborate_quantize.c */
/* What a rule may be about without quotes: an operator, a layer of the user, `default`. False: reported. */
bool net_elaborate_rule_scope(net_elaborator *e, net_ident name, net_rule_scope *scope);
/* "weight", …; false: reported */
bool net_elaborate_tensor(net_elaborator *e, net_ident name, net_tensor_role *role);
/* A quantize block by itself, whatever network it is for. */
bool net_elaborate_rules(net_elaborator *e, const net_decl *decl, net_quantization *quantization);

#endif
