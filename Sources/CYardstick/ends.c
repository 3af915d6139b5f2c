// Both ends of a conversation, blocking.
#define _GNU_SOURCE
#include "CYardstick.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { prefix = 4, digits = 10, room = 64 << 10 };

int yardstick_pin(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (processor >= 0)
        CPU_SET(processor, &set);
    for (int i = 0; processor < 0 && i < CPU_SETSIZE; i++) CPU_SET(i, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int send_all(int socket, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(socket, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

/// What was read and not used yet.
struct reader {
    int socket;
    size_t start, end, capacity;
    uint8_t *bytes;
};

/// Makes `count` bytes available; 1 when they are, 0 at the end of the stream, -1 on failure.
static int want(struct reader *reader, size_t count) {
    if (reader->end - reader->start >= count) return 1;
    if (reader->start + (count > room ? count : room) > reader->capacity || reader->start == reader->end) {
        memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    if (count + room > reader->capacity) {
        uint8_t *bytes = realloc(reader->bytes, count + room);
        if (!bytes) return -1;
        reader->bytes = bytes;
        reader->capacity = count + room;
    }
    while (reader->end - reader->start < count) {
        ssize_t got = read(reader->socket, reader->bytes + reader->end, reader->capacity - reader->end);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return (int)got;
        reader->end += (size_t)got;
    }
    return 1;
}

/// The next frame, with its length; its size, 0 at the end of the stream, -1 on failure.
static ssize_t next(struct reader *reader, const uint8_t **frame) {
    int state = want(reader, prefix);
    if (state <= 0) return state;
    const uint8_t *head = reader->bytes + reader->start;
    size_t size = prefix + ((size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
    state = want(reader, size);
    if (state <= 0) return state;
    *frame = reader->bytes + reader->start;
    reader->start += size;
    return (ssize_t)size;
}

int yardstick_plugin(int socket, struct yardstick_frame registration, struct yardstick_frame answer) {
    struct reader reader = {.socket = socket};
    const uint8_t *frame;
    uint8_t *own = malloc(answer.count);
    if (!own) return -1;
    memcpy(own, answer.bytes, answer.count);
    ssize_t size = -1;
    if (send_all(socket, registration.bytes, registration.count) == 0) size = next(&reader, &frame);
    while (size > 0 && (size = next(&reader, &frame)) > 0) {
        // The number is at the same place in calls and answers.
        if ((size_t)size < answer.id + digits) break;
        memcpy(own + answer.id, frame + answer.id, digits);
        if (send_all(socket, own, answer.count) < 0) size = -1;
    }
    free(own);
    free(reader.bytes);
    return size < 0 ? -1 : 0;
}

int yardstick_welcome(int socket, struct yardstick_frame answer) {
    struct reader reader = {.socket = socket};
    const uint8_t *frame;
    ssize_t size = next(&reader, &frame);
    free(reader.bytes);
    return size <= 0 ? -1 : send_all(socket, answer.bytes, answer.count);
}

static void write_number(uint8_t *place, uint64_t number) {
    for (int i = digits - 1; i >= 0; i--, number /= 10) place[i] = (uint8_t)('0' + number % 10);
}

static int ascending(const void *one, const void *other) {
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

int yardstick_calls(
    int socket, struct yardstick_frame call, size_t answer_size, uint64_t first, uint64_t count,
    unsigned window, struct yardstick_times *times) {
    struct reader reader = {.socket = socket};
    const uint8_t *frame;
    uint8_t number[digits];
    uint8_t *own = malloc(call.count);
    uint64_t *started = malloc(count * sizeof *started);
    int result = own && started ? 0 : -1;
    if (own) memcpy(own, call.bytes, call.count);
    uint64_t begin = now(), sent = 0;
    for (uint64_t done = 0; result == 0 && done < count; done++) {
        while (sent < count && sent - done < window && result == 0) {
            write_number(own + call.id, first + sent);
            started[sent++] = now();
            result = send_all(socket, own, call.count);
        }
        if (result < 0) break;
        ssize_t size = next(&reader, &frame);
        write_number(number, first + done);
        if (size <= 0) result = -1;
        else if ((size_t)size != answer_size || memcmp(frame + call.id, number, digits)) result = -2;
        else started[done] = now() - started[done];
    }
    if (result == 0) {
        times->elapsed = now() - begin;
        qsort(started, count, sizeof *started, ascending);
        times->p50 = started[count / 2];
        times->p99 = started[count * 99 / 100];
    }
    free(own);
    free(started);
    free(reader.bytes);
    return result;
}
