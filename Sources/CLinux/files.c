#define _GNU_SOURCE 1
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// Newer than Debian 12's headers.
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int clinux_memfd(const char *name, int executable) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    if (!executable) return memfd_create(name, flags);
    int fd = memfd_create(name, flags | MFD_EXEC);
    // Kernels before 6.3 do not know MFD_EXEC; there every memory file can be executed.
    return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

int clinux_memfd_seal(int fd) {
    int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) == 0) return 0;
    return errno == EINVAL ? fcntl(fd, F_ADD_SEALS, seals) : -1;
}

int clinux_memfd_is_sealed(int fd) {
    int needed = F_SEAL_WRITE | F_SEAL_SHRINK;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & needed) == needed;
}

ssize_t clinux_sendfile(int target, int source, size_t count) {
    return sendfile(target, source, NULL, count);
}

ssize_t clinux_splice(int from, int to, size_t count, unsigned flags) {
    return splice(from, NULL, to, NULL, count, flags);
}

int clinux_close_on_exec_from(unsigned first) {
    return (int)syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
}

int clinux_lock_byte(int fd, int64_t offset) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int clinux_wait_for_byte(int fd, int64_t offset) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return fcntl(fd, F_OFD_SETLKW, &lock);
}

int clinux_unlock_byte(int fd, int64_t offset) {
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int clinux_syncfs(int fd) { return syncfs(fd); }

int clinux_fstat(int fd, struct clinux_stat *result) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -1;
    *result = (struct clinux_stat){
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = (uint64_t)status.st_size,
        .mode = status.st_mode,
        .uid = status.st_uid,
        .gid = status.st_gid,
        .rdev_major = major(status.st_rdev),
        .rdev_minor = minor(status.st_rdev),
    };
    return 0;
}

ssize_t clinux_getdents(int fd, void *buffer, size_t size) {
    return syscall(SYS_getdents64, fd, buffer, size);
}

const char *clinux_errno_name(int error) { return strerrorname_np(error); }
