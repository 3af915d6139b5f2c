import Glibc
package import Linux

// What a running group has used up, for limits that the kernel counts and does not enforce.

extension SandboxGroup {
    /// Cpu time of everything that ever ran in the group, in microseconds; nil where nothing counts it.
    package borrowing func cpuTime() throws(CgroupError) -> UInt64? {
        for hierarchy in hierarchies {
            switch hierarchy.version {
            case .v2:
                if let time = try value("cpu.stat", hierarchy, key: "usage_usec") { return time }
            case .v1:
                guard hierarchy.controllers.contains(.cpuacct) else { continue }
                if let time = try value("cpuacct.usage", hierarchy) { return time / 1000 }
            }
        }
        return nil
    }

    /// How often a process or thread was refused at the limit; nil where nothing counts it.
    package borrowing func pidsLimitHits() throws(CgroupError) -> UInt64? {
        guard let hierarchy = hierarchies.first(where: { $0.controllers.contains(.pids) }) else { return nil }
        return try value("pids.events", hierarchy, key: "max")
    }

    /// A descriptor that poll(2) shows as ready (POLLPRI) when a process or thread was refused; nil on v1,
    /// which tells nobody (measured on Linux 6.18: neither poll nor inotify, and no event_control).
    package borrowing func openPidsEvents() throws(CgroupError) -> FileDescriptor? {
        guard let hierarchy = hierarchies.first(where: { $0.controllers.contains(.pids) }),
            hierarchy.version == .v2
        else { return nil }
        do {
            let file = try hierarchy.top.open(path("pids.events"), O_RDONLY)
            // Reading comes before polling: it is what arms the poll.
            _ = try file.readControl()
            return file
        } catch {
            throw .failed(error, hierarchy: hierarchy.path)
        }
    }
}
