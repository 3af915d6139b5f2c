// Area B of the attack cases, mounts, programs and devices. What could be changed is opened for
// writing and never written, so that the control harms no host.
#include "attacker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        note_if_opened(places[i], O_TMPFILE | O_WRONLY);
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
    static const char *const names[] = {
        "cgroup.procs", "tasks", "release_agent", "notify_on_release", "cgroup.kill",
    };
    char path[128];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", places[i], names[j]);
            note_if_opened(path, O_WRONLY);
        }
    return findings();
}

/// With the groups of the whole machine in it, and release_agent (CVE-2022-0492).
static const char *mount_group_files(void) {
    const char *said = outcome(mount("none", "/tmp", "cgroup2", 0, NULL));
    // Other attempts need /tmp as it was.
    if (strcmp(said, "succeeded") == 0) umount2("/tmp", MNT_DETACH);
    return said;
}

const struct attempt mount_attempts[] = {
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
    {"mount-group-files", mount_group_files},
    {NULL, NULL},
};
