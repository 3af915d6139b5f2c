// Area A of the attack cases: namespaces, new processes, other processes, keys.
#include "attacker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/// A child that a call may have made ends at once, and is taken away.
static const char *child_of(long child) {
    if (child == 0) _exit(0);
    const char *answer = outcome(child);
    if (child > 0) waitpid((pid_t)child, NULL, __WALL);
    return answer;
}

static const char *clone_with(long flags) {
    return child_of(syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L));
}

// A02: namespaces.

#define UNSHARE(kind, flag) \
    static const char *unshare_##kind(void) { return outcome(unshare(flag)); }
/// The filter sees the low half of a flag word only where it must: garbage above changes nothing.
#define CLONE(kind, flag) \
    static const char *clone_##kind(void) { return clone_with(flag); } \
    static const char *clone_##kind##_high_bits(void) { return clone_with(1L << 40 | (flag)); }

UNSHARE(user, CLONE_NEWUSER)
UNSHARE(mount, CLONE_NEWNS)
UNSHARE(pid, CLONE_NEWPID)
UNSHARE(net, CLONE_NEWNET)
UNSHARE(ipc, CLONE_NEWIPC)
UNSHARE(uts, CLONE_NEWUTS)
UNSHARE(cgroup, CLONE_NEWCGROUP)
UNSHARE(time, CLONE_NEWTIME)
CLONE(user, CLONE_NEWUSER)
CLONE(mount, CLONE_NEWNS)
CLONE(pid, CLONE_NEWPID)
CLONE(net, CLONE_NEWNET)
CLONE(ipc, CLONE_NEWIPC)
CLONE(uts, CLONE_NEWUTS)
CLONE(cgroup, CLONE_NEWCGROUP)
/// A user namespace brings the capabilities that every other one needs.
CLONE(everything, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

static const char *setns_file(void) {
    int namespace = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    if (namespace < 0) return words("no namespace file: %s", outcome(-1));
    return outcome(setns(namespace, 0));
}

static const char *setns_process(void) {
    long process = syscall(SYS_pidfd_open, (long)getppid(), 0L);
    if (process < 0) return words("no pidfd: %s", outcome(-1));
    return outcome(syscall(SYS_setns, process, (long)CLONE_NEWUTS));
}

/// How many user namespaces there may be below this one: a second barrier behind the filter.
static const char *user_namespaces_left(void) {
    char limit[32] = "";
    int file = open("/proc/sys/user/max_user_namespaces", O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, limit, sizeof limit - 1) < 0) return outcome(-1);
    return strcmp(limit, "0\n") == 0 ? "none" : "some";
}

// A03: clone3 hides its flags behind a pointer.

enum { cl_exit_signal = 4, cl_cgroup = 10, cl_words };

static const char *clone3_with(uint64_t flags) {
    uint64_t arguments[cl_words] = {flags, [cl_exit_signal] = SIGCHLD, [cl_cgroup] = INT32_MAX};
    return child_of(syscall(SYS_clone3, arguments, sizeof arguments));
}

static const char *clone3_plain(void) { return clone3_with(0); }
static const char *clone3_user(void) { return clone3_with(CLONE_NEWUSER); }
/// With a descriptor that is none, which only the kernel itself looks at.
static const char *clone3_into_cgroup(void) { return clone3_with(0x200000000ULL); }

static void *set_flag(void *flag) {
    *(int *)flag = 1;
    return NULL;
}

static const char *threads_work(void) {
    pthread_t thread;
    int ran = 0;
    errno = pthread_create(&thread, NULL, set_flag, &ran);
    if (errno) return outcome(-1);
    pthread_join(thread, NULL);
    return ran ? "succeeded" : "the thread did not run";
}

static const char *spawn_works(void) {
    // Itself, asked for its list.
    char *arguments[] = {"attacker", "--list", NULL}, *variables[] = {NULL};
    posix_spawn_file_actions_t quietly;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&quietly);
    posix_spawn_file_actions_addopen(&quietly, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    errno = posix_spawn(&child, "/proc/self/exe", &quietly, NULL, arguments, variables);
    if (errno) return outcome(-1);
    if (waitpid(child, &status, 0) < 0) return outcome(-1);
    return status == 0 ? "succeeded" : words("status %d", status);
}

// A09: other processes.

static const char *ptrace_parent(void) { return outcome(ptrace(PTRACE_SEIZE, getppid(), 0, 0)); }
static const char *ptrace_init(void) { return outcome(ptrace(PTRACE_SEIZE, 1, 0, 0)); }
static const char *ptrace_traceme(void) { return outcome(ptrace(PTRACE_TRACEME, 0, 0, 0)); }

static const char *ptrace_child(void) {
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    const char *answer = outcome(ptrace(PTRACE_SEIZE, child, 0, 0));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return answer;
}

/// At the same address in the parent, which this process is a copy of.
static uint64_t shared_word = 1;

static const char *process_vm_readv_parent(void) {
    uint64_t copy;
    struct iovec here = {&copy, sizeof copy}, there = {&shared_word, sizeof shared_word};
    return outcome(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static const char *process_vm_writev_parent(void) {
    uint64_t copy = shared_word;
    struct iovec here = {&copy, sizeof copy}, there = {&shared_word, sizeof shared_word};
    return outcome(process_vm_writev(getppid(), &here, 1, &there, 1, 0));
}

static long own_pidfd(void) { return syscall(SYS_pidfd_open, (long)getpid(), 0L); }

static const char *process_madvise_self(void) {
    static char page[8192];
    uintptr_t start = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;
    struct iovec range = {(void *)start, 4096};
    return outcome(syscall(440L, own_pidfd(), &range, 1L, 20L /* MADV_COLD */, 0L));
}

/// Of a process that is not dying: what the kernel itself refuses (EINVAL).
static const char *process_mrelease_self(void) { return outcome(syscall(448L, own_pidfd(), 0L)); }

static const char *pidfd_getfd_parent(void) {
    return outcome(syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, (long)getppid(), 0L), 1L, 0L));
}

static const char *kcmp_self(void) {
    return outcome(syscall(SYS_kcmp, (long)getpid(), (long)getpid(), (long)KCMP_FILE, 1L, 1L));
}

static const char *prlimit_init(void) {
    uint64_t limits[2];
    return outcome(syscall(SYS_prlimit64, 1L, 7L /* RLIMIT_NOFILE */, NULL, limits));
}

static const char *priority_of_group(void) {
    return outcome(syscall(SYS_setpriority, 1L /* PRIO_PGRP */, 0L, 1L));
}
static const char *io_priority_of_group(void) {
    return outcome(syscall(SYS_ioprio_set, 2L /* IOPRIO_WHO_PGRP */, 0L, 2L << 13 | 4L));
}

static const char *affinity_of_init(void) {
    unsigned long processors[16];
    long size = syscall(SYS_sched_getaffinity, 0L, sizeof processors, processors);
    if (size < 0) return words("no processors: %s", outcome(-1));
    return outcome(syscall(SYS_sched_setaffinity, 1L, size, processors));
}

static const char *scheduling_class(void) {
    struct sched_param none = {0};
    return outcome(syscall(SYS_sched_setscheduler, 0L, (long)SCHED_BATCH, &none));
}

// A10: keys, which no namespace separates.

static const char *keyctl_session(void) {
    return outcome(syscall(SYS_keyctl, (long)KEYCTL_GET_KEYRING_ID, (long)KEY_SPEC_SESSION_KEYRING, 0L));
}

static const char *add_key(void) {
    return outcome(syscall(SYS_add_key, "user", "corral-attack", "x", 1L, (long)KEY_SPEC_PROCESS_KEYRING));
}

/// One that nobody has: ENOKEY is the kernel's own answer.
static const char *request_key(void) {
    return outcome(syscall(SYS_request_key, "user", "corral-attack-none", NULL, 0L));
}

/// Made twice: the first leaves a key for whoever comes next with the same id, the second looks for it.
/// The key goes by itself after 10 s.
static const char *key_for_the_next(void) {
    const long ring = KEY_SPEC_USER_KEYRING;
    char name[64];
    const char *bait = getenv("BAIT_PID");
    // Two runs at once on one machine are not to find each other's.
    snprintf(name, sizeof name, "corral-attack-%s", bait ? bait : "");
    // Who does not possess a key cannot limit its time.
    syscall(SYS_keyctl, (long)KEYCTL_LINK, ring, (long)KEY_SPEC_SESSION_KEYRING);
    long key = syscall(SYS_keyctl, (long)KEYCTL_SEARCH, ring, "user", name, 0L);
    if (key > 0) {
        syscall(SYS_keyctl, (long)KEYCTL_UNLINK, key, ring);
        return "found";
    }
    key = syscall(SYS_add_key, "user", name, "x", 1L, ring);
    if (key < 0) return outcome(-1);
    long limited = syscall(SYS_keyctl, (long)KEYCTL_SET_TIMEOUT, key, 10L);
    return limited < 0 ? words("no timeout: %s", outcome(-1)) : "left";
}

#define KIND(kind, id) {"unshare-" #kind, unshare_##id}, {"clone-" #kind, clone_##id}, \
    {"clone-" #kind "-high-bits", clone_##id##_high_bits}

const struct attempt syscall_attempts[] = {
    KIND(user, user),
    KIND(mount, mount),
    KIND(pid, pid),
    KIND(net, net),
    KIND(ipc, ipc),
    KIND(uts, uts),
    KIND(cgroup, cgroup),
    {"unshare-time", unshare_time},
    {"clone-everything", clone_everything},
    {"clone-everything-high-bits", clone_everything_high_bits},
    {"user-namespaces-left", user_namespaces_left},
    {"setns-file", setns_file},
    {"setns-process", setns_process},
    {"clone3-plain", clone3_plain},
    {"clone3-user", clone3_user},
    {"clone3-into-cgroup", clone3_into_cgroup},
    {"threads-work", threads_work},
    {"spawn-works", spawn_works},
    {"ptrace-parent", ptrace_parent},
    {"ptrace-init", ptrace_init},
    {"ptrace-traceme", ptrace_traceme},
    {"ptrace-child", ptrace_child},
    {"process-vm-readv", process_vm_readv_parent},
    {"process-vm-writev", process_vm_writev_parent},
    {"process-madvise", process_madvise_self},
    {"process-mrelease", process_mrelease_self},
    {"pidfd-getfd", pidfd_getfd_parent},
    {"kcmp", kcmp_self},
    {"prlimit-init", prlimit_init},
    {"priority-of-group", priority_of_group},
    {"io-priority-of-group", io_priority_of_group},
    {"affinity-of-init", affinity_of_init},
    {"scheduling-class", scheduling_class},
    {"keyctl", keyctl_session},
    {"add-key", add_key},
    {"request-key", request_key},
    {"key-for-the-next", key_for_the_next},
    {NULL, NULL},
};
