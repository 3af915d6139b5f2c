// Volumes: btrfs subvolumes and quota groups, loop devices, a file system's room.
//
// The numbers and layouts are those of linux/btrfs.h, linux/loop.h and linux/fs.h, which the
// implementation includes; nothing of them shows here, because those headers and Swift's Glibc
// module do not go together. Every call is made on a descriptor; names have one component.
#ifndef CLINUX_VOLUMES_H
#define CLINUX_VOLUMES_H

#include <stddef.h>
#include <stdint.h>

/// A limit that is none.
#define CLINUX_NO_LIMIT UINT64_MAX
/// What statfs(2) calls a btrfs and a tmpfs.
#define CLINUX_BTRFS_MAGIC 0x9123683EU
#define CLINUX_TMPFS_MAGIC 0x01021994U

/// A new subvolume `name` in `directory`, or a snapshot of the subvolume that `source` is open on where
/// that is not -1, in one call with its limit and its parents (BTRFS_IOC_SUBVOL_CREATE_V2,
/// BTRFS_IOC_SNAP_CREATE_V2 with a qgroup to inherit from).
/// - quota: whether the file system has quotas; else `bytes` and `parents` are not looked at.
/// - bytes: the most that its files may refer to, or CLINUX_NO_LIMIT.
/// - parents: qgroups of level 1 and above that it becomes a member of, 16 at most (EINVAL).
int clinux_btrfs_subvolume(
    int directory, const char *name, int source, int read_only, int quota, uint64_t bytes,
    const uint64_t *parents, size_t count);
/// Removes the subvolume `name`; its space comes back later (BTRFS_IOC_SNAP_DESTROY_V2).
int clinux_btrfs_destroy(int directory, const char *name);
/// Removes the subvolume of that number, wherever on `fd`'s file system it is.
int clinux_btrfs_destroy_number(int fd, uint64_t number);
/// The number of the subvolume that `fd` is open on; fails with ENOTDIR where it is not its top directory.
int clinux_btrfs_subvolume_number(int fd, uint64_t *number);
/// The lowest number of a subvolume that lies directly in the subvolume `number` (a ROOT_REF of the tree of
/// trees): 1 where there is one, 0 where there is none, -1.
int clinux_btrfs_child(int fd, uint64_t number, uint64_t *child);
/// Whether a directory has a subvolume of that number (a ROOT_BACKREF): 1, 0, -1. One that is removed has
/// none from then on, however long it takes to give back what it held.
int clinux_btrfs_has_subvolume(int fd, uint64_t number);

#define CLINUX_QUOTA_FULL 1
/// Simple quotas: BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA of Linux 6.7.
#define CLINUX_QUOTA_SIMPLE 4
/// Turns quotas on. The full ones begin with a scan, which this waits for.
int clinux_btrfs_enable_quota(int fd, uint64_t kind);
/// Has full quotas count all that there is again, and waits for the end of it, or of the scan that somebody else has
/// begun (BTRFS_IOC_QUOTA_RESCAN, BTRFS_IOC_QUOTA_RESCAN_WAIT). A snapshot made meanwhile can end it early.
int clinux_btrfs_count_again(int fd);
int clinux_btrfs_create_qgroup(int fd, uint64_t qgroup);
int clinux_btrfs_remove_qgroup(int fd, uint64_t qgroup);
int clinux_btrfs_limit_qgroup(int fd, uint64_t qgroup, uint64_t bytes);

/// Commits, and has the cleaner give back what destroyed subvolumes held (BTRFS_IOC_SYNC).
int clinux_btrfs_sync(int fd);
/// Has a commit begin, behind which the cleaner is woken, and waits for neither it nor anybody's writes
/// (BTRFS_IOC_START_SYNC). The directory is touched first: without a transaction there is nothing to commit.
int clinux_btrfs_start_sync(int fd);
/// Makes the file system as big as its one device is now (BTRFS_IOC_RESIZE).
int clinux_btrfs_fill_device(int fd);
/// Makes the file system as big as this on its one device (BTRFS_IOC_RESIZE). To make it smaller moves what is in
/// the way; ENOSPC where that does not fit.
int clinux_btrfs_resize(int fd, uint64_t bytes);

struct clinux_btrfs_room {
    /// What the devices have together.
    uint64_t size;
    /// What is set aside for data, and used of that; the same for metadata and system.
    uint64_t data, data_used, metadata, metadata_used;
};
/// BTRFS_IOC_SPACE_INFO and BTRFS_IOC_FS_INFO; data that is stored twice counts once.
int clinux_btrfs_room(int fd, struct clinux_btrfs_room *room, unsigned char id[16]);

/// A loop device that nobody has: /dev/loop-control's LOOP_CTL_GET_FREE. Somebody else may be faster.
int clinux_loop_free(int control);
/// Gives `device` the file `backing`, all of it, by direct I/O where `direct`. It is free again when its last
/// user has closed it (LOOP_CONFIGURE with LO_FLAGS_AUTOCLEAR). EBUSY where somebody else was faster.
int clinux_loop_configure(int device, int backing, int direct);
/// Has the device look how long its file is (LOOP_SET_CAPACITY).
int clinux_loop_look_again(int device);
/// Whether the device's file is the one of that device and inode number: 1, 0, or -1.
int clinux_loop_is_of(int device, uint64_t file_device, uint64_t inode);
/// Whether direct I/O is on: 1, 0, or -1.
int clinux_loop_is_direct(int device);

struct clinux_file_system {
    uint32_t type;
    /// In bytes; `available` is what others than root can have.
    uint64_t size, available;
    /// Inodes; 0 where the file system has no count.
    uint64_t files, free_files;
    int read_only;
};
/// fstatfs(2).
int clinux_file_system(int fd, struct clinux_file_system *result);
/// Sets disk space aside for the file's first `bytes` and makes it no shorter than that (fallocate(2)).
int clinux_reserve(int fd, uint64_t bytes);
/// Swaps two names (renameat2(2), RENAME_EXCHANGE).
int clinux_exchange(int directory, const char *name, int other_directory, const char *other);
/// renameat2(2) that replaces nothing (RENAME_NOREPLACE).
int clinux_rename_new(int directory, const char *name, int other_directory, const char *other);

/// An open configuration of the mounted file system that `mount` is the root of (fspick(2)).
int clinux_fspick(int mount);
/// FSCONFIG_SET_FLAG: an option without a value.
int clinux_fsconfig_flag(int fs, const char *key);
/// FSCONFIG_CMD_RECONFIGURE.
int clinux_fsconfig_reconfigure(int fs);

#endif
