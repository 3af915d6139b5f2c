import Sandbox

/// The cgroup controllers that limit or measure a sandbox.
struct Controllers: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let memory = Controllers(rawValue: 1)
    static let pids = Controllers(rawValue: 2)
    static let cpu = Controllers(rawValue: 4)
    /// Measures only; on v2 it is part of the core.
    static let cpuacct = Controllers(rawValue: 8)

    static let limiting: Controllers = [.memory, .pids, .cpu]

    /// The known ones in a list such as `cpu,cpuacct`.
    init(list: ArraySlice<UInt8>, separator: Unicode.Scalar) {
        self = []
        for name in ByteWords(list, separatedBy: separator) {
            if name.equals("memory") { insert(.memory) }
            if name.equals("pids") { insert(.pids) }
            if name.equals("cpu") { insert(.cpu) }
            if name.equals("cpuacct") { insert(.cpuacct) }
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What `cgroup.subtree_control` is told to hand these down: `+memory +pids +cpu`.
    var enabling: String {
        let words: [(Controllers, String)] = [(.memory, "+memory"), (.pids, "+pids"), (.cpu, "+cpu")]
        return words.filter { contains($0.0) }.map { $0.1 }.joined(separator: " ")
    }

    /// The layers that rest on these.
    var layers: [Layer] {
        var layers: [Layer] = []
        if contains(.memory) { layers += [.memory, .swap] }
        if contains(.pids) { layers.append(.pids) }
        if contains(.cpu) { layers.append(.cpu) }
        return layers
    }
}
