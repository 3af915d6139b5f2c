#define _GNU_SOURCE 1
#include "clinux_rings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>

int clinux_memfd_seal_size(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL); }

int clinux_memfd_seals(int fd) { return fcntl(fd, F_GET_SEALS); }

int clinux_punch(int fd, int64_t offset, int64_t count) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
}

// sendfile has no MSG_NOSIGNAL. The signal is blocked in this thread and taken away, because its
// disposition is the whole process's. One that is pending from elsewhere is left alone.
ssize_t clinux_sendfile_from(int target, int source, int64_t offset, size_t count) {
    sigset_t only, old, pending;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only, &old);
    off_t from = offset;
    ssize_t result = sendfile(target, source, &from, count);
    int error = errno;
    if (result < 0 && error == EPIPE && !sigismember(&old, SIGPIPE)) {
        struct timespec none = {0};
        if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE)) sigtimedwait(&only, NULL, &none);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return result;
}
