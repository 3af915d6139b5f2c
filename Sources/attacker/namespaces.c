// Area B of the attack cases: namespaces, mounts, procfs and identity.
#include "attacker.h"

#include <fcntl.h>
#include <stdlib.h>

/// A file named by the host, which only a mount namespace hides.
static const char *read_host_file(void) {
    const char *path = getenv("BAIT_FILE");
    if (!path) return "no bait";
    return outcome(open(path, O_RDONLY));
}

const struct attempt namespace_attempts[] = {
    {"read-host-file", read_host_file},
    {NULL, NULL},
};
