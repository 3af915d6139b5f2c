#define _GNU_SOURCE 1
#include "clinux_volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// The numbers hold the sizes of what is passed, so a header that differs does not compile.
_Static_assert(BTRFS_IOC_SUBVOL_CREATE_V2 == 0x50009418, "");
_Static_assert(BTRFS_IOC_SNAP_CREATE_V2 == 0x50009417, "");
_Static_assert(BTRFS_IOC_SNAP_DESTROY_V2 == 0x5000943f, "");
_Static_assert(BTRFS_IOC_QUOTA_CTL == 0xc0109428, "");
_Static_assert(BTRFS_IOC_QGROUP_CREATE == 0x4010942a, "");
_Static_assert(BTRFS_IOC_QGROUP_LIMIT == 0x8030942b, "");
_Static_assert(BTRFS_IOC_QUOTA_RESCAN == 0x4040942c, "");
_Static_assert(BTRFS_IOC_QUOTA_RESCAN_WAIT == 0x942e, "");
_Static_assert(BTRFS_IOC_SYNC == 0x9408, "");
_Static_assert(BTRFS_IOC_START_SYNC == 0x80089418, "");
_Static_assert(BTRFS_IOC_TREE_SEARCH == 0xd0009411, "");
_Static_assert(sizeof(struct btrfs_qgroup_inherit) == 72, "");
_Static_assert(sizeof(struct loop_config) == 304, "");
_Static_assert(CLINUX_BTRFS_MAGIC == BTRFS_SUPER_MAGIC && CLINUX_TMPFS_MAGIC == TMPFS_MAGIC, "");
_Static_assert(CLINUX_QUOTA_FULL == BTRFS_QUOTA_CTL_ENABLE, "");

// A top directory of a subvolume has this inode number (BTRFS_FIRST_FREE_OBJECTID).
#define TOP_INODE 256

static int set_name(char *field, size_t size, const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length >= size || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) {
        errno = EINVAL;
        return -1;
    }
    memcpy(field, name, length + 1);
    return 0;
}

int clinux_btrfs_subvolume(
    int directory, const char *name, int source, int read_only, int quota, uint64_t bytes,
    const uint64_t *parents, size_t count) {
    enum { MOST = 16 };
    union {
        struct btrfs_qgroup_inherit inherit;
        unsigned char room[sizeof(struct btrfs_qgroup_inherit) + MOST * sizeof(uint64_t)];
    } group;
    struct btrfs_ioctl_vol_args_v2 arguments = {.fd = source};
    if (set_name(arguments.name, sizeof arguments.name, name) < 0) return -1;
    if (count > MOST) {
        errno = EINVAL;
        return -1;
    }
    if (read_only) arguments.flags |= BTRFS_SUBVOL_RDONLY;
    if (quota) {
        memset(&group, 0, sizeof group);
        if (bytes != CLINUX_NO_LIMIT) {
            group.inherit.flags = BTRFS_QGROUP_INHERIT_SET_LIMITS;
            group.inherit.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
            group.inherit.lim.max_rfer = bytes;
        }
        group.inherit.num_qgroups = count;
        memcpy(group.room + sizeof group.inherit, parents, count * sizeof *parents);
        arguments.flags |= BTRFS_SUBVOL_QGROUP_INHERIT;
        arguments.size = sizeof group.inherit + count * sizeof *parents;
        arguments.qgroup_inherit = &group.inherit;
    }
    return ioctl(
        directory, source < 0 ? BTRFS_IOC_SUBVOL_CREATE_V2 : BTRFS_IOC_SNAP_CREATE_V2, &arguments);
}

int clinux_btrfs_destroy(int directory, const char *name) {
    struct btrfs_ioctl_vol_args_v2 arguments = {0};
    if (set_name(arguments.name, sizeof arguments.name, name) < 0) return -1;
    return ioctl(directory, BTRFS_IOC_SNAP_DESTROY_V2, &arguments);
}

int clinux_btrfs_destroy_number(int fd, uint64_t number) {
    struct btrfs_ioctl_vol_args_v2 arguments = {.flags = BTRFS_SUBVOL_SPEC_BY_ID, .subvolid = number};
    return ioctl(fd, BTRFS_IOC_SNAP_DESTROY_V2, &arguments);
}

int clinux_btrfs_subvolume_number(int fd, uint64_t *number) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -1;
    if (status.st_ino != TOP_INODE || !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    // With no tree named it is the one that `fd` is in; unlike GET_SUBVOL_INFO this looks nothing up.
    struct btrfs_ioctl_ino_lookup_args arguments = {.objectid = TOP_INODE};
    if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &arguments) < 0) return -1;
    *number = arguments.treeid;
    return 0;
}

// The first key of this type and object in the tree of trees: 1 with its offset, 0 for none, -1.
static int find_in_root_tree(int fd, uint64_t object, uint32_t type, uint64_t *offset) {
    struct btrfs_ioctl_search_args arguments = {
        .key = {
            .tree_id = BTRFS_ROOT_TREE_OBJECTID,
            .min_objectid = object,
            .max_objectid = object,
            .min_type = type,
            .max_type = type,
            .max_offset = UINT64_MAX,
            .max_transid = UINT64_MAX,
            .nr_items = 1,
        }};
    if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &arguments) < 0) return -1;
    if (arguments.key.nr_items == 0) return 0;
    struct btrfs_ioctl_search_header header;
    memcpy(&header, arguments.buf, sizeof header);
    *offset = header.offset;
    return 1;
}

int clinux_btrfs_child(int fd, uint64_t number, uint64_t *child) {
    return find_in_root_tree(fd, number, BTRFS_ROOT_REF_KEY, child);
}

int clinux_btrfs_has_subvolume(int fd, uint64_t number) {
    uint64_t parent;
    return find_in_root_tree(fd, number, BTRFS_ROOT_BACKREF_KEY, &parent);
}

int clinux_btrfs_enable_quota(int fd, uint64_t kind) {
    struct btrfs_ioctl_quota_ctl_args arguments = {.cmd = kind};
    if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &arguments) < 0) return -1;
    return kind == CLINUX_QUOTA_FULL ? ioctl(fd, BTRFS_IOC_QUOTA_RESCAN_WAIT) : 0;
}

int clinux_btrfs_count_again(int fd) {
    struct btrfs_ioctl_quota_rescan_args arguments = {0};
    // EINPROGRESS: one is under way.
    if (ioctl(fd, BTRFS_IOC_QUOTA_RESCAN, &arguments) < 0 && errno != EINPROGRESS) return -1;
    return ioctl(fd, BTRFS_IOC_QUOTA_RESCAN_WAIT);
}

static int change_qgroup(int fd, uint64_t qgroup, int create) {
    struct btrfs_ioctl_qgroup_create_args arguments = {.create = (uint64_t)create, .qgroupid = qgroup};
    return ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &arguments);
}

int clinux_btrfs_create_qgroup(int fd, uint64_t qgroup) { return change_qgroup(fd, qgroup, 1); }

int clinux_btrfs_remove_qgroup(int fd, uint64_t qgroup) { return change_qgroup(fd, qgroup, 0); }

int clinux_btrfs_limit_qgroup(int fd, uint64_t qgroup, uint64_t bytes) {
    // The kernel takes all ones for "no limit any more".
    struct btrfs_ioctl_qgroup_limit_args arguments = {
        .qgroupid = qgroup, .lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = bytes}};
    return ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &arguments);
}

int clinux_btrfs_sync(int fd) { return ioctl(fd, BTRFS_IOC_SYNC); }

int clinux_btrfs_start_sync(int fd) {
    uint64_t transaction = 0;
    if (futimens(fd, NULL) < 0) return -1;
    return ioctl(fd, BTRFS_IOC_START_SYNC, &transaction);
}

int clinux_btrfs_fill_device(int fd) {
    struct btrfs_ioctl_vol_args arguments = {.name = "1:max"};
    return ioctl(fd, BTRFS_IOC_RESIZE, &arguments);
}

int clinux_btrfs_resize(int fd, uint64_t bytes) {
    struct btrfs_ioctl_vol_args arguments = {0};
    snprintf(arguments.name, sizeof arguments.name, "1:%llu", (unsigned long long)bytes);
    return ioctl(fd, BTRFS_IOC_RESIZE, &arguments);
}

int clinux_btrfs_room(int fd, struct clinux_btrfs_room *room, unsigned char id[16]) {
    enum { MOST = 32 };
    union {
        struct btrfs_ioctl_space_args arguments;
        unsigned char room[sizeof(struct btrfs_ioctl_space_args) + MOST * sizeof(struct btrfs_ioctl_space_info)];
    } space;
    memset(&space, 0, sizeof space);
    space.arguments.space_slots = MOST;
    if (ioctl(fd, BTRFS_IOC_SPACE_INFO, &space) < 0) return -1;
    memset(room, 0, sizeof *room);
    for (uint64_t slot = 0; slot < space.arguments.total_spaces && slot < MOST; slot++) {
        const struct btrfs_ioctl_space_info *info = &space.arguments.spaces[slot];
        if (info->flags & BTRFS_SPACE_INFO_GLOBAL_RSV) continue;
        if (info->flags & BTRFS_BLOCK_GROUP_DATA) {
            room->data += info->total_bytes;
            room->data_used += info->used_bytes;
        } else {
            room->metadata += info->total_bytes;
            room->metadata_used += info->used_bytes;
        }
    }
    struct btrfs_ioctl_fs_info_args whole = {0};
    if (ioctl(fd, BTRFS_IOC_FS_INFO, &whole) < 0) return -1;
    memcpy(id, whole.fsid, 16);
    // Numbers of devices begin with 1 and are not given again after a removal.
    for (uint64_t number = 1; number <= whole.max_id; number++) {
        struct btrfs_ioctl_dev_info_args device = {.devid = number};
        if (ioctl(fd, BTRFS_IOC_DEV_INFO, &device) == 0) room->size += device.total_bytes;
        else if (errno != ENODEV) return -1;
    }
    return 0;
}

int clinux_loop_free(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

int clinux_loop_configure(int device, int backing, int direct) {
    struct loop_config config = {.fd = (uint32_t)backing};
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (direct ? LO_FLAGS_DIRECT_IO : 0);
    return ioctl(device, LOOP_CONFIGURE, &config);
}

int clinux_loop_look_again(int device) { return ioctl(device, LOOP_SET_CAPACITY); }

int clinux_loop_is_of(int device, uint64_t file_device, uint64_t inode) {
    struct loop_info64 info;
    if (ioctl(device, LOOP_GET_STATUS64, &info) < 0) return errno == ENXIO ? 0 : -1;
    return info.lo_device == file_device && info.lo_inode == inode;
}

int clinux_loop_is_direct(int device) {
    struct loop_info64 info;
    if (ioctl(device, LOOP_GET_STATUS64, &info) < 0) return -1;
    return (info.lo_flags & LO_FLAGS_DIRECT_IO) != 0;
}

int clinux_file_system(int fd, struct clinux_file_system *result) {
    struct statfs status;
    if (fstatfs(fd, &status) < 0) return -1;
    uint64_t block = (uint64_t)status.f_frsize;
    *result = (struct clinux_file_system){
        .type = (uint32_t)status.f_type,
        .size = status.f_blocks * block,
        .available = status.f_bavail * block,
        .files = status.f_files,
        .free_files = status.f_ffree,
        .read_only = (status.f_flags & ST_RDONLY) != 0,
    };
    return 0;
}

int clinux_reserve(int fd, uint64_t bytes) { return fallocate(fd, 0, 0, (off_t)bytes); }

int clinux_exchange(int directory, const char *name, int other_directory, const char *other) {
    return renameat2(directory, name, other_directory, other, RENAME_EXCHANGE);
}

int clinux_rename_new(int directory, const char *name, int other_directory, const char *other) {
    return renameat2(directory, name, other_directory, other, RENAME_NOREPLACE);
}

int clinux_fspick(int mount) {
    return (int)syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
}

int clinux_fsconfig_flag(int fs, const char *key) {
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, key, NULL, 0);
}

int clinux_fsconfig_reconfigure(int fs) {
    return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}
