// Area B of the attack cases, whom one can reach: the canary of the host, or of another sandbox, by
// the network, by IPC, by its process; and the init.
#include "attacker.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/// A variable's number; 0 where there is none.
static long bait(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

// MARK: Sockets

static const char *connect_to(int family, int type, const void *address, socklen_t length) {
    int number = socket(family, type | SOCK_CLOEXEC, 0);
    if (number < 0) return outcome(-1);
    if (connect(number, address, length) < 0) return outcome(-1);
    if (type == SOCK_STREAM) return "succeeded";
    // Only an answer shows that somebody got it.
    struct timeval patience = {.tv_sec = 5};
    char byte = 'x';
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send(number, &byte, 1, 0) < 0) return outcome(-1);
    return outcome(recv(number, &byte, 1, 0));
}

static const char *reach_internet(int type, const char *name) {
    long port = bait(name);
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    if (!port) return "no bait";
    return connect_to(AF_INET, type, &four, sizeof four);
}

static const char *reach_udp(void) { return reach_internet(SOCK_DGRAM, "BAIT_UDP"); }
static const char *reach_tcp(void) { return reach_internet(SOCK_STREAM, "BAIT_TCP"); }

static const char *reach_tcp6(void) {
    long port = bait("BAIT_TCP6");
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons((uint16_t)port)};
    if (!port) return "no bait";
    return connect_to(AF_INET6, SOCK_STREAM, &six, sizeof six);
}

static const char *reach_abstract(void) {
    const char *bait_name = getenv("BAIT_ABSTRACT");
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (!bait_name) return "no bait";
    int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "%s", bait_name);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
    return connect_to(AF_UNIX, SOCK_STREAM, &name, length);
}

/// A port for others to come to.
static const char *bind_tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(18080)};
    int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(number < 0 ? -1 : bind(number, (struct sockaddr *)&address, sizeof address));
}

// MARK: IPC

/// A segment of the same number may be the sandbox's own.
static const char *attach_segment(void) {
    const char *content = shmat((int)bait("BAIT_SEGMENT"), NULL, SHM_RDONLY);
    if (content == (void *)-1) return outcome(-1);
    return strcmp(content, "corral-bait") == 0 ? "succeeded" : "another segment";
}

static const char *list_segments(void) {
    char line[400];
    FILE *file = fopen("/proc/sysvipc/shm", "re");
    if (!file) return outcome(-1);
    const char *said = "nothing";
    while (fgets(line, sizeof line, file)) {
        long segment, creator;
        int fields = sscanf(line, "%*s %ld %*s %*s %ld", &segment, &creator);
        // Whoever is in no pid namespace that the reader sees has the number 0.
        int foreign = creator == 0 || creator == bait("BAIT_PID");
        if (fields == 2 && segment == bait("BAIT_SEGMENT") && foreign) said = "succeeded";
    }
    fclose(file);
    return said;
}

static const char *open_queue(void) {
    char name[64];
    snprintf(name, sizeof name, "/corral-canary-%ld", bait("BAIT_PID"));
    return outcome(mq_open(name, O_RDONLY | O_NONBLOCK));
}

static const char *open_shared_memory(void) {
    char name[64];
    snprintf(name, sizeof name, "/dev/shm/corral-canary-%ld", bait("BAIT_PID"));
    return outcome(open(name, O_RDONLY | O_CLOEXEC));
}

// MARK: Processes

/// Whether a process of this number is the canary, and not one of the sandbox's own.
static int is_canary(long pid) {
    char path[64], line[1000];
    snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    int number = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = number < 0 ? -1 : read(number, line, sizeof line - 1);
    if (number >= 0) close(number);
    for (ssize_t i = 0; i < count; i++)
        if (i + 9 <= count && memcmp(line + i, "--canary", 9) == 0) return 1;
    return 0;
}

static const char *see_process(void) { return is_canary(bait("BAIT_PID")) ? "succeeded" : "not there"; }

/// One that does nothing to whoever does not wait for it. Never to a process of another that happens
/// to have the number.
static const char *signal_process(void) {
    long pid = bait("BAIT_PID");
    if (pid <= 1) return "no bait";
    if (kill((pid_t)pid, 0) == 0 && !is_canary(pid)) return "ESRCH";
    return outcome(kill((pid_t)pid, SIGURG));
}

/// In every process there is but one's own and the init.
static const char *find_foreign_processes(void) {
    DIR *stream = opendir("/proc");
    if (!stream) return outcome(-1);
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (atoi(entry->d_name) <= 0) continue;
        const char *name = status_field(entry->d_name, "Name");
        if (*name && strcmp(name, "attacker") != 0 && strcmp(name, "sandbox-init") != 0) found("%s", name);
    }
    closedir(stream);
    return findings();
}

/// Everybody but the init and oneself. Harmless to those who are not stopped.
static const char *signal_everybody(void) { return outcome(kill(-1, SIGCONT)); }

static const char *kill_init(void) { return outcome(kill(1, SIGKILL)); }
static const char *stop_init(void) { return outcome(kill(1, SIGSTOP)); }
/// By number 0 the kernel only tells whether one could.
static const char *signal_init(void) { return outcome(kill(1, 0)); }

// MARK: Files that several sandboxes read

static const char *lease_shared_file(void) {
    int number = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (number < 0) return outcome(-1);
    return outcome(fcntl(number, F_SETLEASE, F_RDLCK));
}

static const char *watch_shared_directory(void) {
    int number = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (number < 0) return outcome(-1);
    signal(SIGIO, SIG_IGN);
    return outcome(fcntl(number, F_NOTIFY, DN_ACCESS | DN_MULTISHOT));
}

const struct attempt reach_attempts[] = {
    {"reach-udp", reach_udp},
    {"reach-tcp", reach_tcp},
    {"reach-tcp6", reach_tcp6},
    {"reach-abstract", reach_abstract},
    {"bind-tcp", bind_tcp},
    {"attach-segment", attach_segment},
    {"list-segments", list_segments},
    {"open-queue", open_queue},
    {"open-shared-memory", open_shared_memory},
    {"see-process", see_process},
    {"signal-process", signal_process},
    {"find-foreign-processes", find_foreign_processes},
    {"signal-everybody", signal_everybody},
    {"kill-init", kill_init},
    {"stop-init", stop_init},
    {"signal-init", signal_init},
    {"lease-shared-file", lease_shared_file},
    {"watch-shared-directory", watch_shared_directory},
    {NULL, NULL},
};
