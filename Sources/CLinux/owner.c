// Being another user for the moment in which a user namespace is made, so that it belongs to that one.
// Direct system calls: glibc's wrappers would change every thread.
#define _GNU_SOURCE 1
#include "clinux_owner.h"

#include "clinux_security.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_become_owner(uint32_t owner, struct clinux_self *self) {
    uint64_t permitted = 0;
    *self = (struct clinux_self){.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), .parent = getppid()};
    if (syscall(SYS_getresuid, &self->real, &self->effective, &self->saved) < 0) return -1;
    if (prctl(PR_GET_PDEATHSIG, &self->death_signal, 0, 0, 0) < 0 || clinux_capget(&permitted) < 0) return -1;
    // The saved id keeps the permitted capabilities, and is the way back. The real id has to be the
    // effective one: an exec takes ambient capabilities from whoever has two.
    if (syscall(SYS_setresuid, owner, owner, self->effective) < 0) return -1;
    syscall(SYS_setfsuid, self->effective); // Files stay one's own, the init's program among them.
    return clinux_capset(permitted, 0);
}

int clinux_become_self(const struct clinux_self *self) {
    if (syscall(SYS_setresuid, self->real, self->effective, self->saved) < 0) return -1;
    if (self->dumpable == 0 || self->dumpable == 1) clinux_set_dumpable(self->dumpable);
    if (!self->death_signal) return 0;
    if (prctl(PR_SET_PDEATHSIG, self->death_signal, 0, 0, 0) < 0) return -1;
    if (getppid() != self->parent) raise(self->death_signal); // It ended meanwhile.
    return 0;
}
