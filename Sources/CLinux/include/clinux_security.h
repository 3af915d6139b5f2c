// prctl, capabilities, landlock, keyrings.
#ifndef CLINUX_SECURITY_H
#define CLINUX_SECURITY_H

#include <stdint.h>

/// The highest landlock ABI that the kernel speaks; -1 with ENOSYS or EOPNOTSUPP without landlock.
int clinux_landlock_abi(void);
/// Fields a kernel does not know are left out by its ABI: pass 0 for them.
int clinux_landlock_create(uint64_t filesystem, uint64_t network, uint64_t scopes, int abi);
int clinux_landlock_allow_path(int ruleset, int path, uint64_t access);
int clinux_landlock_allow_port(int ruleset, uint64_t port, uint64_t access);
int clinux_landlock_restrict(int ruleset);

/// Puts a filter on this thread alone, for ever, after no-new-privs: `count` of `struct sock_filter`.
int clinux_load_filter(const void *filter, uint16_t count);

int clinux_set_dumpable(int dumpable);
/// Sets effective and permitted to `mask` and inheritable to `inheritable` (capset, version 3).
int clinux_capset(uint64_t mask, uint64_t inheritable);
/// Permitted capabilities of this thread.
int clinux_capget(uint64_t *permitted);
int clinux_clear_ambient(void);
/// Takes every capability out of this thread's bounding set (capabilities(7)): nothing that it executes can
/// have one. What it has stays. Those that are out already cost nothing.
int clinux_drop_bounding(void);
/// No exec gives privileges from here on (PR_SET_NO_NEW_PRIVS).
int clinux_no_new_privileges(void);

/// Joins a new anonymous session keyring.
int clinux_new_keyring(void);

int clinux_setgroups_none(void);
int clinux_setresuid(uint32_t uid);
int clinux_setresgid(uint32_t gid);

/// Lets nobody in the caller's user namespace make another one below it. `proc` is a writable mount of
/// proc; in the initial user namespace this would be a setting of the whole machine's.
int clinux_close_user_namespaces(int proc);
int clinux_sethostname(const char *name);
/// Brings the loopback interface of this network namespace up.
int clinux_loopback_up(void);

#endif
