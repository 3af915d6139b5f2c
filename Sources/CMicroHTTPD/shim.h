// The part of libmicrohttpd that Corral uses; what takes variable arguments or gives unions, with fixed ones.
#ifndef CMICROHTTPD_SHIM_H
#define CMICROHTTPD_SHIM_H

#include <stdint.h>
#include <sys/socket.h>
#include <microhttpd.h>

/// What the library calls, each with `context` first.
struct corral_mhd_callbacks {
    void *context;
    MHD_AccessHandlerCallback access;
    /// Given the request's target as it was sent; its result begins the request's own pointer.
    void *(*target)(void *context, const char *target, struct MHD_Connection *connection);
    MHD_NotifyConnectionCallback connection;
    MHD_RequestCompletedCallback completed;
    /// Told of every refusal of the library's own, right before it is sent.
    MHD_LogCallback log;
};

/// Starts a server without a thread and without a listening socket.
static inline struct MHD_Daemon *corral_mhd_start(
    unsigned connections, size_t memory, unsigned idle_seconds, const struct corral_mhd_callbacks *calls) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG,
        0, NULL, NULL, calls->access, calls->context, MHD_OPTION_EXTERNAL_LOGGER, calls->log, calls->context,
        MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, calls->target, calls->context,
        MHD_OPTION_NOTIFY_CONNECTION, calls->connection, calls->context, MHD_OPTION_NOTIFY_COMPLETED,
        calls->completed, calls->context, MHD_OPTION_END);
}

/// Has the socket count what is read of it, from `count` down to 0; see socket(7), SO_PEEK_OFF.
static inline int corral_count_reads(int socket, int count) {
    return setsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &count, sizeof count);
}

/// What the count has come to; -1 for none.
static inline int corral_reads_left(int socket) {
    int count = -1;
    socklen_t size = sizeof count;
    return getsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &count, &size) == 0 ? count : -1;
}

/// Gives the library a connection, which is its own from then on; 0 when it closed it at once.
static inline int corral_mhd_add(struct MHD_Daemon *daemon, int socket) {
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    socklen_t size = sizeof address;
    // It decides by the family which options of TCP it sets.
    if (getpeername(socket, (struct sockaddr *)&address, &size) != 0 || size < sizeof address.ss_family ||
        address.ss_family == AF_UNIX) {
        address.ss_family = AF_UNIX;
        size = sizeof address.ss_family;
    }
    return MHD_add_connection(daemon, socket, (struct sockaddr *)&address, size) == MHD_YES;
}

/// The epoll descriptor that is readable when the server has something to do; -1 without one.
static inline int corral_mhd_epoll(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

/// The connection's socket, which stays the library's; -1 when it has none.
static inline int corral_mhd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/// What the connection's first notification stored.
static inline void *corral_mhd_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/// An answer of `size` bytes, or of as many as there will be for UINT64_MAX (MHD_SIZE_UNKNOWN), in pieces of at
/// most `block` bytes.
static inline struct MHD_Response *corral_mhd_stream(
    uint64_t size, size_t block, MHD_ContentReaderCallback reader, void *context,
    MHD_ContentReaderFreeCallback released) {
    return MHD_create_response_from_callback(size, block, reader, context, released);
}

/// Has the library forget an upgraded connection and close its descriptor of it.
static inline void corral_mhd_close_upgraded(struct MHD_UpgradeResponseHandle *handle) {
    (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

#endif
