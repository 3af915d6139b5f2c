// Area A: system calls. The cases of each kind are in files of their own beside this one; here are new
// namespaces and processes, other processes, and keys.

import Sandbox
import TestSupport

extension Attack {
    static let systemCalls: [Attack] =
        newNamespaces + secondBarrier + newProcesses + otherProcesses + keys + kernelCalls + mountCalls
        + newerCalls + sockets
        + fileModes + switches + filters + otherABIs

    /// Attempts that differ in their names only. No layer but seccomp, if `layers` names no other.
    static func refused(
        _ group: String, _ expected: Expectation, control: Control = .bare(), by layers: [Layer] = [.seccomp],
        _ rows: KeyValuePairs<String, String>
    ) -> [Attack] {
        rows.map { name, what in
            Attack(group, name, what, expected: expected, control: control, stoppedBy: layers)
        }
    }

    /// Of what needs a capability of the initial user namespace as well.
    static let privileged: [Layer] = [.seccomp, .capabilities]

    private static let newNamespaces: [Attack] =
        refused(
            "A02", "EPERM",
            [
                "unshare-user": "a user namespace, by unshare(2)",
                "clone-user": "a user namespace, by clone(2)",
                "clone-user-high-bits": "a user namespace, by clone(2) with garbage in the upper half",
                "clone-everything": "a user namespace and five others at once, by clone(2)",
                "clone-everything-high-bits": "the same with garbage in the upper half",
            ])
        + ["mount", "pid", "net", "ipc", "uts", "cgroup"].flatMap { kind in
            refused(
                "A02", "EPERM", by: privileged,
                [
                    "unshare-\(kind)": "a namespace (\(kind)), by unshare(2)",
                    "clone-\(kind)": "a namespace (\(kind)), by clone(2)",
                    "clone-\(kind)-high-bits":
                        "a namespace (\(kind)), by clone(2) with garbage in the upper half",
                ])
        }
        + refused(
            "A02", "EPERM", by: privileged,
            [
                "unshare-time": "a time namespace, by unshare(2)",
                "setns-file": "entering a namespace by its file in /proc",
                "setns-process": "entering a namespace of the parent process",
            ])

    private static let secondBarrier = refused(
        "A/27", "none", control: .bare("some"), by: [.userNamespace],
        ["user-namespaces-left": "the user namespaces that the kernel would let the sandbox make"])

    private static let newProcesses: [Attack] =
        refused(
            "A03", "ENOSYS",
            [
                "clone3-plain": "a child by clone3(2), whose flags no filter sees",
                "clone3-user": "a user namespace, by clone3(2)",
            ])
        + refused(
            "A03", "ENOSYS", control: .bare("EBADF"),
            ["clone3-into-cgroup": "a child in another cgroup, by clone3(2)"])
        // What C libraries do then.
        + refused(
            "A03", "succeeded", by: [],
            [
                "threads-work": "that a thread can be had without clone3(2)",
                "spawn-works": "that posix_spawn(3) does without it",
            ])

    private static let otherProcesses: [Attack] =
        refused(
            "A09", "EPERM",
            [
                "ptrace-parent": "tracing the parent process", "ptrace-init": "tracing process 1",
                "ptrace-child": "tracing a child", "ptrace-traceme": "being traced by the parent",
                "process-vm-readv": "reading the parent's memory",
                "process-vm-writev": "writing the parent's memory",
                "process-madvise": "advice about memory, by a pidfd",
                "pidfd-getfd": "the parent's descriptors",
                "kcmp": "comparing two processes' resources",
                "prlimit-init": "the limits of process 1", "priority-of-group": "the priority of a group",
                "io-priority-of-group": "the input and output priority of a group",
                "affinity-of-init": "the processors of process 1",
                "scheduling-class": "another scheduling class",
            ])
        + refused(
            "A09", "EPERM", control: .bare("EINVAL"),
            ["process-mrelease": "taking a process's memory away"])

    private static let keys: [Attack] =
        refused(
            "A10", "EPERM",
            ["keyctl": "the session keyring", "add-key": "adding a key to the process's keyring"])
        + refused("A10", "EPERM", control: .bare("ENOKEY"), ["request-key": "looking for a key"])
        + [
            Attack(
                "A10", "key-for-the-next", "a key left for the next sandbox", method: .scene(twice),
                expected: "EPERM", control: .bare("found"), stoppedBy: [.seccomp, .uids, .userNamespace])
        ]

    /// The same attempt in two cages, one after the other; what the second finds.
    private static func twice(_ cage: Cage, _ stage: Stage) throws -> Answer {
        _ = try single("key-for-the-next", cage, stage)
        return try single("key-for-the-next", cage, stage)
    }

    /// The answer of one attempt in a cage of its own.
    static func single(_ name: String, _ cage: Cage, _ stage: Stage) throws -> Answer {
        let ended = CageEnd(try cage.program(attacker: [name], on: stage).start().wait(timeout: 120))
        guard let answer = ended.answers[name] else { throw AttackError("\(name) in \(cage): \(ended)") }
        return answer
    }
}
