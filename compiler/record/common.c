/* What is the same with and without SQLite: names, empty rows, where and when something runs. */
#include "record/record.h"

#include <math.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

const char *const rc_kind_names[RC_KINDS] = {"sweep", "search"};
const char *const rc_status_names[RC_STATUSES] = {"running", "done", "failed", "interrupted"};

rc_run rc_run_empty(void) {
  return (rc_run){.seconds = NAN,
                  .train_loss = NAN,
                  .train_accuracy = NAN,
                  .validation_loss = NAN,
                  .validation_accuracy = NAN,
                  .test_loss = NAN,
                  .test_accuracy = NAN};
}

const char *rc_now(net_arena *arena) {
  struct timespec now;
  struct tm utc;
  char text[32];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return net_arena_format(arena, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

/* As Linux names it; else by its architecture. */
static void processor(char *name, size_t size, const char *architecture) {
  FILE *in = fopen("/proc/cpuinfo", "r");
  char line[256];
  snprintf(name, size, "%s", architecture);
  while (in && fgets(line, sizeof line, in)) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) || !colon) continue;
    colon += 1 + strspn(colon + 1, " \t");
    snprintf(name, size, "%.*s", (int)strcspn(colon, "\n"), colon);
    break;
  }
  if (in) fclose(in);
}

const char *rc_machine(net_arena *arena) {
  struct utsname system = {0};
  struct sysinfo info = {0};
  char name[256];
  uname(&system);
  sysinfo(&info);
  processor(name, sizeof name, system.machine);
  json_t *machine = json_pack(
      "{s:o, s:o, s:I, s:I, s:o}", "host", net_json_text(system.nodename), "processor", net_json_text(name),
      "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory",
      (json_int_t)info.totalram * (json_int_t)info.mem_unit, "system",
      net_json_text(net_arena_format(arena, "%s %s %s", system.sysname, system.release, system.machine)));
  char *text = json_dumps(machine, JSON_COMPACT);
  const char *copy = net_arena_copy(arena, text ? text : "{}", text ? strlen(text) : 2);
  free(text);
  json_decref(machine);
  return copy;
}
