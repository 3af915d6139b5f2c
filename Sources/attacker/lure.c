// A careless caller: what programs inherit from it is bait, for each layer that has to shed something.
#include "attacker.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int run_lure(char **arguments) {
    // adm and cdrom on Debian, which read logs and devices.
    const gid_t groups[] = {4, 24};
    // Left open for whoever is started, as in CVE-2024-21626.
    int root = open("/", O_RDONLY | O_DIRECTORY);
    const char *failed = NULL;
    if (setgroups(2, groups) < 0) failed = "setgroups";
    else if (root < 0 || dup2(root, 7) < 0 || dup2(root, 9) < 0) failed = "open";
    else if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) failed = "keyctl";
    else if (syscall(SYS_add_key, "user", "corral-bait", "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0)
        failed = "add_key";
    if (root >= 0 && root != 7 && root != 9) close(root);
    if (!failed) {
        execv(arguments[0], arguments);
        failed = arguments[0];
    }
    fprintf(stderr, "attacker: no lure: %s: %s\n", failed, outcome(-1));
    return 3;
}
