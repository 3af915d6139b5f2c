// Area B of the attack cases, /proc: settings, secrets and the init. What could be changed is opened
// for writing and never written, so that the control harms no host.
#include "attacker.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { depth_limit = 8 };

/// Every regular file below a directory that opens for writing.
static void walk_writable(const char *directory, int depth) {
    DIR *stream = opendir(directory);
    if (!stream) return;
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[1000];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        // Masks are devices.
        if (entry->d_type == DT_REG || entry->d_type == DT_CHR) note_if_opened(path, O_WRONLY);
        if (entry->d_type == DT_DIR && depth < depth_limit) walk_writable(path, depth + 1);
    }
    closedir(stream);
}

static const char *open_kernel_settings(void) {
    walk_writable("/proc/sys", 0);
    return findings();
}

/// Files of the kernel's own, sysrq-trigger among them; those of processes are elsewhere.
static const char *open_kernel_files(void) {
    DIR *stream = opendir("/proc");
    if (!stream) return outcome(-1);
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[300];
        struct stat status;
        snprintf(path, sizeof path, "/proc/%s", entry->d_name);
        if (lstat(path, &status) < 0 || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode)) continue;
        note_if_opened(path, O_WRONLY);
    }
    closedir(stream);
    return findings();
}

/// oom_score_adj, uid_map, attr/current and all the others.
static const char *open_own_process_files(void) {
    walk_writable("/proc/self", depth_limit - 1);
    return findings();
}

static const char *const kernel_secrets[] = {
    "/proc/acpi", "/proc/asound", "/proc/cmdline", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore",
    "/proc/key-users", "/proc/keys", "/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount",
    "/proc/kpageflags", "/proc/latency_stats", "/proc/modules", "/proc/pagetypeinfo",
    "/proc/sched_debug", "/proc/scsi", "/proc/slabinfo", "/proc/swaps", "/proc/sysrq-trigger",
    "/proc/timer_list", "/proc/timer_stats", "/proc/vmallocinfo", "/sys/firmware", "/sys/kernel",
    "/sys/fs/cgroup", "/dev/kmsg", "/dev/mem", "/etc/shadow", "/root", "/boot", NULL,
};

/// Whether a directory has a name in it.
static int is_full(const char *path) {
    DIR *stream = opendir(path);
    int count = 0;
    while (stream && readdir(stream)) count++;
    if (stream) closedir(stream);
    return count > 2;
}

static const char *read_kernel_secrets(void) {
    for (const char *const *path = kernel_secrets; *path; path++) {
        struct stat status;
        char byte;
        if (stat(*path, &status) < 0) continue;
        if (S_ISDIR(status.st_mode)) {
            if (is_full(*path)) found("%s", *path);
            continue;
        }
        int number = open(*path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (number < 0) continue;
        // What is read of the log is gone for the host.
        int readable = strstr(*path, "kmsg") && !S_ISCHR(status.st_mode) ? 1 : read(number, &byte, 1) > 0;
        close(number);
        if (readable) found("%s", *path);
    }
    return findings();
}

/// What hides something has to be the null device or an empty directory, and not what somebody put
/// in its place (CVE-2025-31133).
static const char *find_false_masks(void) {
    for (const char *const *path = kernel_secrets; *path && strncmp(*path, "/proc/", 6) == 0; path++) {
        struct stat status;
        // Ordinary ids may read neither; nothing has to hide them.
        if (strstr(*path, "slabinfo") || strstr(*path, "vmallocinfo") || stat(*path, &status) < 0) continue;
        int null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
        int empty = S_ISDIR(status.st_mode) && !is_full(*path);
        if (!null && !empty) found("%s", *path);
    }
    return findings();
}

/// Everything of PID 1 that would tell of the host or give a way to it.
static const char *look_into_init(void) {
    static const char *const files[] = {
        "mem", "environ", "maps", "auxv", "stack", "io", "exe", "root/etc/passwd",
    };
    static const char *const links[] = {"exe", "root", "cwd", "ns/mnt", "ns/user", "fd/0"};
    static const char *const directories[] = {"fd", "map_files", "fdinfo"};
    char path[64], link[64];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/1/%s", files[i]);
        note_if_opened(path, O_RDONLY);
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/proc/1/%s", links[i]);
        if (readlink(path, link, sizeof link) >= 0) found("link %s", path);
    }
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        snprintf(path, sizeof path, "/proc/1/%s", directories[i]);
        if (is_full(path)) found("%s", path);
    }
    return findings();
}

const struct attempt procfs_attempts[] = {
    {"open-kernel-settings", open_kernel_settings},
    {"open-kernel-files", open_kernel_files},
    {"open-own-process-files", open_own_process_files},
    {"read-kernel-secrets", read_kernel_secrets},
    {"find-false-masks", find_false_masks},
    {"look-into-init", look_into_init},
    {NULL, NULL},
};
