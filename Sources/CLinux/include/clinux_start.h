// Starting processes: everything between clone3 and execve. No Swift runs there.
#ifndef CLINUX_START_H
#define CLINUX_START_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The most descriptors the init is given.
#define CLINUX_INIT_FDS 12

#define CLINUX_OWN_ID UINT32_MAX

/// What a child was doing when it failed. The order is the order of the work.
enum clinux_step {
    CLINUX_STEP_OWNER = 1,     ///< becoming the owner of the namespaces to be, and oneself again
    CLINUX_STEP_NETWORK,       ///< entering the network namespace that the child is to have
    CLINUX_STEP_CLONE,
    CLINUX_STEP_CGROUP,        ///< writing itself into a v1 controller's group
    CLINUX_STEP_AMBIENT,       ///< keeping capabilities over the exec
    CLINUX_STEP_DESCRIPTORS,   ///< putting descriptors in their places
    CLINUX_STEP_SESSION,       ///< setsid
    CLINUX_STEP_TERMINAL,      ///< opening the terminal, or making it the controlling one
    CLINUX_STEP_KEYRING,
    CLINUX_STEP_RLIMIT,
    CLINUX_STEP_BOUNDING,
    CLINUX_STEP_GROUPS,
    CLINUX_STEP_IDENTITY,
    CLINUX_STEP_CAPABILITIES,
    CLINUX_STEP_NO_NEW_PRIVS,
    CLINUX_STEP_DIRECTORY,     ///< chdir
    CLINUX_STEP_LANDLOCK,
    CLINUX_STEP_CLOSE,
    CLINUX_STEP_SECCOMP,
    CLINUX_STEP_EXEC,
};

/// Where a start failed; step 0 means that it did not.
struct clinux_failure {
    int step;
    int error;
    /// Which descriptor, rlimit or capability, where that helps.
    int detail;
};

/// A sandbox-init to start. All memory is the caller's and stays valid during the call.
struct clinux_init {
    uint64_t namespaces;             ///< CLINUX_NEW* flags
    /// The uid that owns the user namespace, and pays for what its users take of the limits per user;
    /// CLINUX_OWN_ID for the caller's own. Another needs CAP_SETUID.
    uint32_t owner;
    int executable;                  ///< descriptor of the init's file, for execveat
    const int *fds;                  ///< fds[i] becomes descriptor 3 + i
    size_t fd_count;
    int cgroup_v2;                   ///< cgroup v2 directory to start in, or -1
    /// v1 `tasks` files, each written "0". Not cgroup.procs: that one locks every thread group of
    /// the system, which waits for an RCU grace period (5 to 30 ms on a busy machine); a single
    /// thread that moves itself needs no such lock (kernel/cgroup, cgroup_procs_write_start).
    const int *cgroup_tasks;
    size_t cgroup_tasks_count;
    uint64_t capabilities;           ///< kept over the exec as ambient
    /// A network namespace of clinux_network_make for it, or -1; with CLINUX_NEWNET it would get another one.
    int network;
    int network_home;                ///< the caller's own; with `network` alone
    /// The first of CLINUX_LOW_FDS descriptors of clinux_reserve_low, or -1. With them the init is not given
    /// copies of the caller's descriptors above them, to be closed one by one at its exec: where those are
    /// locks on one file, as a sandbox's slot is, each close goes through the locks of all.
    int low_fds;
};

/// How many descriptors clinux_reserve_low takes: what an init is given, and the files it is started with.
#define CLINUX_LOW_FDS 32

/// Takes CLINUX_LOW_FDS numbers in a row, the lowest that are free, as copies of `null_fd`. Returns the first,
/// or -1. For a caller that is about to have many descriptors.
int clinux_reserve_low(int null_fd);

/// Starts the init; standard streams are /dev/null's descriptor `null_fd`. Returns its pid and
/// stores a pidfd, or -1 with `failure` filled; nothing is left to reap then.
pid_t clinux_start_init(const struct clinux_init *init, int null_fd, int *pidfd, struct clinux_failure *failure);

struct clinux_rlimit {
    int resource;
    uint64_t soft, hard;
};

/// Leave a layer out; only builds with tests in mind set these.
#define CLINUX_WITHOUT_SESSION 0x01
#define CLINUX_WITHOUT_KEYRING 0x02
#define CLINUX_WITHOUT_CAPABILITIES 0x04
#define CLINUX_WITHOUT_NO_NEW_PRIVS 0x08
#define CLINUX_WITHOUT_CLOSE 0x10

/// A process to start inside the sandbox, with the layers that belong to each process.
struct clinux_process {
    const char *const *candidates;   ///< paths tried in order, NULL-terminated
    char *const *argv;
    char *const *envp;
    const char *directory;           ///< working directory
    int fds[3];                      ///< become 0, 1, 2; not used with a terminal
    /// Master of a terminal whose slave becomes 0, 1 and 2 and the controlling terminal, or -1. The caller
    /// has the slave for the time of the start only: the last bytes of a process are safe once nobody but
    /// it has it.
    int terminal;
    int script;                      ///< becomes 3, which nobody else gets; or -1
    uint32_t uid, gid;
    int drop_groups;                 ///< 1: setgroups to none
    const struct clinux_rlimit *limits;
    size_t limit_count;
    int landlock;                    ///< ruleset, or -1
    const void *filter;              ///< struct sock_filter[], or NULL
    uint16_t filter_count;
    uint32_t without;                ///< CLINUX_WITHOUT_*
};

/// Starts a process in every namespace of the caller. Returns its pid and stores a pidfd, or
/// -1 with `failure` filled; nothing is left to reap then.
pid_t clinux_start_process(const struct clinux_process *process, int *pidfd, struct clinux_failure *failure);

/// A user namespace with the given maps ("inside outside count" lines), as a descriptor, for
/// idmapped mounts. Needs CAP_SETUID over the caller's namespace for other than a map of one.
int clinux_user_namespace(const char *uid_map, const char *gid_map);

int clinux_pidfd_open(pid_t pid);
int clinux_pidfd_signal(int pidfd, int signal);
/// A copy of the descriptor `number` of another process (pidfd_getfd(2)), which must be one that the caller
/// may trace.
int clinux_pidfd_getfd(int pidfd, int number);
/// A signal to every process of the group that `leader`, a child that is not reaped yet, made by setsid.
int clinux_signal_group(pid_t leader, int signal);

/// What became of a process.
struct clinux_exit {
    int32_t pid;
    int32_t code;                    ///< CLD_EXITED, CLD_KILLED or CLD_DUMPED
    int32_t status;                  ///< exit status or signal number
    int64_t user_us, system_us;      ///< cpu time, in microseconds
    int64_t max_rss_kb;
};
/// waitid on a pidfd; `block` 0 returns 0 with pid 0 while it still runs.
int clinux_wait_pidfd(int pidfd, int block, struct clinux_exit *result);
/// Reaps any one child without blocking: 1 reaped, 0 none ready, -1 with ECHILD when there is none.
int clinux_reap(struct clinux_exit *result);

#endif
