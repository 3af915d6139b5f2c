// What is done with whole files: renaming under conditions, copying inside the kernel, holes.
#ifndef CLINUX_CONTENTS_H
#define CLINUX_CONTENTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CLINUX_RENAME_NOREPLACE 1
#define CLINUX_RENAME_EXCHANGE 2
/// renameat2(2); flags are CLINUX_RENAME_*.
int clinux_rename(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);

/// Makes `target` share the blocks of `source` (FICLONE); EOPNOTSUPP, EXDEV or EINVAL where that cannot be.
int clinux_share_contents(int target, int source);
/// copy_file_range(2) from and to the offset `offset` of both; 0 where `source` ends.
ssize_t clinux_copy_range(int source, int target, int64_t offset, size_t count);
/// Where the next bytes that are no hole begin, from `offset` on (SEEK_DATA); ENXIO when there are none.
int64_t clinux_next_data(int fd, int64_t offset);
/// Where the next hole begins, from `offset` on; the file's end counts as one (SEEK_HOLE).
int64_t clinux_next_hole(int fd, int64_t offset);

/// Sets aside room for `size` bytes of a file without changing what it says its size is (fallocate(2)).
int clinux_set_room_aside(int fd, int64_t size);

#endif
