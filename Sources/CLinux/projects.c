#define _GNU_SOURCE 1
#include "clinux_projects.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// Project quotas, and what a copy of a file needs besides its contents.

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

// Headers that lay it out in another way than the kernel does not compile.
_Static_assert(sizeof(struct fsxattr) == 28, "");
_Static_assert(sizeof(struct fs_disk_quota) == 112, "");
_Static_assert(offsetof(struct fs_disk_quota, d_bcount) == 40, "");
_Static_assert(sizeof(struct fs_quota_statv) == 160, "");
_Static_assert(FS_IOC_FSGETXATTR == 0x801c581f && FS_IOC_FSSETXATTR == 0x401c5820, "");
_Static_assert(Q_XGETQUOTA == 0x5803 && Q_XSETQLIM == 0x5804 && Q_XGETQSTATV == 0x5808, "");
_Static_assert(CLINUX_EXT4_MAGIC == EXT4_SUPER_MAGIC && CLINUX_XFS_MAGIC == XFS_SUPER_MAGIC, "");
_Static_assert(PRJQUOTA == 2, "");

// The unit of sizes in struct fs_disk_quota, whatever the file system's own is.
#define BASIC_BLOCK 512

static int quota_call(int fd, unsigned command, uint32_t project, void *argument) {
    return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, argument);
}

int clinux_project(int fd, uint32_t *project, int *inherits) {
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return -1;
    *project = attributes.fsx_projid;
    *inherits = (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0;
    return 0;
}

int clinux_set_project(int fd, uint32_t project) {
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return -1;
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

int clinux_lift_protection(int fd, unsigned *taken) {
    // An int, whatever the number of the call says (ioctl_iflags(2)).
    int flags = 0;
    *taken = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return -1;
    const int found = flags & (FS_IMMUTABLE_FL | FS_APPEND_FL);
    if (found == 0) return 0;
    flags &= ~found;
    if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) return -1;
    *taken = (unsigned)found;
    return 0;
}

int clinux_protect(int fd, unsigned protection) {
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) return -1;
    flags |= (int)protection;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

int clinux_project_state(int fd, int *counts, int *limits) {
    struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
    *counts = *limits = 0;
    if (quota_call(fd, Q_XGETQSTATV, 0, &state) < 0) {
        // EINVAL: quotas, but none of projects; the others: no quotas at all, or a kernel without the call.
        switch (errno) {
        case EINVAL: case ENOSYS: case ESRCH: case EOPNOTSUPP: return 0;
        default: return -1;
        }
    }
    *counts = (state.qs_flags & FS_QUOTA_PDQ_ACCT) != 0;
    *limits = (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
    return 0;
}

int clinux_project_quota(int fd, uint32_t project, struct clinux_project_quota *quota) {
    struct fs_disk_quota disk = {0};
    *quota = (struct clinux_project_quota){0};
    if (quota_call(fd, Q_XGETQUOTA, project, &disk) < 0) return errno == ENOENT ? 0 : -1;
    *quota = (struct clinux_project_quota){
        .byte_limit = disk.d_blk_hardlimit * BASIC_BLOCK,
        .inode_limit = disk.d_ino_hardlimit,
        .bytes = disk.d_bcount * BASIC_BLOCK,
        .inodes = disk.d_icount,
    };
    return 0;
}

int clinux_limit_project(int fd, uint32_t project, uint64_t bytes, uint64_t inodes) {
    // No soft limits: they would be hard ones after a while.
    struct fs_disk_quota disk = {
        .d_version = FS_DQUOT_VERSION,
        .d_flags = FS_PROJ_QUOTA,
        .d_fieldmask = FS_DQ_ISOFT | FS_DQ_IHARD | FS_DQ_BSOFT | FS_DQ_BHARD,
        .d_id = project,
        .d_blk_hardlimit = bytes / BASIC_BLOCK,
        .d_ino_hardlimit = inodes,
    };
    return quota_call(fd, Q_XSETQLIM, project, &disk);
}

ssize_t clinux_attribute(int fd, const char *name, void *value, size_t size) {
    return fgetxattr(fd, name, value, size);
}

int clinux_set_attribute(int fd, const char *name, const void *value, size_t size) {
    return fsetxattr(fd, name, value, size, 0);
}

int clinux_remove_attribute(int fd, const char *name) { return fremovexattr(fd, name); }

// What a plugin may have set. Others belong to the system and are not for a copy to spread.
static int is_copied(const char *name) {
    return strncmp(name, "user.", 5) == 0 || strncmp(name, "system.posix_acl_", 17) == 0;
}

static int copy_extended(int source, int target) {
    // The kernel's own bounds (XATTR_LIST_MAX, XATTR_SIZE_MAX), so that ERANGE cannot be.
    enum { MOST = 65536 };
    char *names = malloc(2 * MOST), *value = names ? names + MOST : NULL;
    int result = -1;
    if (!names) return -1;
    ssize_t size = flistxattr(source, names, MOST);
    if (size < 0) {
        if (errno == EOPNOTSUPP) result = 0;
        goto end;
    }
    for (char *name = names; name < names + size; name += strlen(name) + 1) {
        if (!is_copied(name)) continue;
        ssize_t length = fgetxattr(source, name, value, MOST);
        if (length < 0 || fsetxattr(target, name, value, (size_t)length, 0) < 0) goto end;
    }
    result = 0;
end:;
    int code = errno;
    free(names);
    errno = code;
    return result;
}

int clinux_copy_attributes(int source, int target) {
    struct stat status;
    if (fstat(source, &status) < 0) return -1;
    struct timespec times[2] = {status.st_atim, status.st_mtim};
    // In this order: a change of owner takes setuid bits away, and each change the time.
    if (fchown(target, status.st_uid, status.st_gid) < 0) return -1;
    if (copy_extended(source, target) < 0) return -1;
    if (fchmod(target, status.st_mode & 07777) < 0) return -1;
    return futimens(target, times);
}

int clinux_copy_special(int source, int target, const char *name) {
    struct stat status;
    if (fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return -1;
    switch (status.st_mode & S_IFMT) {
    case S_IFLNK: {
        char text[PATH_MAX];
        ssize_t size = readlinkat(source, name, text, sizeof text);
        if (size < 0) return -1;
        if ((size_t)size >= sizeof text) {
            errno = ENAMETOOLONG;
            return -1;
        }
        text[size] = 0;
        if (symlinkat(text, target, name) < 0) return -1;
        break;
    }
    case S_IFIFO:
    case S_IFSOCK:
        if (mknodat(target, name, status.st_mode, 0) < 0) return -1;
        // Less the umask until here.
        if (fchmodat(target, name, status.st_mode & 07777, 0) < 0) return -1;
        break;
    default: errno = EOPNOTSUPP; return -1;
    }
    if (fchownat(target, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) < 0) return -1;
    struct timespec times[2] = {status.st_atim, status.st_mtim};
    return utimensat(target, name, times, AT_SYMLINK_NOFOLLOW);
}
