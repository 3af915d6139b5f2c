// `corral run` as these tests call it, and what they find out about a sandbox from outside.

import CLinux
import Glibc
import Linux
import Sandbox
import Synchronization
import TestSupport
import Wire

/// One way of calling `corral run`. The program under test is the built one.
struct Corral: Sendable {
    /// Options before the command.
    var options: [String] = []
    /// Layers left out, for positive controls.
    var without: Set<Layer> = []
    /// Words before `corral`: a program that changes what it is started with.
    var wrapper: [String] = []
    /// More variables for `corral` itself.
    var variables: [String: String] = [:]

    init(_ options: [String] = [], without: Set<Layer> = []) {
        self.options = options
        self.without = without
    }

    /// The host's Python, which the image has at the same place.
    static let python = "/usr/bin/python3"

    /// - Parameter report: whether to ask for the report on standard error.
    func program(_ command: [String], input: [UInt8]? = nil, report: Bool = true) -> Program {
        var environment = Program.environment
        environment.merge(variables) { $1 }
        if !without.isEmpty {
            environment["CORRAL_TEST_WITHOUT"] = without.map(\.rawValue).sorted().joined(separator: ",")
        }
        let words = [Product.path("corral"), "run"] + (report ? ["--json"] : []) + options + ["--"]
        return Program(wrapper + words + command, environment: environment, input: input)
    }

    /// Runs a command to its end. Every run is given a time limit of its own, so that no fault of
    /// the product can stop the tests.
    func run(_ command: [String], input: [UInt8]? = nil, timeout: Double = 120) throws -> Ended {
        Ended(try program(command, input: input).start().wait(timeout: timeout))
    }

    /// Runs a Python script. Without the site module it starts in half the time.
    func python(_ script: String, _ arguments: [String] = [], input: [UInt8]? = nil) throws -> Ended {
        try run([Corral.python, "-ISc", script] + arguments, input: input)
    }

    func shell(_ script: String) throws -> Ended { try run(["sh", "-c", script]) }

    /// How a run ended: what it wrote, and its report.
    struct Ended: CustomStringConvertible {
        let outcome: Program.Outcome
        /// Nil where there is none, as after a failed launch.
        let report: JSONTree?
        /// Standard error without the report and without what this kernel lacks.
        let errors: String

        init(_ outcome: Program.Outcome) {
            self.outcome = outcome
            var lines = outcome.ownErrors.split(separator: "\n").map(String.init)
            let last = lines.last.flatMap { try? JSONTree(parsing: Array($0.utf8)) }
            if last != nil { lines.removeLast() }
            report = last
            errors = lines.joined(separator: "\n")
        }

        /// Standard output, in lines.
        var lines: [String] { outcome.output.split(separator: "\n").map(String.init) }
        /// Standard output without its last newline.
        var text: String { lines.joined(separator: "\n") }
        var status: CInt? { outcome.status }
        var cause: String? { report?["cause"]?.string }
        var id: String? { report?["id"]?.string }

        /// The state of each layer, by its name.
        var layers: [String: String] {
            guard case .object(let members) = report?["layers"]?.value else { return [:] }
            return Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.string ?? "") })
        }

        /// For a failed expectation: everything there is to see.
        var description: String {
            "status \(outcome.status.map(String.init) ?? "none"), signal \(outcome.signal ?? 0), "
                + "timed out \(outcome.timedOut), cause \(cause ?? "none"), out <\(outcome.output.prefix(2000))>, "
                + "errors <\(errors.prefix(2000))>"
        }
    }
}

extension Program.Outcome {
    /// Standard error without the line on which every run tells what this kernel lacks.
    var ownErrors: String {
        guard clinux_landlock_abi() < 6 else { return errors }
        return errors.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("corral run: not in force in full: landlock-") }
            .joined(separator: "\n")
    }
}

extension JSONTree {
    subscript(key: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }

    var string: String? {
        if case .string(let text) = value { return text }
        return nil
    }
}

/// A word that no other process has in its environment: put there with `--env`, it finds the
/// processes of one sandbox among those of all.
struct Mark: Sendable {
    private static let count = Atomic<Int>(0)

    let word = "corral-test-\(getpid())-\(Mark.count.add(1, ordering: .relaxed).newValue)"
    var option: [String] { ["--env", "CORRAL_TEST_MARK=\(word)"] }

    /// The processes that have it, by their number on the host.
    var processes: [Int32] {
        File.names(in: "/proc").compactMap(Int32.init).filter { pid in
            File.text("/proc/\(pid)/environ")?.contains("CORRAL_TEST_MARK=\(word)\0") ?? false
        }
    }

    /// The sandbox that a marked process is in, once there is one.
    func sandbox(within seconds: Double = 60) -> LiveSandbox? {
        var found: LiveSandbox?
        _ = eventually(within: seconds) {
            found = processes.lazy.compactMap(LiveSandbox.init(of:)).first
            return found != nil
        }
        return found
    }
}

/// A sandbox seen from the host, by its cgroups.
struct LiveSandbox: Sendable {
    /// Such as `corral-run-12-0f00`.
    let group: String
    /// The group's directory in each hierarchy.
    let directories: [String]

    /// - Parameter pid: a process in the sandbox.
    init?(of pid: Int32) {
        var group: String?
        var directories: [String] = []
        for line in (File.text("/proc/\(pid)/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, let name = fields[2].split(separator: "/").last,
                name.hasPrefix("corral-run-")
            else { continue }
            group = String(name)
            let tops = fields[1].isEmpty ? ["/unified", ""] : ["/\(fields[1])"]
            directories += tops.map { "/sys/fs/cgroup\($0)\(fields[2])" }.filter(File.exists)
        }
        guard let group else { return nil }
        self.group = group
        self.directories = directories
    }

    /// Every process in it, its init included.
    var processes: [Int32] {
        File.names(in: "/proc").compactMap(Int32.init).filter { pid in
            File.text("/proc/\(pid)/cgroup")?.contains("/\(group)") ?? false
        }
    }

    /// Its init.
    var initPID: Int32? { processes.first { File.text("/proc/\($0)/comm") == "sandbox-init\n" } }

    /// The content of a control file, by the first of its names (v1, v2) that there is.
    func control(_ names: String...) -> String? {
        for directory in directories {
            for name in names {
                if let text = File.text("\(directory)/\(name)") {
                    return text.split(separator: "\n").joined(separator: "\n")
                }
            }
        }
        return nil
    }

    /// Groups and processes that are still there.
    var remains: [String] {
        directories.filter(File.exists) + processes.map { "process \($0)" }
    }
}

/// Groups of the sandbox with this id, as its report calls it, in any hierarchy.
func groups(ofSandbox id: String) -> [String] {
    Census.take(processes: []).cgroups.filter { $0.hasSuffix("-\(id)") }.sorted()
}
