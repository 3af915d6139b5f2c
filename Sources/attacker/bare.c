// Where attempts run without any sandbox: as root, with every capability, in namespaces of their
// own, so that what succeeds harms nobody.
#include "attacker.h"

#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/keyctl.h>

static void need(long result, const char *step) {
    if (result >= 0) return;
    fprintf(stderr, "attacker: no bare place: %s: %s\n", step, outcome(-1));
    _exit(3);
}

static void raise_loopback(void) {
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    need(control, "socket");
    need(ioctl(control, SIOCSIFFLAGS, &request), "ifconfig lo up");
    close(control);
}

/// The caller's part: waits, and ends as the child did.
static void wait_for(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void become_bare(void) {
    int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    need(unshare(kinds), "unshare");
    pid_t child = fork();
    need(child, "fork");
    if (child > 0) wait_for(child);
    need(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
    // Keys that attempts add go with this session.
    need(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "keyctl");
    need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount --make-rprivate /");
    need(mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
    need(mount("tmpfs", "/tmp", "tmpfs", 0, "size=160m"), "mount /tmp");
    need(chdir("/tmp"), "chdir /tmp");
    raise_loopback();
}
