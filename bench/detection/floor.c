/* The least a process can do to see a file: one inotify watch, one blocking read.
   With "read" as second word it also has the file's bytes in hand before it takes the time.
   Prints "ready", then "<name> <nanoseconds of CLOCK_MONOTONIC>" for each file, when its input ends. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

static char names[20000][64];
static long long seen_at[20000];
static char bytes[1 << 20];

static int note(const char *folder, const char *name, int reads, int seen) {
  struct timespec now;
  if (reads) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY | O_NOFOLLOW);
    ssize_t length = file < 0 ? 0 : read(file, bytes, sizeof bytes);
    if (file >= 0) close(file);
    if (length <= 0 || !memchr(bytes, '}', length)) return seen;
  }
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(names[seen], sizeof names[seen], "%s", name);
  seen_at[seen] = now.tv_sec * 1000000000LL + now.tv_nsec;
  return seen + 1;
}

int main(int count, char **words) {
  char buffer[65536] __attribute__((aligned(8)));
  int seen = 0, notify = inotify_init();
  if (count < 2 || inotify_add_watch(notify, words[1], IN_CLOSE_WRITE | IN_MOVED_TO) < 0) return 1;
  puts("ready");
  fflush(stdout);
  struct pollfd sources[2] = {{notify, POLLIN, 0}, {0, POLLIN, 0}};
  while (poll(sources, 2, -1) > 0) {
    if (sources[0].revents) {
      ssize_t length = read(notify, buffer, sizeof buffer);
      for (char *at = buffer; at < buffer + length;) {
        struct inotify_event *event = (struct inotify_event *)at;
        if (seen < 20000 && event->len > 0 && event->name[0] != '.')
          seen = note(words[1], event->name, count > 2, seen);
        at += sizeof *event + event->len;
      }
    } else if (sources[1].revents) {
      break;
    }
  }
  for (int i = 0; i < seen; i++) printf("%s %lld\n", names[i], seen_at[i]);
  return 0;
}
