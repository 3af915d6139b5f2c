// posix_spawn with the actions and attributes that glibc shows to GNU sources only.
#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MOST_FDS 16

/// Puts copies of the descriptors above the numbers they become, so that no place is overwritten
/// before it was copied from.
static int lift(const struct clinux_program *program, int *lifted) {
    for (size_t i = 0; i < program->fd_count; i++) {
        lifted[i] = fcntl(program->fds[i], F_DUPFD_CLOEXEC, (int)program->fd_count);
        if (lifted[i] >= 0)
            continue;
        int error = errno;
        while (i-- > 0)
            close(lifted[i]);
        return error;
    }
    return 0;
}

static int set_actions(
    posix_spawn_file_actions_t *actions, const struct clinux_program *program, const int *lifted) {
    const char *terminal = program->terminal;
    int error = 0;
    for (size_t i = 0; i < program->fd_count && !error; i++)
        error = posix_spawn_file_actions_adddup2(actions, lifted[i], (int)i);
    // Without O_NOCTTY: who leads a session and has no terminal gets this one.
    if (!error && terminal)
        error = posix_spawn_file_actions_addopen(actions, 0, terminal, O_RDWR, 0);
    for (int i = 1; i < 3 && !error && terminal; i++)
        error = posix_spawn_file_actions_adddup2(actions, 0, i);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, (int)program->fd_count);
    if (!error && program->directory)
        error = posix_spawn_file_actions_addchdir_np(actions, program->directory);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes, bool session) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(
        attributes, (session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP) |
            POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

pid_t clinux_spawn(const struct clinux_program *program) {
    int lifted[MOST_FDS];
    int error = program->fd_count > MOST_FDS ? EINVAL : lift(program, lifted);
    if (error) {
        errno = error;
        return -1;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    error = set_actions(&actions, program, lifted);
    if (!error)
        error = set_attributes(&attributes, program->session || program->terminal);
    if (!error)
        error = posix_spawn(&pid, program->path, &actions, &attributes, program->argv, program->envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < program->fd_count; i++)
        close(lifted[i]);
    errno = error;
    return error ? -1 : pid;
}

int clinux_end_with_parent(pid_t parent, int signal) {
    if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0) return -1;
    // It may have ended before the line above.
    if (getppid() == parent) return 0;
    errno = ESRCH;
    return -1;
}
