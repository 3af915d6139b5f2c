import CLinux
import Glibc
import Linux

extension SandboxGroup {
    /// Kills every process in the group, first lifting the cpu quota: a throttled group takes
    /// seconds to die, because each process has to run in order to end.
    ///
    /// - Returns: false where there is no v2 group with `cgroup.kill` (Linux 5.14). Then, and to
    ///   be safe also else, the caller kills the sandbox's init by its pidfd.
    @discardableResult
    package borrowing func kill() -> Bool {
        for hierarchy in hierarchies where hierarchy.controllers.contains(.cpu) {
            // A quota that stays makes the kill slow, nothing worse.
            switch hierarchy.version {
            case .v1: try? hierarchy.top.writeControl(path("cpu.cfs_quota_us"), "-1")
            case .v2: try? hierarchy.top.writeControl(path("cpu.max"), "max")
            }
        }
        guard let v2 = hierarchies.first, v2.version == .v2 else { return false }
        return (try? v2.top.writeControl(path("cgroup.kill"), "1")) != nil
    }

    /// Waits until no process is left in the group.
    /// - Parameter deadline: on CLOCK_BOOTTIME, in nanoseconds.
    /// - Returns: false when the deadline came first.
    package borrowing func waitUntilEmpty(until deadline: UInt64) throws(CgroupError) -> Bool {
        guard let first = hierarchies.first else { return true }
        do {
            return first.version == .v2
                ? try waitForEvents(first, deadline) : try waitForProcesses(first, deadline)
        } catch {
            // Removed by somebody else, so it was empty.
            if error.errno == .noSuchFileOrDirectory || error.errno.rawValue == ENODEV { return true }
            throw .failed(error, hierarchy: first.path)
        }
    }

    /// `cgroup.events` says so, and wakes up who polls it (cgroup-v2, "[Un]populated Notification").
    private borrowing func waitForEvents(
        _ hierarchy: Hierarchy, _ deadline: UInt64
    ) throws(SystemError) -> Bool {
        let events = try hierarchy.top.open(path("cgroup.events"), O_RDONLY)
        while true {
            // Reading comes before polling: it is what arms the poll.
            if keyedValue("populated", in: try events.readControl()) == 0 { return true }
            let now = clinux_boottime()
            if now >= deadline { return false }
            var request = pollfd(fd: events.number, events: Int16(POLLPRI), revents: 0)
            let milliseconds = CInt(clamping: (deadline - now + 999_999) / 1_000_000)
            _ = try call("poll") { unsafe poll(&request, 1, milliseconds) }
        }
    }

    /// v1 tells nobody, so its `cgroup.procs` is looked at again and again.
    private borrowing func waitForProcesses(
        _ hierarchy: Hierarchy, _ deadline: UInt64
    ) throws(SystemError) -> Bool {
        var pause: UInt64 = 100_000
        while true {
            let file = try hierarchy.top.open(path("cgroup.procs"), O_RDONLY)
            var byte: [UInt8] = [0]
            var room = byte.mutableSpan
            if try file.read(into: &room) == 0 { return true }
            let now = clinux_boottime()
            if now >= deadline { return false }
            sleep(nanoseconds: min(pause, deadline - now))
            pause = min(pause * 2, 5_000_000)
        }
    }

    /// Removes the group in every hierarchy.
    ///
    /// - Parameter patience: for how long, in nanoseconds, to try again while the kernel still
    ///   counts processes that are just ending.
    /// - Throws: `.remains` with all that could not be removed.
    package borrowing func remove(within patience: UInt64 = 200_000_000) throws(CgroupError) {
        let deadline = clinux_boottime() + patience
        var remaining: [String] = []
        var reason = Errno.busy
        for hierarchy in hierarchies.reversed() {
            do {
                try remove(in: hierarchy, deadline)
            } catch {
                remaining.append("\(hierarchy.path)/\(place)")
                reason = error.errno
            }
        }
        if !remaining.isEmpty { throw .remains(remaining, errno: reason) }
    }

    private borrowing func remove(in hierarchy: Hierarchy, _ deadline: UInt64) throws(SystemError) {
        var pause: UInt64 = 100_000
        while true {
            do {
                return try hierarchy.removeGroup(place)
            } catch {
                if error.errno != .busy || clinux_boottime() >= deadline { throw error }
            }
            sleep(nanoseconds: pause)
            pause = min(pause * 2, 5_000_000)
        }
    }

    /// A control file of this group, seen from the top of its hierarchy.
    borrowing func path(_ file: String) -> String {
        "\(place)/\(file)"
    }
}

private func sleep(nanoseconds: UInt64) {
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    // A signal shortens the pause, which does no harm.
    _ = unsafe nanosleep(&time, nil)
}
