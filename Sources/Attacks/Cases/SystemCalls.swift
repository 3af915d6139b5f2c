// Area A: system calls.

import Sandbox

extension Attack {
    static let systemCalls: [Attack] = [
        Attack(
            "A02", "unshare-user", "a user namespace, by unshare(2)", expected: "EPERM",
            stoppedBy: [.seccomp]),
        Attack(
            "A02", "unshare-mount", "a mount namespace, by unshare(2)", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities]),
        Attack(
            "A02", "clone-user-high-bits", "a user namespace, by clone(2) with garbage in the upper half",
            expected: "EPERM", stoppedBy: [.seccomp]),
        Attack(
            "A03", "clone3-user", "a user namespace, by clone3(2), whose flags no filter sees",
            expected: "ENOSYS", stoppedBy: [.seccomp]),
        Attack(
            "A07", "io-uring-setup", "a ring of io_uring(7)", expected: "ENOSYS", stoppedBy: [.seccomp]),
        Attack(
            "A09", "ptrace-parent", "tracing the parent process", expected: "EPERM",
            stoppedBy: [.seccomp]),
    ]
}
