import CLinux
import Glibc
import Linux
import TestSupport

/// One `corral run` of a crowd.
final class CrowdRun {
    let order: Order
    let cycle: Int
    let pidfd: FileDescriptor
    /// When it is to be killed; nil where it is not, or no more.
    private(set) var due: Double?
    private(set) var elapsed = 0.0
    private let options: [String]
    private let pid: pid_t
    private let began = Host.now
    private let said: FileDescriptor
    private var end: CInt?
    /// How far it was when it was killed.
    private var stage = ""

    init(
        _ corral: String, _ order: Order, _ manner: Manner, cycle: Int, after delay: Double,
        null: borrowing FileDescriptor
    ) throws {
        self.order = order
        self.cycle = cycle
        options = manner.options + manner.command
        said = FileDescriptor(
            owning: try call("memfd_create") { unsafe clinux_memfd("corral-soak", 0) })
        let command = order.isLeftAlone ? ["/usr/bin/true"] : manner.command
        // A limit of its own, so that no fault of the product can stop a soak.
        let words = [corral, "run", "--timeout", "60s"] + manner.options + ["--"] + command
        let program = HostProgram(
            path: corral, words: words, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        let started = try program.startHeld([null.number, null.number, said.number])
        pid = started.pid
        pidfd = started.pidfd
        due = order.isLeftAlone ? nil : began + delay
    }

    // MARK: The kill

    /// Kills what the order names, once it is time. What is not there yet is looked for again.
    func strikeIfDue() throws {
        guard let due, let target = order.target, end == nil, Host.now >= due else { return }
        let sandboxInit = child(of: pid)
        let program = sandboxInit.flatMap(child(of:))
        stage = program != nil ? "running" : sandboxInit != nil ? "building" : "beginning"
        let victim: (pid: pid_t, parent: pid_t)?
        switch target {
        case .corral:
            self.due = nil
            _ = clinux_pidfd_signal(pidfd.number, order.signal)
            return
        case .sandboxInit: victim = sandboxInit.map { ($0, pid) }
        case .program: victim = program.map { ($0, sandboxInit ?? 0) }
        }
        guard let victim, strike(victim.pid, childOf: victim.parent) else {
            self.due = Host.now + 0.000_5
            return
        }
        self.due = nil
    }

    /// Never by number alone: the descriptor is that of the child only if it is the child still.
    private func strike(_ victim: pid_t, childOf parent: pid_t) -> Bool {
        let number = clinux_pidfd_open(victim)
        guard number >= 0 else { return false }
        let descriptor = FileDescriptor(owning: number)
        guard child(of: parent) == victim else { return false }
        return clinux_pidfd_signal(descriptor.number, order.signal) == 0
    }

    private func child(of parent: pid_t) -> pid_t? {
        File.text("/proc/\(parent)/task/\(parent)/children")?.split(separator: " ").first.flatMap {
            Int32($0)
        }
    }

    // MARK: The end

    var isOver: Bool { end != nil }

    /// Reaps it when it has ended.
    func hasEnded() throws -> Bool {
        var result = clinux_exit()
        let number = pidfd.number
        _ = try call("waitid") { unsafe clinux_wait_pidfd(number, 0, &result) }
        guard result.pid != 0 else { return false }
        elapsed = Host.now - began
        end = result.code == CInt(CLD_EXITED) ? result.status : -result.status
        return true
    }

    /// Such as `SIGKILL to init when building -> exit 125`, and whether the order's run may end so.
    var outcome: (text: String, isExpected: Bool) {
        let end = end ?? 0
        let how = end < 0 ? "signal \(-end)" : "exit \(end)"
        let when = stage.isEmpty ? "" : " when \(stage)"
        // One that ended before it was killed did not do what it was asked.
        return ("\(order.name)\(when) -> \(how)", order.ends.contains(end) && due == nil)
    }

    /// What it was, and what it wrote to standard error.
    var details: String {
        _ = lseek(said.number, 0, SEEK_SET)
        let text = String(decoding: (try? said.readAll(limit: 65_536)) ?? [], as: UTF8.self)
        return "\(options) " + text.split(separator: "\n").joined(separator: "; ")
    }
}
