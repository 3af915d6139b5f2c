// Area B of the attack cases, what is visible: mounts, /proc, devices, programs. What could be
// changed is opened for writing and never written, so that the control harms no host.
#include "attacker.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { depth_limit = 8 };

static void note_if_opened(const char *path, int flags) {
    int number = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (number < 0) return;
    close(number);
    found("%s", path);
}

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

// MARK: /proc

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
    static const char *const files[] = {"mem", "environ", "maps", "auxv", "stack", "io", "exe", "root/etc/passwd"};
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

/// Its mode, to what it is already: while it runs nobody can write to it (ETXTBSY).
static const char *change_own_program(void) { return outcome(chmod("/proc/self/exe", 0755)); }
static const char *write_init_program(void) { return outcome(open("/proc/1/exe", O_RDWR)); }

// MARK: Mounts

/// Calls `look` for each mount with its root, place, options and type.
static const char *each_mount(void (*look)(const char *, const char *, const char *, const char *)) {
    static char line[8192], root[2048], place[2048], options[1024];
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file) return outcome(-1);
    while (fgets(line, sizeof line, file)) {
        char type[128];
        const char *dash = strstr(line, " - ");
        if (!dash || sscanf(line, "%*s %*s %*s %2047s %2047s %1023s", root, place, options) != 3) continue;
        if (sscanf(dash, " - %127s", type) == 1) look(root, place, options, type);
    }
    fclose(file);
    return findings();
}

static int has_option(const char *options, const char *name) {
    size_t length = strlen(name);
    for (const char *at = options; (at = strstr(at, name)); at += length)
        if ((at == options || at[-1] == ',') && (at[length] == ',' || at[length] == 0)) return 1;
    return 0;
}

static void look_for_rights(const char *root, const char *place, const char *options, const char *type) {
    struct stat status;
    (void)root;
    (void)type;
    // Device files are mounted one by one, some as masks, and are there to be used.
    int is_device = stat(place, &status) == 0 && S_ISCHR(status.st_mode);
    if (!has_option(options, "nosuid")) found("suid %s", place);
    if (!is_device && !has_option(options, "nodev")) found("dev %s", place);
}

static void look_for_writable(const char *root, const char *place, const char *options, const char *type) {
    static const char *const meant[] = {"/tmp", "/run", "/home", "/dev/shm", "/workspace"};
    (void)root;
    (void)type;
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++)
        if (strcmp(place, meant[i]) == 0) return;
    if (has_option(options, "rw")) found("%s", place);
}

static void look_for_kernel(const char *root, const char *place, const char *options, const char *type) {
    static const char *const types[] = {
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs",
        "fusectl", "hugetlbfs", "mqueue", "pstore", "securityfs", "sysfs", "tracefs",
    };
    (void)root;
    (void)options;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0) found("%s at %s", type, place);
}

static const char *find_mounts_with_rights(void) { return each_mount(look_for_rights); }
static const char *find_writable_mounts(void) { return each_mount(look_for_writable); }
static const char *find_kernel_mounts(void) { return each_mount(look_for_kernel); }

/// The directory of the bait in any text about mounts or processes; it holds the attacker program too,
/// which has a mount of its own.
static const char *find_host_paths(void) {
    static const char *const files[] = {
        "/proc/self/mountinfo", "/proc/self/mounts", "/proc/self/mountstats", "/proc/self/maps",
        "/proc/self/cmdline", "/proc/1/cmdline", "/proc/1/mountinfo", "/proc/1/mounts", "/proc/1/maps",
    };
    static char line[8192], directory[1000];
    const char *secret = getenv("BAIT_FILE");
    if (!secret) return "no bait";
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(secret, '/') - secret), secret);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *file = fopen(files[i], "re");
        while (file && fgets(line, sizeof line, file))
            if (strstr(line, directory) && !strstr(line, " /opt/attack ")) found("%s", files[i]);
        if (file) fclose(file);
    }
    return findings();
}

/// A file without a name needs no cleaning up, wherever it can be made.
static const char *write_system_directories(void) {
    static const char *const places[] = {
        "/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/var", "/dev", "/proc", "/opt", "/opt/attack", "/run",
        "/root", "/boot", "/sys",
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) note_if_opened(places[i], O_TMPFILE | O_WRONLY);
    return findings();
}

static const char *write_system_files(void) {
    static const char *const places[] = {
        "/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.cache", "/usr/bin/env", "/bin/sh",
        "/usr/bin/python3", "/lib64/ld-linux-x86-64.so.2",
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) note_if_opened(places[i], O_WRONLY);
    return findings();
}

// MARK: Devices and groups

/// Not /dev/watchdog, which to open is to arm.
static const char *open_devices(void) {
    static const char *const names[] = {
        "console", "tty0", "tty1", "ttyS0", "ptmx", "pts/ptmx", "pts/0", "mem", "kmem", "port", "kmsg",
        "loop-control", "loop0", "fuse", "cuse", "kvm", "vhost-net", "vhost-vsock", "vsock", "net/tun", "vda",
        "sda", "nvme0n1", "mapper/control", "uinput", "uhid", "input/event0", "rtc0", "hpet", "userfaultfd",
        "vfio/vfio", "dri/card0", "snd/timer", "btrfs-control", "autofs", "cpu/0/msr", "nvram", "udmabuf",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/dev/%s", names[i]);
        note_if_opened(path, O_RDONLY);
    }
    return findings();
}

/// Major 1, minor 3 is the null device: what is asked is whether any can be made.
static const char *make_device(void) { return outcome(mknod("/tmp/device", S_IFCHR | 0600, makedev(1, 3))); }
/// The first disk.
static const char *make_disk(void) { return outcome(mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0))); }

static const char *open_group_files(void) {
    static const char *const places[] = {"", "/unified", "/memory", "/pids", "/cpu", "/freezer", "/devices"};
    static const char *const names[] = {"cgroup.procs", "tasks", "release_agent", "notify_on_release", "cgroup.kill"};
    char path[128];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", places[i], names[j]);
            note_if_opened(path, O_WRONLY);
        }
    return findings();
}

const struct attempt mount_attempts[] = {
    {"open-kernel-settings", open_kernel_settings},
    {"open-kernel-files", open_kernel_files},
    {"open-own-process-files", open_own_process_files},
    {"read-kernel-secrets", read_kernel_secrets},
    {"find-false-masks", find_false_masks},
    {"look-into-init", look_into_init},
    {"change-own-program", change_own_program},
    {"write-init-program", write_init_program},
    {"find-mounts-with-rights", find_mounts_with_rights},
    {"find-writable-mounts", find_writable_mounts},
    {"find-kernel-mounts", find_kernel_mounts},
    {"find-host-paths", find_host_paths},
    {"write-system-directories", write_system_directories},
    {"write-system-files", write_system_files},
    {"open-devices", open_devices},
    {"make-device", make_device},
    {"make-disk", make_disk},
    {"open-group-files", open_group_files},
    {NULL, NULL},
};
