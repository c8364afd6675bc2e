/* Classifies jets one by one as they would come from a detector, and says how long that takes.
 *   netc compile jets.net test_hhy --name jets --cpu native -o jets.o
 *   cc -O2 latency.c jets.o $(pkg-config --cflags --libs hdf5) -o latency
 *   ./latency jets.h5 10          for ten seconds
 *   ./latency jets.h5 rows 100    prints the first hundred test jets, for other programs
 * Time is that of a call between two looks at the clock, less what the looks themselves take (their
 * median). */
#define _POSIX_C_SOURCE 199309L
#include "jets.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The last fifth is the test set. */
enum { JETS = 70000, FIRST = 56000, TEST = JETS - FIRST, LONGEST = 100000 };

static float features[JETS][JETS_INPUT_SIZE];
static unsigned char labels[JETS];

static int read_set(hid_t file, const char *name, hid_t type, hssize_t elements, void *to) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  hid_t space = set < 0 ? -1 : H5Dget_space(set);
  int ok = space >= 0 && H5Sget_simple_extent_npoints(space) == elements &&
           H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0;
  if (space >= 0) H5Sclose(space);
  if (set >= 0) H5Dclose(set);
  if (!ok) fprintf(stderr, "cannot read %ld elements of '%s'\n", (long)elements, name);
  return ok;
}

static int read_jets(const char *path) {
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  int ok = file >= 0 &&
           read_set(file, "features", H5T_NATIVE_FLOAT, (hssize_t)JETS * JETS_INPUT_SIZE, features) &&
           read_set(file, "labels", H5T_NATIVE_UCHAR, JETS, labels);
  if (file >= 0) H5Fclose(file);
  return ok;
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Times of calls, counted by nanosecond. */
static unsigned counts[LONGEST];
static unsigned long long calls, since, right; /* all, those of this second, those in the right class */
static long long longest;

static void count(long long time) {
  calls++, since++;
  counts[time < 0 ? 0 : time < LONGEST ? time : LONGEST - 1]++;
  if (time > longest) longest = time;
}

/* The time that so large a part of the calls do not exceed. */
static int quantile(double part) {
  unsigned long long seen = 0;
  int at = 0;
  while (at < LONGEST - 1 && (seen += counts[at]) <= part * (double)since) at++;
  return at;
}

static void restart(void) {
  memset(counts, 0, sizeof counts);
  since = 0, longest = 0;
}

static int cost_of_clock(void) {
  for (int i = 0; i < 100000; i++) {
    long long start = now();
    count(now() - start);
  }
  int cost = quantile(0.5);
  restart();
  calls = 0;
  return cost;
}

static void report(void) {
  printf("%llu calls  min %d  median %d  p99 %d  max %lld ns  accuracy %.2f %%\n", calls, quantile(0),
         quantile(0.5), quantile(0.99), longest, 100 * (double)right / (double)calls);
  fflush(stdout);
  restart();
}

static void classify(int jet, int cost) {
  float y[JETS_OUTPUT_SIZE];
  long long start = now();
  jets(features[jet], y);
  long long time = now() - start - cost;
  int best = 0;
  for (int k = 1; k < JETS_CLASSES; k++)
    if (y[k] > y[best]) best = k;
  right += best == labels[jet];
  count(time);
}

int main(int words, char **word) {
  int rows = words == 4 && !strcmp(word[2], "rows");
  int number = words == 3 + rows ? atoi(word[2 + rows]) : 0;
  if (number < 1)
    return fprintf(stderr, "usage: %s jets.h5 SECONDS, or %s jets.h5 rows N\n", *word, *word), 2;
  if (!read_jets(word[1])) return 1;
  for (int i = 0; rows && i < number && i < TEST; i++)
    for (int k = 0; k < JETS_INPUT_SIZE; k++)
      printf("%.9g%c", (double)features[FIRST + i][k], k + 1 < JETS_INPUT_SIZE ? ' ' : '\n');
  if (rows) return 0;

  int cost = cost_of_clock();
  long long start = now();
  for (int second = 1; second <= number; second++) {
    while (now() - start < second * 1000000000LL)
      for (int k = 0; k < 1000; k++) classify(FIRST + (int)(calls % TEST), cost);
    report();
  }
  return 0;
}
