// Another user for a moment: the owner of a user namespace to be made.
#ifndef CLINUX_OWNER_H
#define CLINUX_OWNER_H

#include <stdint.h>
#include <sys/types.h>

/// What a thread was, and what a change of uid makes it forget.
struct clinux_self {
    uid_t real, effective, saved;
    int dumpable, death_signal;
    pid_t parent;
};

/// Changes this thread's real and effective uid, with every capability and access to files kept. A user
/// namespace that is made now belongs to `owner`. The limits per user (inotify instances, pending
/// signals and timers, message queues) count for every owner up the line of namespaces: were that root
/// for all sandboxes, one of them could take all that root and the others may have.
///
/// Needs CAP_SETUID, and root as the effective uid. clinux_become_self undoes it, also where this failed.
int clinux_become_owner(uint32_t owner, struct clinux_self *self);
int clinux_become_self(const struct clinux_self *self);

#endif
