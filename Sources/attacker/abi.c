// Area A of the attack cases: every system call by its number, and those of the other ABIs that an x86-64
// kernel has, where other numbers stand for the same calls.
#include "attacker.h"

#ifndef __x86_64__

const struct attempt abi_attempts[] = {{NULL, NULL}};

#else

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { last_number = 600, x32 = 0x40000000 };

/// A system call with no arguments and no stack: sigreturn finds none, and the child of vfork harms none.
static long bare_call(long number) {
    register long four __asm__("r10") = 0, five __asm__("r8") = 0, six __asm__("r9") = 0;
    __asm__ volatile(
        "mov %%rsp, %%rbx\n\txor %%esp, %%esp\n\tsyscall\n\tmov %%rbx, %%rsp"
        : "+a"(number)
        : "D"(0L), "S"(0L), "d"(0L), "r"(four), "r"(five), "r"(six)
        : "rbx", "rcx", "r11", "memory");
    return number;
}

/// Calls that wait for ever with these arguments: select, pause, pselect6 and ppoll.
static int waits(long number) {
    return number == SYS_select || number == SYS_pause || number == SYS_pselect6 || number == SYS_ppoll;
}

/// The same by the entry of 32-bit programs.
static long bare_old_call(long number) {
    __asm__ volatile("mov %%rsp, %%r12\n\txor %%esp, %%esp\n\tint $0x80\n\tmov %%r12, %%rsp"
                     : "+a"(number)
                     : "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
                     : "r12", "r8", "r9", "r10", "r11", "memory");
    return (int)number;
}

/// What came of one call in a child of its own: 0, an error's number, or 192 and the signal that ended it.
static int answer_of(long (*make)(long), long number) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        struct itimerval limit = {.it_value = {.tv_sec = waits(number) ? 0 : 10, .tv_usec = 100000}};
        setitimer(ITIMER_REAL, &limit, NULL);
        // Without a filter it would write out all that the host has not written yet.
        if (number == SYS_sync && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0) _exit(0);
        long result = make(number);
        _exit(result < 0 && result > -192 ? (int)-result : 0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFSIGNALED(status) ? 192 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Two hexadecimal digits for each number from 0 on.
static const char *every_call(void) {
    static char list[2 * (last_number + 1) + 1];
    for (long number = 0; number <= last_number; number++) {
        int answer = answer_of(bare_call, number);
        if (answer < 0) return words("no process: %s", outcome(-1));
        snprintf(list + 2 * number, 3, "%02x", (unsigned)answer & 0xFF);
    }
    return list;
}

/// The same numbers with the bit of x32: how many of the processes lived.
static const char *every_x32_call(void) {
    int survived = 0;
    for (long number = 0; number <= last_number; number++)
        if (answer_of(bare_call, x32 | number) != 192 + SIGSYS) survived++;
    return survived ? words("%d survived", survived) : "none survived";
}

/// Numbers of i386, by the entry of 32-bit programs. For a control only those that do nothing to the host
/// and do not wait: getpid and what reads ids.
static const char *every_old_call(void) {
    static const short harmless[] = {20, 24, 47, 49, 50, 64, 65, 199, 200, 201, 202, 224};
    int unfiltered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0, survived = 0;
    long count = unfiltered ? (long)(sizeof harmless / sizeof *harmless) : last_number + 1;
    for (long i = 0; i < count; i++)
        if (answer_of(bare_old_call, unfiltered ? harmless[i] : i) != 192 + SIGSYS) survived++;
    return survived ? words("%d survived", survived) : "none survived";
}

static const char *x32_getpid(void) { return bare_call(x32 | SYS_getpid) > 0 ? "succeeded" : "ENOSYS"; }

// The entry of 32-bit programs, which a 64-bit one can use as well.

static const char *old_call(long number, long first, long second) {
    // Where a kernel has no such entry the process dies, and need not leave its memory behind.
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    __asm__ volatile("int $0x80"
                     : "+a"(number)
                     : "b"(first), "c"(second), "d"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    int result = (int)number;
    if (result < 0) errno = -result;
    return outcome(result < 0 ? -1 : result);
}

/// Memory whose address has 32 bits, with `words` in it.
static long low_memory(const void *content, size_t size) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (page == MAP_FAILED) return 0;
    return (long)(uintptr_t)memcpy(page, content, size);
}

static const char *old_getpid(void) { return old_call(20, 0, 0); }
static const char *old_open(void) { return old_call(5, low_memory("/", 2), O_RDONLY); }
/// socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT), past every rule about socket(2).
static const char *old_socketcall(void) {
    static const uint32_t arguments[] = {16, 3, 15};
    return old_call(102, 1, low_memory(arguments, sizeof arguments));
}

/// A program of 32 bits: exit(42).
static const char *execute_32_bit(void) {
    static const unsigned char program[] = {
        0x7F, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0, 0x54, 0x80, 4, 8,
        52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 1, 0, 40, 0, 0, 0, 0, 0,
        // One segment: the whole file, at 0x08048000, to be read and executed.
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 4, 8, 0, 0x80, 4, 8, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 5, 0, 0, 0,
        0, 0x10, 0, 0,
        // mov eax, 1; mov ebx, 42; int 0x80
        0xB8, 1, 0, 0, 0, 0xBB, 42, 0, 0, 0, 0xCD, 0x80,
    };
    char path[64];
    snprintf(path, sizeof path, "/tmp/old-%d", getpid());
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    if (file < 0 || write(file, program, sizeof program) != (ssize_t)sizeof program)
        return words("no program: %s", outcome(-1));
    close(file);
    // Its file goes when the place does.
    execve(path, (char *[]){path, NULL}, (char *[]){NULL});
    return outcome(-1);
}

const struct attempt abi_attempts[] = {
    {"every-call", every_call},
    {"every-x32-call", every_x32_call},
    {"x32-getpid", x32_getpid},
    {"every-int80-call", every_old_call},
    {"int80-getpid", old_getpid},
    {"int80-open", old_open},
    {"int80-socketcall", old_socketcall},
    {"int80-alone", old_getpid},
    {"execute-32-bit", execute_32_bit},
    {NULL, NULL},
};

#endif
