// A sandbox's own pseudoterminal (pty(7)): made by the init, used by a process, driven by the launcher.
#ifndef CLINUX_TERMINAL_H
#define CLINUX_TERMINAL_H

#include <stdint.h>

/// A detached devpts mount, an instance of its own, in which there can be at most `most` terminals. They
/// belong to `uid` and `gid`, by the mount and not by fchown, which the init may not for ever.
int clinux_devpts(uint32_t attributes, const char *most, uint32_t uid, uint32_t gid);
/// A new terminal of the instance that `devpts` is mounted from. Returns the master; nobody has the slave
/// open.
int clinux_terminal(int devpts);
/// The slave of a master, by descriptor and not by a path (ioctl_tty(2), TIOCGPTPEER).
int clinux_terminal_slave(int master);
/// Makes the terminal of descriptor 0 the controlling one of the session that the caller leads.
int clinux_terminal_take(void);

/// The size in characters; -1 with ENOTTY where `fd` is no terminal.
int clinux_terminal_size(int fd, uint16_t *rows, uint16_t *columns);
/// Sets it. The terminal's foreground processes get SIGWINCH when it is another one.
int clinux_terminal_resize(int fd, uint16_t rows, uint16_t columns);

#endif
