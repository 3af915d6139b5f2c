#define _GNU_SOURCE 1
#include "clinux_contents.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

// Renaming, copying and holes: calls that glibc shows with _GNU_SOURCE alone.

int clinux_rename(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    return renameat2(from_directory, from, to_directory, to, flags);
}

int clinux_share_contents(int target, int source) { return ioctl(target, FICLONE, source); }

ssize_t clinux_copy_range(int source, int target, int64_t offset, size_t count) {
    off64_t from = offset, to = offset;
    return copy_file_range(source, &from, target, &to, count, 0);
}

int64_t clinux_next_data(int fd, int64_t offset) { return lseek(fd, offset, SEEK_DATA); }

int64_t clinux_next_hole(int fd, int64_t offset) { return lseek(fd, offset, SEEK_HOLE); }

int clinux_set_room_aside(int fd, int64_t size) { return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size); }
