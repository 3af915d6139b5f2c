// Area B of the attack cases, identity: what a process is, and what it inherited.
#include "attacker.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

// MARK: Namespaces

/// BAIT_NS has the host's namespaces, as their links in /proc/self/ns read.
static const char *share_namespace(const char *kind) {
    const char *hosts = getenv("BAIT_NS");
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    ssize_t count = readlink(path, link, sizeof link - 1);
    if (!hosts) return "no bait";
    if (count < 0) return outcome(-1);
    link[count] = 0;
    return strstr(hosts, link) ? "succeeded" : "its own";
}

static const char *share_user(void) { return share_namespace("user"); }
static const char *share_mount(void) { return share_namespace("mnt"); }
static const char *share_pid(void) { return share_namespace("pid"); }
static const char *share_net(void) { return share_namespace("net"); }
static const char *share_ipc(void) { return share_namespace("ipc"); }
static const char *share_uts(void) { return share_namespace("uts"); }
static const char *share_cgroup(void) { return share_namespace("cgroup"); }

static const char *read_host_name(void) {
    struct utsname name;
    const char *host = getenv("BAIT_HOST");
    if (!host || uname(&name) < 0) return "no bait";
    return strcmp(name.nodename, host) == 0 ? "succeeded" : "another name";
}

/// In the positive control it is the name of an own namespace that changes.
static const char *change_host_name(void) { return outcome(sethostname("owned", 5)); }

/// Where the host's groups of the sandbox are in their hierarchies.
static const char *read_group_paths(void) {
    char line[1000];
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file) return outcome(-1);
    while (fgets(line, sizeof line, file)) {
        const char *path = strrchr(line, ':');
        if (path && strcmp(path, ":/\n") != 0) found("%.*s", (int)strcspn(path + 1, "\n"), path + 1);
    }
    fclose(file);
    return findings();
}

// MARK: Credentials

static const char *share_id_with_init(void) {
    char init[200];
    snprintf(init, sizeof init, "%s", status_field("1", "Uid"));
    if (!*init) return "no status";
    return strcmp(init, status_field("self", "Uid")) == 0 ? "succeeded" : "another id";
}

static const char *hold_groups(void) {
    int count = getgroups(0, NULL);
    return count < 0 ? outcome(-1) : count > 0 ? "succeeded" : "none";
}

static const char *hold_capabilities(void) {
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    int any = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const char *value = status_field("self", sets[i]);
        if (!*value) return "no status";
        if (strspn(value, "0") != strlen(value)) any = 1;
    }
    return any ? "succeeded" : "none";
}

static const char *gain_by_exec(void) {
    const char *value = status_field("self", "NoNewPrivs");
    return strcmp(value, "1") == 0 ? "no_new_privs" : strcmp(value, "0") == 0 ? "succeeded" : "no status";
}

static const char *escape_filter(void) {
    const char *value = status_field("self", "Seccomp");
    return strcmp(value, "2") == 0 ? "filtered" : strcmp(value, "0") == 0 ? "succeeded" : value;
}

static const char *become_root(void) { return outcome(syscall(SYS_setresuid, 0, 0, 0)); }
static const char *become_group_root(void) { return outcome(syscall(SYS_setresgid, 0, 0, 0)); }
static const char *drop_groups(void) { return outcome(syscall(SYS_setgroups, 0, NULL)); }

/// A session that somebody else leads, whose terminal one could get.
static const char *share_session(void) {
    pid_t session = getsid(0);
    // Zero: its leader is outside of this pid namespace.
    return session == getppid() || session == getpid() ? "its own" : "succeeded";
}

/// What the caller had in its session keyring.
static const char *find_callers_key(void) {
    return outcome(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "corral-bait", 0));
}

// MARK: Descriptors

/// Everything open but the three streams and what this program opened for itself.
static const char *find_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) return outcome(-1);
    for (struct dirent *entry; (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (number < 3 || number == dirfd(directory) || number == answer_end) continue;
        struct stat status;
        if (fstat(number, &status) < 0) continue;
        const char *kind = S_ISSOCK(status.st_mode) ? "a socket"
            : S_ISDIR(status.st_mode)               ? "a directory"
                                                    : "a file";
        found("%s", kind);
    }
    closedir(directory);
    return findings();
}

/// A stream that is the caller's own file or terminal.
static const char *find_stream_files(void) {
    for (int number = 0; number < 3; number++) {
        struct stat status;
        if (fstat(number, &status) < 0) continue;
        if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || isatty(number)) found("%d", number);
    }
    return findings();
}

/// From each descriptor and the working directory up, further than any tree is deep, and down again.
static const char *climb_out(void) {
    const char *secret = getenv("BAIT_FILE");
    if (!secret) return "no bait";
    char path[1000] = "";
    for (int i = 0; i < 64; i++) strcat(path, "../");
    strncat(path, secret + 1, sizeof path - strlen(path) - 1);
    for (int number = 0; number < 64; number++)
        if (openat(number, path, O_RDONLY | O_CLOEXEC) >= 0) found("descriptor %d", number);
    if (open(path, O_RDONLY | O_CLOEXEC) >= 0) found("the working directory");
    for (int number = 0; number < 64; number++) {
        char link[1000];
        snprintf(link, sizeof link, "/proc/self/fd/%d/%.900s", number, secret + 1);
        if (open(link, O_RDONLY | O_CLOEXEC) >= 0) found("/proc/self/fd/%d", number);
    }
    char here[4096];
    // `(unreachable)` stands in front of a directory that no root leads to.
    if (syscall(SYS_getcwd, here, sizeof here) < 0 || here[0] != '/') found("cwd %.20s", here);
    return findings();
}

/// The same from the working directory alone.
static const char *start_in_descriptor(void) {
    const char *secret = getenv("BAIT_FILE");
    return secret ? outcome(open(secret + 1, O_RDONLY | O_CLOEXEC)) : "no bait";
}

int print_rights(void) {
    const char *capabilities = status_field("self", "CapPrm");
    // Without the zeros in front.
    capabilities += strspn(capabilities, "0");
    printf("euid %d, AT_SECURE %lu, CapPrm 0x%s\n", geteuid(), getauxval(AT_SECURE), capabilities);
    return 0;
}

int grant_raw_sockets(const char *path) {
    struct vfs_cap_data rights = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
    rights.data[0].permitted = 1u << CAP_NET_RAW;
    if (setxattr(path, "security.capability", &rights, XATTR_CAPS_SZ_2, 0) == 0) return 0;
    fprintf(stderr, "attacker: %s: %s\n", path, outcome(-1));
    return 3;
}

static const char *read_host_file(void) {
    const char *path = getenv("BAIT_FILE");
    return path ? outcome(open(path, O_RDONLY)) : "no bait";
}

const struct attempt namespace_attempts[] = {
    {"share-user-namespace", share_user},
    {"share-mount-namespace", share_mount},
    {"share-pid-namespace", share_pid},
    {"share-network-namespace", share_net},
    {"share-ipc-namespace", share_ipc},
    {"share-uts-namespace", share_uts},
    {"share-cgroup-namespace", share_cgroup},
    {"read-host-name", read_host_name},
    {"change-host-name", change_host_name},
    {"read-group-paths", read_group_paths},
    {"share-id-with-init", share_id_with_init},
    {"hold-groups", hold_groups},
    {"hold-capabilities", hold_capabilities},
    {"gain-by-exec", gain_by_exec},
    {"escape-filter", escape_filter},
    {"become-root", become_root},
    {"become-group-root", become_group_root},
    {"drop-groups", drop_groups},
    {"share-session", share_session},
    {"find-callers-key", find_callers_key},
    {"find-descriptors", find_descriptors},
    {"find-stream-files", find_stream_files},
    {"climb-out", climb_out},
    {"start-in-descriptor", start_in_descriptor},
    {"read-host-file", read_host_file},
    {NULL, NULL},
};
