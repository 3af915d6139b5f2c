// Area A of the attack cases: options of prctl, fcntl, ioctl and personality; filters of a plugin's own; and
// arguments in memory that change while the kernel looks at them.
#include "attacker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define CALL(identifier, ...) \
    static const char *identifier(void) { return outcome(syscall(__VA_ARGS__)); }

static char room[64];

// Assertion 28: prctl. The options are those that the kernel would take here.

/// PR_SET_MM_MAP_SIZE needs nothing; kernels without it ask for a capability.
CALL(set_mm, SYS_prctl, 35L, 15L, room, 0L, 0L)
CALL(user_dispatch, SYS_prctl, 59L, 0L, 0L, 0L, 0L)
CALL(set_ptracer, SYS_prctl, 0x59616D61L, -1L, 0L, 0L, 0L)
CALL(ambient, SYS_prctl, 47L, 4L /* CLEAR_ALL */, 0L, 0L, 0L)
CALL(keep_capabilities, SYS_prctl, 8L, 1L, 0L, 0L, 0L)
CALL(secure_bits, SYS_prctl, 27L, 0L, 0L, 0L, 0L)
CALL(drop_bounding, SYS_prctl, 24L, 0L, 0L, 0L, 0L)
CALL(subreaper, SYS_prctl, 36L, 1L, 0L, 0L, 0L)
CALL(high_option, SYS_prctl, 1L << 32 | 47L, 4L, 0L, 0L, 0L)

static const char *seccomp_mode(void) {
    int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    return mode < 0 ? outcome(-1) : words("mode %d", mode);
}

// A filter that lets everything pass, on top of the one that is there.

static struct sock_filter pass[] = {{.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW}};
static struct sock_fprog all = {.len = 1, .filter = pass};

CALL(filter_of_own, SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, 0L, &all)
CALL(filter_by_prctl, SYS_prctl, (long)PR_SET_SECCOMP, 2L /* FILTER */, &all, 0L, 0L)
CALL(filter_listener, SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, 8L /* NEW_LISTENER */, &all)
CALL(filter_question, SYS_seccomp, (long)SECCOMP_GET_ACTION_AVAIL, 0L, (uint32_t[]){SECCOMP_RET_ALLOW})

/// Whatever comes of that filter, the first one still decides.
static const char *loosened(void) {
    syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, 0L, &all);
    prctl(PR_SET_SECCOMP, 2, &all, 0, 0);
    return outcome(unshare(CLONE_NEWUSER));
}

// Address randomisation and executable memory, switched off for the programs to come.

CALL(no_randomisation, SYS_personality, (long)ADDR_NO_RANDOMIZE)
CALL(all_executable, SYS_personality, (long)READ_IMPLIES_EXEC)
CALL(no_randomisation_high_bits, SYS_personality, 1L << 32 | (long)ADDR_NO_RANDOMIZE)

// Assertion 30: what goes on with files that others share.

static const char *file_option(int option, long value) {
    int file = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return words("no directory: %s", outcome(-1));
    return outcome(syscall(SYS_fcntl, (long)file, (long)option, value));
}

static const char *directory_notes(void) { return file_option(F_NOTIFY, DN_ACCESS); }
static const char *signals_of_files(void) { return file_option(F_SETOWN, getpid()); }
static const char *signal_choice(void) { return file_option(F_SETSIG, SIGUSR1); }

static const char *lease(void) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/lease-%d", getpid());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    unlink(path);
    if (file < 0) return words("no file: %s", outcome(-1));
    return outcome(syscall(SYS_fcntl, (long)file, (long)F_SETLEASE, (long)F_WRLCK));
}

/// A file that others use as well, from outside of here: says that it is watching, and waits.
static const char *watch_others(void) {
    struct inotify_event event;
    int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0) return outcome(-1);
    if (inotify_add_watch(watch, "/proc/self/exe", IN_OPEN) < 0) return outcome(-1);
    fputs("watching\n", stderr);
    return read(watch, &event, sizeof event) == sizeof event ? "saw the host open a file" : outcome(-1);
}

// Terminals (CVE-2017-5226, CVE-2023-28100).

/// A terminal, where one can be had; standard input, where none can.
static int terminal(void) {
    int number = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), locked = 0;
    if (number < 0 || ioctl(number, TIOCSPTLCK, &locked) < 0) return STDIN_FILENO;
    int slave = ioctl(number, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    return slave < 0 ? STDIN_FILENO : slave;
}

static const char *type_for_others(unsigned long garbage) {
    return outcome(syscall(SYS_ioctl, (long)terminal(), garbage | TIOCSTI, "x"));
}

static const char *tiocsti(void) { return type_for_others(0); }
static const char *tiocsti_high_bits(void) { return type_for_others(1UL << 32); }
/// On standard input, which `corral run -t` makes a terminal.
static const char *tiocsti_here(void) {
    syscall(SYS_ioctl, 0L, 1UL << 32 | TIOCSTI, "x");
    return outcome(syscall(SYS_ioctl, 0L, (long)TIOCSTI, "x"));
}
/// Makes another line discipline of it, which is code of the kernel's that hardly anybody uses.
static const char *line_discipline(void) {
    int plain = 0;
    return outcome(syscall(SYS_ioctl, (long)terminal(), (long)TIOCSETD, &plain));
}
/// Of the console, and of any other terminal EINVAL or ENOTTY.
static const char *tioclinux(void) { return outcome(syscall(SYS_ioctl, 0L, (long)TIOCLINUX, "\6")); }

// A15: the arguments of a call change while it is made.

enum { race_rounds = 100000 };
static atomic_int racing = 1, changes;

/// Whether to make one more round: the other thread, which may have to wait for this one's processor, has to
/// have changed the arguments many times.
static int goes_on(int round, int rounds) {
    if (round < rounds && round % 64 != 0) return 1;
    if (changes < 1000) sched_yield();
    return round < rounds || changes < 1000;
}

static void *flip(void *word) {
    volatile uint64_t *flags = word;
    // Harmless in one round, and in the next what the filter would refuse if it could see it.
    for (uint64_t round = 0; racing; round++) {
        *flags = round & 1 ? CLONE_NEWUSER : 0;
        if (changes < 1000) changes++;
    }
    return NULL;
}

/// Calls with a word that another thread changes, until one answers otherwise than `refused`.
static const char *race(long (*make)(volatile uint64_t *), int refused) {
    static volatile uint64_t word;
    pthread_t other;
    errno = pthread_create(&other, NULL, flip, (void *)&word);
    if (errno) return words("no thread: %s", outcome(-1));
    for (int round = 0; goes_on(round, race_rounds); round++) {
        long result = make(&word);
        if (result < 0 && errno == refused) continue;
        return words("%s", outcome(result));
    }
    return strerrorname_np(refused);
}

static long make_child(volatile uint64_t *flags) {
    static volatile uint64_t arguments[8] = {[4] = SIGCHLD};
    arguments[0] = *flags;
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (child == 0) syscall(SYS_exit_group, 0L);
    if (child > 0) waitpid((pid_t)child, NULL, 0);
    return child;
}

static long open_file(volatile uint64_t *flags) {
    static volatile uint64_t how[3] = {O_RDWR | O_CREAT};
    how[1] = *flags ? 04755 : 0644;
    long file = syscall(SYS_openat2, (long)AT_FDCWD, "/tmp/raced", how, sizeof how);
    if (file >= 0) unlink("/tmp/raced");
    return file;
}

static void *flip_family(void *address) {
    volatile struct sockaddr_in *changing = address;
    for (unsigned round = 0; racing; round++) {
        changing->sin_family = round & 1 ? AF_INET : AF_UNSPEC;
        if (changes < 1000) changes++;
    }
    return NULL;
}

static const char *race_clone3(void) { return race(make_child, ENOSYS); }
static const char *race_openat2(void) { return race(open_file, ENOSYS); }

/// Connects while the other thread makes an address of TCP of what is none (AF_UNSPEC takes a connection
/// back, which is no connection). Whoever looks at the address must look at what is then used.
static const char *race_connect(void) {
    static volatile struct sockaddr_in address = {.sin_port = 0x0900};
    pthread_t other;
    struct utsname kernel;
    int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), major = 0, minor = 0;
    if (number < 0) return outcome(-1);
    if (uname(&kernel) == 0) sscanf(kernel.release, "%d.%d", &major, &minor);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    errno = pthread_create(&other, NULL, flip_family, (void *)&address);
    if (errno) return words("no thread: %s", outcome(-1));
    int refused = 0;
    for (int round = 0; goes_on(round, race_rounds / 10) || refused < 100; round++) {
        int result = connect(number, (const struct sockaddr *)&address, sizeof address);
        if (result < 0 && errno == EACCES) refused++;
        if (result == 0 || errno == EACCES) continue;
        // Landlock looks at TCP from Linux 6.7 on.
        return major < 6 || (major == 6 && minor < 7) ? "not in this kernel" : outcome(result);
    }
    return "EACCES";
}

const struct attempt switch_attempts[] = {
    {"prctl-set-mm", set_mm},
    {"prctl-syscall-user-dispatch", user_dispatch},
    {"prctl-set-ptracer", set_ptracer},
    {"prctl-cap-ambient", ambient},
    {"prctl-cap-ambient-high-bits", high_option},
    {"prctl-keepcaps", keep_capabilities},
    {"prctl-securebits", secure_bits},
    {"prctl-capbset-drop", drop_bounding},
    {"prctl-child-subreaper", subreaper},
    {"seccomp-mode", seccomp_mode},
    {"seccomp-filter", filter_of_own},
    {"seccomp-filter-by-prctl", filter_by_prctl},
    {"seccomp-listener", filter_listener},
    {"seccomp-ask", filter_question},
    {"filter-loosened", loosened},
    {"personality-no-randomize", no_randomisation},
    {"personality-no-randomize-high-bits", no_randomisation_high_bits},
    {"personality-read-implies-exec", all_executable},
    {"fcntl-notify", directory_notes},
    {"fcntl-setown", signals_of_files},
    {"fcntl-setsig", signal_choice},
    {"fcntl-setlease", lease},
    {"watch-others", watch_others},
    {"tiocsti", tiocsti},
    {"tiocsti-high-bits", tiocsti_high_bits},
    {"tiocsti-here", tiocsti_here},
    {"tiocsetd", line_discipline},
    {"tioclinux", tioclinux},
    {"race-clone3", race_clone3},
    {"race-openat2", race_openat2},
    {"race-connect", race_connect},
    {NULL, NULL},
};
