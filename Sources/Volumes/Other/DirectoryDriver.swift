import FailPoints
import Glibc
package import Linux
import Trees

/// Volumes that are directories. Nothing is counted and nothing enforced: for hosts that can do no better, and
/// only where the operator says so.
package final class DirectoryDriver: VolumeDriver {
    let tree: VolumeTree
    /// Told of copies as they go on.
    package var progress: ((CopyProgress) -> Void)?
    /// How many names one ``settle()`` removes: about a tenth of a second's work.
    private static let namesAtATime: UInt64 = 10_000

    private static let why = "a directory has no limit"
    package let report: DriverReport

    /// - Parameter path: what errors call the directory.
    package init(directory: consuming FileDescriptor, path: String) throws(VolumeError) {
        tree = try VolumeTree(root: directory, path: path)
        report = DriverReport(
            kind: .directory, place: "directories in \(path)", bytes: .notEnforced(Self.why),
            inodes: .notEnforced(Self.why), total: .notEnforced(Self.why), hasSnapshots: true,
            copiesAtOnce: false)
    }

    /// The driver of another process, in this one.
    convenience init(sharing directory: consuming FileDescriptor, path: String) throws(VolumeError) {
        try self.init(directory: directory, path: path)
    }

    package var parts: DriverParts? {
        DriverParts(kind: .directory, path: tree.path, descriptors: [tree.root.number])
    }

    package func create(_ name: VolumeName, _ request: VolumeRequest) throws(VolumeError) -> Volume {
        try name.check()
        try request.limits.check(capacity: nil)
        try report.check(request.limits, allowSoft: request.allowSoft)
        guard let parent = try tree.parent(of: name, making: true) else {
            throw .notAVolume("\(tree.path)/\(name.kind)/\(name.tenant)")
        }
        do throws(SystemError) {
            try parent.makeDirectory(name.name, mode: 0o700)
            let directory = try parent.open(name.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try VolumeTree.give(directory, request)
            return Volume(name: name, directory: directory)
        } catch {
            if error.errno == .fileExists { throw .exists(name) }
            throw .system("to make \(name)", error)
        }
    }

    package func open(_ name: VolumeName) throws(VolumeError) -> Volume {
        let directory = try tree.open(name)
        guard case .snapshot = name else { return Volume(name: name, directory: directory) }
        return try doing("to open \(name)") { () throws(SystemError) in
            try VolumeTree.readOnly(name, directory)
        }
    }

    package func limits(of name: VolumeName) throws(VolumeError) -> VolumeLimits {
        _ = try open(name)
        return VolumeLimits()
    }

    package func usage(of name: VolumeName) throws(VolumeError) -> VolumeUsage {
        _ = try open(name)
        return VolumeUsage()
    }

    package func resize(_ name: VolumeName, to limits: VolumeLimits) throws(VolumeError) {
        _ = try open(name)
        try report.check(limits, allowSoft: false)
    }

    /// Its files go with ``settle()``.
    package func remove(_ name: VolumeName) throws(VolumeError) {
        try open(name).directory.liftProtection()
        guard let parent = try tree.parent(of: name, making: false) else { throw .absent(name) }
        let number = parent.number
        let spare = Self.spare(Self.old)
        FailPoint.pass(.volumeRemoving)
        try doing("to remove \(name)") { () throws(SystemError) in
            _ = try call("renameat", on: name.name) { unsafe renameat(number, name.name, number, spare) }
        }
        FailPoint.pass(.volumeRemoved)
    }

    /// What the names of those begin with that were removed, or are being made: no volume's does.
    static let old = ".old-"
    static let new = ".new-"

    static func spare(_ prefix: String) -> String {
        prefix + String(UInt64.random(in: 0...UInt64.max), radix: 16)
    }

    /// Removes some of the files of what was removed.
    package func settle() throws(VolumeError) -> Int {
        var (left, pending) = (Self.namesAtATime, 0)
        try spares(Self.old) { (name, directory) throws(SystemError) in
            do throws(SystemError) {
                try directory.removeTree(
                    DirectoryEntry(Array(name.utf8)[...], kind: .directory), names: &left, isLifting: true)
            } catch {
                switch error.errno {
                case .wouldBlock, .busy, .notEmpty: pending += 1
                case .noSuchFileOrDirectory: break
                default: throw error
                }
            }
        }
        return pending
    }

    package func reclaim() throws(VolumeError) {
        try spares(Self.new) { (name, directory) throws(SystemError) in
            let (number, other) = (directory.number, Self.spare(Self.old))
            _ = try call("renameat", on: name) { unsafe renameat(number, name, number, other) }
        }
    }

    /// Visits what has such a name beside volumes.
    private func spares(
        _ prefix: String, _ body: (String, borrowing FileDescriptor) throws(SystemError) -> Void
    ) throws(VolumeError) {
        for kind in VolumeName.directories {
            // Something else in a directory's place is left alone, and is no reason to leave the rest.
            for tenant in (try? tree.names(in: kind)) ?? [] {
                let place = "\(kind)/\(tenant)"
                guard let directory = try tree.directory(place, making: false) else { continue }
                for name in try tree.names(in: place) where name.hasPrefix(prefix) {
                    try doing("to remove \(place)/\(name)") { () throws(SystemError) in
                        try body(name, directory)
                    }
                }
            }
        }
    }

    package func list() throws(VolumeError) -> [VolumeName] { try tree.list() }

    package func setTotal(of tenant: String, bytes: UInt64?) throws(VolumeError) {
        try VolumeName.check(tenant)
        if bytes != nil { throw .notEnforced(.directory, "a tenant's bytes", Self.why) }
    }

    package func total(of tenant: String) throws(VolumeError) -> TenantTotal {
        try VolumeName.check(tenant)
        return TenantTotal()
    }

    package func forget(tenant: String) throws(VolumeError) -> Bool {
        try VolumeName.check(tenant)
        return try tree.removeDirectories(of: tenant)
    }

    package func tend() throws(VolumeError) -> [VolumeTrouble] { [] }
}
