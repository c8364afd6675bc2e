#include "ops/ops.h"

#include "formats/formats.h"
#include "ops/families.h"

#define OP(name_, class_, user_, kind_, ulps_, inputs_, outputs_, attributes_, shape_, parameter_,           \
           gradient_, cost_, interpret_, kernel_, range_, ...)                                               \
  {.name = #name_,                                                                                           \
   .class = OP_##class_,                                                                                     \
   .user = user_,                                                                                            \
   .kind = #kind_,                                                                                           \
   .inputs = inputs_,                                                                                        \
   .outputs = outputs_,                                                                                      \
   .attributes = attributes_,                                                                                \
   .shape = shape_,                                                                                          \
   .parameter = parameter_,                                                                                  \
   .gradient = gradient_,                                                                                    \
   .cost = cost_,                                                                                            \
   .interpret = interpret_,                                                                                  \
   .kernel = kernel_,                                                                                        \
   .range = range_,                                                                                          \
   .ulps = ulps_,                                                                                            \
   __VA_ARGS__},

const net_op net_ops[] = {
#include "ops/ops.def"
};
#undef OP

const uint32_t net_op_count = sizeof net_ops / sizeof *net_ops;

void net_ops_install(netc *n) {
  if (!n->format_list) net_formats_install(n); /* of what operators compute with */
  n->ops = net_ops;
  n->op_count = net_op_count;
}
