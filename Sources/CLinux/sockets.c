// Unix sockets and the messages that carry descriptors.
#define _GNU_SOURCE 1
#include "clinux_sockets.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int clinux_seqpacket_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

int clinux_unix_socket(int nonblocking) {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
}

int clinux_packet_socket(void) {
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int address_of(const char *name, struct sockaddr_un *address) {
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof address->sun_path) {
        errno = length == 0 ? EINVAL : ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, name, length + 1);
    return 0;
}

int clinux_unix_bind(int fd, const char *name) {
    struct sockaddr_un address;
    if (address_of(name, &address) < 0) return -1;
    return bind(fd, (const struct sockaddr *)&address, sizeof address);
}

int clinux_unix_connect(int fd, const char *name) {
    struct sockaddr_un address;
    if (address_of(name, &address) < 0) return -1;
    return connect(fd, (const struct sockaddr *)&address, sizeof address);
}

int clinux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

// Room for the descriptors of one message, aligned as cmsg(3) asks.
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * CLINUX_MESSAGE_FDS) + CMSG_SPACE(sizeof(struct ucred))];
};

ssize_t clinux_send(int fd, const void *bytes, size_t count, const int *fds, size_t fd_count) {
    if (fd_count > CLINUX_MESSAGE_FDS) {
        errno = EINVAL;
        return -1;
    }
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Takes the descriptors out of a received message: up to `capacity` into `fds`, the rest closed.
static size_t take_descriptors(struct msghdr *message, int *fds, size_t capacity, size_t *closed) {
    size_t kept = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            if (kept < capacity) {
                fds[kept++] = fd;
            } else {
                close(fd);
                *closed += 1;
            }
        }
    }
    return kept;
}

ssize_t clinux_receive(
    int fd, void *bytes, size_t capacity, int fds[CLINUX_MESSAGE_FDS], size_t *fd_count, int *truncated,
    int flags) {
    union control control;
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
    };
    *fd_count = 0;
    *truncated = 0;
    ssize_t count = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
    if (count < 0) return -1;
    size_t closed = 0;
    *fd_count = take_descriptors(&message, fds, CLINUX_MESSAGE_FDS, &closed);
    *truncated = closed > 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    return count;
}

ssize_t clinux_receive_bytes(int fd, void *bytes, size_t capacity, size_t *closed_fds) {
    // Room for one descriptor: the kernel closes what does not fit and says so by MSG_CTRUNC.
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = control.bytes, .msg_controllen = sizeof control.bytes,
    };
    ssize_t count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0) return -1;
    if (message.msg_controllen > 0) take_descriptors(&message, NULL, 0, closed_fds);
    if (message.msg_flags & MSG_CTRUNC) *closed_fds += 1;
    return count;
}

int clinux_peer(int fd, int32_t *pid, uint32_t *uid, uint32_t *gid) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}
