import CLinux
import Glibc
import Linux
import Trees

/// Volumes that are memory file systems, one each, with a limit of bytes and one of inodes. They are mounted
/// nowhere and end with this process; what is in them is charged to the cgroup of who writes it.
package final class TmpfsDriver: VolumeDriver {
    private var mounts: [VolumeName: Held<FileDescriptor>] = [:]

    package let report = DriverReport(
        kind: .tmpfs, place: "memory", bytes: .enforced, inodes: .enforced,
        total: .notEnforced("each volume is a file system of its own"), hasSnapshots: false)

    package init() {}

    package func create(_ name: VolumeName, _ request: VolumeRequest) throws(VolumeError) -> Volume {
        try name.check()
        try request.limits.check(capacity: nil)
        if mounts[name] != nil { throw .exists(name) }
        guard case .session = name else {
            throw .unsupported(
                .tmpfs, "volume \(name) that outlives its session; expected sessions/TENANT/ID")
        }
        let mount = try doing("to make \(name)") { () throws(SystemError) in Held(try Self.mount(request)) }
        mounts[name] = mount
        return try open(name)
    }

    /// Without a limit it is half of the memory, as tmpfs(5) says.
    private static func mount(_ request: VolumeRequest) throws(SystemError) -> FileDescriptor {
        let context = FileDescriptor(
            owning: try call("fsopen", on: "tmpfs") { unsafe clinux_fsopen("tmpfs") })
        let number = context.number
        try configure(number, request.limits)
        try set(number, "mode", String(request.mode, radix: 8))
        try set(number, "uid", "\(request.owner)")
        try set(number, "gid", "\(request.group)")
        _ = try call("fsconfig", on: "create") { clinux_fsconfig_create(number) }
        return FileDescriptor(
            owning: try call("fsmount") {
                clinux_fsmount(number, UInt32(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV))
            })
    }

    private static func configure(_ context: CInt, _ limits: VolumeLimits) throws(SystemError) {
        if let bytes = limits.bytes { try set(context, "size", "\(bytes)") }
        if let inodes = limits.inodes { try set(context, "nr_inodes", "\(inodes)") }
    }

    private static func set(_ context: CInt, _ key: String, _ value: String) throws(SystemError) {
        _ = try call("fsconfig", on: "\(key)=\(value)") { unsafe clinux_fsconfig_string(context, key, value) }
    }

    package func open(_ name: VolumeName) throws(VolumeError) -> Volume {
        let mount = try find(name)
        let directory = try doing("to open \(name)") { () throws(SystemError) in
            try mount.value.open(".", O_RDONLY | O_DIRECTORY)
        }
        return Volume(name: name, directory: directory)
    }

    private func find(_ name: VolumeName) throws(VolumeError) -> Held<FileDescriptor> {
        try name.check()
        guard let mount = mounts[name] else { throw .absent(name) }
        return mount
    }

    package func limits(of name: VolumeName) throws(VolumeError) -> VolumeLimits {
        let status = try status(of: name)
        return VolumeLimits(bytes: status.size, inodes: status.files == 0 ? nil : status.files)
    }

    package func usage(of name: VolumeName) throws(VolumeError) -> VolumeUsage {
        let status = try status(of: name)
        return VolumeUsage(
            bytes: status.size - min(status.size, status.available),
            inodes: status.files - min(status.files, status.free_files))
    }

    private func status(of name: VolumeName) throws(VolumeError) -> clinux_file_system {
        let mount = try find(name)
        return try doing("to look at \(name)") { () throws(SystemError) in try mount.value.fileSystem() }
    }

    package func resize(_ name: VolumeName, to limits: VolumeLimits) throws(VolumeError) {
        try limits.check(capacity: nil)
        let mount = try find(name)
        let usage = try usage(of: name)
        if let bytes = limits.bytes, let used = usage.bytes, bytes < used {
            throw .belowUse(name, "bytes", asked: bytes, used: used)
        }
        if let inodes = limits.inodes, let used = usage.inodes, inodes < used {
            throw .belowUse(name, "inodes", asked: inodes, used: used)
        }
        let root = mount.value.number
        do throws(SystemError) {
            let context = FileDescriptor(owning: try call("fspick") { clinux_fspick(root) })
            let number = context.number
            try Self.configure(number, limits)
            _ = try call("fsconfig", on: "reconfigure") { clinux_fsconfig_reconfigure(number) }
        } catch {
            // Somebody wrote in between: tmpfs takes no size below what is used.
            if error.errno == .invalidArgument, let bytes = limits.bytes {
                throw .belowUse(name, "bytes", asked: bytes, used: try self.usage(of: name).bytes ?? bytes)
            }
            throw .system("to limit \(name)", error)
        }
    }

    package func snapshot(_ name: VolumeName, as copy: VolumeName) throws(VolumeError) {
        throw .unsupported(.tmpfs, "snapshots")
    }

    package func fork(
        _ name: VolumeName, as copy: VolumeName, _ request: VolumeRequest
    ) throws(VolumeError) -> Volume {
        throw .unsupported(.tmpfs, "forks")
    }

    package func restore(_ name: VolumeName, from snapshot: VolumeName) throws(VolumeError) {
        throw .unsupported(.tmpfs, "snapshots")
    }

    /// The memory is free when the last one who has it open has closed it.
    package func remove(_ name: VolumeName) throws(VolumeError) {
        _ = try find(name)
        mounts[name] = nil
    }

    package func settle() throws(VolumeError) -> Int { 0 }

    package func list() throws(VolumeError) -> [VolumeName] {
        mounts.keys.sorted { "\($0)" < "\($1)" }
    }

    package func setTotal(of tenant: String, bytes: UInt64?) throws(VolumeError) {
        try VolumeName.check(tenant)
        if bytes != nil {
            throw .notEnforced(.tmpfs, "a tenant's bytes", "each volume is a file system of its own")
        }
    }

    package func total(of tenant: String) throws(VolumeError) -> TenantTotal {
        try VolumeName.check(tenant)
        var used: UInt64 = 0
        for name in mounts.keys where name.tenant == tenant { used += try usage(of: name).bytes ?? 0 }
        return TenantTotal(used: used)
    }

    package func forget(tenant: String) throws(VolumeError) -> Bool {
        try VolumeName.check(tenant)
        return !mounts.keys.contains { $0.tenant == tenant }
    }

    package func tend() throws(VolumeError) -> [VolumeTrouble] { [] }
}
