// Area B: whom one can reach outside of the sandbox, and the init inside of it.

import Glibc
import Sandbox
import TestSupport

extension Attack {
    static let reach: [Attack] = network + ipc + sharedFiles + neighbours

    /// Profiles whose policies have neither sockets of a network nor System V IPC.
    private static let closed = ["strict", "offline_readonly"]

    private static let withoutIPC = closed + ["network_basic"]

    private static let network: [Attack] =
        [
            Attack(
                "B07", "reach-udp", "a UDP socket of the host's loopback interface",
                expected: .any("ECONNREFUSED").but(in: closed, "EAFNOSUPPORT"),
                control: .without([.netNamespace]), stoppedBy: [.netNamespace]),
            Attack(
                "B07", "reach-tcp", "a TCP socket of the host's loopback interface",
                expected: .since(landlock: 4, ["EACCES"], before: ["ECONNREFUSED"])
                    .but(in: closed, "EAFNOSUPPORT"),
                control: .without([.netNamespace, .landlockTCP]), stoppedBy: [.netNamespace, .landlockTCP]),
            Attack(
                "B07", "reach-tcp6", "the same with IPv6",
                expected: .since(
                    landlock: 4, ["EACCES", "no bait"], before: ["ECONNREFUSED", "EADDRNOTAVAIL", "no bait"]
                ).but(in: closed, "EAFNOSUPPORT", "no bait"),
                control: .without([.netNamespace, .landlockTCP], ["succeeded", "no bait"]),
                stoppedBy: [.netNamespace, .landlockTCP]),
            Attack(
                "B07", "bind-tcp", "a TCP port to listen at",
                expected: .since(landlock: 4, ["EACCES"], before: ["succeeded"])
                    .but(in: closed, "EAFNOSUPPORT"),
                stoppedBy: [.landlockTCP]),
            Attack(
                "B07", "reach-abstract", "an abstract unix socket of the host",
                expected: .any("ECONNREFUSED").but(in: "strict", "EAFNOSUPPORT"),
                control: .without([.netNamespace, .landlockScopes]),
                stoppedBy: [.netNamespace, .landlockScopes]),
        ] + scopes

    /// Landlock has no scopes before ABI 6, and then there is nothing to show of them.
    private static let scopes: [Attack] =
        landlockABI < 6
        ? []
        : [
            Attack(
                "B07", "reach-abstract-by-net", "the same in the host's network namespace",
                method: .without([.netNamespace], attempt: "reach-abstract"),
                expected: .any("EPERM").but(in: "strict", "EAFNOSUPPORT"),
                control: .without([.netNamespace, .landlockScopes]), stoppedBy: [.landlockScopes]),
            Attack(
                "B07", "signal-init-as-itself", "a signal to the init from a process with its id",
                method: .without([.uids], attempt: "signal-init"),
                expected: .any("EPERM").but(in: "strict", "refused"),
                control: .without([.uids, .landlockScopes]), stoppedBy: [.landlockScopes]),
        ]

    private static let ipc: [Attack] = [
        Attack(
            "B07", "attach-segment", "a System V segment of the host",
            expected: .any("EINVAL", "another segment").but(in: withoutIPC, "ENOSYS"),
            control: .without([.ipcNamespace]), stoppedBy: [.ipcNamespace]),
        Attack(
            "B06", "list-segments", "the host's System V segments in /proc/sysvipc", expected: "nothing",
            control: .without([.ipcNamespace]), stoppedBy: [.ipcNamespace]),
        Attack(
            "B07", "open-queue", "a POSIX message queue of the host",
            expected: .any("ENOENT").but(in: withoutIPC, "ENOSYS"),
            control: .without([.ipcNamespace, .landlockFiles]), stoppedBy: [.ipcNamespace, .landlockFiles]),
        Attack(
            "B07", "open-shared-memory", "a POSIX shared memory segment of the host", expected: "ENOENT",
            control: .without([.mountNamespace]), stoppedBy: [.mountNamespace]),
    ]

    static let processes: [Attack] = [
        Attack(
            "B06", "see-process", "a process of the host in /proc", expected: "not there",
            control: .without([.pidNamespace]), stoppedBy: [.pidNamespace]),
        Attack(
            "B06", "find-foreign-processes", "any process in /proc but the sandbox's own",
            expected: "nothing", control: .without([.pidNamespace], "found: *"), stoppedBy: [.pidNamespace]),
        Attack(
            "B07", "signal-process", "a signal to a process of the host", expected: "ESRCH",
            control: .without([.pidNamespace, .userNamespace, .uids, .capabilities, .landlockScopes]),
            stoppedBy: [.pidNamespace, .uids, .capabilities, .landlockScopes]),
        Attack(
            "B07", "signal-everybody", "a signal to every process that there is",
            method: .alone(options: []), expected: "ESRCH",
            control: .none("it would reach every process of the host"), stoppedBy: [.pidNamespace]),
        Attack(
            "B07", "kill-init", "SIGKILL to the init", expected: "EPERM",
            control: .without([.uids, .landlockScopes]), stoppedBy: [.uids, .landlockScopes]),
        Attack(
            "B07", "stop-init", "SIGSTOP to the init", expected: "EPERM",
            control: .without([.uids, .landlockScopes]), stoppedBy: [.uids, .landlockScopes]),
        Attack(
            "B07", "signal-init", "asking whether the init can be signalled", expected: "EPERM",
            control: .without([.uids, .landlockScopes]), stoppedBy: [.uids, .landlockScopes]),
    ]

    /// Several sandboxes read the same files of the host: what one does to them must not reach another.
    private static let sharedFiles: [Attack] = [
        Attack(
            "B07", "lease-shared-file", "a lease on a file that others open", expected: "EINVAL",
            stoppedBy: [.seccomp]),
        Attack(
            "B07", "watch-shared-directory", "signals about what others do in /usr", expected: "EINVAL",
            stoppedBy: [.seccomp]),
    ]

    private static let neighbours: [Attack] = [
        Attack(
            "B07", "reach-neighbour", "sockets, IPC and process of a sandbox that runs at the same time",
            method: .scene(reachNeighbour), expected: "nothing",
            control: .without(
                [.netNamespace, .ipcNamespace, .pidNamespace, .landlockScopes, .landlockTCP], "found: *"),
            stoppedBy: [.netNamespace, .ipcNamespace, .pidNamespace, .mountNamespace])
    ]

    /// The canary inside of one sandbox, and what looks for it in another.
    private static func reachNeighbour(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let names = [
            "reach-udp", "reach-tcp", "reach-tcp6", "reach-abstract", "attach-segment", "list-segments",
            "open-queue", "open-shared-memory", "see-process", "signal-process",
        ]
        let canary = try cage.program(attacker: ["--canary"], on: stage).start()
        guard try canary.waitForText(" laid\n", within: 30) else {
            throw AttackError("\(cage): no bait: \(canary.errorsSoFar)")
        }
        let bait = Stage.variables(in: canary.outputSoFar)
        let ended = try CageEnd(
            cage.program(attacker: names, bait: bait, on: stage).start().wait(timeout: 60))
        try canary.signal(SIGTERM)
        _ = try canary.wait(timeout: 30)
        // A canary that is killed leaves its segment, which is the host's where there is but one /dev/shm.
        if cage.seesHost, let pid = bait["BAIT_PID"] { try? File.remove("/dev/shm/corral-canary-\(pid)") }
        if let silent = names.first(where: { ended.answers[$0] == nil }) {
            throw AttackError("\(cage): no answer of \(silent): \(ended)")
        }
        return Answer(found: names.filter { ended.answers[$0]?.text == "succeeded" })
    }
}
