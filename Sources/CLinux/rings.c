#define _GNU_SOURCE 1
#include "clinux_rings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

int clinux_memfd_seal_size(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL); }

int clinux_memfd_seals(int fd) { return fcntl(fd, F_GET_SEALS); }

int clinux_punch(int fd, int64_t offset, int64_t count) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
}

int clinux_pipe_size(int fd) { return fcntl(fd, F_GETPIPE_SZ); }

int clinux_pipe_resize(int fd, int size) { return fcntl(fd, F_SETPIPE_SZ, size); }

// Neither sendfile nor write has MSG_NOSIGNAL. The signal is blocked in this thread and taken away,
// because what becomes of it is the whole process's affair. One that was blocked before is left alone.
static void block_sigpipe(sigset_t *old) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only, old);
}

static ssize_t unblock_sigpipe(const sigset_t *old, ssize_t result) {
    int error = errno;
    if (result < 0 && error == EPIPE && !sigismember(old, SIGPIPE)) {
        struct timespec none = {0};
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, SIGPIPE);
        sigtimedwait(&only, NULL, &none);
    }
    pthread_sigmask(SIG_SETMASK, old, NULL);
    errno = error;
    return result;
}

ssize_t clinux_sendfile_from(int target, int source, int64_t offset, size_t count) {
    sigset_t old;
    block_sigpipe(&old);
    off_t from = offset;
    return unblock_sigpipe(&old, sendfile(target, source, &from, count));
}

ssize_t clinux_write_quietly(int fd, const void *bytes, size_t count) {
    sigset_t old;
    block_sigpipe(&old);
    return unblock_sigpipe(&old, write(fd, bytes, count));
}
