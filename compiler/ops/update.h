/* Inputs of the updates, shared by their graph side and their kernels. */
#ifndef NETC_OPS_UPDATE_H
#define NETC_OPS_UPDATE_H

enum { UPDATE_PARAMETER, UPDATE_GRADIENT, UPDATE_RATE }; /* of all optimisers */
enum { SGD_VELOCITY = 3, SGD_CLIP };
enum { ADAM_CORRECTION1 = 3, ADAM_CORRECTION2, ADAM_EXP_AVG, ADAM_EXP_AVG_SQ, ADAM_CLIP };

#endif
