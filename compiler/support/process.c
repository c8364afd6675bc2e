#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads to the end, so that the other is never stopped by a full pipe; keeps the first line. */
static void read_complaint(int from, char *complaint, size_t size) {
  size_t length = 0;
  char rest[256];
  for (ssize_t got = 1; got > 0;) {
    bool fits = length < size - 1;
    got = read(from, fits ? complaint + length : rest, fits ? size - 1 - length : sizeof rest);
    if (got < 0 && errno == EINTR) got = 1;
    else if (got > 0 && fits) length += (size_t)got;
  }
  complaint[length] = 0;
  complaint[strcspn(complaint, "\n")] = 0;
}

int net_process_run(const char *const *arguments, const char *input, const char *output, char *complaint,
                    size_t size) {
  int ends[2], status = -1;
  pid_t child;
  complaint[0] = 0;
  if (pipe(ends)) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, input ? input : "/dev/null", O_RDONLY, 0);
  if (output) posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  else posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  int failed = posix_spawnp(&child, arguments[0], &actions, NULL, (char *const *)arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (!failed) read_complaint(ends[0], complaint, size);
  close(ends[0]);
  if (failed) return errno = failed, -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
