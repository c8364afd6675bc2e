#include "runtime/signals.h"

#include <stdbool.h>

static const int numbers[2] = {SIGINT, SIGTERM};

/* The one variable of netc that is not in a struct netc: a handler can reach nothing else. */
static volatile sig_atomic_t caught;

static void note(int number) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  sigemptyset(&plain.sa_mask);
  caught = number;
  for (int i = 0; i < 2; i++) sigaction(numbers[i], &plain, NULL);
}

void rt_signals_catch(rt_signals *signals) {
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  signals->before = caught; /* then the handlers are gone, and still the outer one's signal stays */
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 2; i++) sigaddset(&action.sa_mask, numbers[i]);
  for (int i = 0; i < 2; i++) {
    sigaction(numbers[i], NULL, &signals->old[i]);
    if (signals->old[i].sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL); /* nohup stays nohup */
  }
}

void rt_signals_release(const rt_signals *signals) {
  for (int i = 0; i < 2; i++) sigaction(numbers[i], &signals->old[i], NULL);
  bool outer =
      signals->old[0].sa_handler == note || signals->old[1].sa_handler == note; /* one may be ignored */
  if (!outer && !signals->before) caught = 0;
}

int rt_signals_caught(void) { return caught; }
