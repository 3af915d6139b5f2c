// Area A of the attack cases: system calls that a plugin has no business with.
#include "attacker.h"

#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *unshare_user(void) { return outcome(unshare(CLONE_NEWUSER)); }
static const char *unshare_mount(void) { return outcome(unshare(CLONE_NEWNS)); }

/// The filter sees the low half of a flag word only where it must: garbage above changes nothing.
static const char *clone_user_high_bits(void) {
    long child = syscall(SYS_clone, 1L << 40 | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return outcome(child);
}

static const char *clone3_user(void) {
    unsigned long long arguments[8] = {[0] = CLONE_NEWUSER, [4] = SIGCHLD};
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (child == 0) _exit(0);
    return outcome(child);
}

static const char *ptrace_parent(void) {
    return outcome(ptrace(PTRACE_SEIZE, getppid(), 0, 0));
}

static const char *io_uring_setup(void) {
    char parameters[120] = {0};
    return outcome(syscall(SYS_io_uring_setup, 1, parameters));
}

const struct attempt syscall_attempts[] = {
    {"unshare-user", unshare_user},
    {"unshare-mount", unshare_mount},
    {"clone-user-high-bits", clone_user_high_bits},
    {"clone3-user", clone3_user},
    {"ptrace-parent", ptrace_parent},
    {"io-uring-setup", io_uring_setup},
    {NULL, NULL},
};
