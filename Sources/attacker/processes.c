// Area D of the attack cases: processes, threads and time of the processors.
#include "attacker.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <dirent.h>

/// More than the rows of the table allow, and little for any host.
enum { crowd = 64 };

static const char *judge(int count, int error) {
    errno = error;
    return count == crowd ? "succeeded" : outcome(-1);
}

/// Children that wait to be killed; as many as there may be.
static int fork_waiting(pid_t *children, int *error) {
    int count = 0;
    for (; count < crowd; count++) {
        children[count] = fork();
        if (children[count] == 0) for (;;) pause();
        if (children[count] < 0) break;
    }
    *error = errno;
    return count;
}

static int count_processes(int *error) {
    pid_t children[crowd];
    int count = fork_waiting(children, error);
    for (int i = 0; i < count; i++) kill(children[i], SIGKILL);
    while (wait(NULL) > 0) {}
    return count;
}

static const char *fork_many(void) {
    int error, count = count_processes(&error);
    return judge(count, error);
}

/// How many there can be, exactly: the limits that count processes do not count the same ones.
static const char *process_count(void) {
    int error;
    return words("%d", count_processes(&error));
}

/// The same, where the first refusal is the end.
static const char *fork_too_many(void) {
    pid_t children[crowd];
    int error, count = fork_waiting(children, &error);
    if (count < crowd) sleep(10);
    return judge(count, error);
}

/// Each child of vfork(2) makes the next while its parent waits.
static void vfork_chain(volatile int *count, volatile int *error) {
    if (*count == crowd) return;
    pid_t child = vfork();
    if (child < 0) *error = errno;
    if (child != 0) return;
    ++*count;
    vfork_chain(count, error);
    _exit(0);
}

static const char *vfork_many(void) {
    volatile int count = 0, error = 0;
    vfork_chain(&count, &error);
    return judge(count, error);
}

static void *wait_for_ever(void *unused) {
    for (;;) pause();
    return unused;
}

static const char *thread_many(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    int count = 0, error = 0;
    for (pthread_t thread; count < crowd; count++)
        if ((error = pthread_create(&thread, &attributes, wait_for_ever, NULL))) break;
    return judge(count, error);
}

/// Each process makes others, whatever it is told. For those that a limit of time ends.
static const char *bomb(void) {
    while (fork() >= 0 || errno) {}
    return NULL;
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/// Ended children that nobody asks about.
static const char *keep_zombies(void) {
    int count = 0;
    for (; count < crowd; count++) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) break;
    }
    return judge(count, errno);
}

/// Ended processes whose parent is PID 1.
static int zombies_of_init(void) {
    int count = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        char path[300], state = 0;
        int parent = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = *entry->d_name >= '1' && *entry->d_name <= '9' ? fopen(path, "re") : NULL;
        if (!file) continue;
        if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) == 2) count += state == 'Z' && parent == 1;
        fclose(file);
    }
    if (processes) closedir(processes);
    return count;
}

/// Ended processes left to PID 1, which has to ask about them or keep them for ever.
static const char *leave_zombies(void) {
    for (int i = 0; i < crowd; i++) {
        pid_t child = fork();
        if (child < 0) return outcome(-1);
        if (child == 0) _exit(fork() < 0);
        int status;
        if (waitpid(child, &status, 0) < 0 || status != 0) return "no orphan";
    }
    for (double start = seconds(CLOCK_MONOTONIC); seconds(CLOCK_MONOTONIC) < start + 5; usleep(10000))
        if (zombies_of_init() == 0) return "reaped";
    return "succeeded";
}

// --- time ---

static void *spin(void *unused) {
    for (;;) {}
    return unused;
}

/// Two threads that do nothing but run, and whether they got more than 0.15 processors. Few,
/// since starting them takes processor time, too.
static const char *take_processors(void) {
    double start = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        if ((errno = pthread_create(&thread, NULL, spin, NULL))) return outcome(-1);
    }
    usleep(1500000);
    used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
    return used > 0.15 * (seconds(CLOCK_MONOTONIC) - start) ? "succeeded" : "held to its share";
}

/// The same for ever, with what ends processes ignored.
static const char *spin_on(void) {
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        if ((errno = pthread_create(&thread, NULL, spin, NULL))) return outcome(-1);
    }
    for (;;) pause();
}

static const char *use_time(void) {
    while (seconds(CLOCK_PROCESS_CPUTIME_ID) < 1) {}
    return "succeeded";
}

/// Far less than a second each, a second together.
static const char *use_childrens_time(void) {
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child < 0) return outcome(-1);
        if (child > 0) { waitpid(child, NULL, 0); continue; }
        while (seconds(CLOCK_PROCESS_CPUTIME_ID) < 0.02) {}
        _exit(0);
    }
    return "succeeded";
}

static const char *take_real_time(void) {
    struct sched_param first = {.sched_priority = 1};
    return outcome(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first));
}

// Direct calls: the library's have errors of their own.
static const char *take_priority(void) { return outcome(syscall(SYS_setpriority, PRIO_PROCESS, 0, -20)); }
static const char *renice_group(void) { return outcome(syscall(SYS_setpriority, PRIO_PGRP, 0, 0)); }
static const char *renice_init(void) { return outcome(syscall(SYS_setpriority, PRIO_PROCESS, 1, 0)); }

/// IOPRIO_WHO_PROCESS, and the best of IOPRIO_CLASS_RT.
static const char *take_disk(void) { return outcome(syscall(SYS_ioprio_set, 1, 0, 1 << 13)); }

/// To those that it has.
static const char *bind_init(void) {
    unsigned long processors[16] = {0};
    long size = syscall(SYS_sched_getaffinity, 1, sizeof processors, processors);
    return size < 0 ? outcome(size) : outcome(syscall(SYS_sched_setaffinity, 1, size, processors));
}

/// To no time at all: where the filter does not refuse, the kernel finds nothing to set.
static const char *set_clock(void) {
    struct timespec never = {.tv_nsec = -1};
    return outcome(syscall(SYS_clock_settime, CLOCK_REALTIME, &never));
}

const struct attempt process_attempts[] = {
    {"fork-many", fork_many},
    {"vfork-many", vfork_many},
    {"thread-many", thread_many},
    {"process-count", process_count},
    {"fork-too-many", fork_too_many},
    {"keep-zombies", keep_zombies},
    {"leave-zombies", leave_zombies},
    {"take-processors", take_processors},
    {"spin-on", spin_on},
    {"use-time", use_time},
    {"use-childrens-time", use_childrens_time},
    {"take-real-time", take_real_time},
    {"take-priority", take_priority},
    {"renice-group", renice_group},
    {"renice-init", renice_init},
    {"take-disk-time", take_disk},
    {"bind-init", bind_init},
    {"set-clock", set_clock},
    {NULL, NULL},
};

const struct attempt process_parts[] = {
    {"bomb", bomb},
    {NULL, NULL},
};
