// Trying out what this kernel lets this process do, in a child that is gone afterwards.
#ifndef CLINUX_PROBES_H
#define CLINUX_PROBES_H

#include <stdint.h>

/// What to try. Each begins with a user namespace of the child's own.
enum clinux_probe {
    CLINUX_PROBE_NAMESPACES = 1,     ///< all that a sandbox has, and mounting in them
    CLINUX_PROBE_MOUNT_API,          ///< fsopen to move_mount, open_tree, mount_setattr
    CLINUX_PROBE_PROC,               ///< a new proc in a new pid namespace
};

/// What failed: a call's name, which is static text, and its errno. The call is NULL where all went well.
struct clinux_probe_result {
    const char *call;
    int error;
};

/// Forks; only for a process with one thread. Returns -1 only when the child could not be made.
int clinux_probe(enum clinux_probe what, struct clinux_probe_result *result);

/// Whether filters may return this action (SECCOMP_GET_ACTION_AVAIL): 0, or -1 with errno.
int clinux_seccomp_action(uint32_t action);

/// What adjtimex(2) says of the clock, of which nothing is changed: 0 to 4 for one that is kept right, 5
/// (TIME_ERROR) for one that is not, -1 with errno.
int clinux_clock_state(void);

#endif
