#include "driver/progress.h"

#include <math.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static json_t *number(double value) { return net_json_number(value); }

static void print_json(FILE *to, const rt_progress *p) {
  net_json_print(to, json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "event", "epoch", "epoch",
                               (json_int_t)p->epoch, "train_loss", number(p->train_loss), "train_accuracy",
                               number(p->train_accuracy), "validation_loss", number(p->validation_loss),
                               "validation_accuracy", number(p->validation_accuracy), "learning_rate",
                               number(p->learning_rate), "seconds", number(p->seconds), "samples_per_second",
                               number(p->samples_per_second)));
  fflush(to);
}

static void print_accuracy(FILE *to, double accuracy) {
  if (!isnan(accuracy)) fprintf(to, " (%.2f %%)", 100 * accuracy);
}

void dr_print_epoch(FILE *to, const rt_progress *p) {
  int digits = snprintf(NULL, 0, "%u", p->epochs);
  fprintf(to, "epoch %*u/%u  loss %.4f", digits, p->epoch, p->epochs, p->train_loss);
  print_accuracy(to, p->train_accuracy);
  if (!isnan(p->validation_loss)) {
    fprintf(to, "  validation %.4f", p->validation_loss);
    print_accuracy(to, p->validation_accuracy);
  }
  fprintf(to, "  %.3g M samples/s\n", 1e-6 * p->samples_per_second);
}

/* "1:05" */
static void print_time(FILE *to, double seconds) {
  if (!(seconds < 1e7)) {
    fputs("?:??", to);
    return;
  }
  unsigned long s = (unsigned long)(seconds + 0.5);
  if (s >= 3600) fprintf(to, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
  else fprintf(to, "%lu:%02lu", s / 60, s % 60);
}

static void print_bar(dr_progress *g, const rt_progress *p) {
  enum { CELLS = 24 };
  FILE *to = g->call->talk;
  double in_epoch = p->samples_in_epoch ? (double)p->samples / (double)p->samples_in_epoch : 0;
  double done = (p->epoch - 1 + in_epoch) / p->epochs;
  double elapsed = now() - g->started, left = done > 0 ? elapsed / done - elapsed : INFINITY;
  int full = (int)(done * CELLS + 0.5);
  fprintf(to, "\r\033[K%3.0f %% ", 100 * done);
  for (int i = 0; i < CELLS; i++) fputs(i < full ? "█" : "░", to);
  fprintf(to, " epoch %u/%u  loss %.4f  %.3g M samples/s  ", p->epoch, p->epochs, p->train_loss,
          1e-6 * p->samples_per_second);
  print_time(to, left);
  fputs(" left", to);
  fflush(to);
  g->bar = true;
}

static void report(void *context, const rt_progress *p) {
  dr_progress *g = context;
  if (!g->started) g->started = now() - p->seconds;
  if (g->call->json) {
    if (p->epoch_done) print_json(g->call->out, p);
  } else if (g->call->terminal && !p->epoch_done) {
    print_bar(g, p);
  }
  if (!p->epoch_done || g->call->json) return;
  if (g->bar) fputs("\r\033[K", g->call->talk), g->bar = false;
  dr_print_epoch(g->call->talk, p);
}

rt_listener dr_progress_begin(dr_progress *progress, dr_call *call) {
  *progress = (dr_progress){.call = call};
  return (rt_listener){report, progress};
}

void dr_progress_end(dr_progress *progress) {
  if (progress->bar) fputs("\r\033[K", progress->call->talk);
  progress->bar = false;
}
