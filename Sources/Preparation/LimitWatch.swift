import CLinux
import Cgroups
package import Glibc
import Launch
package import Linux
package import Sandbox

/// Watches what a sandbox uses up where the kernel counts and does not enforce: cpu time, and, with
/// `--pids-kill`, refused processes.
///
/// Cpu time is looked at when the limit can be reached at the earliest, every processor busy, so rarely
/// at first and at most 50 times a second near the limit.
package final class LimitWatch {
    /// What was used up.
    package enum Finding: Sendable { case cpuTime, pids }

    /// Nearer to the limit than this we do not look again at once, in nanoseconds: the most that a
    /// limit can be exceeded by, times the processors.
    private static let shortest: UInt64 = 20_000_000
    /// Where nobody tells when a process is refused (cgroup v1).
    private static let pidsInterval: UInt64 = 50_000_000

    private let resources: SandboxResources
    /// In nanoseconds.
    private let cpuLimit: UInt64?
    private let processors: UInt64
    private let watchesPids: Bool
    private var pidsEvents: Held<FileDescriptor>?
    private var timer: Held<FileDescriptor>?

    /// - Returns: nil where nothing is to be watched.
    /// - Throws: where what is asked for cannot be counted here: no limit is silently without effect.
    /// - Parameter polls: whether refused processes are looked for now and then, which takes no descriptor,
    ///   even where the kernel would tell.
    package static func make(
        _ limits: Limits, _ resources: SandboxResources, _ host: HostSetup, polls: Bool = false
    ) throws(PreparationError) -> LimitWatch? {
        guard limits.cpuTime != nil || limits.pidsKill else { return nil }
        let cure = host.layout.cure.map { "; cure: \($0)" } ?? ""
        if limits.cpuTime != nil, try resources.cpuTime() == nil {
            let why = host.layout.missing[.cpu] ?? "the sandbox has no cgroup"
            throw PreparationError(
                "--cpu-time (limits.cpu_time) needs a cgroup that counts cpu time: \(why)\(cure)")
        }
        if limits.pidsKill, try resources.pidsHits() == nil {
            let why = host.layout.missing[.pids] ?? "the sandbox has no cgroup"
            throw PreparationError(
                "--pids-kill (limits.pids_kill) needs a cgroup that counts processes: \(why)\(cure)")
        }
        return LimitWatch(
            limits, resources, host, try limits.pidsKill && !polls ? resources.openPidsEvents() : nil)
    }

    private init(
        _ limits: Limits, _ resources: SandboxResources, _ host: HostSetup,
        _ pidsEvents: Held<FileDescriptor>?
    ) {
        self.resources = resources
        cpuLimit = limits.cpuTime.map { $0 * 1_000_000 }
        processors = UInt64(max(1, host.abilities.processors))
        watchesPids = limits.pidsKill
        self.pidsEvents = pidsEvents
    }

    /// What to wait for; then ``look()``.
    package var interest: (timer: pollfd, pids: pollfd) {
        (
            pollfd(fd: timer?.value.number ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: pidsEvents?.value.number ?? -1, events: Int16(POLLPRI), revents: 0)
        )
    }

    /// What looking came to.
    package enum Look: Hashable, Sendable {
        case usedUp(Finding)
        /// To be looked at again after so many nanoseconds.
        case again(after: UInt64)
        /// There is nothing to be looked at unasked.
        case rest
    }

    /// Looks, without setting a time.
    package func examine() -> Look {
        if hasRefusedProcess { return .usedUp(.pids) }
        var pause = watchesPids && pidsEvents == nil ? LimitWatch.pidsInterval : .max
        if let cpuLimit {
            let used = cpuTime
            if used >= cpuLimit { return .usedUp(.cpuTime) }
            pause = min(pause, max((cpuLimit - used) / processors, LimitWatch.shortest))
        }
        return pause < .max ? .again(after: pause) : .rest
    }

    /// Looks, and sets the time at which to look again. To be called when the program starts and
    /// whenever ``interest`` is ready.
    package func look() throws(SystemError) -> Finding? {
        let pause: UInt64
        switch examine() {
        case .usedUp(let finding): return finding
        case .again(let after): pause = after
        case .rest: return nil
        }
        let number = try call("timerfd_create") { clinux_timerfd(pause) }
        timer = Held(FileDescriptor(owning: number))
        return nil
    }

    /// Whether a process or thread was refused, where that ends the sandbox.
    package var hasRefusedProcess: Bool {
        guard watchesPids else { return false }
        // Read on v2 as well before polling goes on: that is what arms it again.
        if let pidsEvents { _ = try? pidsEvents.value.readControl() }
        // A group that cannot be read any more counts as one at its limit: nobody would notice it.
        guard let hits = try? resources.pidsHits() else { return true }
        return hits > 0
    }

    /// In nanoseconds; a group that cannot be read any more has used up everything.
    private var cpuTime: UInt64 {
        guard let time = try? resources.cpuTime() else { return .max }
        let (nanoseconds, overflow) = time.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : nanoseconds
    }
}
