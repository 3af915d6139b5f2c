#define _GNU_SOURCE 1
#include "clinux_security.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The ruleset attribute as of ABI 6; Debian 12's header ends with the first field.
struct ruleset {
    uint64_t filesystem, network, scopes;
};
struct port_rule {
    uint64_t access, port;
};
#define RULE_NET_PORT 2

int clinux_landlock_abi(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

int clinux_landlock_create(uint64_t filesystem, uint64_t network, uint64_t scopes, int abi) {
    struct ruleset rules = {filesystem, network, scopes};
    // A kernel refuses an attribute that is longer than the one it knows.
    size_t size = abi >= 6 ? sizeof rules : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

int clinux_landlock_allow_path(int ruleset, int path, uint64_t access) {
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = path};
    return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

int clinux_landlock_allow_port(int ruleset, uint64_t port, uint64_t access) {
    struct port_rule rule = {.access = access, .port = port};
    return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0);
}

int clinux_landlock_restrict(int ruleset) {
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

int clinux_load_filter(const void *filter, uint16_t count) {
    struct sock_fprog program = {count, (struct sock_filter *)(uintptr_t)filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int clinux_set_dumpable(int dumpable) { return prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0); }

int clinux_capset(uint64_t mask, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)mask, (uint32_t)mask, (uint32_t)inheritable},
        {(uint32_t)(mask >> 32), (uint32_t)(mask >> 32), (uint32_t)(inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &header, data);
}

int clinux_capget(uint64_t *permitted) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -1;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

int clinux_drop_bounding(void) {
    for (int capability = 0; capability < 64; capability++) {
        int is_there = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        // Behind the last one that the kernel knows (EINVAL).
        if (is_there < 0) return capability > 0 ? 0 : -1;
        if (is_there && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return -1;
    }
    return 0;
}

int clinux_clear_ambient(void) { return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

int clinux_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int clinux_new_keyring(void) {
    return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 ? -1 : 0;
}

// Direct calls: glibc's wrappers try to reach other threads, which share nothing with us here.
int clinux_setgroups_none(void) { return (int)syscall(SYS_setgroups, 0, NULL); }

int clinux_setresuid(uint32_t uid) { return (int)syscall(SYS_setresuid, uid, uid, uid); }

int clinux_setresgid(uint32_t gid) { return (int)syscall(SYS_setresgid, gid, gid, gid); }

int clinux_close_user_namespaces(int proc) {
    int limit = openat(proc, "sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (limit < 0) return -1;
    ssize_t written = write(limit, "0", 1);
    int error = errno;
    close(limit);
    errno = error;
    return written == 1 ? 0 : -1;
}

int clinux_sethostname(const char *name) { return sethostname(name, strlen(name)); }

int clinux_loopback_up(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int result = ioctl(fd, SIOCSIFFLAGS, &request);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}
