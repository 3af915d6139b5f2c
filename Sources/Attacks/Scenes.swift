// Scenes that several cases share.

import CLinux
import Glibc
import Sandbox
import TestSupport

extension Attack {
    /// Landlock's version on this kernel; 0 without landlock.
    static let landlockABI = clinux_landlock_abi()
}

extension Attack.Method {
    /// An attempt in a sandbox that lacks these layers too, which would hide what another one does: that
    /// one alone must do. `refused` where the profile cannot be had without them.
    static func without(_ layers: Set<Layer>, attempt: String) -> Attack.Method {
        .scene { cage, stage in
            try cage.without(layers).answer(attempt, on: stage)
        }
    }
}

extension Cage {
    /// The same with fewer layers. Only Corral has layers to leave out.
    func without(_ layers: Set<Layer>) -> Cage {
        guard case .corral(let profile, let others) = self else { return self }
        return .corral(profile: profile, without: others.union(layers))
    }

    /// Whether paths are the host's.
    var seesHost: Bool {
        if case .corral(_, let without) = self { without.contains(.mountNamespace) } else { false }
    }

    /// What one attempt says in a sandbox of its own.
    func answer(_ attempt: String, options: [String] = [], on stage: Stage) throws -> Answer {
        let program = program(attacker: [attempt], options: options, on: stage)
        let ended = try CageEnd(program.start().wait(timeout: 60))
        if ended.cause == "launch-failed" && ended.status == 125 { return Answer("refused") }
        guard let answer = ended.answers[attempt] else {
            throw AttackError("\(attempt) in \(self): \(ended)")
        }
        return answer
    }
}

extension Answer {
    /// In the form of the attacker program's own lists.
    init(found: [String]) {
        self.init(found.isEmpty ? "nothing" : "found: \(found.joined(separator: ", "))")
    }
}

/// The attacker program in a cage, doing nothing, to be looked at from the host.
struct LiveCage {
    private let program: RunningProgram
    /// Its number on the host.
    let pid: Int32

    init(_ cage: Cage, on stage: Stage) throws {
        let mark = "corral-attack-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        var program = cage.program(
            attacker: ["--wait"], options: ["--env", "CORRAL_ATTACK_MARK=\(mark)"], on: stage)
        if cage == .bare { program.environment["CORRAL_ATTACK_MARK"] = mark }
        self.program = try program.start()
        guard try self.program.waitForText("up\n", within: 30) else {
            throw AttackError("\(cage): nobody waits: \(self.program.errorsSoFar)")
        }
        // In no sandbox the process that waits for it has the mark as well; its number inside is shorter.
        let marked = File.names(in: "/proc").compactMap(Int32.init).filter { pid in
            File.text("/proc/\(pid)/environ")?.contains(mark) ?? false
        }
        let depth = { (pid: Int32) in LiveCage.status("NSpid", of: pid).count }
        guard let found = marked.max(by: { depth($0) < depth($1) }) else {
            throw AttackError("\(cage): no process has the mark")
        }
        pid = found
    }

    /// The words of a line of /proc/PID/status.
    static func status(_ field: String, of pid: Int32) -> [String] {
        let lines = (File.text("/proc/\(pid)/status") ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("\(field):") }?.dropFirst(field.count + 1)
        return line?.split(whereSeparator: \.isWhitespace).map(String.init) ?? []
    }

    func status(_ field: String) -> [String] { Self.status(field, of: pid) }

    /// The init of its sandbox, which is its parent; whatever that is outside of one.
    var parent: Int32 { status("PPid").first.flatMap(Int32.init) ?? 0 }

    /// Ends it and waits for that.
    func end() throws {
        try program.signal(SIGTERM)
        _ = try program.wait(timeout: 30)
    }
}
