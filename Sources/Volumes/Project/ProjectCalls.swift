// Project quotas as typed calls on descriptors, and the numbers of projects that are Corral's.
import CLinux
import Glibc
import Linux

/// Whether a file system counts what projects have, and keeps them to limits.
package enum ProjectState: Hashable, Sendable {
    /// It does neither, or the kernel cannot.
    case off
    /// It counts, and refuses nothing: mounted without `prjquota`.
    case counting
    /// It keeps them to limits, which are not for this process to set: it is in a user namespace.
    case forbidden
    case enforcing

    /// What a directory on this file system lacks for ``ProjectDriver``; nil for nothing.
    /// - Parameter name: the file system's.
    package func lack(_ name: String) -> String? {
        switch self {
        case .off: "its \(name) is mounted without project quotas (option prjquota)"
        case .counting: "its \(name) counts what projects have, but is mounted without prjquota"
        case .forbidden: "its \(name)'s project quotas are for root outside of user namespaces to set"
        case .enforcing: nil
        }
    }
}

/// What a project has and may have.
struct ProjectQuota: Hashable, Sendable {
    var limits: VolumeLimits
    /// In bytes and inodes, with what is about to be written.
    var bytes: UInt64
    var inodes: UInt64

    /// Whether it is nobody's.
    var isUnused: Bool { bytes == 0 && inodes == 0 && limits == VolumeLimits() }
}

/// The numbers of projects that this program gives. They begin with hexadecimal 43, far from the low ones that
/// operators and container runtimes count up from.
struct ProjectNumbers: Sendable {
    static let range: ClosedRange<UInt32> = 0x4300_0000...0x430F_FFFF
    /// How often to try for one: what is tried at random is taken already where nearly all are.
    static let attempts = 256

    private var last: UInt32

    /// - Parameter start: where to begin; any number will do.
    init(start: UInt32) { last = Self.range.lowerBound + start % UInt32(Self.range.count) }

    /// The next one, which may be somebody's.
    mutating func next() -> UInt32 {
        last = last == Self.range.upperBound ? Self.range.lowerBound : last + 1
        return last
    }
}

/// Calls on a descriptor of any file of an ext4 or an xfs (the functions of CLinux say which).
extension FileDescriptor {
    /// The project of this directory.
    /// - Returns: nil for one that is not Corral's, or that does not go on to what is made in it.
    borrowing func volumeProject() throws(SystemError) -> UInt32? {
        let number = number
        var (project, inherits) = (UInt32(0), CInt(0))
        do throws(SystemError) {
            _ = try call("FS_IOC_FSGETXATTR") { unsafe clinux_project(number, &project, &inherits) }
        } catch  where error.errno.rawValue == ENOTTY {
            return nil
        }
        return inherits == 1 && ProjectNumbers.range.contains(project) ? project : nil
    }

    borrowing func setProject(_ project: UInt32) throws(SystemError) {
        let number = number
        _ = try call("FS_IOC_FSSETXATTR", on: "project \(project)") { clinux_set_project(number, project) }
    }

    borrowing func projectState() throws(SystemError) -> ProjectState {
        let number = number
        var (counts, limits) = (CInt(0), CInt(0))
        _ = try call("quotactl_fd(Q_XGETQSTATV)") {
            unsafe clinux_project_state(number, &counts, &limits)
        }
        if limits == 0 { return counts == 1 ? .counting : .off }
        do throws(SystemError) {
            _ = try projectQuota(ProjectNumbers.range.lowerBound)
        } catch  where error.errno == .notPermitted {
            return .forbidden
        }
        return .enforcing
    }

    borrowing func projectQuota(_ project: UInt32) throws(SystemError) -> ProjectQuota {
        let number = number
        var quota = clinux_project_quota()
        _ = try call("quotactl_fd(Q_XGETQUOTA)", on: "project \(project)") {
            unsafe clinux_project_quota(number, project, &quota)
        }
        let limits = VolumeLimits(
            bytes: quota.byte_limit == 0 ? nil : quota.byte_limit,
            inodes: quota.inode_limit == 0 ? nil : quota.inode_limit)
        return ProjectQuota(limits: limits, bytes: quota.bytes, inodes: quota.inodes)
    }

    borrowing func limitProject(_ project: UInt32, _ limits: VolumeLimits) throws(SystemError) {
        let number = number
        _ = try call("quotactl_fd(Q_XSETQLIM)", on: "project \(project)") {
            clinux_limit_project(number, project, limits.bytes ?? 0, limits.inodes ?? 0)
        }
    }

    /// A text that is kept beside this file for programs with privileges (xattr(7), `trusted`); nil for none.
    borrowing func note(_ name: String) throws(SystemError) -> String? {
        let number = number
        var bytes = [UInt8](repeating: 0, count: 256)
        var room = bytes.mutableSpan
        do throws(SystemError) {
            let count = try unsafe room.withUnsafeMutableBufferPointer { (room) throws(SystemError) in
                try call("fgetxattr", on: name) {
                    unsafe clinux_attribute(number, "trusted.\(name)", room.baseAddress, room.count)
                }
            }
            return String(decoding: bytes[..<count], as: UTF8.self)
        } catch  where error.errno.rawValue == ENODATA {
            return nil
        }
    }

    /// - Parameter text: nil removes it.
    borrowing func setNote(_ name: String, _ text: String?) throws(SystemError) {
        let number = number
        guard let text else {
            do throws(SystemError) {
                _ = try call("fremovexattr", on: name) {
                    unsafe clinux_remove_attribute(number, "trusted.\(name)")
                }
            } catch  where error.errno.rawValue == ENODATA {
                return
            }
            return
        }
        let bytes = Array(text.utf8)
        _ = try unsafe bytes.span.withUnsafeBufferPointer { (bytes) throws(SystemError) in
            try call("fsetxattr", on: name) {
                unsafe clinux_set_attribute(number, "trusted.\(name)", bytes.baseAddress, bytes.count)
            }
        }
    }
}
