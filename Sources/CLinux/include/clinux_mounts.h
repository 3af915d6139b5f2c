// The mount API by descriptor (open_tree(2) and its family), namespaces, pivot_root.
#ifndef CLINUX_MOUNTS_H
#define CLINUX_MOUNTS_H

#include <stdint.h>

#define CLINUX_MOUNT_RDONLY 0x1
#define CLINUX_MOUNT_NOSUID 0x2
#define CLINUX_MOUNT_NODEV 0x4
#define CLINUX_MOUNT_NOEXEC 0x8
#define CLINUX_MOUNT_IDMAP 0x100000
#define CLINUX_PROPAGATION_SLAVE (1 << 19)
#define CLINUX_PROPAGATION_PRIVATE (1 << 18)

/// A detached copy of the mount at `path`, with everything below it when `recursive`; a symbolic
/// link as last component is not followed.
int clinux_open_tree(int directory, const char *path, int recursive);
/// Like clinux_open_tree, of the mount that `fd` itself stands on.
int clinux_open_tree_at(int fd, int recursive);
/// Attaches the detached mount `mount` on the place that `target` refers to.
int clinux_move_mount(int mount, int target);
/// Attaches the detached mount `mount` on the directory `path`, seen from the working directory.
int clinux_move_mount_path(int mount, const char *path);

int clinux_fsopen(const char *type);
int clinux_fsconfig_string(int fs, const char *key, const char *value);
int clinux_fsconfig_create(int fs);
int clinux_fsmount(int fs, unsigned attributes);

/// mount_setattr on the mount that `fd` stands on; `userns` is used with CLINUX_MOUNT_IDMAP only.
int clinux_mount_setattr(
    int fd, int recursive, uint64_t set, uint64_t clear, uint64_t propagation, int userns);
/// The same for attributes that a file open for writing may be in the way of (EBUSY): tried for 200 ms. A
/// child that another thread of the launcher started has copies of its descriptors until it executes.
int clinux_mount_setattr_patiently(int fd, int recursive, uint64_t set);
/// Changes the propagation of every mount of this mount namespace, from "/" down.
int clinux_set_root_propagation(uint64_t propagation);

/// pivot_root(".", ".") followed by the detachment of the old root: the working
/// directory becomes the root.
int clinux_pivot_to_working_directory(void);

#define CLINUX_NEWNS 0x00020000
#define CLINUX_NEWCGROUP 0x02000000
#define CLINUX_NEWUTS 0x04000000
#define CLINUX_NEWIPC 0x08000000
#define CLINUX_NEWUSER 0x10000000
#define CLINUX_NEWPID 0x20000000
#define CLINUX_NEWNET 0x40000000
int clinux_unshare(uint64_t flags);
/// Moves the calling thread into the mount namespace that `fd` is, with its root as root and working directory
/// (setns(2)). The process must have no other thread. Returns -1 with errno set.
int clinux_enter_mounts(int fd);

#endif
