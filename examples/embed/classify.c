/* Rows of numbers on stdin, the class of each on stdout.
 *   netc compile jets.net test_hhy --name jets -o jets.o && cc classify.c jets.o -o classify */
#include "jets.h"

#include <stdio.h>

int main(void) {
  static const char *const names[JETS_CLASSES] = JETS_CLASS_NAMES;
  float x[JETS_INPUT_SIZE], y[JETS_OUTPUT_SIZE];
  int have = 0;
  while (scanf("%f%*[,;]", &x[have]) == 1) {
    if (++have < JETS_INPUT_SIZE) continue;
    have = 0;
    jets(x, y);
    int best = 0;
    for (int k = 1; k < JETS_CLASSES; k++)
      if (y[k] > y[best]) best = k;
    puts(names[best]);
  }
  if (have || !feof(stdin)) return fprintf(stderr, "rows have %d numbers each\n", JETS_INPUT_SIZE), 1;
  return 0;
}
