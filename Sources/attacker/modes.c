// Area A of the attack cases: files with a setuid or setgid bit, which on a directory of the host would hold
// there, in every call that takes a mode.
#include "attacker.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A name of this process's own.
static const char *fresh(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/mode-%d", getpid());
    return path;
}

static int plain_file(void) { return open(fresh(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); }

/// Where a call that sets a mode succeeded: whether the bit is there. Removes what was made.
static const char *marked(long result) {
    struct stat status = {0};
    int error = errno;
    int found = stat(fresh(), &status) == 0;
    unlink(fresh());
    rmdir(fresh());
    errno = error;
    if (result < 0) return outcome(result);
    return found && status.st_mode & 06000 ? "succeeded" : "without the bit";
}

/// Of a file that is there.
#define CHANGE(identifier, ...) \
    static const char *identifier(void) { \
        int file = plain_file(); \
        if (file < 0) return words("no file: %s", outcome(-1)); \
        return marked(syscall(__VA_ARGS__)); \
    }
/// Of a new one.
#define MAKE(identifier, ...) \
    static const char *identifier(void) { return marked(syscall(__VA_ARGS__)); }

static const long here = AT_FDCWD, making = O_RDWR | O_CREAT;

CHANGE(by_fchmod, SYS_fchmod, (long)file, 04755L)
CHANGE(by_fchmod_group, SYS_fchmod, (long)file, 02755L)
CHANGE(by_fchmod_high_bits, SYS_fchmod, (long)file, 1L << 32 | 04755L)
CHANGE(by_fchmodat, SYS_fchmodat, here, fresh(), 04755L)
MAKE(by_openat, SYS_openat, here, fresh(), making, 04755L)
MAKE(by_mkdirat, SYS_mkdirat, here, fresh(), 02755L)
MAKE(by_mknodat, SYS_mknodat, here, fresh(), 0104755L, 0L)

/// From Linux 6.6.
static const char *by_fchmodat2(void) {
    int file = plain_file();
    if (file < 0) return words("no file: %s", outcome(-1));
    long result = syscall(452L, here, fresh(), 06755L, 0L);
    if (result < 0 && errno == ENOSYS) {
        unlink(fresh());
        return "not in this kernel";
    }
    return marked(result);
}

/// A file without a name, given one afterwards.
static const char *by_tmpfile(void) {
    char path[40];
    long file = syscall(SYS_openat, here, "/tmp", (long)(O_TMPFILE | O_RDWR), 04755L);
    if (file < 0) return outcome(file);
    snprintf(path, sizeof path, "/proc/self/fd/%ld", file);
    return marked(linkat(AT_FDCWD, path, AT_FDCWD, fresh(), AT_SYMLINK_FOLLOW));
}

/// Its mode is behind a pointer, where no filter can look.
static const char *by_openat2(void) {
    uint64_t how[3] = {(uint64_t)making, 04755, 0};
    return marked(syscall(SYS_openat2, here, fresh(), how, sizeof how));
}

/// Queues are files too.
static const char *by_mq_open(void) {
    struct stat status = {0};
    long queue = syscall(SYS_mq_open, "corral-mode", making, 04755L, NULL);
    if (queue < 0) return outcome(queue);
    fstat((int)queue, &status);
    syscall(SYS_mq_unlink, "corral-mode");
    return status.st_mode & 06000 ? "succeeded" : "without the bit";
}

#ifdef __x86_64__
CHANGE(by_chmod, SYS_chmod, fresh(), 04755L)
CHANGE(by_chmod_high_bits, SYS_chmod, fresh(), 1L << 32 | 04755L)
MAKE(by_open, SYS_open, fresh(), making, 04755L)
MAKE(by_creat, SYS_creat, fresh(), 04755L)
MAKE(by_mkdir, SYS_mkdir, fresh(), 02755L)
MAKE(by_mknod, SYS_mknod, fresh(), 0104755L, 0L)
#endif

const struct attempt mode_attempts[] = {
#ifdef __x86_64__
    {"setuid-by-chmod", by_chmod},
    {"setuid-by-chmod-high-bits", by_chmod_high_bits},
    {"setuid-by-open", by_open},
    {"setuid-by-creat", by_creat},
    {"setgid-by-mkdir", by_mkdir},
    {"setuid-by-mknod", by_mknod},
#endif
    {"setuid-by-fchmod", by_fchmod},
    {"setgid-by-fchmod", by_fchmod_group},
    {"setuid-by-fchmod-high-bits", by_fchmod_high_bits},
    {"setuid-by-fchmodat", by_fchmodat},
    {"setuid-by-fchmodat2", by_fchmodat2},
    {"setuid-by-openat", by_openat},
    {"setuid-by-tmpfile", by_tmpfile},
    {"setuid-by-openat2", by_openat2},
    {"setgid-by-mkdirat", by_mkdirat},
    {"setuid-by-mknodat", by_mknodat},
    {"setuid-by-mq-open", by_mq_open},
    {NULL, NULL},
};
