// The floor of a launch: what starting a sandbox costs a resident program that has the root, the filter
// and itself ready. It has namespaces, two ids and a filter, and no cgroup, landlock, masks or report.
#define _GNU_SOURCE
#include "CYardstick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Nobody sees these but the program itself: /tmp is a file system of its own by then.
static const char root[] = "/tmp/root", workspace[] = "/tmp/workspace";
// Two ids outside of the range that corral takes its own from.
static const char ids[] = "0 270000 1\n1000 270001 1\n";
enum { inside_id = 1000, failed = 99 };

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int bind_device(const char *name) {
    char from[64], to[64];
    snprintf(from, sizeof from, "/dev/%s", name);
    snprintf(to, sizeof to, "dev/%s", name);
    int file = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) return -1;
    close(file);
    return mount(from, to, NULL, MS_BIND, NULL);
}

static int make_directories(void) {
    static const char *const names[] = {"usr", "proc", "tmp", "workspace", "dev", "etc"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (mkdir(names[i], 0755) < 0) return -1;
    return symlink("usr/lib", "lib") < 0 || symlink("usr/lib64", "lib64") < 0 ? -1 : 0;
}

int yardstick_floor_prepare(void) {
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") < 0) return -1;
    if (mkdir(workspace, 0755) < 0 || chmod(workspace, 0777) < 0 || mkdir(root, 0755) < 0) return -1;
    if (mount("tmpfs", root, "tmpfs", MS_NOSUID, "size=1m") < 0 || chdir(root) < 0) return -1;
    if (make_directories() < 0 || mount("/usr", "usr", NULL, MS_BIND, NULL) < 0) return -1;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (bind_device(devices[i]) < 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    return mount_setattr(AT_FDCWD, root, AT_RECURSIVE, &attributes, sizeof attributes);
}

/// A new file system of a kind, in no place yet; -1 for failure.
static int new_mount(const char *kind) {
    int context = fsopen(kind, FSOPEN_CLOEXEC);
    if (context < 0) return -1;
    int made = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    int mounted = made < 0 ? -1 : fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    close(context);
    return mounted;
}

static int attach(int mounted, int tree, const char *place) {
    if (mounted < 0) return -1;
    return move_mount(mounted, "", tree, place, MOVE_MOUNT_F_EMPTY_PATH);
}

/// Says which call failed; does not return.
static void fail(const char *call) {
    dprintf(2, "the floor program: %s: %s\n", call, strerror(errno));
    _exit(failed);
}

/// The child, up to the exec; `gate` says when its ids are mapped.
static void enter(int tree, int work, int gate, const struct yardstick_filter *filter) {
    char byte;
    if (read(gate, &byte, 1) != 1) fail("waiting for the ids");
    // Over /tmp, which is in the way of nobody: it is the launcher's own and about to go.
    if (move_mount(tree, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) < 0) fail("placing the root");
    if (attach(new_mount("proc"), tree, "proc") < 0) fail("mounting proc");
    if (attach(new_mount("tmpfs"), tree, "tmp") < 0) fail("mounting tmp");
    if (attach(work, tree, "workspace") < 0) fail("mounting the workspace");
    if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) fail("pivot_root");
    if (umount2(".", MNT_DETACH) < 0 || chdir("/workspace") < 0) fail("leaving the old root");
    if (sethostname("sandbox", 7) < 0) fail("sethostname");
    if (setresgid(inside_id, inside_id, inside_id) < 0 || setresuid(inside_id, inside_id, inside_id) < 0)
        fail("taking the ids");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no-new-privs");
    struct sock_fprog program = {
        .len = filter->instructions, .filter = (struct sock_filter *)filter->bytes};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) fail("seccomp");
    char *const arguments[] = {"true", NULL}, *const environment[] = {NULL};
    execve("/usr/bin/true", arguments, environment);
    fail("exec");
}

static int write_file(long pid, const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = write(file, text, strlen(text));
    close(file);
    return count == (ssize_t)strlen(text) ? 0 : -1;
}

/// Lets the child go once its ids are mapped, and waits for its end.
static int see_off(long pid, int gate) {
    int mapped = write_file(pid, "uid_map", ids) == 0 && write_file(pid, "gid_map", ids) == 0;
    if (!mapped || write(gate, "", 1) != 1) kill((pid_t)pid, SIGKILL);
    int status = 0;
    if (waitpid((pid_t)pid, &status, 0) < 0) return -1;
    if (status == 0) return 0;
    errno = EPROTO;
    return -1;
}

static int launch(int tree, int work, const struct yardstick_filter *filter) {
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) < 0) return -1;
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
            CLONE_NEWCGROUP | CLONE_NEWNET,
        .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) {
        // Or it would wait for itself, should the launcher die.
        close(gate[1]);
        enter(tree, work, gate[0], filter);
    }
    close(gate[0]);
    int result = pid < 0 ? -1 : see_off(pid, gate[1]);
    close(gate[1]);
    return result;
}

int64_t yardstick_floor_launch(struct yardstick_filter filter) {
    uint64_t start = now();
    int tree = open_tree(AT_FDCWD, root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) return -1;
    int result = -1;
    int work = open_tree(AT_FDCWD, workspace, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (work >= 0) result = launch(tree, work, &filter);
    if (work >= 0) close(work);
    close(tree);
    return result < 0 ? -1 : (int64_t)(now() - start);
}
