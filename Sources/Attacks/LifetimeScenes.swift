// Attacks that need somebody on the host beside the attacker: who looks for what is left, sends
// signals to corral, or wants to use what the attacker took.

import Glibc
import Sandbox
import TestSupport
import Wire

enum Scenes {
    // MARK: Outliving

    /// Runs the part `leave-PART`, which leaves a process behind, and looks for that.
    static func outlive(_ part: String, _ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        let outcome = try actor.program("leave-\(part)").start().wait(timeout: 60)
        let left = CageEnd(outcome).answers["leave-\(part)"]?.text
        guard left == "left" else { return Answer(left ?? "no answer: \(CageEnd(outcome))") }
        let isGone = actor.processes.isEmpty && !outcome.outputHeldOpen
        actor.endProcesses()
        return Answer(isGone ? "gone" : "succeeded")
    }

    static func killCorral(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        var program = actor.program("stay")
        // Somebody in corral's place.
        if cage == .bare { program.arguments = ["sh", "-c", "\"$@\" & wait", "sh"] + program.arguments }
        let running = try program.start()
        guard try running.waitForText("up\n", within: 60) else { return Answer("it did not start") }
        try running.signal(SIGKILL)
        let isGone = eventually(within: cage == .bare ? 1 : 20) { actor.processes.isEmpty }
        actor.endProcesses()
        _ = try running.wait(timeout: 10)
        // Removes the groups that the killed one could not.
        if cage != .bare { _ = try actor.program("unexpected-variables").start().wait(timeout: 60) }
        return Answer(isGone ? "gone" : "succeeded")
    }

    static func signalMany(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        let running = try actor.program("stay").start()
        guard try running.waitForText("up\n", within: 60) else { return Answer("it did not start") }
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
        // It may be gone before the last.
        for number in 0..<50 { try? running.signal(signals[number % signals.count]) }
        if cage == .bare {
            usleep(200_000)
            let stays = !actor.processes.isEmpty
            actor.endProcesses()
            _ = try running.wait(timeout: 10)
            return Answer(stays ? "succeeded" : "gone")
        }
        let end = try CageEnd(running.wait(timeout: 60))
        let left = actor.processes
        actor.endProcesses()
        let reports = end.outcome.errors.split(separator: "\n").filter { $0.hasPrefix("{") }
        let isOne = reports.count == 1 && end.cause == "operator"
        let codes = Set(signals.map { 128 + $0 })
        guard left.isEmpty, isOne, let status = end.status, codes.contains(status) else {
            return Answer("left \(left): \(end)")
        }
        return Answer("gone, told once as operator")
    }

    static func freeze(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        let running = try actor.program("stay").start()
        guard try running.waitForText("up\n", within: 60) else { return Answer("it did not start") }
        let file = actor.controlFile("cgroup.freeze")
        if let file {
            try File.write(Array("1".utf8), to: file)
            let events = file.dropLast("freeze".count) + "events"
            guard eventually({ File.text(String(events))?.contains("frozen 1") ?? false }) else {
                return Answer("it did not freeze")
            }
        }
        try running.signal(SIGTERM)
        let end = try CageEnd(running.wait(timeout: 60))
        if file == nil { return Answer("no freezer here") }
        return Answer("\(end.cause ?? "ended") \(end.status ?? -1)")
    }

    // MARK: Taking

    /// Whether the host's root gets one of what a sandbox has taken all of. In the control both are
    /// the same user, who is nobody else.
    static func starve(_ kind: String, _ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        var program = actor.program("hold-\(kind)")
        var probe = Program([stage.attacker, "--here", "take-\(kind)"])
        if cage == .bare {
            program.environment["ATTACK_UID"] = "4242"
            probe.environment["ATTACK_UID"] = "4242"
        }
        let running = try program.start()
        let holds = try running.waitForText("held\t", within: 60)
        let taken = holds ? try CageEnd(probe.start().wait()).answers["take-\(kind)"]?.text : nil
        if holds { try running.signal(SIGTERM) }
        let end = try CageEnd(running.wait(timeout: 60))
        if !holds { return end.answers["hold-\(kind)"] ?? Answer("no answer: \(end)") }
        switch taken {
        case "succeeded": return Answer("root keeps its own")
        case "EMFILE", "EAGAIN": return Answer("succeeded")
        default: return Answer("the host's program says \(taken ?? "nothing")")
        }
    }

    static func swap(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        let running = try actor.program("stay", options: ["--memory", "64MiB"]).start()
        guard try running.waitForText("up\n", within: 60) else { return Answer("it did not start") }
        let control = actor.controlFile("memory.memsw.limit_in_bytes") ?? actor.controlFile("memory.swap.max")
        let limit = control.flatMap(File.text)
        try running.signal(SIGTERM)
        _ = try running.wait(timeout: 60)
        guard let limit else { return Answer("nothing counts swap") }
        return Answer(["\(64 << 20)\n", "0\n"].contains(limit) ? "none" : "succeeded")
    }

    static func forkBomb(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let actor = Actor(cage, stage)
        let running = try actor.program("bomb", options: ["--pids", "24", "--timeout", "30s"]).start()
        guard eventually(within: 60, { actor.processes.count > 10 }) else {
            return Answer("it did not go off")
        }
        var most = 0
        var neighbours = 0
        for _ in 0..<3 {
            let neighbour = cage.program(attacker: ["--list"], on: stage)
            if try neighbour.start().wait(timeout: 60).status == 0 { neighbours += 1 }
            most = max(most, actor.processes.count)
        }
        try running.signal(SIGTERM)
        let end = try CageEnd(running.wait(timeout: 60))
        let isOver = actor.processes.isEmpty && end.cause == "operator"
        if isOver, most <= 24, neighbours == 3 { return Answer("held, and the neighbours ran") }
        return Answer(
            "\(most) processes, \(neighbours) of 3 neighbours ran, \(actor.processes.count) left: \(end)")
    }

    static func flood(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let kept = 64 << 10
        let total = (8 << 20) + 1 + "flood-output\tsucceeded\n".utf8.count
        let actor = Actor(cage, stage)
        let end = try CageEnd(
            actor.program("flood-output", options: ["--output-limit", "\(kept)"]).start().wait(timeout: 60))
        let passed = end.outcome.stdout.count
        if passed == total { return Answer("succeeded") }
        let output = end.report?.member("output")
        let isCounted =
            output?.member("stdout_bytes")?.integer == total
            && output?.member("left_out_bytes")?.integer == total - kept
        // Between head and tail stands a line that says how much is missing.
        return Answer(isCounted && passed < kept + 100 ? "left out and counted" : "\(passed) bytes: \(end)")
    }
}

/// Runs one part of an attack, and finds its processes on the host.
struct Actor {
    private let cage: Cage
    private let stage: Stage
    /// A variable that nobody else has.
    private let mark = "corral-attack-\(getpid())-\(UInt64.random(in: .min ... .max))"

    init(_ cage: Cage, _ stage: Stage) {
        self.cage = cage
        self.stage = stage
    }

    /// In no sandbox without even namespaces: what it leaves is to be found.
    func program(_ part: String, options: [String] = []) -> Program {
        if case .corral = cage {
            let marked = options + ["--env", "CORRAL_ATTACK_MARK=\(mark)"]
            return cage.program(attacker: ["--here", part], options: marked, on: stage)
        }
        var program =
            cage == .bare
            ? Program([stage.attacker, "--here", part])
            : cage.program(attacker: ["--here", part], options: options, on: stage)
        program.environment["CORRAL_ATTACK_MARK"] = mark
        return program
    }

    /// By their numbers on the host.
    var processes: [Int32] {
        File.names(in: "/proc").compactMap(Int32.init).filter { pid in
            File.text("/proc/\(pid)/environ")?.contains("CORRAL_ATTACK_MARK=\(mark)\0") ?? false
        }
    }

    func endProcesses() {
        for pid in processes { kill(pid, SIGKILL) }
        _ = eventually { processes.isEmpty }
    }

    /// The path of a file of its cgroup's, in whichever hierarchy has it.
    func controlFile(_ name: String) -> String? {
        guard let pid = processes.first else { return nil }
        for line in (File.text("/proc/\(pid)/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, fields[2].contains("/corral-run-") else { continue }
            for top in fields[1].isEmpty ? ["/unified", ""] : ["/\(fields[1])"] {
                let path = "/sys/fs/cgroup\(top)\(fields[2])/\(name)"
                if File.exists(path) { return path }
            }
        }
        return nil
    }
}

extension JSONTree {
    fileprivate var integer: Int? { if case .number(let text) = value { Int(text) } else { nil } }
}
