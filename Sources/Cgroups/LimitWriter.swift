import Glibc
import Linux
import Sandbox

/// Writes the limits of one new group in one hierarchy and says what holds then.
struct LimitWriter {
    let hierarchy: Hierarchy
    /// `PLACE/`, in front of each control file.
    let prefix: String
    private(set) var layers: [Layer: LayerState] = [:]
    private var hasEnabled = false

    init(_ hierarchy: Hierarchy, place: String) {
        self.hierarchy = hierarchy
        prefix = "\(place)/"
    }

    mutating func write(_ limits: Limits) throws(CgroupError) {
        if hierarchy.controllers.contains(.memory) {
            layers[.memory] = try writeMemory(limits.memory)
            layers[.swap] = try writeSwap(limits.swap, memory: limits.memory)
        }
        if hierarchy.controllers.contains(.pids) {
            let isThere = try set("pids.max", "\(limits.pids)")
            layers[.pids] = isThere ? .inForce : .off("the kernel has no pids.max")
        }
        if hierarchy.controllers.contains(.cpu) {
            let isThere = try writeCPU(milliCPUs: limits.milliCPUs)
            layers[.cpu] = isThere ? .inForce : .off("the kernel has no cpu bandwidth control")
        }
    }

    private mutating func writeMemory(_ bytes: UInt64) throws(CgroupError) -> LayerState {
        let file = hierarchy.version == .v1 ? "memory.limit_in_bytes" : "memory.max"
        let value = amount(bytes)
        guard try set(file, value) else { return .off("the kernel has no \(file)") }
        // The kernel rounds down to a page, which is at most 64 KiB: only then is there something to
        // look at.
        guard let asked = UInt64(value), asked % 65536 != 0 else { return try writeSocketMemory(bytes) }
        let held: String
        do {
            held = try hierarchy.top.readControl(prefix + file)[...].firstLine
        } catch {
            throw .failed(error, hierarchy: hierarchy.path)
        }
        guard let got = UInt64(held), got <= asked, asked - got < 65536 else {
            return .partial("the kernel holds \(held) instead of \(asked) bytes")
        }
        return try writeSocketMemory(bytes)
    }

    /// On v1 what waits in sockets of the network is counted apart, and only where that has a limit: else
    /// datagrams that nobody reads would take the host's memory. A quarter as much on top.
    private mutating func writeSocketMemory(_ memory: UInt64) throws(CgroupError) -> LayerState {
        guard hierarchy.version == .v1 else { return .inForce }
        let isThere = try set("memory.kmem.tcp.limit_in_bytes", amount(memory / 4), enabling: false)
        return isThere ? .inForce : .partial("the kernel does not count what waits in sockets")
    }

    private mutating func writeSwap(_ swap: UInt64, memory: UInt64) throws(CgroupError) -> LayerState {
        let isThere =
            switch hierarchy.version {
            case .v1:
                // The sum of both; never below the memory limit, which therefore comes first.
                try set("memory.memsw.limit_in_bytes", amount(memory.addingSaturated(swap)), enabling: false)
            case .v2: try set("memory.swap.max", amount(swap), enabling: false)
            }
        return isThere ? .inForce : .off("the kernel does not count swap; boot with swapaccount=1")
    }

    private mutating func writeCPU(milliCPUs: UInt32) throws(CgroupError) -> Bool {
        // In microseconds. The quota must be 1000 at least, so that the smallest limits need the
        // longest period.
        let period: UInt64 = milliCPUs < 10 ? 1_000_000 : 100_000
        let quota = UInt64(milliCPUs) * period / 1000
        if hierarchy.version == .v2 { return try set("cpu.max", "\(quota) \(period)") }
        // 100 ms is what a new group has.
        if period != 100_000 { _ = try set("cpu.cfs_period_us", "\(period)") }
        return try set("cpu.cfs_quota_us", "\(quota)")
    }

    /// A number of bytes as the control file takes it; what no page counter can hold is no limit.
    private func amount(_ bytes: UInt64) -> String {
        if bytes <= UInt64(Int64.max) { return "\(bytes)" }
        return hierarchy.version == .v1 ? "-1" : "max"
    }

    /// Writes `value` to `file`, once its controller is handed down.
    /// - Parameter enabling: whether a missing file may mean that its controller is not handed down.
    /// - Returns: false when the kernel has no such file.
    private mutating func set(
        _ file: String, _ value: String, enabling: Bool = true
    ) throws(CgroupError) -> Bool {
        do {
            try hierarchy.top.writeControl(prefix + file, value)
            return true
        } catch {
            if error.errno != .noSuchFileOrDirectory || error.call != "openat" {
                throw .limitRefused(
                    file: "\(hierarchy.path)/\(prefix)\(file)", value: value, errno: error.errno)
            }
        }
        // The file itself is the cheapest way to learn that the controller is not handed down,
        // which is so once after boot.
        if hierarchy.version == .v1 || hasEnabled || !enabling { return false }
        hasEnabled = true
        try hierarchy.enableControllers()
        return try set(file, value, enabling: false)
    }
}

extension UInt64 {
    fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
