// Area D of the attack cases: memory of every kind, each more than a small sandbox may have.
#include "attacker.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

/// Half as much again as the rows of the table allow, and little enough for any host.
static const size_t bomb = 48 << 20;

static char block[64 << 10];

static const char *touch(char *memory) {
    if (memory == MAP_FAILED) return outcome(-1);
    for (size_t i = 0; i < bomb; i += 4096) ((volatile char *)memory)[i] = 1;
    return "succeeded";
}

static char *map(int kind) {
    return mmap(NULL, bomb, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
}

static const char *eat_memory(void) { return touch(map(MAP_PRIVATE)); }
static const char *eat_shared_memory(void) { return touch(map(MAP_SHARED)); }
static const char *eat_break(void) { return touch(sbrk((intptr_t)bomb)); }

static const char *eat_locked_memory(void) {
    char *memory = map(MAP_PRIVATE);
    return memory == MAP_FAILED ? outcome(-1) : outcome(mlock(memory, bomb));
}

/// One page of a table for every 2 MiB that are looked at, and nothing else: 96 MiB.
static const char *eat_page_tables(void) {
    const size_t size = (size_t)48 << 30, step = 2 << 20;
    char *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return outcome(-1);
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += step) (void)((volatile char *)memory)[i];
    return "succeeded";
}

/// Eight files of 6 MiB each, since a single one may not grow that far everywhere.
static const char *fill(int files[8]) {
    for (int i = 0; i < 8; i++) {
        if (files[i] < 0) return outcome(-1);
        for (size_t done = 0; done < bomb / 8; done += sizeof block)
            if (write(files[i], block, sizeof block) < 0) return outcome(-1);
    }
    return "succeeded";
}

/// Without names, so that they go with this process.
static const char *fill_in(const char *directory) {
    int files[8];
    for (int i = 0; i < 8; i++) files[i] = open(directory, O_TMPFILE | O_RDWR, 0600);
    return fill(files);
}

static const char *eat_tmp(void) { return fill_in("/tmp"); }
static const char *eat_shm(void) { return fill_in("/dev/shm"); }

static const char *eat_memory_files(void) {
    int files[8];
    for (int i = 0; i < 8; i++) files[i] = memfd_create("bomb", MFD_CLOEXEC);
    return fill(files);
}

static size_t fill_pipe(int end) {
    size_t total = 0;
    for (ssize_t count; (count = write(end, block, sizeof block)) > 0;) total += (size_t)count;
    return total;
}

static const char *eat_pipes(void) {
    for (size_t total = 0; total < bomb;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) < 0) return outcome(-1);
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        total += fill_pipe(ends[1]);
    }
    return "succeeded";
}

static const char *eat_unix_sockets(void) {
    for (size_t total = 0; total < bomb;) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) return outcome(-1);
        total += fill_pipe(ends[0]) + fill_pipe(ends[1]);
    }
    return "succeeded";
}

/// What waits to be read, as the kernel counts it.
static size_t waiting(int number) {
    uint32_t counts[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof counts;
    if (getsockopt(number, SOL_SOCKET, SO_MEMINFO, counts, &length) < 0) return 0;
    return counts[SK_MEMINFO_RMEM_ALLOC];
}

/// Datagrams that sockets send to themselves and nobody reads.
static const char *eat_udp(void) {
    size_t total = 0;
    for (int i = 0; i < 200 && total < bomb; i++) {
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof own;
        int room = 4 << 20, number = socket(AF_INET, SOCK_DGRAM, 0);
        if (number < 0 || bind(number, (struct sockaddr *)&own, length) < 0) return outcome(-1);
        if (getsockname(number, (struct sockaddr *)&own, &length) < 0) return outcome(-1);
        setsockopt(number, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        setsockopt(number, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        size_t before, now = 0;
        do {
            before = now;
            sendto(number, block, 60000, MSG_DONTWAIT, (struct sockaddr *)&own, length);
            now = waiting(number);
        } while (now > before);
        total += now;
    }
    return total >= bomb ? "succeeded" : "refused";
}

static const char *eat_segments(void) {
    int segment = shmget(IPC_PRIVATE, bomb, IPC_CREAT | 0600);
    if (segment < 0) return outcome(-1);
    char *memory = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    return touch(memory);
}

/// Queues full of messages; both they and the semaphores below go with their namespace.
static const char *eat_messages(void) {
    struct { long kind; char text[8000]; } message = {.kind = 1};
    for (size_t total = 0; total < bomb;) {
        int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        if (queue < 0) return outcome(-1);
        while (msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0) total += sizeof message.text;
    }
    return "succeeded";
}

static const char *eat_semaphores(void) {
    // 64 bytes and more each.
    const int each = 32000;
    for (size_t total = 0; total < bomb; total += 64 * (size_t)each)
        if (semget(IPC_PRIVATE, each, IPC_CREAT | 0600) < 0) return outcome(-1);
    return "succeeded";
}

const struct attempt resource_attempts[] = {
    {"eat-memory", eat_memory},
    {"eat-shared-memory", eat_shared_memory},
    {"eat-break", eat_break},
    {"eat-locked-memory", eat_locked_memory},
    {"eat-page-tables", eat_page_tables},
    {"eat-tmp", eat_tmp},
    {"eat-shm", eat_shm},
    {"eat-memory-files", eat_memory_files},
    {"eat-pipes", eat_pipes},
    {"eat-unix-sockets", eat_unix_sockets},
    {"eat-udp", eat_udp},
    {"eat-segments", eat_segments},
    {"eat-messages", eat_messages},
    {"eat-semaphores", eat_semaphores},
    {NULL, NULL},
};
