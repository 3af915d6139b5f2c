// Making network namespaces and moving between them, by direct system calls.
#define _GNU_SOURCE 1
#include "clinux_network.h"

#include "clinux_security.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

int clinux_network_own(void) { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

/// Whether both are the same namespace, or it cannot be told.
static int is_same(int one, int other) {
    struct stat first, second;
    if (fstat(one, &first) < 0 || fstat(other, &second) < 0) return 1;
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int clinux_network_make(int home) {
    if (unshare(CLONE_NEWNET) < 0) return -1;
    int network = clinux_loopback_up() < 0 ? -1 : clinux_network_own();
    int error = errno;
    clinux_network_return(home);
    // Nothing on the way may have led to the namespace that the caller stays in.
    if (network >= 0 && is_same(network, home)) {
        close(network);
        network = -1;
        error = EINVAL;
    }
    errno = error;
    return network;
}

int clinux_network_enter(int network) { return setns(network, CLONE_NEWNET); }

void clinux_network_return(int home) {
    if (setns(home, CLONE_NEWNET) == 0) return;
    static const char line[] = "corral: the way back from a sandbox's network namespace is closed\n";
    ssize_t written = write(2, line, sizeof line - 1);
    (void)written;
    _exit(70);
}
