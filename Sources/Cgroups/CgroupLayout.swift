import Glibc
import Linux
package import Sandbox

/// Which controller is where on this system, and where groups of sandboxes are made.
///
/// Holds one directory of each hierarchy open. Make it once a process.
package struct CgroupLayout: Sendable {
    /// v2 first, where there is one.
    let hierarchies: [Hierarchy]
    /// The cgroup layers that no sandbox can have here, with the reason.
    package let missing: [Layer: String]
    /// What the user can do about `missing`; nil when nothing is missing or nothing helps.
    package let cure: String?
    /// Where others make groups whose slots are of the same file, and nothing is made: below a delegated cgroup
    /// of root's the tops of the hierarchies.
    let elsewhere: [Hierarchy]

    init(
        hierarchies: [Hierarchy], missing: [Layer: String] = [:], cure: String? = nil,
        elsewhere: [Hierarchy] = []
    ) {
        self.hierarchies = hierarchies
        self.missing = missing
        self.cure = cure
        self.elsewhere = elsewhere
    }

    /// Reads /proc/self/mountinfo and finds out. As root groups go to the top of every
    /// hierarchy; as an ordinary user below the process's own v2 cgroup, if that is delegated.
    ///
    /// Changes nothing. Nothing that is merely missing is an error.
    /// - Parameter isService: whether root's groups go below its own cgroup as well, if systemd has delegated
    ///   it. A lone run does not ask: it would move itself, and end with its groups elsewhere.
    package static func detect(isService: Bool = false) throws(CgroupError) -> CgroupLayout {
        let mounts = CgroupMount.parse(mountinfo: try read("/proc/self/mountinfo"))
        if geteuid() == 0 {
            guard isService else { return try ofRoot(mounts) }
            let text = try read("/proc/self/cgroup")
            guard let unit = DelegatedUnit.own(mounts, procSelfCgroup: text) else {
                return try ofRoot(mounts)
            }
            return try ofRoot(mounts, below: unit)
        }
        let own = CgroupMount.ownPath(procSelfCgroup: try read("/proc/self/cgroup"))
        return try ofUser(mounts, own: own)
    }

    /// - Parameter unit: the cgroup that systemd has delegated to this process; nil for none.
    private static func ofRoot(
        _ mounts: [CgroupMount], below unit: DelegatedUnit? = nil
    ) throws(CgroupError) -> CgroupLayout {
        let placement = Placement(mounts)
        var hierarchies: [Hierarchy] = []
        var elsewhere: [Hierarchy] = []
        var found = placement.controllersOnV1
        if let point = placement.v2 {
            // A controller that a v1 hierarchy has is not on v2: nothing to ask then.
            let wanted = Controllers.limiting.subtracting(found)
            let own = unit?.directory(point)
            let path = own ?? point
            let controllers = wanted.isEmpty ? [] : try controllersOnV2(path).intersection(wanted)
            found.formUnion(controllers)
            hierarchies.append(
                try Hierarchy(
                    version: .v2, controllers: controllers, path: path,
                    mustVacate: own != nil && unit?.isVacated == false))
            if own != nil { elsewhere.append(try Hierarchy(version: .v2, controllers: [], path: point)) }
        }
        for use in placement.v1 {
            let own = unit?.directory(use.point)
            hierarchies.append(
                try Hierarchy(version: .v1, controllers: use.controllers, path: own ?? use.point))
            if own != nil { elsewhere.append(try Hierarchy(version: .v1, controllers: [], path: use.point)) }
        }
        let lost = Controllers.limiting.subtracting(found)
        if lost.isEmpty { return CgroupLayout(hierarchies: hierarchies, elsewhere: elsewhere) }
        guard let readOnly = placement.readOnly else {
            return CgroupLayout(
                hierarchies: hierarchies,
                missing: missing(lost, "no mounted cgroup hierarchy has the controller"),
                cure: "mount cgroup2 on /sys/fs/cgroup, and boot without cgroup_disable=",
                elsewhere: elsewhere)
        }
        return CgroupLayout(
            hierarchies: hierarchies, missing: missing(lost, "\(readOnly) is mounted read-only"),
            cure: "mount \(readOnly) writable (for a container: docker run --privileged)",
            elsewhere: elsewhere)
    }

    private static func ofUser(_ mounts: [CgroupMount], own: String?) throws(CgroupError) -> CgroupLayout {
        let none = CgroupLayout(
            hierarchies: [], missing: missing(.limiting, "no delegated cgroup"),
            cure: "systemd-run --user --scope -p Delegate=yes corral run ...")
        guard let own, let (directory, inSupervisor) = delegationBase(mounts, own: own) else { return none }
        let controllers = try controllersOnV2(directory).intersection(.limiting)
        let hierarchy = try Hierarchy(
            version: .v2, controllers: controllers, path: directory, mustVacate: !inSupervisor)
        guard hierarchy.isDelegated else { return none }
        let lost = Controllers.limiting.subtracting(controllers)
        return CgroupLayout(
            hierarchies: [hierarchy], missing: missing(lost, "not delegated to \(directory)"),
            cure: lost.isEmpty ? nil : "enable the controllers in the parent's cgroup.subtree_control")
    }

    /// The directory that was delegated to a process in the cgroup `own`, and whether the process
    /// has moved into the supervisor's group of it already.
    static func delegationBase(
        _ mounts: [CgroupMount], own: String
    ) -> (directory: String, inSupervisor: Bool)? {
        let directories = mounts.lazy.filter { $0.version == .v2 && !$0.readOnly }
            .compactMap { $0.directory(of: own) }
        guard let directory = directories.first else { return nil }
        let suffix = "/\(Hierarchy.supervisor)"
        guard directory.hasSuffix(suffix) else { return (directory, false) }
        return (String(directory.dropLast(suffix.count)), true)
    }

    /// Moves the calling process out of the cgroup that was delegated to it, into a child where it is in
    /// nobody's way: a cgroup that has processes hands no controllers down. Elsewhere nothing happens.
    ///
    /// A process that makes groups does so by itself; this is for one that lives beside such a process.
    package func makeRoom() throws(CgroupError) {
        for hierarchy in hierarchies where hierarchy.mustVacate { try hierarchy.vacate() }
    }

    private static func missing(_ controllers: Controllers, _ reason: String) -> [Layer: String] {
        Dictionary(uniqueKeysWithValues: controllers.layers.map { ($0, reason) })
    }

    private static func controllersOnV2(_ directory: String) throws(CgroupError) -> Controllers {
        let text = try read("\(directory)/cgroup.controllers").prefix { $0 != UInt8(ascii: "\n") }
        return Controllers(list: text, separator: " ")
    }

    /// The limit is far above the mount table of a host with thousands of containers.
    private static func read(_ path: String) throws(CgroupError) -> [UInt8] {
        do {
            return try FileDescriptor.open(path, O_RDONLY).readAll(limit: 64 << 20)
        } catch {
            throw .undetected(SystemError(error.call, path, error.errno))
        }
    }
}
