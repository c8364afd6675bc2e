#include "support/json.h"

#include <math.h>

json_t *net_json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

void net_json_print(FILE *to, json_t *object) {
  json_dumpf(object, to, JSON_COMPACT | JSON_REAL_PRECISION(17));
  putc('\n', to);
  json_decref(object);
}
