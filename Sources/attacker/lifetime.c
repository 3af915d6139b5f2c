// Area E of the attack cases: outliving the sandbox, and misleading whoever asks how it ended.
#include "attacker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// Longer than the limits of the table's rows, and bearable where there is no limit.
enum { a_while = 3 };

static void ignore_all(void) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
}

static const char *ignore_signals(void) {
    ignore_all();
    for (unsigned left = a_while; left > 0;) left = sleep(left);
    return "succeeded";
}

/// Itself and others, which no signal but SIGCONT and SIGKILL then reaches. PID 1 of a namespace
/// cannot be stopped: in the control it waits a while for its children.
static const char *stop_everything(void) {
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child < 0) return outcome(-1);
        if (child == 0) {
            if (i == 2) setsid();
            for (;;) raise(SIGSTOP);
        }
    }
    raise(SIGSTOP);
    sleep(a_while);
    return "succeeded";
}

/// A parent whose child of vfork(2) never executes anything sleeps and cannot be interrupted but by a kill.
static const char *hold_parent(void) {
    ignore_all();
    pid_t child = vfork();
    if (child < 0) return outcome(-1);
    if (child == 0) {
        for (unsigned left = a_while; left > 0;) left = sleep(left);
        _exit(0);
    }
    return "succeeded";
}

/// A tracer of its own children could hold them, and change their system calls.
static const char *trace_child(void) {
    pid_t child = fork();
    if (child < 0) return outcome(-1);
    if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? errno : 0);
    int status;
    if (waitpid(child, &status, 0) < 0) return outcome(-1);
    errno = WEXITSTATUS(status);
    return outcome(errno ? -1 : 0);
}

/// Who adopts orphans in the place of PID 1 keeps them from being reaped.
static const char *adopt_orphans(void) { return outcome(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

static const char *kill_init_by_descriptor(void) {
    long descriptor = syscall(SYS_pidfd_open, 1, 0);
    if (descriptor < 0) return outcome(-1);
    return outcome(syscall(SYS_pidfd_send_signal, descriptor, SIGKILL, NULL, 0));
}

/// To what it has.
static const char *limit_init(void) {
    struct rlimit limit;
    if (prlimit(1, RLIMIT_NOFILE, NULL, &limit) < 0) return outcome(-1);
    return outcome(prlimit(1, RLIMIT_NOFILE, &limit, NULL));
}

/// Nobody calls this by accident. Without its magic numbers the kernel would only say EINVAL.
static const char *trip_wire(void) { return outcome(syscall(SYS_reboot, 0, 0, 0, 0)); }

/// PID 1 of a namespace, as in the control, is not killed by itself.
static const char *pretend(int number) {
    raise(number);
    return "succeeded";
}

/// As a kill for memory looks.
static const char *pretend_memory(void) { return pretend(SIGKILL); }
/// As the limit of cpu time of getrlimit(2) ends a process.
static const char *pretend_cpu(void) { return pretend(SIGXCPU); }
/// As `corral run` exits at its own limit of time.
static const char *pretend_timeout(void) { _exit(124); }

const struct attempt lifetime_attempts[] = {
    {"ignore-signals", ignore_signals},
    {"stop-everything", stop_everything},
    {"hold-parent", hold_parent},
    {"trace-child", trace_child},
    {"adopt-orphans", adopt_orphans},
    {"kill-init-by-descriptor", kill_init_by_descriptor},
    {"limit-init", limit_init},
    {"trip-wire", trip_wire},
    {"pretend-memory", pretend_memory},
    {"pretend-cpu", pretend_cpu},
    {"pretend-timeout", pretend_timeout},
    {NULL, NULL},
};

// --- processes that somebody else looks for afterwards ---

/// A minute is for ever here, and whoever is left over ends by itself.
static _Noreturn void stay(void) {
    ignore_all();
    for (unsigned left = 60; left > 0;) left = sleep(left);
    _exit(0);
}

/// As daemons do, with nothing open.
static const char *leave_daemon(void) {
    pid_t child = fork();
    if (child < 0) return outcome(-1);
    if (child == 0) {
        setsid();
        pid_t grandchild = fork();
        if (grandchild != 0) _exit(grandchild < 0);
        if (chdir("/") < 0) _exit(1);
        syscall(SYS_close_range, 0, ~0U, 0);
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        stay();
    }
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? "left" : "no daemon";
}

/// With both streams open, so that who reads them waits for their end.
static const char *leave_reader_waiting(void) {
    pid_t child = fork();
    if (child < 0) return outcome(-1);
    if (child > 0) return "left";
    setpgid(0, 0);
    stay();
}

/// Stopped, where nothing that can be caught reaches it, and again when the kernel continues it as one
/// that lost its parent.
static const char *leave_stopped(void) {
    pid_t child = fork();
    if (child < 0) return outcome(-1);
    if (child == 0) {
        ignore_all();
        for (;;) raise(SIGSTOP);
    }
    return waitpid(child, NULL, WUNTRACED) == child ? "left" : outcome(-1);
}

static const char *stay_here(void) {
    ignore_all(); // Before somebody is told, who then sends signals.
    puts("up");
    fflush(stdout);
    stay();
}

const struct attempt lifetime_parts[] = {
    {"leave-daemon", leave_daemon},
    {"leave-reader-waiting", leave_reader_waiting},
    {"leave-stopped", leave_stopped},
    {"stay", stay_here},
    {NULL, NULL},
};
