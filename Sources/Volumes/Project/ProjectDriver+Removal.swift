// Removing volumes with project quotas, and what tenants have together.
import CLinux
import FailPoints
import Glibc
import Linux
import Trees

/// Removal. A volume's name is gone at once: its directory is in `removed` then, and its project may take nothing
/// new. ``settle()`` removes what is in it, a bounded number of names at a time, and gives the number of the
/// project back when nothing is left that has it.
extension ProjectDriver {
    /// Where volumes are that have no name: being made, or being removed.
    static let removed = "removed"
    /// What the names of those begin with that are being made.
    static let unfinished = "m-"
    /// Below what any volume uses, so that whoever has a removed one open can add nothing.
    private static let closed = VolumeLimits(bytes: 4096, inodes: 1)

    package func remove(_ name: VolumeName) throws(VolumeError) {
        let found = try find(name)
        guard let parent = try tree.parent(of: name, making: false) else { throw .absent(name) }
        _ = try tree.directory(Self.removed, making: true)
        let (number, root) = (parent.number, tree.root.number)
        let to = "\(Self.removed)/\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
        found.directory.liftProtection()
        try doing("to remove \(name)") { () throws(SystemError) in
            _ = try call("renameat2", on: name.name) {
                unsafe clinux_rename_new(number, name.name, root, to)
            }
            FailPoint.pass(.volumeRemoved)
            try found.directory.limitProject(found.project, Self.closed)
        }
    }

    package func settle() throws(VolumeError) -> Int {
        guard let removed = try tree.directory(Self.removed, making: false) else { return 0 }
        var left = namesAtATime
        var pending = 0
        for name in try tree.names(in: Self.removed) where !inUse.contains(name) {
            if isSharing, name.hasPrefix(Self.unfinished) { continue }
            let isGone = try doing("to settle removals") { () throws(SystemError) in
                try empty(name, in: removed, &left)
            }
            if !isGone { pending += 1 }
        }
        return pending
    }

    /// Removes what is in a removed volume, and itself where it was all that its project had left.
    /// - Parameter left: how many names may still be removed.
    /// - Returns: whether nothing is left of it.
    private func empty(
        _ name: String, in removed: borrowing FileDescriptor, _ left: inout UInt64
    ) throws(SystemError) -> Bool {
        if left == 0 { return false }
        let directory = try removed.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let project = try directory.volumeProject()
        if let project { try directory.limitProject(project, Self.closed) }
        var buffer = [UInt8](repeating: 0, count: 8192)
        var names: [DirectoryEntry] = []
        while try directory.visitEntries(&buffer, { names.append(DirectoryEntry($0, kind: $1)) }) {
            for entry in names {
                do throws(SystemError) {
                    try directory.removeTree(entry, names: &left, isLifting: true)
                } catch {
                    switch error.errno {
                    // Enough for now; somebody adds names; what is left is tried again.
                    case .wouldBlock, .busy, .notEmpty: return false
                    default: throw error
                    }
                }
            }
            names.removeAll(keepingCapacity: true)
        }
        if let project {
            // Files that somebody has open have no names any more, but are still charged to the project.
            guard try directory.projectQuota(project).inodes <= 1 else { return false }
            try directory.limitProject(project, VolumeLimits())
        }
        do throws(SystemError) {
            try removed.removeDirectory(name)
        } catch  where error.errno == .notEmpty {
            return false
        }
        return true
    }

    package func reclaim() throws(VolumeError) {
        guard let removed = try tree.directory(Self.removed, making: false) else { return }
        let number = removed.number
        for name in try tree.names(in: Self.removed)
        where name.hasPrefix(Self.unfinished) && !inUse.contains(name) {
            let other = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            try doing("to settle removals") { () throws(SystemError) in
                _ = try call("renameat2", on: name) { unsafe clinux_rename_new(number, name, number, other) }
            }
        }
    }

    package func tend() throws(VolumeError) -> [VolumeTrouble] {
        let (state, readOnly) = try doing("to look at \(tree.path)") { () throws(SystemError) in
            (try tree.root.projectState(), try tree.root.fileSystem().read_only != 0)
        }
        return (state == .enforcing ? [] : [.notEnforcing]) + (readOnly ? [.readOnly] : [])
    }

    // MARK: Tenants

    /// What the tenant's directory remembers of its total: projects know no other projects above them, so the
    /// limits of a tenant's volumes may not add up to more.
    private static let note = "corral.total"

    package func setTotal(of tenant: String, bytes: UInt64?) throws(VolumeError) {
        try VolumeName.check(tenant)
        try VolumeLimits(bytes: bytes).check(capacity: nil)
        if let bytes {
            let together = try limitsTogether(of: tenant, besides: nil)
            guard let together else { throw Self.unlimited(tenant) }
            if together > bytes {
                throw .badLimit(
                    "the total of \(tenant)", bytes,
                    expected: "at least \(together), which the limits of its volumes add up to")
            }
        }
        guard let directory = try tree.directory("workspaces/\(tenant)", making: true) else {
            throw .notAVolume("workspaces/\(tenant)")
        }
        try doing("to limit the tenant \(tenant)") { () throws(SystemError) in
            try directory.setNote(Self.note, bytes.map { "\($0)" })
        }
    }

    package func total(of tenant: String) throws(VolumeError) -> TenantTotal {
        try VolumeName.check(tenant)
        var used: UInt64 = 0
        for name in try list(of: tenant) { used += try usage(of: name).bytes ?? 0 }
        return TenantTotal(limit: try limit(ofTenant: tenant), used: used)
    }

    private func limit(ofTenant tenant: String) throws(VolumeError) -> UInt64? {
        guard let directory = try tree.directory("workspaces/\(tenant)", making: false) else { return nil }
        let text = try doing("to look at the tenant \(tenant)") { () throws(SystemError) in
            try directory.note(Self.note)
        }
        guard let text else { return nil }
        // Nobody but root can have written something else; then nothing may be made rather than anything.
        return UInt64(text) ?? 0
    }

    /// Refuses limits that would let the tenant have more than its total.
    /// - Parameter name: a volume whose limits they replace.
    func checkTotal(
        of tenant: String, with limits: VolumeLimits, besides name: VolumeName?
    ) throws(VolumeError) {
        guard let total = try limit(ofTenant: tenant) else { return }
        guard let bytes = limits.bytes, let others = try limitsTogether(of: tenant, besides: name) else {
            throw Self.unlimited(tenant)
        }
        let (sum, tooMuch) = others.addingReportingOverflow(bytes)
        if tooMuch || sum > total { throw .tenantFull(tenant) }
    }

    /// Nil where one of them has no limit.
    private func limitsTogether(
        of tenant: String, besides left: VolumeName?
    ) throws(VolumeError) -> UInt64? {
        var sum: UInt64 = 0
        for name in try list(of: tenant) where name != left {
            guard let bytes = try quota(of: find(name), name).limits.bytes else { return nil }
            sum = sum.addingReportingOverflow(bytes).overflow ? .max : sum + bytes
        }
        return sum
    }

    private static func unlimited(_ tenant: String) -> VolumeError {
        .unsupported(
            .project,
            "volume without a limit of bytes for the tenant \(tenant) with a total; expected limits that add up to "
                + "no more")
    }

    private func list(of tenant: String) throws(VolumeError) -> [VolumeName] {
        var found: [VolumeName] = []
        for kind in VolumeName.directories {
            for name in try tree.names(in: "\(kind)/\(tenant)") {
                if let volume = VolumeName(kind: kind, tenant: tenant, name: name) { found.append(volume) }
            }
        }
        return found
    }

    package func forget(tenant: String) throws(VolumeError) -> Bool {
        try VolumeName.check(tenant)
        if try !list(of: tenant).isEmpty { return false }
        return try tree.removeDirectories(of: tenant)
    }
}
