/* One process at a time goes on with an experiment: a lock beside the record, which dies with its process. */
#include "record/database.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *lock_path(rc_db *db, int64_t id) {
  return net_arena_format(&db->n->arena, "%s/experiment.%lld.lock", db->folder, (long long)id);
}

/* A lock on a file that still has its name: whoever lets go removes it. */
static int try_lock(const char *path) {
  struct stat mine, named;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return -1;
  if (!flock(fd, LOCK_EX | LOCK_NB)) {
    if (!fstat(fd, &mine) && !stat(path, &named) && mine.st_ino == named.st_ino &&
        mine.st_dev == named.st_dev)
      return fd;
    errno = EWOULDBLOCK;
  }
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

/* Children of a process that was killed die a little later than it. */
bool rc_hold(rc_db *db, int64_t id) {
  if (db->held == id) return true;
  rc_release(db);
  const char *path = lock_path(db, id);
  for (int waited = 0; waited < 3000; waited += 20) {
    if ((db->lock = try_lock(path)) >= 0) return db->held = id, true;
    if (errno != EWOULDBLOCK) return rc_refuse(db, "cannot lock %s: %s", path, strerror(errno));
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
  return rc_refuse(db, "another process is at work on experiment %lld", (long long)id);
}

void rc_release(rc_db *db) {
  if (db->lock < 0) return;
  unlink(lock_path(db, db->held));
  close(db->lock);
  db->lock = -1;
  db->held = 0;
}
