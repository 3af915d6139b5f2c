#define _GNU_SOURCE 1
#include "clinux_terminal.h"

#include "clinux_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int close_keeping_errno(int fd, int result) {
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int clinux_devpts(uint32_t attributes, const char *most, uint32_t uid, uint32_t gid) {
    int context = clinux_fsopen("devpts");
    if (context < 0) return -1;
    // Not the gid of tty(5): it is not mapped everywhere, and nobody in the sandbox has it.
    char user[16], group[16];
    snprintf(user, sizeof user, "%u", uid);
    snprintf(group, sizeof group, "%u", gid);
    int mount = -1;
    if (clinux_fsconfig_string(context, "ptmxmode", "0666") == 0 &&
        clinux_fsconfig_string(context, "mode", "0620") == 0 &&
        clinux_fsconfig_string(context, "uid", user) == 0 &&
        clinux_fsconfig_string(context, "gid", group) == 0 &&
        clinux_fsconfig_string(context, "max", most) == 0 && clinux_fsconfig_create(context) == 0)
        mount = clinux_fsmount(context, attributes);
    return close_keeping_errno(context, mount);
}

int clinux_terminal(int devpts) {
    int master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
    if (master < 0) return -1;
    int locked = 0;
    return ioctl(master, TIOCSPTLCK, &locked) < 0 ? close_keeping_errno(master, -1) : master;
}

int clinux_terminal_slave(int master) { return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); }

int clinux_terminal_take(void) { return ioctl(0, TIOCSCTTY, 0); }

int clinux_terminal_size(int fd, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int clinux_terminal_resize(int fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size);
}
