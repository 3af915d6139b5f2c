#define _GNU_SOURCE 1
#include "clinux_confine.h"

#include "clinux_security.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the filter needs this architecture's audit number"
#endif

// What an unpacker does once it has begun: not open(2), which goes by openat everywhere, and nothing that
// reaches another process.
static const int allowed[] = {
    SYS_read,       SYS_write,     SYS_pread64,      SYS_pwrite64,      SYS_writev,     SYS_close,
    SYS_fstat,      SYS_newfstatat, SYS_statx,       SYS_lseek,         SYS_fcntl,      SYS_openat,
    SYS_mkdirat,    SYS_symlinkat, SYS_linkat,       SYS_unlinkat,      SYS_renameat,   SYS_renameat2,
    SYS_readlinkat, SYS_ftruncate, SYS_fchmod,       SYS_utimensat,     SYS_getdents64, SYS_mmap,
    SYS_munmap,     SYS_mprotect,  SYS_mremap,       SYS_madvise,       SYS_brk,        SYS_futex,
    SYS_getrandom,  SYS_umask,     SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_clock_gettime,
    SYS_getpid,     SYS_gettid,    SYS_sched_yield,  SYS_sysinfo,       SYS_exit,       SYS_exit_group,
};
#define ALLOWED (sizeof allowed / sizeof allowed[0])

int clinux_close_from(int first) { return (int)syscall(SYS_close_range, first, ~0U, 0); }

int clinux_file_filter_size(void) { return (int)ALLOWED; }

int clinux_load_file_filter(void) {
    struct sock_filter code[5 + 2 * ALLOWED];
    uint16_t count = 0;
    code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    // Numbers of x32 have a bit that none of these has.
    for (size_t i = 0; i < ALLOWED; i++) {
        code[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], 0, 1);
        code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    return clinux_load_filter(code, count);
}
