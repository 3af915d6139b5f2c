// Area B: namespaces, identity and what is inherited.

import Glibc
import Sandbox
import TestSupport

extension Attack {
    static let namespaces: [Attack] = shared + names + identity + inherited + processes + mounts + reach

    private static let shared: [Attack] = [
        share("user", .userNamespace), share("mount", .mountNamespace), share("pid", .pidNamespace),
        share("network", .netNamespace), share("ipc", .ipcNamespace), share("uts", .utsNamespace),
        share("cgroup", .cgroupNamespace),
    ]

    /// A namespace that is the host's is one in which the host can be met.
    private static func share(_ kind: String, _ layer: Layer) -> Attack {
        Attack(
            "B01", "share-\(kind)-namespace", "being in the \(kind) namespace of the host",
            expected: "its own", control: .without([layer]), stoppedBy: [layer])
    }

    private static let names: [Attack] = [
        Attack(
            "B06", "read-host-name", "the name of the host", expected: "another name",
            control: .without([.utsNamespace]), stoppedBy: [.utsNamespace]),
        Attack(
            "B06", "change-host-name", "another name for the host", expected: "EPERM",
            stoppedBy: [.utsNamespace, .capabilities, .seccomp]),
        Attack(
            "B13", "read-group-paths", "where the sandbox's groups are on the host", expected: "nothing",
            control: .without([.cgroupNamespace], "found: *"), stoppedBy: [.cgroupNamespace]),
        Attack(
            "B06", "read-host-file", "reading a file of the host's by its path", expected: "ENOENT",
            control: .without([.mountNamespace]), stoppedBy: [.mountNamespace]),
        Attack(
            "B03", "climb-out", "from every descriptor and the working directory upwards, out of the root",
            expected: "nothing", control: .without([.mountNamespace], "found: *"),
            stoppedBy: [.mountNamespace, .descriptors]),
    ]

    private static let identity: [Attack] = [
        Attack(
            "B01", "hold-capabilities", "a capability in any set", expected: "none",
            stoppedBy: [.capabilities]),
        Attack(
            "B01", "gain-by-exec", "rights from a program's file at exec", expected: "no_new_privs",
            stoppedBy: [.noNewPrivileges]),
        Attack(
            "B01", "escape-filter", "having no filter of system calls", expected: "filtered",
            stoppedBy: [.seccomp]),
        Attack(
            "B01", "share-id-with-init", "the user id of the sandbox's init", expected: "another id",
            stoppedBy: [.uids]),
        Attack(
            "B01", "become-root", "user id 0 of the sandbox", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities]),
        Attack(
            "B01", "become-group-root", "group id 0 of the sandbox", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities]),
        Attack(
            "B01", "drop-groups", "leaving groups that forbid something", expected: "EPERM",
            stoppedBy: [.seccomp, .capabilities]),
        Attack(
            "B01", "status-from-outside", "rights, as the host sees them", method: .scene(seenFromOutside),
            expected: "nothing", control: .bare("found: *"),
            stoppedBy: [.capabilities, .noNewPrivileges, .seccomp, .uids, .groups]),
        // Neither filter nor rules can be put on without this layer, so that leaving it alone out is no
        // sandbox at all.
        Attack(
            "B01", "gain-by-exec-unfiltered", "the same without filter and landlock",
            method: .without(
                [.seccomp, .landlockFiles, .landlockTCP, .landlockScopes], attempt: "gain-by-exec"),
            expected: "no_new_privs",
            control: .without(
                [.noNewPrivileges, .seccomp, .landlockFiles, .landlockTCP, .landlockScopes]),
            stoppedBy: [.noNewPrivileges]),
        Attack(
            "B11", "run-setuid-file", "a setuid file in a directory of the host's that is mounted",
            method: .scene { try runFile($0, $1, owner: 1234, mode: 0o6755) },
            expected: "euid 1000, AT_SECURE 0, CapPrm 0x",
            control: .bare("euid 1234, AT_SECURE 1, CapPrm 0x"),
            stoppedBy: [.noNewPrivileges]),
        Attack(
            "B11", "run-file-with-capability", "a file there that gives a capability",
            method: .scene { try runFile($0, $1, owner: 0, mode: 0o755) },
            expected: "euid 1000, AT_SECURE 0, CapPrm 0x",
            control: .bare("euid 65534, AT_SECURE 1, CapPrm 0x2000"), stoppedBy: [.noNewPrivileges]),
    ]

    private static let inherited: [Attack] = [
        Attack(
            "B01", "hold-groups", "the supplementary groups of whoever started it", expected: "none",
            stoppedBy: [.groups]),
        Attack(
            "B01", "share-session", "the session, and terminal, of whoever started it",
            expected: "its own", stoppedBy: [.session]),
        Attack(
            "B03", "find-descriptors", "an open descriptor beside the three streams", expected: "nothing",
            control: .bare("found: a directory, a directory"), stoppedBy: [.descriptors]),
        Attack(
            "B03", "find-stream-files", "a stream that is the caller's own file", method: .scene(readFile),
            expected: "nothing", control: .bare("found: 0"), stoppedBy: []),
        Attack(
            "B01", "find-callers-key", "a key in the session keyring of whoever started it, without a filter",
            method: .without([.seccomp], attempt: "find-callers-key"), expected: "ENOKEY",
            control: .without([.keyring, .seccomp]), stoppedBy: [.keyring, .seccomp]),
        Attack(
            "B04", "start-in-descriptor", "a working directory through what the caller left open",
            method: .scene(startElsewhere), expected: "nothing",
            control: .without([.mountNamespace], "found: *"), stoppedBy: [.mountNamespace, .descriptors]),
    ]

    // MARK: Scenes

    /// A file of the host's as standard input.
    private static func readFile(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let name = "find-stream-files"
        var program = cage.program(attacker: [name], options: ["-i"], on: stage)
        let script = #"exec "$@" < "$0""#
        program.arguments = ["sh", "-c", script, stage.bait["BAIT_FILE"] ?? ""] + program.arguments
        let ended = try CageEnd(program.start().wait(timeout: 60))
        guard let answer = ended.answers[name] else { throw AttackError("\(name) in \(cage): \(ended)") }
        return answer
    }

    /// Deviations of /proc/PID/status, read on the host.
    private static func seenFromOutside(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let live = try LiveCage(cage, on: stage)
        var found: [String] = []
        for field in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            guard let value = live.status(field).first else { throw AttackError("no \(field)") }
            if value.contains(where: { $0 != "0" }) { found.append(field) }
        }
        if live.status("NoNewPrivs") != ["1"] { found.append("no_new_privs") }
        if live.status("Seccomp") != ["2"] { found.append("no filter") }
        if !live.status("Groups").isEmpty { found.append("groups") }
        let ids = [live.status("Uid"), live.status("Gid")]
        if ids.contains(where: { Set($0).count != 1 || $0.contains("0") }) { found.append("ids of root") }
        if live.status("Uid") == LiveCage.status("Uid", of: live.parent) { found.append("ids of its parent") }
        try live.end()
        return Answer(found: found)
    }

    /// The attacker program in a file of root's that gives a capability, or of another's that gives
    /// its owner's id: what the kernel makes of it at exec.
    private static func runFile(
        _ cage: Cage, _ stage: Stage, owner: UInt32, mode: UInt32
    ) throws -> Answer {
        let directory = try TemporaryDirectory()
        let file = directory("file")
        try File.write(try File.read(stage.attacker), to: file, mode: 0o755)
        // A change of owner takes such rights away, so it comes first.
        guard unsafe chown(file, owner, owner) == 0 && chmod(file, mode) == 0 else {
            throw AttackError("no setuid file can be made")
        }
        if owner == 0 {
            let granted = try Program.run([stage.attacker, "--grant", file])
            guard granted.status == 0 else {
                throw AttackError("no file with a capability can be made: \(granted.errors)")
            }
        }
        // Where all of the host is visible, nothing can be mounted, nor has to be.
        let options = cage.seesHost ? [] : ["-v", "\(directory.path):/rights:ro"]
        let inside = cage.seesHost ? file : "/rights/file"
        var program = cage.program(attacker: ["--exec", inside, "--rights"], options: options, on: stage)
        // In no sandbox an ordinary user, whom a file can give something.
        if cage == .bare {
            program.arguments = [file, "--rights"]
            program.user = Host.ordinaryUser
        }
        let outcome = try program.start().wait(timeout: 60)
        guard let line = outcome.output.split(separator: "\n").first else {
            throw AttackError("\(cage): no answer of a file with rights: \(CageEnd(outcome))")
        }
        return Answer(String(line))
    }

    /// What of these starts outside of the sandbox's root. The caller has left its own root open as
    /// descriptors 7 and 9 (CVE-2024-21626).
    private static func startElsewhere(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let places = [
            "/proc/self/fd/7", "/proc/self/fd/9", "/dev/fd/7", "/proc/1/root", "/proc/1/cwd",
            "/proc/self/root",
            "/workspace/../proc/self/fd/7", "/../..", "..//..", "/proc/self/fd/7/../..", "/",
        ]
        var found: [String] = []
        for place in places {
            let program = cage.program(
                attacker: ["start-in-descriptor"], options: ["--workdir", place], on: stage)
            let ended = try CageEnd(program.start().wait(timeout: 60))
            // Refused, or somewhere inside: the bait is not below it.
            guard let answer = ended.answers["start-in-descriptor"] else {
                if ended.status == 125 || ended.status == 126 || ended.status == 2 { continue }
                throw AttackError("\(cage) in \(place): \(ended)")
            }
            if answer.text != "ENOENT" { found.append("\(place): \(answer)") }
        }
        return Answer(found: found)
    }
}
