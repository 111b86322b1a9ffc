/*
 * Lets one system call of a process fail, hang or lie. Loaded with LD_PRELOAD.
 *
 *   CORDON_FAULT_UNDER   colon-separated absolute prefixes; only calls about paths below them count
 *   CORDON_FAULT_MOVE    FROM=TO: paths at or below FROM are looked up below TO, for files that
 *                        have to lie in a place of the system
 *   CORDON_FAULT_LOG     a file to which every counted call is written: `KIND PATH`
 *   CORDON_FAULT         KIND:N:ACTION: what becomes of the Nth call of a kind (from 1; 0 = all)
 *
 * ACTION: the name of an error; `hang`; `cut`: the file seems to end three bytes before its end;
 * `short`: some bytes now and the rest with the next call; `drop`: what is written is thrown away;
 * `target`: a link leads to the directory its target lies in; `file`: whatever it is, it seems to be
 * a regular file. Starting programs (`fork`, `exec`, `pipe`) counts without a path.
 *
 * The variables are taken away before the program sees them: its children run without this.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[8192], from[4096], to[4096], kind_wanted[32], action[32];
static long wanted = -1, seen;
static int log_fd = -1, error_wanted, cut_fd = -1;

static const struct { const char *name; int number; } ERRORS[] = {
    {"EACCES", EACCES}, {"EIO", EIO},       {"ENOENT", ENOENT}, {"ELOOP", ELOOP},
    {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"EAGAIN", EAGAIN},
    {"ENOTDIR", ENOTDIR}, {"EROFS", EROFS}, {"EPERM", EPERM},   {"EINTR", EINTR},
};

static void take(char *into, size_t size, const char *name) {
  const char *value = getenv(name);
  if (value != NULL) snprintf(into, size, "%s", value);
  unsetenv(name);
}

__attribute__((constructor)) static void begin(void) {
  char file[4096] = "", fault[128] = "", move[8192] = "";
  take(under, sizeof under, "CORDON_FAULT_UNDER");
  take(move, sizeof move, "CORDON_FAULT_MOVE");
  take(file, sizeof file, "CORDON_FAULT_LOG");
  take(fault, sizeof fault, "CORDON_FAULT");
  unsetenv("LD_PRELOAD");
  char *equals = strchr(move, '=');
  if (equals != NULL) {
    *equals = 0;
    snprintf(from, sizeof from, "%.4095s", move);
    snprintf(to, sizeof to, "%.4095s", equals + 1);
  }
  if (*file != 0)
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (sscanf(fault, "%31[^:]:%ld:%31s", kind_wanted, &wanted, action) != 3) wanted = -1;
  for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
    if (strcmp(ERRORS[i].name, action) == 0) error_wanted = ERRORS[i].number;
}

static int below(const char *path, const char *prefix, size_t length) {
  return strncmp(path, prefix, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static int counts(const char *path) {
  for (const char *at = under; *at != 0;) {
    size_t length = strcspn(at, ":");
    if (length > 0 && below(path, at, length)) return 1;
    at += length + (at[length] == ':');
  }
  return 0;
}

/* The path as it is looked up. */
static const char *moved(const char *path, char *buffer) {
  if (path == NULL || *from == 0 || !below(path, from, strlen(from))) return path;
  snprintf(buffer, PATH_MAX, "%s%s", to, path + strlen(from));
  return buffer;
}

static void stop(void) {
  for (;;) syscall(SYS_pause);
}

/* True when this is the call that is meant. Hangs where it is told to. */
static int met(const char *kind, const char *path) {
  if (path == NULL || !counts(path)) return 0;
  if (log_fd >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", kind, path);
    syscall(SYS_write, log_fd, line, (size_t)length);
  }
  if (wanted < 0 || strcmp(kind, kind_wanted) != 0) return 0;
  seen++;
  if (wanted != 0 && seen != wanted) return 0;
  if (strcmp(action, "hang") == 0) stop();
  return 1;
}

static int met_fd(const char *kind, int fd) {
  char name[64], path[PATH_MAX];
  if (fd < 0 || fd == log_fd) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return met(kind, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(test) \
  do { \
    if ((test) && error_wanted != 0) { \
      errno = error_wanted; \
      return -1; \
    } \
  } while (0)

/* --- looking --- */

static long look(int dir, const char *path, int flags, unsigned mask, struct statx *out) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  int hit = at != NULL && *at == '/' ? met("stat", at) : path != NULL && *path == 0 ? met_fd("fstat", dir) : 0;
  FAIL_IF(hit);
  long result = syscall(SYS_statx, dir, at, flags, mask, out);
  if (hit && result == 0 && strcmp(action, "file") == 0)
    out->stx_mode = (unsigned short)((out->stx_mode & ~S_IFMT) | S_IFREG);
  return result;
}

int statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict out) {
  return (int)look(dir, path, flags, mask, out);
}

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  static long (*real)(long, ...);
  if (real == NULL) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  static __thread int inside;
  if (number == SYS_statx && !inside) {
    inside = 1;
    long result = look((int)a[0], (const char *)a[1], (int)a[2], (unsigned)a[3], (struct statx *)a[4]);
    inside = 0;
    return result;
  }
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int access(const char *path, int mode) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  FAIL_IF(met("stat", at));
  return REAL(access)(at, mode);
}

ssize_t readlink(const char *restrict path, char *restrict out, size_t size) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  int hit = met("readlink", at);
  FAIL_IF(hit);
  ssize_t length = REAL(readlink)(at, out, size);
  if (hit && length > 0 && strcmp(action, "target") == 0) {
    while (length > 1 && out[length - 1] != '/') length--;
    if (length > 1) length--;
  }
  return length;
}

char *realpath(const char *restrict path, char *restrict out) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  if (met("realpath", at) && error_wanted != 0) {
    errno = error_wanted;
    return NULL;
  }
  return REAL(realpath)(at, out);
}

typedef int (*filter_t)(const struct dirent64 *);
typedef int (*order_t)(const struct dirent64 **, const struct dirent64 **);

int scandir64(const char *restrict path, struct dirent64 ***restrict list, filter_t filter, order_t order) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  FAIL_IF(met("readdir", at));
  return REAL(scandir64)(at, list, filter, order);
}

int scandir(const char *restrict path, struct dirent ***restrict list, int (*filter)(const struct dirent *),
            int (*order)(const struct dirent **, const struct dirent **)) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  FAIL_IF(met("readdir", at));
  return REAL(scandir)(at, list, filter, order);
}

/* --- opening, reading, writing --- */

static int opening(const char *name, int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char *at = moved(path, buffer);
  (void)name;
  FAIL_IF(met("open", at));
  int fd = real(at, flags, mode);
  if (fd >= 0 && fd == cut_fd) cut_fd = -1;
  return fd;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0; \
    va_end(list); \
    return opening(#name, (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name), path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

/* What is left of a read of `size` bytes; -1 = an error, 0 = as it is. */
static ssize_t reading(int fd, size_t *size) {
  if (fd >= 0 && fd == cut_fd) {
    *size = 0;
    return 1;
  }
  if (!met_fd("read", fd)) return 0;
  if (error_wanted != 0) return -1;
  struct stat st;
  size_t all = fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 2;
  if (strcmp(action, "cut") == 0) {
    cut_fd = fd;
    all = all > 3 ? all - 3 : 0;
    if (*size > all) *size = all;
    return 1;
  }
  if (strcmp(action, "short") == 0 && *size > 1) *size = all / 3 + 1 < *size ? all / 3 + 1 : *size;
  return 1;
}

ssize_t read(int fd, void *out, size_t size) {
  if (reading(fd, &size) < 0) {
    errno = error_wanted;
    return -1;
  }
  return REAL(read)(fd, out, size);
}

ssize_t pread64(int fd, void *out, size_t size, off64_t offset) {
  if (reading(fd, &size) < 0) {
    errno = error_wanted;
    return -1;
  }
  return REAL(pread64)(fd, out, size, offset);
}

ssize_t pread(int fd, void *out, size_t size, off_t offset) { return pread64(fd, out, size, offset); }

static size_t writing(size_t size) {
  return strcmp(action, "short") == 0 && size > 1 ? size / 2 : size;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  int hit = met_fd("write", fd);
  FAIL_IF(hit);
  if (hit && strcmp(action, "drop") == 0) return (ssize_t)size;
  return REAL(write)(fd, bytes, hit ? writing(size) : size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  int hit = met_fd("write", fd);
  FAIL_IF(hit);
  if (hit && strcmp(action, "drop") == 0) return (ssize_t)size;
  return REAL(pwrite64)(fd, bytes, hit ? writing(size) : size, offset);
}

int close(int fd) {
  if (fd >= 0 && fd == cut_fd) cut_fd = -1;
  return REAL(close)(fd);
}

int fsync(int fd) {
  FAIL_IF(met_fd("fsync", fd));
  return REAL(fsync)(fd);
}

int fdatasync(int fd) {
  FAIL_IF(met_fd("fsync", fd));
  return REAL(fdatasync)(fd);
}

int ftruncate64(int fd, off64_t length) {
  FAIL_IF(met_fd("truncate", fd));
  return REAL(ftruncate64)(fd, length);
}

int rename(const char *old, const char *new) {
  FAIL_IF(met("rename", new));
  return REAL(rename)(old, new);
}

int mkdir(const char *path, mode_t mode) {
  FAIL_IF(met("mkdir", path));
  return REAL(mkdir)(path, mode);
}

int unlink(const char *path) {
  FAIL_IF(met("unlink", path));
  return REAL(unlink)(path);
}

/* --- starting programs --- */

/* As `met`, for calls that are about no path. */
static int met_start(const char *kind) {
  if (log_fd >= 0) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s -\n", kind);
    syscall(SYS_write, log_fd, line, (size_t)length);
  }
  if (wanted < 0 || strcmp(kind, kind_wanted) != 0) return 0;
  seen++;
  if (wanted != 0 && seen != wanted) return 0;
  if (strcmp(action, "hang") == 0) stop();
  return 1;
}

pid_t fork(void) {
  FAIL_IF(met_start("fork"));
  return REAL(fork)();
}

int execvp(const char *file, char *const argv[]) {
  FAIL_IF(met_start("exec"));
  return REAL(execvp)(file, argv);
}

int pipe2(int fds[2], int flags) {
  FAIL_IF(met_start("pipe"));
  return REAL(pipe2)(fds, flags);
}

int socketpair(int domain, int type, int protocol, int fds[2]) {
  FAIL_IF(met_start("pipe"));
  return REAL(socketpair)(domain, type, protocol, fds);
}
