/* Files that hold an object of pl_object_make (form CG_FORM_OBJECT). Written whole or not at all. */
#ifndef NETC_PIPELINE_PACK_H
#define NETC_PIPELINE_PACK_H

#include "pipeline/object.h"

bool pl_pack_archive(netc *n, const pl_object *object, const char *path); /* NAME.a holds NAME.o */
bool pl_pack_shared(netc *n, const pl_object *object, const char *path);  /* by the system's cc */

#endif
