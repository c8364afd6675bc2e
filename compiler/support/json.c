#include "support/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *net_json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *net_json_text(const char *text) {
  if (!text) return json_null();
  json_t *string = json_string(text);
  if (string) return string;
  size_t length = strlen(text);
  char *plain = malloc(length + 1);
  for (size_t i = 0; plain && i <= length; i++) plain[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
  string = json_string(plain ? plain : "");
  free(plain);
  return string;
}

void net_json_print(FILE *to, json_t *object) {
  json_dumpf(object, to, JSON_COMPACT | JSON_REAL_PRECISION(17));
  putc('\n', to);
  json_decref(object);
}
