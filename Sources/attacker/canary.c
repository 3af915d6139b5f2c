// Bait on the host for attempts that reach out of their sandbox: a process, listening sockets, a
// System V segment. Whoever touches one is counted.
#include "attacker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { udp, tcp, tcp6, abstract, signals, kinds };

/// The end of this, which whoever started the canary holds the other side of, is its own. In a sandbox,
/// which hands no third descriptor out, there is none, and it ends with the sandbox.
enum { lifeline = 3 };

/// In the place of a descriptor or an id.
enum { none = -2 };

/// What a sandbox refuses its own canary is no bait there; on the host it must be laid.
static int missing(void) {
    int refused = errno == EACCES || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == ENOSYS;
    return refused ? none : -1;
}

static int listener(int family, int type, const void *address, socklen_t length) {
    int number = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0 || bind(number, address, length) < 0) return missing();
    if (type == SOCK_STREAM && listen(number, 8) < 0) return -1;
    return number;
}

static int port_of(int number) {
    struct sockaddr_in6 address;
    socklen_t length = sizeof address;
    if (getsockname(number, (struct sockaddr *)&address, &length) < 0) return 0;
    return ntohs(address.sin6_port); // At the same place for both families.
}

/// Marked for removal at once: it goes with this process.
static int make_segment(void) {
    int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
    if (segment < 0) return missing();
    char *content = shmat(segment, NULL, 0);
    if (content == (void *)-1) return -1;
    shmctl(segment, IPC_RMID, NULL);
    strcpy(content, "corral-bait");
    return segment;
}

/// A POSIX queue and a POSIX segment, which have names until the canary's end. One of the name that was
/// left by another of its number will do.
static int make_posix_objects(const char *name) {
    mode_t mask = umask(0);
    int memory = shm_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (memory < 0) memory = missing();
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666, NULL);
    if (queue < 0) queue = missing();
    umask(mask);
    if (memory != -1 && queue != -1) return 0;
    shm_unlink(name);
    mq_unlink(name);
    return -1;
}

/// Takes away whatever made a descriptor readable, answers where that is possible.
static void answer(int kind, int number) {
    char bytes[512];
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (kind == udp) {
        ssize_t count = recvfrom(number, bytes, sizeof bytes, 0, (struct sockaddr *)&peer, &length);
        if (count >= 0) sendto(number, bytes, (size_t)count, 0, (struct sockaddr *)&peer, length);
    } else if (kind == signals) {
        if (read(number, bytes, sizeof(struct signalfd_siginfo)) < 0) return;
    } else {
        int accepted = accept(number, NULL, NULL);
        if (accepted >= 0) close(accepted);
    }
}

static int failed(const int *watched) {
    for (int i = 0; i < kinds; i++)
        if (watched[i] == -1) return 1;
    return 0;
}

int run_canary(void) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "corral-canary-%d", getpid());
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    int watched[kinds] = {
        [udp] = listener(AF_INET, SOCK_DGRAM, &four, sizeof four),
        [tcp] = listener(AF_INET, SOCK_STREAM, &four, sizeof four),
        [tcp6] = listener(AF_INET6, SOCK_STREAM, &six, sizeof six),
        [abstract] = listener(AF_UNIX, SOCK_STREAM, &name, length),
        [signals] = signalfd(-1, &all, SFD_CLOEXEC),
    };
    int segment = make_segment();
    char posix_name[64];
    snprintf(posix_name, sizeof posix_name, "/corral-canary-%d", getpid());
    if (make_posix_objects(posix_name) < 0 || failed(watched) || segment == -1) {
        fprintf(stderr, "attacker: the bait could not be laid: %s\n", outcome(-1));
        return 3;
    }
    printf("BAIT_PID=%d BAIT_UDP=%d BAIT_TCP=%d BAIT_TCP6=%d BAIT_ABSTRACT=%s BAIT_SEGMENT=%d laid\n",
        getpid(), port_of(watched[udp]), port_of(watched[tcp]), port_of(watched[tcp6]),
        name.sun_path + 1, segment);
    fflush(stdout);
    int end = fcntl(lifeline, F_GETFD) < 0 ? -1 : lifeline;
    struct pollfd ready[kinds + 1] = {{.fd = end, .events = POLLIN}};
    for (int i = 0; i < kinds; i++) ready[i + 1] = (struct pollfd){.fd = watched[i], .events = POLLIN};
    int touched[kinds] = {0};
    while (!ready[0].revents) {
        if (poll(ready, kinds + 1, -1) < 0) continue;
        for (int i = 0; i < kinds; i++) {
            if (!ready[i + 1].revents) continue;
            touched[i]++;
            answer(i, watched[i]);
        }
    }
    mq_unlink(posix_name);
    shm_unlink(posix_name);
    printf("touched: udp %d, tcp %d, tcp6 %d, abstract %d, signals %d\n", touched[udp], touched[tcp],
        touched[tcp6], touched[abstract], touched[signals]);
    return 0;
}
