// Starting an ordinary helper program: no sandbox, no new namespaces.
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/// A program to start in a process group of its own, with no signal blocked or ignored.
struct clinux_program {
    const char *path;
    char *const *argv;
    char *const *envp;
    const char *directory;           ///< working directory, or NULL for the caller's
    const int *fds;                  ///< fds[i] becomes descriptor i; all others are closed
    size_t fd_count;
    bool session;                    ///< leads a session of its own, not only a group
    /// NULL, or the path of a terminal: it leads a session on that, which becomes descriptors 0 to 2 in place of
    /// those of `fds`.
    const char *terminal;
};

/// posix_spawn(3). Returns the pid, or -1 with errno set; nothing is left to reap then.
pid_t clinux_spawn(const struct clinux_program *program);

/// Has the caller get `signal` when its parent ends. Returns -1 with ESRCH when `parent` is its parent no more.
int clinux_end_with_parent(pid_t parent, int signal);

#endif
