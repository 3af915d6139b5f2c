// Snapshots and forks of volumes with project quotas: copies, made in steps.
import CLinux
import FailPoints
import Glibc
import Linux
import Trees

/// A copy of a volume that is being made. It has its name when it is whole; one that is given up, or whose process
/// ends, is removed by ``ProjectDriver/settle()``.
package final class ProjectCopy {
    let source: VolumeName
    let name: VolumeName
    fileprivate var spare: Held<ProjectDriver.Spare>?
    fileprivate var transfer: Held<TreeTransfer>
    private let spareName: String
    private let driver: ProjectDriver

    fileprivate init(
        _ source: VolumeName, as name: VolumeName, _ spare: consuming ProjectDriver.Spare,
        _ transfer: consuming TreeTransfer, _ driver: ProjectDriver
    ) {
        self.source = source
        self.name = name
        self.driver = driver
        spareName = spare.name
        self.spare = Held(spare)
        self.transfer = Held(transfer)
    }

    deinit { driver.inUse.remove(spareName) }

    package var progress: CopyProgress { transfer.value.progress }

    /// Copies some more.
    /// - Parameter bytes: about how much.
    /// - Returns: true when all is there, which has no name yet: ``ProjectDriver/finish(_:)`` gives it one.
    package func advance(bytes: UInt64 = 64 << 20) throws(VolumeError) -> Bool {
        do throws(SystemError) {
            return try transfer.value.advance(bytes: bytes)
        } catch {
            switch error.errno {
            case .noSpace, .quotaExceeded:
                throw .diskFull("\(name)", wanted: progress.copied, available: 0)
            case .notSupported:
                throw .unsupported(.project, "copy of \(source), which has a device file in it")
            case .tooManyFiles:
                throw .unsupported(
                    .project,
                    "copy of \(source), which has more than \(TreeTransfer.depth) directories inside each other"
                )
            default: throw .system("to copy \(source)", error)
            }
        }
    }
}

extension ProjectDriver {
    /// Begins a copy of a volume, which nobody should write to before it is done: what the copy holds would be of no
    /// one point in time.
    /// - Parameter limits: those that are nil are the original's.
    package func copying(
        _ source: VolumeName, as name: VolumeName, _ limits: VolumeLimits
    ) throws(VolumeError) -> ProjectCopy {
        try name.check()
        let found = try find(source)
        guard source.tenant == name.tenant else {
            throw .unsupported(.project, "copy \(name) of \(source); expected one of the same tenant's")
        }
        let quota = try quota(of: found, source)
        let limits = VolumeLimits(
            bytes: limits.bytes ?? quota.limits.bytes, inodes: limits.inodes ?? quota.limits.inodes)
        try check(VolumeRequest(limits: limits))
        try checkUse(quota, name, limits)
        try checkTotal(of: name.tenant, with: limits, besides: nil)
        let parent = try place(of: name)
        let there = try doing("to make \(name)") { () throws(SystemError) in try parent.status(of: name.name)
        }
        if there != nil { throw .exists(name) }
        let spare = try makeSpare(limits, for: name)
        let spareName = spare.name
        do throws(SystemError) {
            // Opened anew, each: the positions of these are the copy's.
            let flags = O_RDONLY | O_DIRECTORY
            var transfer = try TreeTransfer(
                from: found.directory.open(".", flags), to: spare.directory.open(".", flags))
            transfer.progress.total = quota.bytes
            return ProjectCopy(source, as: name, spare, transfer, self)
        } catch {
            inUse.remove(spareName)
            throw .system("to copy \(source)", error)
        }
    }

    /// On ext4 no limit holds for this program, so it keeps to it itself.
    private func checkUse(
        _ quota: ProjectQuota, _ name: VolumeName, _ limits: VolumeLimits
    ) throws(VolumeError) {
        if let bytes = limits.bytes, bytes < quota.bytes {
            throw .belowUse(name, "bytes", asked: bytes, used: quota.bytes)
        }
        if let inodes = limits.inodes, inodes < quota.inodes {
            throw .belowUse(name, "inodes", asked: inodes, used: quota.inodes)
        }
    }

    /// Gives a copy that is whole its name, after what it holds is on the disk.
    package func finish(_ copy: ProjectCopy) throws(VolumeError) -> Volume {
        guard let held = copy.spare else { throw .absent(copy.name) }
        copy.spare = nil
        let parent = try place(of: copy.name)
        let quota = try doing("to look at \(copy.name)") { () throws(SystemError) in
            let number = held.value.directory.number
            // Else a loss of power could leave the name, and files without what was in them.
            _ = try call("syncfs") { clinux_syncfs(number) }
            return try held.value.directory.projectQuota(held.value.project)
        }
        try checkUse(quota, copy.name, quota.limits)
        try checkTotal(of: copy.name.tenant, with: quota.limits, besides: nil)
        return try name(held, as: copy.name, in: parent)
    }

    private func name(
        _ spare: Held<Spare>, as name: VolumeName, in parent: borrowing FileDescriptor
    ) throws(VolumeError) -> Volume {
        let directory = try doing("to make \(name)") { () throws(SystemError) in
            try spare.value.directory.open(".", O_RDONLY | O_DIRECTORY)
        }
        let copy = Spare(name: spare.value.name, directory: directory, project: spare.value.project)
        return try finish(copy, as: name, in: parent) { (_) throws(SystemError) in }
    }

    /// Copies to the end.
    private func copyAll(_ copy: ProjectCopy) throws(VolumeError) -> Volume {
        while try !copy.advance() { progress?(copy.progress) }
        progress?(copy.progress)
        FailPoint.pass(.volumeCopied)
        return try finish(copy)
    }

    package func snapshot(_ name: VolumeName, as copy: VolumeName) throws(VolumeError) {
        try copy.check()
        guard case .snapshot(let tenant, _) = copy, tenant == name.tenant else {
            throw .unsupported(
                .project, "snapshot \(copy) of \(name); expected snapshots/\(name.tenant)/NAME")
        }
        _ = try copyAll(copying(name, as: copy, VolumeLimits()))
    }

    package func fork(
        _ name: VolumeName, as copy: VolumeName, _ request: VolumeRequest
    ) throws(VolumeError) -> Volume {
        try copyAll(copying(name, as: copy, request.limits))
    }

    package func restore(_ name: VolumeName, from snapshot: VolumeName) throws(VolumeError) {
        guard name.tenant == snapshot.tenant, case .snapshot = snapshot else {
            throw .unsupported(
                .project, "restore of \(name) from \(snapshot); expected snapshots/\(name.tenant)/NAME")
        }
        let old = try find(name)
        let source = try find(snapshot)
        let limits = try quota(of: old, name).limits
        let held = try quota(of: source, snapshot)
        try checkUse(held, name, limits)
        let parent = try place(of: name)
        let spare = try makeSpare(limits, for: name)
        defer { inUse.remove(spare.name) }
        let (number, root) = (parent.number, tree.root.number)
        let from = "\(Self.removed)/\(spare.name)"
        try doing("to restore \(name)") { () throws(SystemError) in
            var transfer = try TreeTransfer(
                from: source.directory.open(".", O_RDONLY | O_DIRECTORY),
                to: spare.directory.open(".", O_RDONLY | O_DIRECTORY))
            transfer.progress.total = held.bytes
            while try !transfer.advance(bytes: 64 << 20) { progress?(transfer.progress) }
            progress?(transfer.progress)
            _ = try call("syncfs") { clinux_syncfs(number) }
            // The name always means one of the two.
            _ = try call("renameat2", on: name.name) {
                unsafe clinux_exchange(root, from, number, name.name)
            }
            FailPoint.pass(.volumeExchanged)
        }
    }
}
