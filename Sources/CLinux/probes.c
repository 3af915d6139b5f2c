#define _GNU_SOURCE 1
#include "clinux_probes.h"

#include "clinux_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(struct clinux_probe_result *result, const char *call) {
    result->call = call;
    result->error = errno;
    return -1;
}

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t count = write(fd, text, strlen(text));
    int error = errno;
    close(fd);
    errno = error;
    return count < 0 ? -1 : 0;
}

/// New namespaces with the caller as their root.
static int enter(struct clinux_probe_result *result, uint64_t namespaces) {
    char map[64];
    snprintf(map, sizeof map, "0 %u 1\n", (unsigned)geteuid());
    if (unshare(CLONE_NEWUSER) < 0) return failed(result, "unshare(CLONE_NEWUSER)");
    if (write_file("/proc/self/uid_map", map) < 0) return failed(result, "write to uid_map");
    if (unshare((int)namespaces) < 0) return failed(result, "unshare");
    if (clinux_set_root_propagation(CLINUX_PROPAGATION_PRIVATE) < 0)
        return failed(result, "mount_setattr(propagation)");
    return 0;
}

static int try_mount_api(struct clinux_probe_result *result) {
    int fs = clinux_fsopen("tmpfs");
    if (fs < 0) return failed(result, "fsopen");
    if (clinux_fsconfig_create(fs) < 0) return failed(result, "fsconfig");
    int mount = clinux_fsmount(fs, CLINUX_MOUNT_NODEV);
    if (mount < 0) return failed(result, "fsmount");
    int tree = clinux_open_tree(AT_FDCWD, "/", 1);
    if (tree < 0) return failed(result, "open_tree");
    if (clinux_mount_setattr(tree, 1, CLINUX_MOUNT_RDONLY, 0, 0, -1) < 0)
        return failed(result, "mount_setattr");
    if (clinux_move_mount_path(mount, "/") < 0) return failed(result, "move_mount");
    return 0;
}

static int try_proc(struct clinux_probe_result *result) {
    int fs = clinux_fsopen("proc");
    if (fs < 0) return failed(result, "fsopen");
    if (clinux_fsconfig_create(fs) < 0) return failed(result, "mount of proc");
    if (clinux_fsmount(fs, CLINUX_MOUNT_NODEV) < 0) return failed(result, "mount of proc");
    return 0;
}

/// In the child. The new pid namespace begins with its next child.
static void child(enum clinux_probe what, int report) {
    struct clinux_probe_result result = {0};
    uint64_t namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    if (enter(&result, namespaces) == 0) {
        pid_t inner = fork();
        if (inner < 0) failed(&result, "fork");
        if (inner == 0) {
            if (what == CLINUX_PROBE_MOUNT_API) try_mount_api(&result);
            if (what == CLINUX_PROBE_PROC) try_proc(&result);
            _exit(write(report, &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
        }
        if (inner > 0) {
            while (waitpid(inner, NULL, 0) < 0 && errno == EINTR) continue;
            return;
        }
    }
    if (write(report, &result, sizeof result) < 0) return;
}

int clinux_probe(enum clinux_probe what, struct clinux_probe_result *result) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    pid_t pid = fork();
    if (pid == 0) {
        child(what, ends[1]);
        _exit(0);
    }
    int error = errno;
    close(ends[1]);
    // A pointer to static text is the same in the child.
    ssize_t count = pid < 0 ? -1 : read(ends[0], result, sizeof *result);
    close(ends[0]);
    if (pid > 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    errno = pid < 0 ? error : EIO;
    return count == (ssize_t)sizeof *result ? 0 : -1;
}

int clinux_seccomp_action(uint32_t action) {
    return (int)syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

int clinux_clock_state(void) {
    struct timex nothing = {0};
    return adjtimex(&nothing);
}
