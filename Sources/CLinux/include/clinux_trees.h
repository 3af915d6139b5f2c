// Entries of a root tree, made by a path inside the tree and never outside it: every path is
// resolved below the descriptor `root`, without symbolic links (openat2(2), RESOLVE_IN_ROOT and
// RESOLVE_NO_SYMLINKS). Paths start with "/" and have no "." or "..".
#ifndef CLINUX_TREES_H
#define CLINUX_TREES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Makes a directory; one that exists already is kept, with the new mode.
int clinux_tree_directory(int root, const char *path, uint32_t mode);
int clinux_tree_symlink(int root, const char *path, const char *target);
/// Makes a new file with this content.
int clinux_tree_file(int root, const char *path, uint32_t mode, const void *bytes, size_t count);
/// A reference (O_PATH) to what is there.
int clinux_tree_open(int root, const char *path);
/// A reference (O_PATH) to the directory or regular file `name` of a stored tree: not through a link
/// and not onto another mount. `tree` has to be the directory `device`:`inode`, or the result is
/// ESTALE; `directory` says which of the two kinds is meant, and the other one is ENOTDIR or EINVAL.
int clinux_stored_entry(const char *tree, uint64_t device, uint64_t inode, const char *name, int directory);
/// A reference (O_PATH) to the directory or regular file `path` of the caller's root, whose path has no
/// link in it. It has to be `device`:`inode`, or the result is ESTALE; `directory` says which of the two
/// kinds is meant, and the other one is EINVAL.
int clinux_open_source(const char *path, uint64_t device, uint64_t inode, int directory);
/// 1 for a directory, 0 for anything else.
int clinux_is_directory(int fd);
/// 0 when `fd` refers to the character device major:minor; -1 with ENODEV otherwise.
int clinux_check_device(int fd, uint32_t major, uint32_t minor);
/// O_PATH of a device below the host's /dev, without following a link.
int clinux_open_device(const char *name);

/// /dev/null of the caller's root.
int clinux_open_null(void);

/// A listening, non-blocking unix stream socket bound at a path of the caller's own root.
int clinux_listen_at(const char *path, uint32_t mode, int backlog);

int clinux_fchdir(int fd);
int clinux_close(int fd);
void clinux_umask(uint32_t mask);
ssize_t clinux_write(int fd, const void *bytes, size_t count);
/// errno and some of its values, for programs without Swift's Glibc module.
int clinux_errno(void);
#define CLINUX_ENOENT 2
#define CLINUX_EINVAL 22
#define CLINUX_SIGCHLD 17
#define CLINUX_SIGKILL 9

/// A whole file in memory (mmap, private and read-only); NULL on failure.
const void *clinux_map(int fd, size_t limit, size_t *size);
void clinux_unmap(const void *bytes, size_t size);

/// Blocks until `first` or `second` can be read or has ended: 1 for first, 2 for second, 3 for both.
int clinux_poll_two(int first, int second);
void clinux_exit_now(int status) __attribute__((noreturn));

#endif
