// epoll, eventfd, signalfd, timerfd, poll.
#ifndef CLINUX_EVENTS_H
#define CLINUX_EVENTS_H

#include <stddef.h>
#include <stdint.h>

/// One ready descriptor. epoll_event itself is packed on x86-64 only, so it is
/// never laid out in Swift.
struct clinux_event {
    uint64_t token;
    uint32_t events;
};

#define CLINUX_EVENT_BATCH 64

int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int clinux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int clinux_epoll_remove(int epoll, int fd);
/// Fills at most CLINUX_EVENT_BATCH events; timeout in milliseconds, -1 for none.
int clinux_epoll_wait(int epoll, struct clinux_event *events, int timeout_ms);

/// A non-blocking eventfd with count 0.
int clinux_eventfd(void);

/// Blocks the given signals in this thread and returns a non-blocking signalfd for them.
int clinux_signalfd(const int *signals, size_t count);
/// The next signal's number, or -1 with EAGAIN.
int clinux_signalfd_read(int fd);

/// A timer on CLOCK_BOOTTIME that fires once after `nanoseconds` (0 disarms).
int clinux_timerfd(uint64_t nanoseconds);
/// Has a timer fire once, when CLOCK_BOOTTIME is `at` nanoseconds or more; 0 disarms it.
int clinux_timerfd_at(int fd, uint64_t at);

/// CLOCK_BOOTTIME in nanoseconds: counts suspend, never jumps.
uint64_t clinux_boottime(void);

#endif
