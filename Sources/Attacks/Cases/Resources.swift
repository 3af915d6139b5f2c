// Area D: memory, files, descriptors and output.

import Sandbox

extension Attack {
    static let resources: [Attack] = memory + quotas + output + perUser + manyProcesses

    /// 48 MiB of one kind where 32 MiB are allowed.
    private static func eats(
        _ name: String, _ what: String, expected: Expectation = "memory 137", stoppedBy: [Layer] = [.memory]
    ) -> Attack {
        Attack(
            "D02", name, what, method: .alone(options: ["--memory", "32MiB"]), expected: expected,
            stoppedBy: stoppedBy)
    }

    /// System V IPC is for the profiles that have the part `ipc`.
    private static let ended: Expectation = "memory 137"
    private static let endedWhereThereIsIPC = ended.but(in: "strict", "ENOSYS")
        .but(in: "offline_readonly", "ENOSYS").but(in: "network_basic", "ENOSYS")

    private static let memory: [Attack] = [
        eats("eat-memory", "memory of a process's own"),
        eats("eat-break", "memory by brk(2)"),
        eats("eat-shared-memory", "memory shared with children"),
        // Under the host's RLIMIT_MEMLOCK, where that is less.
        eats(
            "eat-locked-memory", "memory that cannot be swapped out", expected: ["ENOMEM", "memory 137"],
            stoppedBy: [.capabilities, .memory]),
        eats("eat-page-tables", "page tables, by looking at a little of very much"),
        eats("eat-tmp", "files in /tmp"),
        eats("eat-shm", "files in /dev/shm"),
        eats("eat-memory-files", "memory files", expected: ended.but(in: "strict", "ENOSYS")),
        eats("eat-pipes", "pipes full of data"),
        eats("eat-unix-sockets", "unix sockets full of data"),
        // Dropped when the buffers' share is used up, or when the group is full.
        eats(
            "eat-udp", "internet sockets full of data",
            expected: (["refused", "memory 137"] as Expectation).but(in: "strict", "EAFNOSUPPORT")
                .but(in: "offline_readonly", "EAFNOSUPPORT")),
        eats("eat-segments", "a System V segment", expected: endedWhereThereIsIPC),
        eats("eat-messages", "System V queues full of messages", expected: endedWhereThereIsIPC),
        eats("eat-semaphores", "a million System V semaphores", expected: endedWhereThereIsIPC),
        Attack(
            "D02", "swap-beside-memory", "swap, when the memory is used up",
            method: .scene(Scenes.swap), expected: "none", control: .without([.swap]), stoppedBy: [.swap]),
    ]

    private static let quotas: [Attack] = [
        Attack(
            "C09", "fill-workspace", "96 MiB in the workspace",
            expected: ("ENOSPC" as Expectation).but(in: "offline_readonly", "EROFS"), stoppedBy: []),
        Attack("C11", "fill-tmp", "96 MiB in /tmp", expected: "ENOSPC", stoppedBy: []),
        Attack(
            "C09", "grow-sparse", "a file of 2 GiB without content", expected: "EFBIG",
            stoppedBy: [.rlimits]),
        Attack(
            "C09", "grow-at-once", "96 MiB for a file at once, by fallocate(2)",
            expected: ("ENOSPC" as Expectation).but(in: "strict", "EFBIG"), stoppedBy: []),
        Attack("C10", "name-many", "20,000 names of a file", expected: "ENOSPC", stoppedBy: []),
        Attack(
            "D07", "open-many", "2,048 descriptors, after raising the limit", expected: "EMFILE",
            stoppedBy: [.rlimits]),
        Attack("D13", "connect-many", "2,048 sockets", expected: "EMFILE", stoppedBy: [.rlimits]),
        Attack(
            "D07", "nest-epoll", "a chain of 20 epoll(7) descriptors", expected: "ELOOP",
            control: .none("the kernel refuses it on every host"), stoppedBy: []),
        Attack(
            "D02", "grow-stack", "48 MiB of stack, after raising the limit", expected: "SIGSEGV",
            stoppedBy: [.rlimits]),
        Attack(
            "D11", "dump-core", "a core dump, after raising the limit", expected: "none",
            stoppedBy: [.rlimits]),
        Attack(
            "D11", "lower-core-limit", "a core dump to a program of the host's, by a limit of 0",
            expected: "kept", stoppedBy: [.seccomp]),
        Attack(
            "D09", "sync-others", "writing out what others wrote, by syncfs(2)", expected: "nothing done",
            control: .bare("EBADF"), stoppedBy: [.seccomp]),
    ]

    private static let output: [Attack] = [
        Attack(
            "D06", "flood-output", "8 MiB of output where 64 KiB are allowed",
            method: .alone(options: ["--output-limit", "64KiB", "--output-kill"]), expected: "output 153",
            stoppedBy: [], mechanisms: [.outputLimit]),
        Attack(
            "D06", "flood-uncounted", "8 MiB of output of which 64 KiB are kept, to be lost unnoticed",
            method: .scene(Scenes.flood), expected: "left out and counted", stoppedBy: [],
            mechanisms: [.outputLimit]),
    ]

    /// All of what the kernel gives one user, to leave none for the host's root or other sandboxes.
    private static func takes(_ kind: String, _ what: String, expected: Expectation) -> Attack {
        Attack(
            "D07", "take-all-\(kind)", what, method: .scene { try Scenes.starve(kind, $0, $1) },
            expected: expected, stoppedBy: [.userNamespace, .uids])
    }

    private static let kept: Expectation = "root keeps its own"

    private static let perUser: [Attack] = [
        takes(
            "watchers", "every inotify(7) instance of a user", expected: kept.but(in: "strict", "ENOSYS")),
        takes("timers", "every POSIX timer of a user", expected: kept),
        takes("signals", "every queued signal of a user", expected: kept),
    ]
}
