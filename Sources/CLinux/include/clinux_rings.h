// Memory files that bytes go through: what rings of output are made of.
#ifndef CLINUX_RINGS_H
#define CLINUX_RINGS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Keeps a memory file from being cut off, and from further seals; it can be written and grow.
int clinux_memfd_seal_size(int fd);

/// Which seals a memory file has; EINVAL for what is none.
int clinux_memfd_seals(int fd);

/// Gives the memory of `count` bytes from `offset` back; they read as zeros from then on.
int clinux_punch(int fd, int64_t offset, int64_t count);

/// How many bytes a pipe holds; EBADF for what is none.
int clinux_pipe_size(int fd);

/// Has a pipe hold `size` bytes (F_SETPIPE_SZ). EPERM where it is more than this user may have.
int clinux_pipe_resize(int fd, int size);

/// Sends up to `count` bytes from `offset` on to a socket, inside the kernel. Where `source` stands
/// does not change. A peer that is gone is EPIPE, and no SIGPIPE.
ssize_t clinux_sendfile_from(int target, int source, int64_t offset, size_t count);

/// write(2) to a pipe that nobody may read any more: EPIPE then, and no SIGPIPE.
ssize_t clinux_write_quietly(int fd, const void *bytes, size_t count);

#endif
