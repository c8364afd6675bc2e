/* A program that links one object: rows of CSV on stdin through its functions, what they make of them on
 * stdout.
 *   cc -DHEADER='"t.h"' -DNET=t -DNET_BATCH=t_batch -DNET_INPUT=T_INPUT_SIZE -DNET_OUTPUT=T_OUTPUT_SIZE …
 *
 * With -DWEIGHTS='"t.weights"' its constants come from that file. The first argument says how: one row a
 * call, or so many in one. Columns behind those that a row needs are passed over, as is the head. */
#include HEADER

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000, GUARD = 16 };

static float input[MOST * NET_INPUT], output[MOST * NET_OUTPUT + GUARD];

static size_t read_rows(void) {
  char line[4096];
  size_t n = 0;
  while (n < MOST && fgets(line, sizeof line, stdin)) {
    char *at = line, *end = line;
    for (int k = 0; k < NET_INPUT; k++) {
      input[n * NET_INPUT + (size_t)k] = strtof(at, &end);
      if (end == at) break;
      at = end + (*end == ',');
    }
    n += end != line;
  }
  return n;
}

#ifdef WEIGHTS
#define AND_WEIGHTS , weights
static void *weights;

/* At an address that is a multiple of 64, and of no more. */
static int read_weights(size_t bytes) {
  char *room = malloc(bytes + 192);
  FILE *file = fopen(WEIGHTS, "rb");
  weights = room + (64 - (uintptr_t)room % 64) % 64;
  if ((uintptr_t)weights % 128 == 0) weights = (char *)weights + 64;
  return room && file && fread(weights, 1, bytes, file) == bytes && fgetc(file) == EOF;
}
#else
#define AND_WEIGHTS
#endif

int main(int count, char **words) {
  size_t have = read_rows(), n = count > 1 ? strtoul(words[1], NULL, 10) : 0;
  for (size_t i = 0; i < MOST * NET_OUTPUT + GUARD; i++) output[i] = -77.5f;
#ifdef WEIGHTS
  if (!read_weights(WEIGHTS_SIZE)) return puts("no weights"), 1;
#endif
  if (n > have || count < 2) return 2;
  if (!strcmp(words[1], "one"))
    for (n = 0; n < have; n++) NET(input + n * NET_INPUT, output + n * NET_OUTPUT AND_WEIGHTS);
  else NET_BATCH(n, input, output AND_WEIGHTS);
  for (size_t i = n * NET_OUTPUT; i < MOST * NET_OUTPUT + GUARD; i++)
    if (output[i] != -77.5f) return puts("written behind the output"), 1;
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < NET_OUTPUT; k++)
      printf("%.9g%s", (double)output[i * NET_OUTPUT + (size_t)k], k + 1 < NET_OUTPUT ? "," : "\n");
  return n ? 0 : 2;
}
