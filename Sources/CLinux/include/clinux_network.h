// Network namespaces that are made before somebody needs one.
#ifndef CLINUX_NETWORK_H
#define CLINUX_NETWORK_H

/// The network namespace of the calling thread, as a descriptor; -1 with errno set.
int clinux_network_own(void);

/// A new network namespace whose loopback interface is up, as a descriptor; the calling thread is in `home`
/// again, which has to be its own. Returns -1 with errno set. It belongs to the caller's user namespace, so
/// whoever has another one can configure nothing in it. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
int clinux_network_make(int home);

/// Moves the calling thread (setns(2)). Returns -1 with errno set, and it is where it was then.
int clinux_network_enter(int network);

/// Moves the calling thread back. Where that fails the process ends with the status 70 (EX_SOFTWARE), after a
/// line on standard error: what it did next would happen in a sandbox's network, and the sandbox would not be
/// alone there.
void clinux_network_return(int home);

#endif
