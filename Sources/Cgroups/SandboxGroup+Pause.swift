import Linux

// Standing still, and what a group uses at the moment.

extension SandboxGroup {
    /// Why ``setPaused(_:)`` cannot work; nil where it can. v1 has a freezer too, whose processes ignore
    /// SIGKILL and would be out of reach.
    package var pauseProblem: String? {
        guard let first = hierarchies.first, first.version == .v2 else {
            return "the sandbox has no cgroup v2, and frozen processes of cgroup v1 cannot be killed"
        }
        do {
            _ = try first.top.readControl(path("cgroup.freeze"))
            return nil
        } catch {
            return "the kernel has no cgroup.freeze (Linux 5.2): \(error.errno)"
        }
    }

    /// Stops every process of the group, or lets it go on (cgroup-v2, "cgroup.freeze"). The kernel does it
    /// in its own time: see ``isPaused``. What is killed meanwhile dies all the same.
    package borrowing func setPaused(_ isPaused: Bool) throws(CgroupError) {
        guard let first = hierarchies.first, first.version == .v2 else { return }
        do {
            try first.top.writeControl(path("cgroup.freeze"), isPaused ? "1" : "0")
        } catch {
            throw .failed(error, hierarchy: first.path)
        }
    }

    /// Whether all its processes stand still.
    package var isPaused: Bool {
        guard let first = hierarchies.first, first.version == .v2 else { return false }
        return (try? value("cgroup.events", first, key: "frozen")) == 1
    }

    /// Whether nothing is left in it.
    package var isEmpty: Bool {
        guard let first = hierarchies.first else { return true }
        if first.version == .v2 { return (try? value("cgroup.events", first, key: "populated")) ?? 0 == 0 }
        return (try? first.top.readControl(path("cgroup.procs"), limit: 1 << 20))?.isEmpty ?? true
    }
}

/// What a group has at the moment; nil where nothing counts it.
package struct GroupUsage: Hashable, Sendable {
    /// In bytes, page cache and memory file systems included.
    package var memory: UInt64?
    /// Processes and threads.
    package var pids: UInt64?

    package init(memory: UInt64? = nil, pids: UInt64? = nil) {
        self.memory = memory
        self.pids = pids
    }
}

extension SandboxGroup {
    package borrowing func usage() throws(CgroupError) -> GroupUsage {
        var usage = GroupUsage()
        for hierarchy in hierarchies {
            if hierarchy.controllers.contains(.memory) {
                let isOld = hierarchy.version == .v1
                usage.memory = try value(isOld ? "memory.usage_in_bytes" : "memory.current", hierarchy)
            }
            if hierarchy.controllers.contains(.pids) { usage.pids = try value("pids.current", hierarchy) }
        }
        return usage
    }
}
