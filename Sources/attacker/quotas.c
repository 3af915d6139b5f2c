// Area D of the attack cases: files, descriptors, output, and what the kernel counts for each user.
#include "attacker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// As far as this process may go by itself.
static void raise_limit(int resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(resource, &limit);
    }
}

static const char *open_many(void) {
    raise_limit(RLIMIT_NOFILE);
    for (int i = 0; i < 2048; i++) // A host may allow 4096 and no more.
        if (dup(1) < 0) return outcome(-1);
    return "succeeded";
}

static const char *connect_many(void) {
    raise_limit(RLIMIT_NOFILE);
    for (int i = 0, ends[2]; i < 1024; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) return outcome(-1);
    return "succeeded";
}

/// Each watches the one before; the kernel would follow the chain at every event.
static const char *nest_epoll(void) {
    int inner = epoll_create1(0);
    for (int i = 0; i < 20; i++) {
        int outer = epoll_create1(0);
        struct epoll_event event = {.events = EPOLLIN};
        if (outer < 0 || epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event) < 0) return outcome(-1);
        inner = outer;
    }
    return "succeeded";
}

/// 96 MiB in files of 8, in a directory.
static const char *fill_directory(const char *directory) {
    static char block[1 << 20];
    const char *answer = "succeeded";
    int files[12], count = 0;
    while (count < 12 && (files[count] = open(directory, O_TMPFILE | O_RDWR, 0600)) >= 0) {
        int file = files[count++], blocks = 0;
        while (blocks < 8 && write(file, block, sizeof block) == (ssize_t)sizeof block) blocks++;
        // A short write says nothing; the next one does.
        if (blocks < 8 && write(file, block, sizeof block) < 0) {
            answer = outcome(-1);
            break;
        }
    }
    if (count == 0) answer = outcome(-1);
    while (count > 0) close(files[--count]);
    return answer;
}

static const char *fill_workspace(void) { return fill_directory("."); }
static const char *fill_tmp(void) { return fill_directory("/tmp"); }

static int temporary(void) { return open("/tmp", O_TMPFILE | O_RDWR, 0600); }

static const char *grow_sparse(void) {
    signal(SIGXFSZ, SIG_IGN);
    int file = temporary();
    return file < 0 ? outcome(-1) : outcome(ftruncate(file, (off_t)2 << 30));
}

static const char *grow_at_once(void) {
    signal(SIGXFSZ, SIG_IGN);
    int file = temporary();
    return file < 0 ? outcome(-1) : outcome(fallocate(file, 0, 0, (off_t)96 << 20));
}

/// 20,000 names of one file, each of which costs an inode of a tmpfs.
static const char *name_many(void) {
    char name[64];
    int made = 0;
    const char *answer = "succeeded";
    int file = open("/tmp/names", O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (file < 0) return outcome(-1);
    for (; made < 20000; made++) {
        snprintf(name, sizeof name, "/tmp/name-%d", made);
        if (link("/tmp/names", name) == 0) continue;
        answer = outcome(-1);
        break;
    }
    while (made-- > 0) {
        snprintf(name, sizeof name, "/tmp/name-%d", made);
        unlink(name);
    }
    unlink("/tmp/names");
    return answer;
}

/// Frames of 64 KiB, 48 MiB in all.
static int descend(int depth) {
    volatile char frame[64 << 10];
    frame[0] = (char)depth;
    return depth == 0 ? frame[0] : descend(depth - 1) + frame[0];
}

static const char *grow_stack(void) {
    raise_limit(RLIMIT_STACK);
    return descend(768) == -1 ? "?" : "succeeded";
}

static const char *dump_core(void) {
    raise_limit(RLIMIT_CORE);
    pid_t child = fork();
    if (child < 0) return outcome(-1);
    if (child == 0) abort();
    int status = 0;
    waitpid(child, &status, 0);
    return WCOREDUMP(status) ? "succeeded" : "none";
}

/// To 0, with which a core dump may go to a program of the host's: 1 alone keeps the kernel from that.
static const char *lower_core_limit(void) {
    struct rlimit before, none = {0, 0}, after;
    getrlimit(RLIMIT_CORE, &before);
    if (setrlimit(RLIMIT_CORE, &none) < 0 || getrlimit(RLIMIT_CORE, &after) < 0) return outcome(-1);
    return after.rlim_max == before.rlim_max ? "kept" : "succeeded";
}

/// With a descriptor that is none, to see whether the kernel ever looks at it.
static const char *sync_others(void) { return syscall(SYS_syncfs, -1) == 0 ? "nothing done" : outcome(-1); }

/// 8 MiB and a newline.
static const char *flood_output(void) {
    static char block[64 << 10];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 128; i++) {
        ssize_t count = 0;
        for (size_t done = 0; done < sizeof block; done += (size_t)count)
            if ((count = write(1, block + done, sizeof block - done)) < 0) return outcome(-1);
    }
    return outcome(write(1, "\n", 1) - 1);
}

const struct attempt quota_attempts[] = {
    {"open-many", open_many},
    {"connect-many", connect_many},
    {"nest-epoll", nest_epoll},
    {"fill-workspace", fill_workspace},
    {"fill-tmp", fill_tmp},
    {"grow-sparse", grow_sparse},
    {"grow-at-once", grow_at_once},
    {"name-many", name_many},
    {"grow-stack", grow_stack},
    {"dump-core", dump_core},
    {"lower-core-limit", lower_core_limit},
    {"sync-others", sync_others},
    {"flood-output", flood_output},
    {NULL, NULL},
};

// --- what is counted for each user, in both halves: all that there is, and one more ---

/// Another user than root for both halves of a control, so that no host goes without.
static void be_counted_user(void) {
    const char *uid = getenv("ATTACK_UID");
    if (uid && setuid((uid_t)atoi(uid)) < 0) _exit(3);
}

static long one_watcher(void) { return inotify_init1(IN_CLOEXEC); }

static long one_timer(void) {
    timer_t timer;
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    return timer_create(CLOCK_MONOTONIC, &none, &timer);
}

static long one_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 0});
}

/// Takes until it is refused, says so, and keeps all of it until it is killed.
static const char *hold(long (*one)(void)) {
    be_counted_user();
    long count = 0;
    while (count < 200000 && one() >= 0) count++;
    if (count == 0) return outcome(-1);
    printf("held\t%ld\n", count);
    fflush(stdout);
    for (;;) pause();
}

static const char *take(long (*one)(void)) {
    be_counted_user();
    return outcome(one());
}

static const char *hold_watchers(void) { return hold(one_watcher); }
static const char *hold_timers(void) { return hold(one_timer); }
static const char *hold_signals(void) { return hold(one_signal); }
static const char *take_watcher(void) { return take(one_watcher); }
static const char *take_timer(void) { return take(one_timer); }
static const char *take_signal(void) { return take(one_signal); }

const struct attempt quota_parts[] = {
    {"hold-watchers", hold_watchers}, {"take-watchers", take_watcher},
    {"hold-timers", hold_timers}, {"take-timers", take_timer},
    {"hold-signals", hold_signals}, {"take-signals", take_signal},
    {NULL, NULL},
};
