// Project quotas of ext4 and xfs, and copying what a name has besides its contents.
//
// Layouts and numbers are those of linux/fs.h, linux/quota.h and linux/dqblk_xfs.h, which the
// implementation includes. Every call is made on a descriptor; names have one component.
#ifndef CLINUX_PROJECTS_H
#define CLINUX_PROJECTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// What statfs(2) calls an ext4 (and an ext2 and ext3) and an xfs.
#define CLINUX_EXT4_MAGIC 0x0000EF53U
#define CLINUX_XFS_MAGIC 0x58465342U

/// The project of what `fd` is open on, and whether what is made in it gets the same (FS_IOC_FSGETXATTR).
int clinux_project(int fd, uint32_t *project, int *inherits);
/// Gives `fd` a project that what is made in it gets as well (FS_IOC_FSSETXATTR). Refused with EINVAL to who is
/// in another user namespace than the first one.
int clinux_set_project(int fd, uint32_t project);

/// Takes from a file or a directory that nobody may change it or only add to it (FS_IOC_SETFLAGS, chattr(1): `+i`
/// and `+a`), which takes CAP_LINUX_IMMUTABLE.
/// `taken` becomes what was taken, 0 where there was nothing, for clinux_protect.
int clinux_lift_protection(int fd, unsigned *taken);
/// Gives it back.
int clinux_protect(int fd, unsigned protection);

/// Whether `fd`'s file system counts what projects have, and keeps them to limits: 0 where it does neither
/// (quotactl_fd(2) of Linux 5.14 with Q_XGETQSTATV).
int clinux_project_state(int fd, int *counts, int *limits);

struct clinux_project_quota {
    /// In bytes and inodes; 0 for no limit.
    uint64_t byte_limit, inode_limit;
    /// What it has, with what is about to be written.
    uint64_t bytes, inodes;
};
/// All 0 for a project that nothing is known of (Q_XGETQUOTA).
int clinux_project_quota(int fd, uint32_t project, struct clinux_project_quota *quota);
/// Sets both hard limits, in bytes and inodes; 0 lifts one (Q_XSETQLIM).
int clinux_limit_project(int fd, uint32_t project, uint64_t bytes, uint64_t inodes);

/// fgetxattr(2) and fsetxattr(2); the size is that of the value, -1 with ENODATA where there is none.
ssize_t clinux_attribute(int fd, const char *name, void *value, size_t size);
int clinux_set_attribute(int fd, const char *name, const void *value, size_t size);
int clinux_remove_attribute(int fd, const char *name);

/// Gives `target` the owner, extended attributes (`user.` and access control lists), permissions and times of
/// `source`.
int clinux_copy_attributes(int source, int target);
/// Makes a symbolic link, FIFO or socket `name` in `target` like the one in `source`, with owner, permissions and
/// times; EOPNOTSUPP for anything else.
int clinux_copy_special(int source, int target, const char *name);

#endif
