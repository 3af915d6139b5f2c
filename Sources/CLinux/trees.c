#define _GNU_SOURCE 1
#include "clinux_trees.h"

#include "clinux_files.h"
#include "clinux_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define INSIDE (CLINUX_RESOLVE_IN_ROOT | CLINUX_RESOLVE_NO_MAGICLINKS | CLINUX_RESOLVE_NO_SYMLINKS)

#define BENEATH \
    (CLINUX_RESOLVE_BENEATH | CLINUX_RESOLVE_NO_MAGICLINKS | CLINUX_RESOLVE_NO_SYMLINKS | CLINUX_RESOLVE_NO_XDEV)

static int close_keeping_errno(int fd, int result) {
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

// The directory that holds the last component of `path`, whose place in `path` goes to `name`.
static int open_parent(int root, const char *path, const char **name) {
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || slash[1] == '\0') {
        errno = EINVAL;
        return -1;
    }
    size_t length = (size_t)(slash - path);
    if (length + 2 > sizeof parent) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(parent, path, length);
    memcpy(parent + length, length ? "" : "/", length ? 1 : 2);
    *name = slash + 1;
    return clinux_openat2(root, parent, O_PATH | O_DIRECTORY, 0, INSIDE);
}

int clinux_tree_directory(int root, const char *path, uint32_t mode) {
    const char *name;
    int parent = open_parent(root, path, &name);
    if (parent < 0) return -1;
    int result = mkdirat(parent, name, mode);
    if (result < 0 && errno == EEXIST) result = 0;
    // mkdirat applies the umask. A link in the directory's place is refused by the next use of it.
    if (result == 0) result = fchmodat(parent, name, mode, 0);
    return close_keeping_errno(parent, result);
}

int clinux_tree_symlink(int root, const char *path, const char *target) {
    const char *name;
    int parent = open_parent(root, path, &name);
    if (parent < 0) return -1;
    return close_keeping_errno(parent, symlinkat(target, parent, name));
}

int clinux_tree_file(int root, const char *path, uint32_t mode, const void *bytes, size_t count) {
    const char *name;
    int parent = open_parent(root, path, &name);
    if (parent < 0) return -1;
    int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    close_keeping_errno(parent, 0);
    if (fd < 0) return -1;
    int result = fchmod(fd, mode);
    for (size_t done = 0; result == 0 && done < count;) {
        ssize_t written = write(fd, (const char *)bytes + done, count - done);
        if (written < 0) result = -1;
        else done += (size_t)written;
    }
    return close_keeping_errno(fd, result);
}

int clinux_tree_open(int root, const char *path) {
    return clinux_openat2(root, path, O_PATH | O_NOFOLLOW, 0, INSIDE);
}

int clinux_stored_entry(const char *tree, uint64_t device, uint64_t inode, const char *name, int directory) {
    int top = clinux_openat2(AT_FDCWD, tree, O_PATH | O_DIRECTORY, 0, CLINUX_RESOLVE_NO_MAGICLINKS);
    if (top < 0) return -1;
    struct stat status;
    // By number, because a path can come to mean another directory between a look and its use.
    if (fstat(top, &status) < 0 || status.st_dev != device || status.st_ino != inode) {
        close(top);
        errno = ESTALE;
        return -1;
    }
    int flags = O_PATH | O_NOFOLLOW | (directory ? O_DIRECTORY : 0);
    int fd = clinux_openat2(top, name, (uint64_t)flags, 0, BENEATH);
    close_keeping_errno(top, 0);
    if (fd < 0 || directory) return fd;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
    errno = EINVAL;
    return close_keeping_errno(fd, -1);
}

int clinux_open_source(const char *path, uint64_t device, uint64_t inode, int directory) {
    uint64_t bounds = CLINUX_RESOLVE_NO_SYMLINKS | CLINUX_RESOLVE_NO_MAGICLINKS;
    int fd = clinux_openat2(AT_FDCWD, path, O_PATH | O_NOFOLLOW, 0, bounds);
    if (fd < 0) return -1;
    struct stat status;
    if (fstat(fd, &status) < 0) return close_keeping_errno(fd, -1);
    int error = 0;
    if (status.st_dev != device || status.st_ino != inode) error = ESTALE;
    else if (directory ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode)) error = EINVAL;
    if (!error) return fd;
    close(fd);
    errno = error;
    return -1;
}

int clinux_is_directory(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

int clinux_check_device(int fd, uint32_t device_major, uint32_t device_minor) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -1;
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(device_major, device_minor)) return 0;
    errno = ENODEV;
    return -1;
}

int clinux_open_device(const char *name) {
    char path[64];
    if (snprintf(path, sizeof path, "/dev/%s", name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int clinux_open_null(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOFOLLOW); }

int clinux_listen_at(const char *path, uint32_t mode, int backlog) {
    const char *name;
    int fd = clinux_unix_socket(1), root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || root < 0) return -1;
    int parent = open_parent(root, path, &name);
    // bind takes a path only: a name relative to the directory keeps it short and is resolved
    // nowhere else.
    int result = parent < 0 ? -1 : fchdir(parent);
    if (result == 0) result = clinux_unix_bind(fd, name);
    if (result == 0) result = fchmodat(parent, name, mode, 0);
    if (result == 0) result = listen(fd, backlog);
    if (result == 0) result = fchdir(root);
    close_keeping_errno(root, 0);
    if (parent >= 0) close_keeping_errno(parent, 0);
    return result == 0 ? fd : close_keeping_errno(fd, -1);
}

int clinux_fchdir(int fd) { return fchdir(fd); }

int clinux_close(int fd) { return close(fd); }

void clinux_umask(uint32_t mask) { umask(mask); }

ssize_t clinux_write(int fd, const void *bytes, size_t count) { return write(fd, bytes, count); }

int clinux_errno(void) { return errno; }

const void *clinux_map(int fd, size_t limit, size_t *size) {
    struct stat status;
    if (fstat(fd, &status) < 0) return NULL;
    if (status.st_size <= 0 || (uint64_t)status.st_size > limit) {
        errno = EFBIG;
        return NULL;
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) return NULL;
    *size = (size_t)status.st_size;
    return bytes;
}

void clinux_unmap(const void *bytes, size_t size) { munmap((void *)(uintptr_t)bytes, size); }

int clinux_poll_two(int first, int second) {
    struct pollfd fds[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR) return -1;
    return (fds[0].revents ? 1 : 0) | (fds[1].revents ? 2 : 0);
}

void clinux_exit_now(int status) { _exit(status); }
