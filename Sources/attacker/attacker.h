// What the files of attempts share. An attempt is what hostile code would try: one function that
// does it for real and says what became of it.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <string.h>

/// One attempt. It runs in a process of its own, so it may change or lose that.
struct attempt {
    /// As the tables of Sources/Attacks name it.
    const char *name;
    /// Does it and returns `succeeded`, the name of an error (`EPERM`), or words of its own.
    const char *(*run)(void);
};

/// Tables, each ended by an attempt without a name.
extern const struct attempt syscall_attempts[];
extern const struct attempt call_attempts[];
extern const struct attempt socket_attempts[];
extern const struct attempt mode_attempts[];
extern const struct attempt switch_attempts[];
extern const struct attempt abi_attempts[];
extern const struct attempt namespace_attempts[];
extern const struct attempt procfs_attempts[];
extern const struct attempt mount_attempts[];
extern const struct attempt reach_attempts[];
extern const struct attempt resource_attempts[];
extern const struct attempt process_attempts[];
extern const struct attempt quota_attempts[];
extern const struct attempt lifetime_attempts[];
extern const struct attempt environment_attempts[];
extern const struct attempt mechanism_attempts[];

/// Halves of what a function of the tables puts together: run by name, not listed.
extern const struct attempt process_parts[];
extern const struct attempt quota_parts[];
extern const struct attempt lifetime_parts[];

/// The answer to a system call's result: negative, and errno says why.
static inline const char *outcome(long result) {
    if (result >= 0) return "succeeded";
    const char *name = strerrorname_np(errno);
    return name ? name : "an unknown error";
}

/// Words of an attempt's own, as printf(3); kept until the process ends, cut after 2,000 bytes.
const char *words(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Adds to the list of what an attempt found, as printf(3).
void found(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Adds a path to that list when it opens; nothing is read or written.
void note_if_opened(const char *path, int flags);

/// `nothing`, or `found: ` and the list.
const char *findings(void);

/// The value of the line of /proc/PID/status that begins with `field` and a colon; empty where there
/// is none.
const char *status_field(const char *pid, const char *field);

/// The descriptor that an attempt's answer goes to, which is none of what it may find; or -1.
extern int answer_end;

/// Prints what rights its file gave this program at exec. Returns the exit code.
int print_rights(void);

/// Gives a program's file the capability to open raw sockets. Returns the exit code.
int grant_raw_sockets(const char *path);

/// Starts a program as a careless caller would: with supplementary groups, a key in its session
/// keyring and directories of the host left open. Returns an exit code when it cannot.
int run_lure(char **arguments);

/// Becomes root of namespaces of its own that a host need not fear: the positive control's place.
/// Returns in a child that is PID 1 of them; the caller's process waits for it and exits as it did.
void become_bare(void);

/// Lays bait on this host, prints what an attacker needs to find it, and when descriptor 3
/// ends says how often it was touched. Returns the exit code.
int run_canary(void);
