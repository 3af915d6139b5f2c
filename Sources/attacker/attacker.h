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
extern const struct attempt namespace_attempts[];
extern const struct attempt resource_attempts[];
extern const struct attempt lifetime_attempts[];
extern const struct attempt environment_attempts[];
extern const struct attempt mechanism_attempts[];

/// The answer to a system call's result: negative, and errno says why.
static inline const char *outcome(long result) {
    if (result >= 0) return "succeeded";
    const char *name = strerrorname_np(errno);
    return name ? name : "an unknown error";
}

/// Words of an attempt's own, as printf(3); kept until the process ends, cut after 2,000 bytes.
const char *words(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Becomes root of namespaces of its own that a host need not fear: the positive control's place.
/// Returns in a child that is PID 1 of them; the caller's process waits for it and exits as it did.
void become_bare(void);

/// Lays bait on this host, prints what an attacker needs to find it, and when descriptor 3
/// ends says how often it was touched. Returns the exit code.
int run_canary(void);
