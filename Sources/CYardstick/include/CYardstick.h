// What Corral is measured with and against: both ends of a TGO conversation that do as little as
// possible besides, a relay that copies bytes without looking at them, and a launcher of sandboxes that
// has everything ready. Benchmarks only.
#ifndef CYARDSTICK_H
#define CYARDSTICK_H

#include <stddef.h>
#include <stdint.h>

/// A frame to send again and again: length, payload, and in it a number of ten digits at `id`.
struct yardstick_frame {
    const uint8_t *bytes;
    size_t count;
    size_t id;
};

/// Nanoseconds: of the median and the slow round trip, and of all of them together.
struct yardstick_times {
    uint64_t p50, p99, elapsed;
};

/// Runs this thread and what it starts on one processor from now on, or on any for -1. Returns -1 with errno set on failure.
int yardstick_pin(int processor);

/// The plugin's end: sends `registration`, takes one frame for its answer, and answers each frame
/// from then on with `answer` and the frame's own number. Returns 0 at the end of the stream.
int yardstick_plugin(int socket, struct yardstick_frame registration, struct yardstick_frame answer);

/// The host's end, to begin with: takes one frame and sends `answer`.
int yardstick_welcome(int socket, struct yardstick_frame answer);

/// Sends `count` frames with numbers from `first` on, each in one write, and reads as many answers
/// of `answer_size` bytes; at most `window` are waited for at once. Returns -1 with errno set when a
/// call fails, -2 when an answer is not the one expected.
int yardstick_calls(
    int socket, struct yardstick_frame call, size_t answer_size, uint64_t first, uint64_t count,
    unsigned window, struct yardstick_times *times);

/// Copies what comes from either socket to the other, without a look at it, until one ends. Both must
/// be non-blocking.
int yardstick_relay(int one, int other);

/// A seccomp filter: `instructions` times eight bytes.
struct yardstick_filter {
    const void *bytes;
    uint16_t instructions;
};

/// Makes this process, which must have one thread and be root's, one that can start sandboxes: a mount
/// namespace of its own, with a root to clone in it. Returns -1 with errno set on failure.
int yardstick_floor_prepare(void);

/// Runs /usr/bin/true in a sandbox of few layers. Returns nanoseconds from the first call to the reaped
/// exit, or -1 with errno set; EPROTO says that the program did not end with status 0.
int64_t yardstick_floor_launch(struct yardstick_filter filter);

/// Allocations (malloc and its kin) of this thread so far. They are counted in executables that are
/// linked with `--wrap` for each of them.
uint64_t yardstick_allocations(void);

#endif
