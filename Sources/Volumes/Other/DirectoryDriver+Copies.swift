// Snapshots and forks of volumes that are directories: copies, made in steps, as those of project quotas.
import CLinux
import FailPoints
import Glibc
import Linux
import Trees

extension DirectoryDriver {
    package func snapshot(_ name: VolumeName, as copy: VolumeName) throws(VolumeError) {
        try copy.check()
        guard case .snapshot(let tenant, _) = copy, tenant == name.tenant else {
            throw .unsupported(
                .directory, "snapshot \(copy) of \(name); expected snapshots/\(name.tenant)/NAME")
        }
        try self.copy(name, as: copy)
    }

    package func fork(
        _ name: VolumeName, as copy: VolumeName, _ request: VolumeRequest
    ) throws(VolumeError) -> Volume {
        try copy.check()
        try request.limits.check(capacity: nil)
        try report.check(request.limits, allowSoft: request.allowSoft)
        guard name.tenant == copy.tenant else {
            throw .unsupported(.directory, "fork \(copy) of \(name); expected one of the same tenant's")
        }
        try self.copy(name, as: copy)
        return try open(copy)
    }

    package func restore(_ name: VolumeName, from snapshot: VolumeName) throws(VolumeError) {
        guard name.tenant == snapshot.tenant, case .snapshot = snapshot else {
            throw .unsupported(
                .directory, "restore of \(name) from \(snapshot); expected snapshots/\(name.tenant)/NAME")
        }
        _ = try open(name)
        let parent = try place(of: name)
        let spare = try fill(from: snapshot, in: parent)
        let number = parent.number
        try doing("to restore \(name)") { () throws(SystemError) in
            // The name always means one of the two. What it meant goes with the next ``settle()``.
            _ = try call("renameat2", on: name.name) {
                unsafe clinux_exchange(number, spare, number, name.name)
            }
        }
        FailPoint.pass(.volumeExchanged)
        try reclaim(spare, in: parent)
    }

    private func copy(_ name: VolumeName, as copy: VolumeName) throws(VolumeError) {
        let parent = try place(of: copy)
        let there = try doing("to make \(copy)") { () throws(SystemError) in try parent.status(of: copy.name)
        }
        if there != nil { throw .exists(copy) }
        let spare = try fill(from: name, in: parent)
        let number = parent.number
        do throws(SystemError) {
            _ = try call("renameat2", on: copy.name) {
                unsafe clinux_rename_new(number, spare, number, copy.name)
            }
        } catch {
            try reclaim(spare, in: parent)
            if error.errno == .fileExists { throw .exists(copy) }
            throw .system("to make \(copy)", error)
        }
    }

    private func place(of name: VolumeName) throws(VolumeError) -> FileDescriptor {
        guard let parent = try tree.parent(of: name, making: true) else {
            throw .notAVolume("\(tree.path)/\(name.kind)/\(name.tenant)")
        }
        return parent
    }

    /// A whole copy that is on the disk and has no volume's name.
    private func fill(
        from source: VolumeName, in parent: borrowing FileDescriptor
    ) throws(VolumeError) -> String {
        let found = try open(source)
        let spare = Self.spare(Self.new)
        do throws(SystemError) {
            try parent.makeDirectory(spare, mode: 0o700)
            let target = try parent.open(spare, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            var transfer = try TreeTransfer(
                from: found.directory.open(".", O_RDONLY | O_DIRECTORY), to: target)
            FailPoint.pass(.volumeBeforeCopy)
            while try !transfer.advance(bytes: 16 << 20) { progress?(transfer.progress) }
            progress?(transfer.progress)
            let parentNumber = parent.number
            // Else a loss of power could leave the name, and files without what was in them.
            _ = try call("syncfs") { clinux_syncfs(parentNumber) }
        } catch {
            try? reclaim(spare, in: parent)
            switch error.errno {
            case .noSpace, .quotaExceeded:
                throw .diskFull("a copy of \(source)", wanted: 0, available: 0)
            case .notSupported:
                throw .unsupported(.directory, "copy of \(source), which has a device file in it")
            case .tooManyFiles:
                throw .unsupported(
                    .directory,
                    "copy of \(source), which has more than \(TreeTransfer.depth) directories inside each other"
                )
            default: throw .system("to copy \(source)", error)
            }
        }
        FailPoint.pass(.volumeCopied)
        return spare
    }

    /// Has the next ``settle()`` remove it.
    private func reclaim(_ spare: String, in parent: borrowing FileDescriptor) throws(VolumeError) {
        let (number, other) = (parent.number, Self.spare(Self.old))
        do throws(SystemError) {
            _ = try call("renameat", on: spare) { unsafe renameat(number, spare, number, other) }
        } catch  where error.errno == .noSuchFileOrDirectory {
            return
        } catch {
            throw .system("to remove a copy", error)
        }
    }
}
