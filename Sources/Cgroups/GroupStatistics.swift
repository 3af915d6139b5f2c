import Linux

/// What a group has used and which of its limits were hit; nil where this kernel does not count it.
package struct GroupStatistics: Hashable, Sendable {
    /// In bytes (`memory.peak`, Linux 5.19; v1: `memory.max_usage_in_bytes`).
    package var peakMemory: UInt64?
    /// Cpu time, in microseconds.
    package var cpuTime: UInt64?
    /// Processes that the kernel killed because the group was out of memory. On v1 it is the only
    /// sign: `memory.failcnt` does not move when memory and memory+swap have the same limit.
    package var oomKills: UInt64?
    /// How often a fork failed at the limit of processes.
    package var pidsLimitHits: UInt64?

    package init(
        peakMemory: UInt64? = nil, cpuTime: UInt64? = nil, oomKills: UInt64? = nil,
        pidsLimitHits: UInt64? = nil
    ) {
        self.peakMemory = peakMemory
        self.cpuTime = cpuTime
        self.oomKills = oomKills
        self.pidsLimitHits = pidsLimitHits
    }
}

extension SandboxGroup {
    /// Reads the counters; they are complete once the group is empty, and gone once it is removed.
    package borrowing func statistics() throws(CgroupError) -> GroupStatistics {
        var statistics = GroupStatistics()
        for hierarchy in hierarchies {
            let controllers = hierarchy.controllers
            switch hierarchy.version {
            case .v2:
                statistics.cpuTime = try value("cpu.stat", hierarchy, key: "usage_usec")
                if controllers.contains(.memory) {
                    statistics.peakMemory = try value("memory.peak", hierarchy)
                    statistics.oomKills = try value("memory.events", hierarchy, key: "oom_kill")
                }
            case .v1:
                if controllers.contains(.cpuacct) {
                    statistics.cpuTime = try value("cpuacct.usage", hierarchy).map { $0 / 1000 }
                }
                if controllers.contains(.memory) {
                    statistics.peakMemory = try value("memory.max_usage_in_bytes", hierarchy)
                    statistics.oomKills = try value("memory.oom_control", hierarchy, key: "oom_kill")
                }
            }
            if controllers.contains(.pids) {
                statistics.pidsLimitHits = try value("pids.events", hierarchy, key: "max")
            }
        }
        return statistics
    }

    borrowing func value(
        _ file: String, _ hierarchy: Hierarchy, key: StaticString? = nil
    ) throws(CgroupError) -> UInt64? {
        do {
            let text = try hierarchy.top.readControl(path(file))
            guard let key else { return UInt64(text[...].firstLine) }
            return keyedValue(key, in: text)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw .failed(error, hierarchy: hierarchy.path)
        }
    }
}

/// The number behind `key` in a file of lines `KEY NUMBER` (cgroup-v2, "Flat keyed").
func keyedValue(_ key: StaticString, in text: [UInt8]) -> UInt64? {
    for line in ByteWords(text[...], separatedBy: "\n") {
        var words = ByteWords(line, separatedBy: " ")
        if words.next()?.equals(key) == true { return words.next().flatMap { UInt64($0.firstLine) } }
    }
    return nil
}
