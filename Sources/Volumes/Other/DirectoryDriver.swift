import Glibc
package import Linux
import Trees

/// Volumes that are directories. Nothing is counted and nothing enforced: for hosts that can do no better, and
/// only where the operator says so.
package final class DirectoryDriver: VolumeDriver {
    private let tree: VolumeTree

    private static let why = "a directory has no limit"
    package let report: DriverReport

    /// - Parameter path: what errors call the directory.
    package init(directory: consuming FileDescriptor, path: String) throws(VolumeError) {
        tree = try VolumeTree(root: directory, path: path)
        report = DriverReport(
            kind: .directory, place: "directories in \(path)", bytes: .notEnforced(Self.why),
            inodes: .notEnforced(Self.why), total: .notEnforced(Self.why), hasSnapshots: false)
        for kind in VolumeName.directories {
            for tenant in try tree.names(in: kind) { try removeLeftovers("\(kind)/\(tenant)") }
        }
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
        try name.check()
        guard let parent = try tree.parent(of: name, making: false) else { throw .absent(name) }
        do throws(SystemError) {
            let directory = try parent.open(
                name.name, O_RDONLY | O_DIRECTORY, resolve: [.beneath, .noSymlinks])
            return Volume(name: name, directory: directory)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: throw .absent(name)
            case .notDirectory, .tooManyLinks: throw .notAVolume("\(name)")
            default: throw .system("to open \(name)", error)
            }
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

    package func snapshot(_ name: VolumeName, as copy: VolumeName) throws(VolumeError) {
        throw .unsupported(.directory, "snapshots")
    }

    package func fork(
        _ name: VolumeName, as copy: VolumeName, _ request: VolumeRequest
    ) throws(VolumeError) -> Volume {
        throw .unsupported(.directory, "forks")
    }

    package func restore(_ name: VolumeName, from snapshot: VolumeName) throws(VolumeError) {
        throw .unsupported(.directory, "snapshots")
    }

    /// Takes as long as there are files. What is left by a process that ends meanwhile goes when the next one
    /// begins.
    package func remove(_ name: VolumeName) throws(VolumeError) {
        _ = try open(name)
        guard let parent = try tree.parent(of: name, making: false) else { throw .absent(name) }
        let number = parent.number
        let spare = ".old-\(name.name)-\(UInt64.random(in: 0...UInt64.max))"
        try doing("to remove \(name)") { () throws(SystemError) in
            _ = try call("renameat", on: name.name) { unsafe renameat(number, name.name, number, spare) }
            try parent.removeTree(spare)
        }
    }

    private func removeLeftovers(_ place: String) throws(VolumeError) {
        guard let directory = try tree.directory(place, making: false) else { return }
        for name in try tree.names(in: place) where name.hasPrefix(".old-") {
            try doing("to remove \(place)/\(name)") { () throws(SystemError) in try directory.removeTree(name)
            }
        }
    }

    package func settle() throws(VolumeError) -> Int { 0 }

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
        for kind in VolumeName.directories {
            do throws(SystemError) {
                try tree.root.removeDirectory("\(kind)/\(tenant)")
            } catch {
                switch error.errno {
                case .noSuchFileOrDirectory: continue
                case Errno(rawValue: ENOTEMPTY): return false
                default: throw .system("to remove \(kind)/\(tenant)", error)
                }
            }
        }
        return true
    }

    package func tend() throws(VolumeError) -> [VolumeTrouble] { [] }
}
