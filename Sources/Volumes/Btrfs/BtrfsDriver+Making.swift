import CLinux
import FailPoints
import Glibc
import Linux
import Trees

/// Making volumes, from nothing and from others.
extension BtrfsDriver {
    package func snapshot(_ name: VolumeName, as copy: VolumeName) throws(VolumeError) {
        try copy.check()
        guard case .snapshot(let tenant, _) = copy, tenant == name.tenant else {
            throw .unsupported(.btrfs, "snapshot \(copy) of \(name); expected snapshots/\(name.tenant)/NAME")
        }
        let source = try find(name)
        let group = try group(of: tenant)
        let parent = try place(of: copy)
        // What it shares with its source it may always hold.
        FailPoint.pass(.volumeBeforeCopy)
        try subvolume(copy) { () throws(SystemError) in
            try parent.makeSubvolume(
                copy.name, source: source.directory.number, readOnly: true,
                bytes: try quota.limit(of: Qgroup(subvolume: source.number)), parents: [group])
            mendCounts()
        }
    }

    package func fork(
        _ name: VolumeName, as copy: VolumeName, _ request: VolumeRequest
    ) throws(VolumeError) -> Volume {
        try copy.check()
        try check(request)
        // One in two tenants' groups at once would make the counts of both wrong.
        guard name.tenant == copy.tenant else {
            throw .unsupported(.btrfs, "fork \(copy) of \(name); expected one of the same tenant's")
        }
        let source = try find(name)
        var limit = request.limits.bytes
        if limit == nil { limit = try self.limit(of: Qgroup(subvolume: source.number)) }
        return try make(copy, source: source.directory.number, limit: limit, request)
    }

    package func restore(_ name: VolumeName, from snapshot: VolumeName) throws(VolumeError) {
        let old = try find(name)
        let source = try find(snapshot)
        guard name.tenant == snapshot.tenant, case .snapshot = snapshot else {
            throw .unsupported(
                .btrfs, "restore of \(name) from \(snapshot); expected snapshots/\(name.tenant)/NAME")
        }
        let limit = try limit(of: Qgroup(subvolume: old.number))
        let group = try group(of: name.tenant)
        let parent = try place(of: name)
        let spare = ".new-\(name.name)"
        let number = parent.number
        try removeSubvolume(spare, in: parent, "\(name)")
        try subvolume(name) { () throws(SystemError) in
            try parent.makeSubvolume(
                spare, source: source.directory.number, bytes: limit, parents: [group])
            mendCounts()
            let copy = try parent.open(spare, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try limitCopy(copy, limit)
            FailPoint.pass(.volumeCopied)
            // The name always means one of the two.
            _ = try call("renameat2", on: spare) { unsafe clinux_exchange(number, spare, number, name.name) }
        }
        FailPoint.pass(.volumeExchanged)
        try removeSubvolume(spare, in: parent, "\(name)")
    }

    /// - Parameter source: the number of a descriptor of the subvolume to begin with; -1 for none.
    func make(
        _ name: VolumeName, source: CInt, limit: UInt64?, _ request: VolumeRequest
    ) throws(VolumeError) -> Volume {
        let group = try group(of: name.tenant)
        let parent = try place(of: name)
        try image?.makeRoom(for: limit ?? .max)
        try subvolume(name) { () throws(SystemError) in
            try parent.makeSubvolume(name.name, source: source, bytes: limit, parents: [group])
            if source >= 0 { mendCounts() }
        }
        FailPoint.pass(.volumeMade)
        do throws(SystemError) {
            let directory = try parent.open(name.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            // A copy is as its source was.
            if source < 0 { try VolumeTree.give(directory, request) } else { try limitCopy(directory, limit) }
            return Volume(name: name, directory: directory)
        } catch {
            try? removeSubvolume(name.name, in: parent, "\(name)")
            if error.errno == .quotaExceeded { throw .tenantFull(name.tenant) }
            throw .system("to make \(name)", error)
        }
    }

    /// With quota groups a copy gets its source's limit, whatever the call that makes it says
    /// (btrfs_qgroup_inherit in the kernel).
    private func limitCopy(
        _ copy: borrowing FileDescriptor, _ bytes: UInt64?
    ) throws(SystemError) {
        guard mode == .full else { return }
        let group = Qgroup(subvolume: try copy.subvolumeNumber())
        if try quota.limit(of: group) != bytes { try copy.limitQgroup(group, bytes: bytes) }
    }

    /// Has the kernel count again where it says that its counts are wrong. Quota groups of older kernels (Linux 6.1)
    /// give up at each copy that joins a group, and from then on count nothing, so that no limit holds.
    /// - Returns: whether the counts are right now. Not where the counting failed, or somebody else's copy ended it
    ///   again and again: then ``tend()`` tells of it and tries the next time.
    @discardableResult
    func mendCounts() -> Bool {
        do throws(SystemError) {
            for _ in 0..<4 {
                if try !quota.isInconsistent() { return true }
                guard mode == .full else { return false }
                try tree.root.countAgain()
            }
            return try !quota.isInconsistent()
        } catch {
            return false
        }
    }

    /// Refuses what cannot be: before anything is made.
    func check(_ request: VolumeRequest) throws(VolumeError) {
        let capacity: UInt64
        if let image {
            capacity = image.policy.bound
        } else {
            capacity = try doing("to look at \(tree.path)") { () throws(SystemError) in
                try tree.root.btrfsRoom()
            }.size
        }
        try request.limits.check(capacity: capacity)
        try report.check(request.limits, allowSoft: request.allowSoft)
    }

    /// The directory that the volume is to be in.
    private func place(of name: VolumeName) throws(VolumeError) -> FileDescriptor {
        guard let parent = try tree.parent(of: name, making: true) else {
            throw .notAVolume("\(tree.path)/\(name.kind)/\(name.tenant)")
        }
        return parent
    }

    /// Gives the errors of making a subvolume their names.
    private func subvolume(_ name: VolumeName, _ body: () throws(SystemError) -> Void) throws(VolumeError) {
        do throws(SystemError) {
            try body()
        } catch {
            switch error.errno {
            case .fileExists: throw .exists(name)
            case Errno(rawValue: EDQUOT): throw .tenantFull(name.tenant)
            case .noSpace:
                let room = try? tree.root.fileSystem()
                throw .diskFull(
                    "\(name)", wanted: VolumeLimits.leastBytes, available: room?.available ?? 0)
            default: throw .system("to make \(name)", error)
            }
        }
    }
}

/// Finding volumes and what is known of them.
extension BtrfsDriver {
    /// A volume that is there: its top directory and the number of its subvolume.
    struct Found: ~Copyable {
        let directory: FileDescriptor
        let number: UInt64
    }

    func find(_ name: VolumeName) throws(VolumeError) -> Found {
        let directory = try tree.open(name)
        do throws(SystemError) {
            let number = try directory.subvolumeNumber()
            return Found(directory: directory, number: number)
        } catch {
            if error.errno == .notDirectory { throw .notAVolume("\(name)") }
            throw .system("to open \(name)", error)
        }
    }

    func number(of name: VolumeName) throws(VolumeError) -> UInt64 {
        let found = try find(name)
        return found.number
    }

    func number(of directory: borrowing FileDescriptor, _ name: String) throws(VolumeError) -> UInt64 {
        do throws(SystemError) {
            return try directory.subvolumeNumber()
        } catch {
            if error.errno == .notDirectory { throw .notAVolume("\(tree.path)/\(name)") }
            throw .system("to look at \(name)", error)
        }
    }

    func limit(of group: Qgroup) throws(VolumeError) -> UInt64? {
        try doing("to read a limit") { () throws(SystemError) in try quota.limit(of: group) }
    }

    func used(by group: Qgroup) throws(VolumeError) -> UInt64? {
        try doing("to read what is used") { () throws(SystemError) in try quota.used(by: group) }
    }
}
