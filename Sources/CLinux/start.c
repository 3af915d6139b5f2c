// The code between clone3 and execve. It runs on the parent's memory while the parent's thread
// is suspended: direct system calls only; no malloc, no stdio, no locks, no Swift. Failures are
// stored where the parent reads them once it resumes.
#define _GNU_SOURCE 1
#include "clinux_start.h"

#include "clinux_mounts.h"
#include "clinux_network.h"
#include "clinux_owner.h"
#include "clinux_security.h"
#include "clinux_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Descriptors are lifted above this before they are put in their places, so that no dup3
// overwrites one that is still to be placed.
#define LIFT 64

static _Noreturn void fail(volatile struct clinux_failure *failure, int step, int detail) {
    failure->error = errno;
    failure->detail = detail;
    failure->step = step;
    syscall(SYS_exit, 127);
    __builtin_unreachable();
}

typedef void (*child_body)(const void *context, volatile struct clinux_failure *failure);

// clone3 that shares memory with a suspended parent (CLONE_VM | CLONE_VFORK), so that its cost
// does not grow with the parent's size. The instruction is inline because a call would leave a
// return address on the shared stack for the child to overwrite. Returns the pid, or minus the
// error number.
static __attribute__((noinline)) long clone_sharing(
    struct clone_args *args, child_body body, const void *context, volatile struct clinux_failure *failure) {
    long result;
#if defined(__x86_64__)
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(SYS_clone3), "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)args;
    register long second __asm__("x1") = sizeof *args;
    __asm__ volatile("svc #0" : "+r"(first) : "r"(number), "r"(second) : "memory");
    result = first;
#else
#error "clone_sharing needs this architecture's system call instruction"
#endif
    if (result == 0) body(context, failure);
    return result;
}

static pid_t start(
    struct clone_args *args, child_body body, const void *context, int *pidfd,
    struct clinux_failure *failure) {
    args->flags |= CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args->pidfd = (uint64_t)(uintptr_t)pidfd;
    args->exit_signal = SIGCHLD;
    volatile struct clinux_failure result = {0, 0, 0};

    // A handler that ran in the child would run on the parent's memory.
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    long pid = clone_sharing(args, body, context, &result);
    sigprocmask(SIG_SETMASK, &old, NULL);

    if (pid < 0) {
        result.step = CLINUX_STEP_CLONE;
        result.error = (int)-pid;
    } else if (result.step != 0) {  // the child is already gone: reap it here
        struct clinux_exit unused;
        while (clinux_wait_pidfd(*pidfd, 1, &unused) < 0 && errno == EINTR) {}
        close(*pidfd);
        pid = -1;
    }
    *failure = (struct clinux_failure){result.step, result.error, result.detail};
    return pid < 0 ? -1 : (pid_t)pid;
}

static void unblock_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// CLONE_CLEAR_SIGHAND resets handlers; what the caller's parent had ignored (SIGPIPE often, SIGHUP
// under nohup) stays ignored over clone and exec, and would be in every sandbox.
static void reset_ignored_signals(void) {
    const struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } standard = {0};
    for (int signal = 1; signal <= 64; signal++)
        syscall(SYS_rt_sigaction, signal, &standard, NULL, sizeof standard.mask);
}

// --- the init ---

struct init_context {
    const struct clinux_init *init;
    int null_fd;
    /// Everything that is needed is below; 0 where the descriptors are not shared with the caller.
    int bound;
};

// Without this the init would have no capability for ever: its uid is unmapped at the exec, so
// the exec grants it nothing (user_namespaces(7), "Capabilities"; prctl(2), PR_CAP_AMBIENT).
static void keep_capabilities(uint64_t mask, volatile struct clinux_failure *failure) {
    uint64_t permitted = 0;
    if (clinux_capget(&permitted) < 0 || clinux_capset(permitted, mask & permitted) < 0)
        fail(failure, CLINUX_STEP_AMBIENT, -1);
    for (int capability = 0; capability < 64; capability++) {
        if (!(mask >> capability & 1)) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            fail(failure, CLINUX_STEP_AMBIENT, capability);
    }
}

static void run_init(const void *context, volatile struct clinux_failure *failure) {
    const struct clinux_init *init = ((const struct init_context *)context)->init;
    int null_fd = ((const struct init_context *)context)->null_fd;
    int bound = ((const struct init_context *)context)->bound;
    // Before anything else: the table is the caller's, and becomes our own without what is above.
    if (bound > 0 && syscall(SYS_close_range, bound, ~0U, 2 /* CLOSE_RANGE_UNSHARE */) < 0)
        fail(failure, CLINUX_STEP_CLOSE, bound);
    for (size_t i = 0; i < init->cgroup_tasks_count; i++)
        if (write(init->cgroup_tasks[i], "0", 1) != 1) fail(failure, CLINUX_STEP_CGROUP, (int)i);
    reset_ignored_signals();
    // The kernel lets nothing out that is mounted in a namespace of another user namespace
    // (mount_namespaces(7)). Without one, which tests leave out, it would come to a host with shared mounts.
    if ((init->namespaces & (CLONE_NEWNS | CLONE_NEWUSER)) == CLONE_NEWNS &&
        clinux_set_root_propagation(CLINUX_PROPAGATION_SLAVE) < 0)
        fail(failure, CLINUX_STEP_CLONE, -1);
    if (setsid() < 0) fail(failure, CLINUX_STEP_SESSION, 0);
    keep_capabilities(init->capabilities, failure);

    int count = (int)init->fd_count, lifted[CLINUX_INIT_FDS];
    int executable = fcntl(init->executable, F_DUPFD_CLOEXEC, LIFT);
    if (executable < 0) fail(failure, CLINUX_STEP_DESCRIPTORS, -1);
    for (int i = 0; i < count; i++)
        if ((lifted[i] = fcntl(init->fds[i], F_DUPFD_CLOEXEC, LIFT)) < 0) fail(failure, CLINUX_STEP_DESCRIPTORS, i);
    for (int i = 0; i < 3; i++)
        if (dup2(null_fd, i) < 0) fail(failure, CLINUX_STEP_DESCRIPTORS, i);
    for (int i = 0; i < count; i++)
        if (dup2(lifted[i], 3 + i) < 0) fail(failure, CLINUX_STEP_DESCRIPTORS, 3 + i);
    if (syscall(SYS_close_range, 3 + count, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0)
        fail(failure, CLINUX_STEP_CLOSE, 0);

    unblock_signals();
    char *const argv[] = {"sandbox-init", NULL};
    char *const envp[] = {NULL};
    syscall(SYS_execveat, executable, "", argv, envp, AT_EMPTY_PATH);
    fail(failure, CLINUX_STEP_EXEC, 0);
}

static pid_t start_owned(
    uint32_t owner, struct clone_args *args, const struct init_context *context, int *pidfd,
    struct clinux_failure *failure) {
    struct clinux_self self;
    int is_owner = clinux_become_owner(owner, &self) == 0;
    int error = errno;
    pid_t pid = is_owner ? start(args, run_init, context, pidfd, failure) : -1;
    int is_self = clinux_become_self(&self) == 0;
    if (is_owner && is_self) return pid;
    if (is_owner) error = errno;
    if (pid > 0) { // Not to be had with less than our own identity.
        struct clinux_exit ended;
        clinux_pidfd_signal(*pidfd, SIGKILL);
        clinux_wait_pidfd(*pidfd, 1, &ended);
        close(*pidfd);
    }
    *failure = (struct clinux_failure){CLINUX_STEP_OWNER, error, (int)owner};
    return -1;
}

static pid_t start_here(
    const struct init_context *context, int *pidfd, struct clinux_failure *failure) {
    const struct clinux_init *init = context->init;
    struct clone_args args = {.flags = init->namespaces | (context->bound > 0 ? CLONE_FILES : 0)};
    if (init->cgroup_v2 >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)init->cgroup_v2;
    }
    if (init->owner != CLINUX_OWN_ID) return start_owned(init->owner, &args, context, pidfd, failure);
    return start(&args, run_init, context, pidfd, failure);
}

// A child without CLONE_NEWNET has the network namespace of the thread that clones it.
static pid_t start_with(
    const struct init_context *context, int *pidfd, struct clinux_failure *failure) {
    const struct clinux_init *init = context->init;
    if (init->network < 0) return start_here(context, pidfd, failure);
    if (clinux_network_enter(init->network) < 0) {
        *failure = (struct clinux_failure){CLINUX_STEP_NETWORK, errno, init->network};
        return -1;
    }
    pid_t pid = start_here(context, pidfd, failure);
    clinux_network_return(init->network_home);
    return pid;
}

// Each number is taken by the kernel: another thread may open something at any moment, and what looked free
// must not be taken from it.
int clinux_reserve_low(int null_fd) {
    int base = 3;
    for (;;) {
        int first = -1, taken = 0, got = -1;
        while (taken < CLINUX_LOW_FDS) {
            got = fcntl(null_fd, F_DUPFD_CLOEXEC, taken ? first + taken : base);
            if (got < 0) break;
            if (!taken) first = got;
            if (got != first + taken) break;
            taken++;
        }
        if (taken == CLINUX_LOW_FDS) return first;
        int error = errno;
        for (int i = 0; i < taken; i++) close(first + i);
        if (got < 0) {
            errno = error;
            return -1;
        }
        // There is one that is taken in between; what follows it may be free.
        close(got);
        base = got;
    }
}

/// Puts a copy of a descriptor at the next reserved place; what comes behind a failure is left out.
static int place(int number, int *next) {
    if (*next < 0) return -1;
    int copy = dup3(number, *next, O_CLOEXEC);
    *next = copy < 0 ? -1 : copy + 1;
    return copy;
}

/// The same start from copies at the reserved places, which are given back afterwards.
static pid_t start_low(
    const struct clinux_init *given, int null_fd, int *pidfd, struct clinux_failure *failure) {
    struct clinux_init init = *given;
    int fds[CLINUX_INIT_FDS], tasks[CLINUX_LOW_FDS], next = given->low_fds;
    init.executable = place(given->executable, &next);
    int null_copy = place(null_fd, &next);
    for (size_t i = 0; i < given->fd_count; i++) fds[i] = place(given->fds[i], &next);
    for (size_t i = 0; i < given->cgroup_tasks_count; i++) tasks[i] = place(given->cgroup_tasks[i], &next);
    init.fds = fds;
    init.cgroup_tasks = tasks;
    struct init_context context = {&init, null_copy, given->low_fds + CLINUX_LOW_FDS};
    pid_t pid = -1;
    if (next < 0)
        *failure = (struct clinux_failure){CLINUX_STEP_DESCRIPTORS, errno, -1};
    else
        pid = start_with(&context, pidfd, failure);
    // Those behind were never anything else. After a failure it is not known how many were.
    int used = next < 0 ? CLINUX_LOW_FDS : next - given->low_fds;
    for (int i = 0; i < used; i++) dup3(null_fd, given->low_fds + i, O_CLOEXEC);
    return pid;
}

pid_t clinux_start_init(const struct clinux_init *init, int null_fd, int *pidfd, struct clinux_failure *failure) {
    if (init->fd_count > CLINUX_INIT_FDS) {
        *failure = (struct clinux_failure){CLINUX_STEP_DESCRIPTORS, EINVAL, (int)init->fd_count};
        return -1;
    }
    if (init->low_fds >= 0 && 2 + init->fd_count + init->cgroup_tasks_count <= CLINUX_LOW_FDS)
        return start_low(init, null_fd, pidfd, failure);
    struct init_context context = {init, null_fd, 0};
    return start_with(&context, pidfd, failure);
}

// --- a process in the sandbox ---

static void take_identity(const struct clinux_process *process, volatile struct clinux_failure *failure) {
    if (process->drop_groups && clinux_setgroups_none() < 0) fail(failure, CLINUX_STEP_GROUPS, 0);
    // With every layer on, the switch of uid empties the sets; the explicit call below makes sure
    // of it where the uid is the init's own (one uid for both).
    if (process->without & CLINUX_WITHOUT_CAPABILITIES) prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (clinux_setresgid(process->gid) < 0) fail(failure, CLINUX_STEP_IDENTITY, (int)process->gid);
    if (clinux_setresuid(process->uid) < 0) fail(failure, CLINUX_STEP_IDENTITY, (int)process->uid);
    // The memory is still the init's. The change of uid gave it the value of fs.suid_dumpable, which
    // on some hosts is 1: then a process of this uid could trace us, and so write to the init.
    if (clinux_set_dumpable(0) < 0) fail(failure, CLINUX_STEP_IDENTITY, -1);
    if (process->without & CLINUX_WITHOUT_CAPABILITIES) {
        uint64_t permitted = 0;
        clinux_capget(&permitted);
        keep_capabilities(permitted, failure);
    } else {
        if (clinux_clear_ambient() < 0 || clinux_capset(0, 0) < 0) fail(failure, CLINUX_STEP_CAPABILITIES, 0);
    }
}

// Execs the first candidate there is. Like execvp(3), a candidate that cannot be searched or
// executed is remembered while a later one may still do.
static _Noreturn void execute(const struct clinux_process *process, volatile struct clinux_failure *failure) {
    int remembered = 0;
    for (size_t i = 0; process->candidates[i]; i++) {
        execve(process->candidates[i], process->argv, process->envp);
        if (errno == ENOENT || errno == ENOTDIR) continue;
        if (errno != EACCES) fail(failure, CLINUX_STEP_EXEC, (int)i);
        remembered = errno;
    }
    errno = remembered ? remembered : ENOENT;
    fail(failure, CLINUX_STEP_EXEC, -1);
}

struct process_context {
    const struct clinux_process *process;
    /// Of its terminal; -1 without one.
    int slave;
};

static void run_process(const void *context, volatile struct clinux_failure *failure) {
    const struct clinux_process *process = ((const struct process_context *)context)->process;
    int slave = ((const struct process_context *)context)->slave, script = -1, lifted[3];
    for (int i = 0; i < 3; i++)
        if ((lifted[i] = fcntl(slave < 0 ? process->fds[i] : slave, F_DUPFD_CLOEXEC, LIFT)) < 0)
            fail(failure, CLINUX_STEP_DESCRIPTORS, i);
    if (process->script >= 0 && (script = fcntl(process->script, F_DUPFD_CLOEXEC, LIFT)) < 0)
        fail(failure, CLINUX_STEP_DESCRIPTORS, 3);
    for (int i = 0; i < 3; i++)
        if (dup2(lifted[i], i) < 0) fail(failure, CLINUX_STEP_DESCRIPTORS, i);
    if (!(process->without & CLINUX_WITHOUT_SESSION)) {
        if (setsid() < 0) fail(failure, CLINUX_STEP_SESSION, 0);
        // Only who leads a session can have one.
        if (slave >= 0 && clinux_terminal_take() < 0) fail(failure, CLINUX_STEP_TERMINAL, 1);
    }
    for (size_t i = 0; i < process->limit_count; i++) {
        const struct clinux_rlimit *limit = &process->limits[i];
        struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
        if (syscall(SYS_prlimit64, 0, limit->resource, &value, NULL) < 0)
            fail(failure, CLINUX_STEP_RLIMIT, limit->resource);
    }
    // Child and parent share memory only: the init's own mask stays.
    syscall(SYS_umask, 022);
    // The init's is empty, and so what it starts has an empty one; this makes sure of it.
    if (!(process->without & CLINUX_WITHOUT_CAPABILITIES) && clinux_drop_bounding() < 0)
        fail(failure, CLINUX_STEP_BOUNDING, 0);
    take_identity(process, failure);
    if (!(process->without & CLINUX_WITHOUT_KEYRING) && clinux_new_keyring() < 0)
        fail(failure, CLINUX_STEP_KEYRING, 0);
    if (chdir(process->directory) < 0) fail(failure, CLINUX_STEP_DIRECTORY, 0);
    if (!(process->without & CLINUX_WITHOUT_NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(failure, CLINUX_STEP_NO_NEW_PRIVS, 0);
    if (process->landlock >= 0 && clinux_landlock_restrict(process->landlock) < 0)
        fail(failure, CLINUX_STEP_LANDLOCK, 0);
    // The descriptors of the init (this child's copies of them, since CLONE_FILES is not used).
    // Each is close-on-exec as well; a second barrier costs one call.
    unsigned first = 3;
    if (script >= 0 && dup2(script, (int)first++) < 0) fail(failure, CLINUX_STEP_DESCRIPTORS, 3);
    if (process->without & CLINUX_WITHOUT_CLOSE) fcntl(3, F_SETFD, 0);
    else if (syscall(SYS_close_range, first, ~0U, 0) < 0) fail(failure, CLINUX_STEP_CLOSE, 0);
    unblock_signals();
    if (process->filter) {
        struct sock_fprog program = {process->filter_count, (struct sock_filter *)(uintptr_t)process->filter};
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) fail(failure, CLINUX_STEP_SECCOMP, 0);
    }
    execute(process, failure);
}

pid_t clinux_start_process(const struct clinux_process *process, int *pidfd, struct clinux_failure *failure) {
    struct clone_args args = {.flags = 0};
    struct process_context context = {process, -1};
    // Opened here: a child that is killed before it could do so would leave a terminal that nobody ever had
    // open, and such a one has no end for whoever reads its master.
    if (process->terminal >= 0 && (context.slave = clinux_terminal_slave(process->terminal)) < 0) {
        *failure = (struct clinux_failure){CLINUX_STEP_TERMINAL, errno, 0};
        return -1;
    }
    pid_t pid = start(&args, run_process, &context, pidfd, failure);
    if (context.slave >= 0) close(context.slave);
    // The child's change of uid reset this flag of the memory that it shared with us.
    clinux_set_dumpable(0);
    return pid;
}

// --- a user namespace for idmapped mounts ---

// clone3 of a child that shares memory, runs beside its parent and does nothing but sleep until it
// is killed. All of the child is in the instructions: it must not touch a stack. It has copies of all
// descriptors of its parent (a slot's lock among them) and every signal blocked, so it asks the kernel to
// kill it with the thread that made it, and goes at once if that one went before it could ask.
static __attribute__((noinline)) long clone_sleeper(struct clone_args *args, long parent) {
    long result;
#if defined(__x86_64__)
    register long expected __asm__("r12") = parent;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 3f\n\t"
                     "mov %[prctl], %%eax\n\t"
                     "mov %[death], %%edi\n\t"
                     "mov %[kill], %%esi\n\t"
                     "syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 2f\n\t"
                     "mov %[getppid], %%eax\n\t"
                     "syscall\n\t"
                     "cmp %[parent], %%rax\n\t"
                     "jne 2f\n"
                     "1:\tmov %[pause], %%eax\n\t"
                     "syscall\n\t"
                     "jmp 1b\n"
                     "2:\tmov %[exit], %%eax\n\t"
                     "mov $1, %%edi\n\t"
                     "syscall\n\t"
                     "ud2\n"
                     "3:"
                     : "=a"(result)
                     : "0"(SYS_clone3), "D"(args), "S"(sizeof *args), [parent] "r"(expected),
                       [prctl] "i"(SYS_prctl), [death] "i"(PR_SET_PDEATHSIG), [kill] "i"(SIGKILL),
                       [getppid] "i"(SYS_getppid), [pause] "i"(SYS_pause), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)args;
    register long second __asm__("x1") = sizeof *args;
    register long expected __asm__("x9") = parent;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 3f\n\t"
                     "mov x0, %[death]\n\t"
                     "mov x1, %[kill]\n\t"
                     "mov x8, %[prctl]\n\t"
                     "svc #0\n\t"
                     "cbnz x0, 2f\n\t"
                     "mov x8, %[getppid]\n\t"
                     "svc #0\n\t"
                     "cmp x0, %[parent]\n\t"
                     "b.ne 2f\n"
                     "1:\tmov x0, #0\n\tmov x1, #0\n\tmov x2, #0\n\tmov x3, #0\n\tmov x4, #0\n\t"
                     "mov x8, %[ppoll]\n\t"
                     "svc #0\n\t"
                     "b 1b\n"
                     "2:\tmov x0, #1\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n\t"
                     "brk #0\n"
                     "3:"
                     : "+r"(first)
                     : "r"(number), "r"(second), [parent] "r"(expected), [prctl] "i"(SYS_prctl),
                       [death] "i"(PR_SET_PDEATHSIG), [kill] "i"(SIGKILL), [getppid] "i"(SYS_getppid),
                       [ppoll] "i"(SYS_ppoll), [exit] "i"(SYS_exit)
                     : "memory", "cc", "x2", "x3", "x4");
    result = first;
#endif
    return result;
}

static int write_map(pid_t pid, const char *name, const char *map) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = (ssize_t)strlen(map), written = write(fd, map, (size_t)length);
    int error = errno;
    close(fd);
    errno = error;
    return written == length ? 0 : -1;
}

int clinux_user_namespace(const char *uid_map, const char *gid_map) {
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    long pid = clone_sleeper(&args, getpid());
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (pid < 0) {
        errno = (int)-pid;
        return -1;
    }
    int result = -1;
    if (write_map((pid_t)pid, "uid_map", uid_map) == 0 && write_map((pid_t)pid, "gid_map", gid_map) == 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%ld/ns/user", pid);
        result = open(path, O_RDONLY | O_CLOEXEC);
    }
    int error = errno;
    struct clinux_exit ignored;
    clinux_pidfd_signal(pidfd, SIGKILL);
    clinux_wait_pidfd(pidfd, 1, &ignored);
    close(pidfd);
    errno = error;
    return result;
}

// --- waiting ---

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_pidfd_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int clinux_pidfd_getfd(int pidfd, int number) { return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0); }

int clinux_signal_group(pid_t leader, int signal) { return kill(-leader, signal); }

// The system call itself also tells the resources used; glibc's waitid does not.
static int wait_for(int kind, int id, int options, struct clinux_exit *result) {
    siginfo_t info = {0};
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    if (syscall(SYS_waitid, kind, id, &info, options | WEXITED, &usage) < 0) return -1;
    *result = (struct clinux_exit){
        .pid = info.si_pid,
        .code = info.si_code,
        .status = info.si_status,
        .user_us = usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
        .system_us = usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec,
        .max_rss_kb = usage.ru_maxrss,
    };
    return 0;
}

int clinux_wait_pidfd(int pidfd, int block, struct clinux_exit *result) {
    return wait_for(P_PIDFD, pidfd, block ? 0 : WNOHANG, result);
}

int clinux_reap(struct clinux_exit *result) {
    if (wait_for(P_ALL, 0, WNOHANG, result) < 0) return -1;
    return result->pid != 0;
}
