import Glibc
import Linux

/// The unit of systemd's that a process belongs to, by its cgroup.
package struct ProcessUnit: Hashable, Sendable {
    /// `corral.service` or `session-3.scope`.
    package let name: String
    /// Whether systemd has marked its cgroup as delegated.
    package let isDelegated: Bool

    package init(name: String, isDelegated: Bool) {
        self.name = name
        self.isDelegated = isDelegated
    }

    /// - Returns: nil for a process in no unit, or one whose cgroup cannot be read.
    package static func of(pid: Int32) -> ProcessUnit? {
        guard let text = try? FileDescriptor.open("/proc/\(pid)/cgroup", O_RDONLY).readAll(limit: 1 << 20),
            let table = try? FileDescriptor.open("/proc/self/mountinfo", O_RDONLY).readAll(limit: 64 << 20),
            let path = path(procCgroup: text)
        else { return nil }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let mounts = CgroupMount.parse(mountinfo: table)
        return ProcessUnit(
            name: name, isDelegated: mounts.contains { DelegatedUnit.isMarked($0, path) })
    }

    /// The cgroup of the unit that a process is in, which may have made itself others below it.
    ///
    /// - Parameter text: of /proc/PID/cgroup (cgroups(7)).
    /// - Returns: nil where no part of the path is a service or a scope. Of nested ones it is the last: a user's
    ///   services are below that of the user's manager.
    static func path(procCgroup text: [UInt8]) -> String? {
        let lines = OwnCgroups(text)
        // On a hybrid host v2 has the units as well; on v1 alone the hierarchy `name=systemd`.
        for named in [lines.unified, lines.systemd] {
            guard let named else { continue }
            let parts = named.split(separator: "/", omittingEmptySubsequences: false)
            if let index = parts.lastIndex(where: { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }) {
                return parts[...index].joined(separator: "/")
            }
        }
        return nil
    }
}
