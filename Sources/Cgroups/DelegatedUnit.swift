import CLinux
import Glibc
import Linux

/// The cgroup that systemd has delegated to the unit of the calling process, which is root's: `Delegate=yes`.
///
/// systemd says so by an extended attribute of the directory, `trusted.delegate`, and from version 251 on
/// `user.delegate` (systemd.resource-control(5), cgroup delegation): on v2 where that is mounted, else in the
/// hierarchy `name=systemd`. On v1 the unit has a directory of the same name in the hierarchy of every controller.
struct DelegatedUnit: Hashable, Sendable {
    /// As /proc/self/cgroup names it, without the supervisor's child.
    let path: String
    /// Whether the process has moved to that child already.
    let isVacated: Bool
    /// The cgroup of the process by mount point, as far as it is the unit's.
    private let directories: [String: String]

    private static let attributes = ["trusted.delegate", "user.delegate"]

    /// - Returns: nil where the process is in no such cgroup.
    static func own(_ mounts: [CgroupMount], procSelfCgroup text: [UInt8]) -> DelegatedUnit? {
        let lines = OwnCgroups(text)
        for named in [lines.unified, lines.systemd] {
            guard let named else { continue }
            let suffix = "/\(Hierarchy.supervisor)"
            let isVacated = named.hasSuffix(suffix)
            let path = isVacated ? String(named.dropLast(suffix.count)) : named
            let unit = DelegatedUnit(path, isVacated: isVacated, mounts, lines)
            // The root of a hierarchy is nobody's unit.
            if path.utf8.count > 1, mounts.contains(where: { isMarked($0, path) }) { return unit }
        }
        return nil
    }

    init(_ path: String, isVacated: Bool, _ mounts: [CgroupMount], _ lines: OwnCgroups) {
        self.path = path
        self.isVacated = isVacated
        var found: [String: String] = [:]
        for mount in mounts {
            let own = mount.version == .v2 ? lines.unified : lines.path(of: mount.controllers)
            let isUnits = own == path || (mount.version == .v2 && own == "\(path)/\(Hierarchy.supervisor)")
            if isUnits, let directory = mount.directory(of: path) { found[mount.point] = directory }
        }
        directories = found
    }

    /// Where the unit's groups are made of the hierarchy that is mounted at `point`; nil where that is not the
    /// unit's, which systemd has then left alone.
    func directory(_ point: String) -> String? { directories[point] }

    static func isMarked(_ mount: CgroupMount, _ path: String) -> Bool {
        guard mount.version == .v2 || mount.controllers.isEmpty, let directory = mount.directory(of: path),
            let file = try? FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        else { return false }
        let number = file.number
        return attributes.contains { name in
            var value: UInt8 = 0
            return unsafe clinux_attribute(number, name, &value, 1) == 1 && value == UInt8(ascii: "1")
        }
    }
}

/// The lines of /proc/self/cgroup (cgroups(7)).
struct OwnCgroups: Sendable {
    /// On v2.
    private(set) var unified: String?
    /// In the hierarchy `name=systemd`.
    private(set) var systemd: String?
    private var ofControllers: [(Controllers, String)] = []

    init(_ text: [UInt8]) {
        for line in ByteWords(text[...], separatedBy: "\n") {
            let parts = line.split(
                separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let path = String(decoding: parts[2], as: UTF8.self)
            if parts[0].elementsEqual("0".utf8), parts[1].isEmpty {
                unified = path
            } else if parts[1].elementsEqual("name=systemd".utf8) {
                systemd = path
            } else {
                ofControllers.append((Controllers(list: parts[1], separator: ","), path))
            }
        }
    }

    /// In the v1 hierarchy that has one of these.
    func path(of controllers: Controllers) -> String? {
        if controllers.isEmpty { return systemd }
        return ofControllers.first { !$0.0.isDisjoint(with: controllers) }?.1
    }
}
