/*
 * An LD_PRELOAD library between a process and the files under FAULTS_FOLDER.
 *
 * FAULTS_LOG      appends every change of a file or a name, every sync, and everything the process prints, in order.
 *                 disk.ts computes from it what a disk may hold after a power cut.
 * FAULTS_CONTROL  while this file exists, calls fail as its one line says: "OPERATIONS ERRNO FIRST COUNT PART".
 *                 OPERATIONS are joined by "+"; the FIRST-th matching call fails (from 1) and the COUNT - 1 after it (0: all).
 *                 PART is a part of the path, or "/" for every path; "PART$" is its end. A new file starts a new count.
 *                 Each failed call appends "OPERATION PATH" to FAULTS_CONTROL.hits.
 *
 * Syncs only appear in the log. A process killed with SIGKILL keeps its pages in the kernel, so that no test waits for a disk.
 * The -shm file is memory that SQLite shares, and builds again after a crash: it is not logged.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))next(#name))
#define MAX_FILES 65536

enum record { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_NAMES, UNLINK, RENAME, PRINT, MKDIR, LINK };

/* As disk.ts reads it. The payload of `length` bytes follows: data, a path, or two paths separated by a zero byte. */
struct header {
  uint32_t length, record;
  uint64_t inode, offset;
};

struct file {
  char *path;
  dev_t device;
  ino_t inode;
};

static char folder[PATH_MAX], control[PATH_MAX], hits[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;
static struct file files[MAX_FILES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

__attribute__((constructor)) static void start(void) {
  const char *value = getenv("FAULTS_FOLDER");
  if (!value || !realpath(value, folder)) return;
  folder_length = strlen(folder);
  if ((value = getenv("FAULTS_CONTROL"))) {
    snprintf(control, sizeof control, "%s", value);
    snprintf(hits, sizeof hits, "%.4000s.hits", value);
  }
  if ((value = getenv("FAULTS_LOG"))) {
    int fd = REAL(open)(value, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    /* A high number: programs expect low numbers for their own files. */
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 1000);
    close(fd);
  }
}

/* Whether `path` is under the folder; `full` gets its absolute form, without links in its folders. */
static int inside(const char *path, char *full) {
  if (!folder_length || !path) return 0;
  int error = errno, found = 0;
  char parent[PATH_MAX], resolved[PATH_MAX];
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (!slash) strcpy(parent, ".");
  else snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
  if (realpath(parent, resolved)) {
    snprintf(full, PATH_MAX, "%.3000s%s%.1000s", resolved, *name ? "/" : "", name);
    found = !strncmp(full, folder, folder_length) && (full[folder_length] == '/' || !full[folder_length]);
  }
  errno = error;
  return found;
}

static int is_shared_memory(const char *path) {
  size_t length = strlen(path);
  return length > 4 && !strcmp(path + length - 4, "-shm");
}

/* The file that `fd` is, if it is one of the folder. The table may be stale: libuv closes without close(). */
static struct file *file_of(int fd) {
  struct stat now;
  if (fd < 0 || fd >= MAX_FILES || !files[fd].path) return NULL;
  int error = errno, same = !fstat(fd, &now) && now.st_dev == files[fd].device && now.st_ino == files[fd].inode;
  errno = error;
  return same ? &files[fd] : NULL;
}

/* Logged before it is done, by one write: a kill leaves at most an unfinished last record of a change that was not done. */
static void note(enum record record, ino_t inode, uint64_t offset, const void *data, size_t length) {
  if (log_fd < 0) return;
  int error = errno;
  struct header header = {(uint32_t)length, record, inode, offset};
  struct iovec parts[] = {{&header, sizeof header}, {(void *)data, length}};
  if (REAL(writev)(log_fd, parts, 2) != (ssize_t)(sizeof header + length)) abort();
  errno = error;
}

static void note_of(struct file *file, enum record record, uint64_t offset, const void *data, size_t length) {
  if (!is_shared_memory(file->path)) note(record, file->inode, offset, data, length);
}

static int is_meant(const char *path, const char *part) {
  size_t wanted = strlen(part) - 1, length = strlen(path);
  if (part[wanted] != '$') return strstr(path, part) != NULL;
  return length >= wanted && !strncmp(path + length - wanted, part, wanted);
}

/* Whether this call fails, with errno set. The caller holds the mutex. */
static int fails(const char *operation, const char *path) {
  static struct timespec written;
  static ino_t version;
  static char operations[200], part[PATH_MAX];
  static int code, first, count, calls;
  struct stat now;
  int error = errno;
  if (!control[0]) return 0;
  if (stat(control, &now)) return errno = error, 0;
  if (now.st_ino != version || memcmp(&now.st_mtim, &written, sizeof written)) {
    FILE *file = fopen(control, "re");
    if (!file || fscanf(file, "%199s %d %d %d %4095s", operations, &code, &first, &count, part) != 5) abort();
    fclose(file);
    version = now.st_ino, written = now.st_mtim, calls = 0;
  }
  errno = error;
  char wanted[220], asked[60];
  snprintf(wanted, sizeof wanted, "+%s+", operations);
  snprintf(asked, sizeof asked, "+%s+", operation);
  if (!strstr(wanted, asked) || !is_meant(path, part)) return 0;
  calls++;
  if (calls < first || (count && calls >= first + count)) return 0;
  int fd = REAL(open)(hits, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  dprintf(fd, "%s %s\n", operation, path);
  close(fd);
  errno = code;
  return 1;
}

#define LOCKED __attribute__((cleanup(unlock))) int locked = pthread_mutex_lock(&mutex); (void)locked
static void unlock(int *ignored) {
  (void)ignored;
  int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
}

static int open_file(const char *path, int flags, mode_t mode) {
  char full[PATH_MAX];
  if (!inside(path, full)) return REAL(open)(path, flags, mode);
  LOCKED;
  struct stat found;
  int error = errno, is_new = (flags & O_CREAT) && lstat(full, &found);
  errno = error;
  if (fails("open", full)) return -1;
  if ((flags & O_ACCMODE) != O_RDONLY && fails("open-to-write", full)) return -1;
  if (is_new && fails("create", full)) return -1;
  int fd = REAL(open)(path, flags, mode);
  if (fd < 0 || fd >= MAX_FILES || fstat(fd, &found)) return fd;
  free(files[fd].path);
  files[fd] = (struct file){strdup(full), found.st_dev, found.st_ino};
  if (is_new) note_of(&files[fd], CREATE, 0, full, strlen(full));
  else if (flags & O_TRUNC) note_of(&files[fd], TRUNCATE, 0, NULL, 0);
  return fd;
}

static mode_t mode_of(int flags, va_list more) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; }

#define OPEN(...) \
  va_list more; \
  va_start(more, flags); \
  mode_t mode = mode_of(flags, more); \
  va_end(more); \
  __VA_ARGS__

int open(const char *path, int flags, ...) { OPEN(return open_file(path, flags, mode);) }
int open64(const char *path, int flags, ...) { OPEN(return open_file(path, flags, mode);) }
int openat(int at, const char *path, int flags, ...) {
  OPEN(return at == AT_FDCWD || path[0] == '/' ? open_file(path, flags, mode) : REAL(openat)(at, path, flags, mode);)
}

static ssize_t write_at(struct file *file, int fd, const void *data, size_t length, off64_t offset) {
  LOCKED;
  struct stat now;
  if (fails("write", file->path)) return -1;
  if (!fstat(fd, &now) && offset + (off64_t)length > now.st_size && fails("extend", file->path)) return -1;
  note_of(file, WRITE, offset, data, length);
  return REAL(pwrite64)(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  struct file *file = file_of(fd);
  return file ? write_at(file, fd, data, length, offset) : REAL(pwrite64)(fd, data, length, offset);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
  struct file *file = file_of(fd);
  if (!file) {
    if (fd == STDOUT_FILENO && folder_length) {
      LOCKED;
      note(PRINT, 0, 0, data, length);
    }
    return REAL(write)(fd, data, length);
  }
  off64_t offset = lseek64(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
  ssize_t done = write_at(file, fd, data, length, offset);
  if (done > 0) lseek64(fd, offset + done, SEEK_SET);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!file_of(fd)) return REAL(writev)(fd, parts, count);
  ssize_t sum = 0;
  for (int n = 0; n < count; n++) {
    ssize_t done = write(fd, parts[n].iov_base, parts[n].iov_len);
    if (done < 0) return sum ? sum : -1;
    sum += done;
  }
  return sum;
}

static int fails_to_read(int fd) {
  struct file *file = file_of(fd);
  if (!file) return 0;
  LOCKED;
  return fails("read", file->path);
}

ssize_t pread64(int fd, void *data, size_t length, off64_t offset) {
  return fails_to_read(fd) ? -1 : REAL(pread64)(fd, data, length, offset);
}
ssize_t pread(int fd, void *data, size_t length, off_t offset) { return pread64(fd, data, length, offset); }
ssize_t read(int fd, void *data, size_t length) { return fails_to_read(fd) ? -1 : REAL(read)(fd, data, length); }

int ftruncate64(int fd, off64_t length) {
  struct file *file = file_of(fd);
  if (!file) return REAL(ftruncate64)(fd, length);
  LOCKED;
  if (fails("truncate", file->path)) return -1;
  note_of(file, TRUNCATE, length, NULL, 0);
  return REAL(ftruncate64)(fd, length);
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_file(struct file *file, int fd) {
  struct stat now;
  LOCKED;
  if (fails("sync", file->path)) return -1;
  if (!fstat(fd, &now) && S_ISDIR(now.st_mode)) note(SYNC_NAMES, 0, 0, file->path, strlen(file->path));
  else note_of(file, SYNC, 0, NULL, 0);
  return 0;
}

int fsync(int fd) {
  struct file *file = file_of(fd);
  return file ? sync_file(file, fd) : REAL(fsync)(fd);
}
int fdatasync(int fd) {
  struct file *file = file_of(fd);
  return file ? sync_file(file, fd) : REAL(fdatasync)(fd);
}

int unlink(const char *path) {
  char full[PATH_MAX];
  if (!inside(path, full)) return REAL(unlink)(path);
  LOCKED;
  if (fails("unlink", full)) return -1;
  if (!access(full, F_OK) && !is_shared_memory(full)) note(UNLINK, 0, 0, full, strlen(full));
  return REAL(unlink)(path);
}

int rename(const char *from, const char *to) {
  char paths[2 * PATH_MAX], target[PATH_MAX];
  if (!inside(from, paths) || !inside(to, target)) return REAL(rename)(from, to);
  LOCKED;
  if (fails("rename", paths)) return -1;
  size_t length = strlen(paths) + 1;
  strcpy(paths + length, target);
  if (!access(from, F_OK)) note(RENAME, 0, 0, paths, length + strlen(target));
  return REAL(rename)(from, to);
}

int link(const char *from, const char *to) {
  char paths[2 * PATH_MAX], target[PATH_MAX];
  if (!inside(from, paths) || !inside(to, target)) return REAL(link)(from, to);
  LOCKED;
  if (fails("link", paths)) return -1;
  size_t length = strlen(paths) + 1;
  strcpy(paths + length, target);
  if (!access(from, F_OK) && access(to, F_OK)) note(LINK, 0, 0, paths, length + strlen(target));
  return REAL(link)(from, to);
}

int mkdir(const char *path, mode_t mode) {
  char full[PATH_MAX];
  if (!inside(path, full)) return REAL(mkdir)(path, mode);
  LOCKED;
  if (fails("mkdir", full)) return -1;
  if (access(full, F_OK)) note(MKDIR, 0, 0, full, strlen(full));
  return REAL(mkdir)(path, mode);
}

int fcntl64(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  void *argument = va_arg(more, void *);
  va_end(more);
  struct file *file = command == F_SETLK || command == F_SETLKW ? file_of(fd) : NULL;
  if (file && ((struct flock *)argument)->l_type != F_UNLCK) {
    LOCKED;
    if (fails("lock", file->path)) return -1;
  }
  return REAL(fcntl64)(fd, command, argument);
}
