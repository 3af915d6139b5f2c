#define _GNU_SOURCE 1
#include "clinux_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// From linux/fcntl.h, which cannot be included beside fcntl.h.
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
// umount2's, from sys/mount.h, which cannot be included beside linux/mount.h.
#define DETACH 2

int clinux_open_tree(int directory, const char *path, int recursive) {
    unsigned flags =
        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0);
    return (int)syscall(SYS_open_tree, directory, path, flags);
}

int clinux_open_tree_at(int fd, int recursive) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return (int)syscall(SYS_open_tree, fd, "", flags);
}

int clinux_move_mount(int mount, int target) {
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return (int)syscall(SYS_move_mount, mount, "", target, "", flags);
}

int clinux_move_mount_path(int mount, const char *path) {
    return (int)syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

int clinux_fsopen(const char *type) { return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC); }

int clinux_fsconfig_string(int fs, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

int clinux_fsconfig_create(int fs) {
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int clinux_fsmount(int fs, unsigned attributes) {
    return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
}

static int set_attributes(int directory, const char *path, unsigned flags, struct mount_attr *attributes) {
    return (int)syscall(SYS_mount_setattr, directory, path, flags, attributes, sizeof *attributes);
}

int clinux_mount_setattr(
    int fd, int recursive, uint64_t set, uint64_t clear, uint64_t propagation, int userns) {
    struct mount_attr attributes = {
        .attr_set = set,
        .attr_clr = clear,
        .propagation = propagation,
        .userns_fd = (set & MOUNT_ATTR_IDMAP) ? (uint64_t)userns : 0,
    };
    return set_attributes(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes);
}

int clinux_mount_setattr_patiently(int fd, int recursive, uint64_t set) {
    const struct timespec pause = {.tv_nsec = 1000000};
    int result;
    for (int left = 200; (result = clinux_mount_setattr(fd, recursive, set, 0, 0, -1)) < 0 && left > 0; left--) {
        if (errno != EBUSY) break;
        nanosleep(&pause, NULL);
    }
    return result;
}

int clinux_set_root_propagation(uint64_t propagation) {
    struct mount_attr attributes = {.propagation = propagation};
    return set_attributes(AT_FDCWD, "/", AT_RECURSIVE, &attributes);
}

int clinux_pivot_to_working_directory(void) {
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -1;
    // The old root lies on top of the new one: "." now names the old root.
    if (syscall(SYS_umount2, ".", DETACH) < 0) return -1;
    return chdir("/");
}

int clinux_unshare(uint64_t flags) { return unshare((int)flags); }

int clinux_enter_mounts(int fd) { return setns(fd, CLONE_NEWNS); }

