// Area D: processes, threads and time of the processors.

import Sandbox

extension Attack {
    static let manyProcesses: [Attack] = crowds + time + scheduling

    /// 64 of something where 24 processes and threads are allowed.
    private static func makes(
        _ group: String, _ name: String, _ what: String, options: [String] = [], expected: Expectation,
        control: Control = .bare(), stoppedBy: [Layer] = [.pids, .rlimits]
    ) -> Attack {
        Attack(
            group, name, what, method: .alone(options: ["--pids", "24"] + options), expected: expected,
            control: control, stoppedBy: stoppedBy)
    }

    private static let crowds: [Attack] = [
        makes("D01", "fork-many", "64 children by fork(2)", expected: "EAGAIN"),
        makes("D01", "vfork-many", "64 children by vfork(2), each of the one before", expected: "EAGAIN"),
        makes("D01", "thread-many", "64 threads", expected: "EAGAIN"),
        // The cgroup counts the init too, RLIMIT_NPROC only what has the program's uid.
        makes(
            "D01", "process-count", "as many children as there may be", expected: "22", control: .bare("64"),
            stoppedBy: [.pids]),
        makes(
            "D01", "fork-too-many", "a child too many where that is the end", options: ["--pids-kill"],
            expected: "pids 122", stoppedBy: [.pids]),
        makes("D08", "keep-zombies", "64 ended children that nobody asks about", expected: "EAGAIN"),
        Attack(
            "D08", "leave-zombies", "64 ended processes left to PID 1", expected: "reaped", stoppedBy: []),
        Attack(
            "D01", "fork-bomb", "a fork bomb, with three neighbours who want to run",
            method: .scene(Scenes.forkBomb), expected: "held, and the neighbours ran",
            control: .none("without a limit it would be one for the host"), stoppedBy: [.pids, .rlimits]),
    ]

    private static let time: [Attack] = [
        Attack(
            "D04", "take-processors", "2 threads that run all the time, where 0.1 processors are allowed",
            // The start takes its time as well: half a minute in an emulated machine.
            method: .alone(options: ["--cpus", "0.1", "--timeout", "1m"]), expected: "held to its share",
            stoppedBy: [.cpu]),
        Attack(
            "D05", "use-time", "a second of processor time where 100 ms are allowed",
            method: .alone(options: ["--cpu-time", "100ms"]), expected: "cpu 152", stoppedBy: []),
        Attack(
            "D05", "use-childrens-time", "the same by 50 children, one after the other",
            method: .alone(options: ["--cpu-time", "100ms"]), expected: "cpu 152", stoppedBy: []),
    ]

    private static let scheduling: [Attack] = [
        Attack(
            "D04", "take-real-time", "a place before all others, by SCHED_FIFO", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities]),
        Attack(
            "D04", "take-priority", "nice -20", expected: "EACCES", stoppedBy: [.capabilities]),
        Attack(
            "D04", "take-disk-time", "the real-time class of ioprio_set(2)", expected: "EPERM",
            stoppedBy: [.capabilities]),
        Attack(
            "D04", "renice-group", "the priority of a process group", expected: "EPERM", stoppedBy: [.seccomp]
        ),
        Attack(
            "D04", "renice-init", "the priority of PID 1", expected: "EPERM", stoppedBy: [.seccomp, .uids]),
        Attack(
            "D04", "bind-init", "the processors of PID 1", expected: "EPERM", stoppedBy: [.seccomp, .uids]),
        Attack(
            "D05", "set-clock", "the clock that limits of time could be counted by", expected: "EPERM",
            control: .bare("EINVAL"), stoppedBy: [.seccomp, .capabilities]),
    ]
}
