/// Figures out of the texts in which the kernel tells memory, `Name:  123 kB` a line (proc(5)).
package enum MemoryText {
    /// Nil where there is no such line.
    package static func kibibytes(_ name: String, in text: some Sequence<UInt8>) -> Int? {
        for line in Array(text).split(separator: UInt8(ascii: "\n")) {
            let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard words.count >= 2, words[0].elementsEqual("\(name):".utf8) else { continue }
            return Int(String(decoding: words[1], as: UTF8.self))
        }
        return nil
    }
}

/// The kernel's own memory, in KiB, by what it is used for; of the whole machine, so only the
/// difference between two moments says something about what was started between them.
package struct KernelMemory: Hashable, Sendable {
    /// Objects that cannot be given back: tasks, namespaces, cgroups, sockets.
    package var slab: Int
    /// Objects that can: directory entries and inodes, most of all those of cgroups and /proc.
    package var reclaimable: Int
    package var stacks: Int
    package var pageTables: Int
    /// Counters that each processor has its own of, most of all those of cgroups.
    package var percpu: Int

    /// - Parameter meminfo: what /proc/meminfo says; nil where it says less than is needed.
    package init?(meminfo: [UInt8]) {
        func value(_ name: String) -> Int? { MemoryText.kibibytes(name, in: meminfo) }
        guard let slab = value("SUnreclaim"), let reclaimable = value("SReclaimable"),
            let stacks = value("KernelStack"), let pageTables = value("PageTables"),
            let percpu = value("Percpu")
        else { return nil }
        self.slab = slab
        self.reclaimable = reclaimable
        self.stacks = stacks
        self.pageTables = pageTables
        self.percpu = percpu
    }

    /// What each of `count` things takes that were started after `before`.
    package func figures(since before: KernelMemory, each count: Int) -> [Measurement.Figure] {
        func share(_ part: KeyPath<KernelMemory, Int>) -> Double {
            Double(self[keyPath: part] - before[keyPath: part]) / Double(count)
        }
        let parts = [
            ("slab", share(\.slab)), ("stacks", share(\.stacks)), ("page tables", share(\.pageTables)),
            ("percpu", share(\.percpu)),
        ]
        let total = parts.reduce(0) { $0 + $1.1 }
        return parts + [("kernel", total), ("reclaimable", share(\.reclaimable))]
    }
}
