// Descriptors, path resolution under control, memory files.
#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Flags that glibc shows only with _GNU_SOURCE, with the values of the kernel's uapi headers.
#define CLINUX_AT_FDCWD (-100)
#define CLINUX_O_PATH 010000000
#define CLINUX_O_TMPFILE 020200000
#define CLINUX_RESOLVE_NO_XDEV 0x01
#define CLINUX_RESOLVE_NO_MAGICLINKS 0x02
#define CLINUX_RESOLVE_NO_SYMLINKS 0x04
#define CLINUX_RESOLVE_BENEATH 0x08
#define CLINUX_RESOLVE_IN_ROOT 0x10

/// pipe2 with O_CLOEXEC.
int clinux_pipe(int ends[2]);

int clinux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// A memory file that takes seals; `executable` asks for MFD_EXEC where the kernel knows it.
int clinux_memfd(const char *name, int executable);
/// Adds the write, grow, shrink and seal seals, and F_SEAL_EXEC where the kernel knows it.
int clinux_memfd_seal(int fd);
/// Whether nobody can change or shorten what is in `fd`: 1 for a memory file sealed so, 0 for any other file.
int clinux_memfd_is_sealed(int fd);

/// Copies up to `count` bytes from where `source` stands to `target`, inside the kernel.
ssize_t clinux_sendfile(int target, int source, size_t count);

/// splice without offsets; flags are SPLICE_F_*.
ssize_t clinux_splice(int from, int to, size_t count, unsigned flags);
#define CLINUX_SPLICE_MOVE 1
#define CLINUX_SPLICE_NONBLOCK 2

/// Marks every descriptor from `first` up close-on-exec.
int clinux_close_on_exec_from(unsigned first);

/// Locks one byte of a file for this open file description, without waiting (F_OFD_SETLK):
/// the lock lives as long as any copy of the descriptor. EAGAIN or EACCES when it is taken.
int clinux_lock_byte(int fd, int64_t offset);
/// The same, waiting until it is free (F_OFD_SETLKW).
int clinux_wait_for_byte(int fd, int64_t offset);
/// Gives up the lock on one byte.
int clinux_unlock_byte(int fd, int64_t offset);

/// Writes everything of the file system that `fd` is on to its device (syncfs(2)).
int clinux_syncfs(int fd);

/// What fstat says, in fields that do not depend on the architecture.
struct clinux_stat {
    uint64_t device, inode, size;
    uint32_t mode, uid, gid;
    uint32_t rdev_major, rdev_minor;
};
int clinux_fstat(int fd, struct clinux_stat *result);

/// The name of an error constant, such as "EACCES"; NULL for a number without one.
const char *clinux_errno_name(int error);

/// getdents64 into `buffer`: raw records, 0 at the end.
ssize_t clinux_getdents(int fd, void *buffer, size_t size);

#endif
