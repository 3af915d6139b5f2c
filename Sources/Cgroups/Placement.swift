/// Which mount is used for what, when the whole of it is ours to use.
struct Placement: Hashable, Sendable {
    /// A v1 hierarchy and what it is used for.
    struct Use: Hashable, Sendable {
        var point: String
        var controllers: Controllers
    }

    /// Where v2 is mounted.
    var v2: String?
    var v1: [Use] = []
    /// A mount that would have been used but cannot be written to.
    var readOnly: String?

    var controllersOnV1: Controllers { v1.reduce(into: []) { $0.formUnion($1.controllers) } }

    init(_ mounts: [CgroupMount]) {
        // Where one hierarchy is mounted twice, the mount that shows more of it counts.
        let ordered = mounts.filter { $0.root == "/" } + mounts.filter { $0.root != "/" }
        var wanted: Controllers = [.memory, .pids, .cpu, .cpuacct]
        v2 = ordered.first { $0.version == .v2 && !$0.readOnly }?.point
        // Every v2 group measures its cpu time, so a group in cpuacct would be for nothing.
        if v2 != nil { wanted.remove(.cpuacct) }
        for mount in ordered where mount.version == .v1 && !mount.readOnly {
            let controllers = mount.controllers.intersection(wanted)
            if controllers.isEmpty { continue }
            v1.append(Use(point: mount.point, controllers: controllers))
            wanted.subtract(controllers)
        }
        readOnly =
            ordered.first {
                $0.readOnly && ($0.version == .v2 || !$0.controllers.isDisjoint(with: wanted))
            }?.point
    }
}
