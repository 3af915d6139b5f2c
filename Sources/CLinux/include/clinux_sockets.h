// Unix sockets, descriptor passing and peer credentials.
#ifndef CLINUX_SOCKETS_H
#define CLINUX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The most descriptors one message carries here.
#define CLINUX_MESSAGE_FDS 32

/// SOCK_SEQPACKET pair.
int clinux_seqpacket_pair(int ends[2]);
/// AF_UNIX SOCK_STREAM socket, non-blocking when asked.
int clinux_unix_socket(int nonblocking);
/// AF_UNIX SOCK_SEQPACKET socket, non-blocking.
int clinux_packet_socket(void);
/// bind to `name` (at most 107 bytes), relative to the working directory.
int clinux_unix_bind(int socket, const char *name);
int clinux_unix_connect(int socket, const char *name);
int clinux_accept(int listener);

/// Sends one message with descriptors; never raises SIGPIPE.
ssize_t clinux_send(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count);
/// Receives one message; stores at most CLINUX_MESSAGE_FDS descriptors and their number.
/// `truncated` becomes 1 when bytes or descriptors did not fit (those are closed).
ssize_t clinux_receive(
    int socket, void *bytes, size_t capacity, int fds[CLINUX_MESSAGE_FDS], size_t *fd_count,
    int *truncated, int flags);

/// recvmsg for data from outside: takes bytes and closes every descriptor that came along,
/// counting them.
ssize_t clinux_receive_bytes(int socket, void *bytes, size_t capacity, size_t *closed_fds);

/// SO_PEERCRED.
int clinux_peer(int socket, int32_t *pid, uint32_t *uid, uint32_t *gid);

#endif
