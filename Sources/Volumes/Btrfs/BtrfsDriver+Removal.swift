import CLinux
import FailPoints
import Glibc
import Linux
import Trees

/// Removal. A subvolume's name is gone at once, its room when the kernel's cleaner was there, and its qgroup
/// can go after that only: until then the file `removed/NUMBER` says that there is something left to do, so that
/// no death of this process leaves a qgroup for ever.
extension BtrfsDriver {
    package func remove(_ name: VolumeName) throws(VolumeError) {
        let found = try find(name)
        guard let parent = try tree.parent(of: name, making: false) else { throw .absent(name) }
        try destroy(found.number, named: name.name, in: parent, "\(name)")
    }

    /// Removes a subvolume that has no volume's name; nothing where there is none.
    func removeSubvolume(
        _ name: String, in parent: borrowing FileDescriptor, _ purpose: String
    ) throws(VolumeError) {
        let number: UInt64
        do throws(SystemError) {
            number = try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).subvolumeNumber()
        } catch  where error.errno == .noSuchFileOrDirectory {
            return
        } catch {
            throw .system("to remove \(purpose)", error)
        }
        try destroy(number, named: name, in: parent, purpose)
    }

    private func destroy(
        _ number: UInt64, named name: String, in parent: borrowing FileDescriptor, _ purpose: String
    ) throws(VolumeError) {
        do throws(SystemError) {
            try removeSubvolumes(in: number)
            note(leaving: number)
            FailPoint.pass(.volumeRemoving)
            // What is in a subvolume goes with it, whatever flags that has; its top directory can be in the way.
            _ = parent.liftProtection(of: name)
            try parent.destroySubvolume(name)
            FailPoint.pass(.volumeRemoved)
        } catch {
            throw .system("to remove \(purpose)", error)
        }
    }

    /// Those that somebody made in a volume, the innermost first: a subvolume with another one in it is not
    /// empty. Memory grows with how deep they are only.
    private func removeSubvolumes(in volume: UInt64) throws(SystemError) {
        var path = [volume]
        while let last = path.last {
            if let inside = try tree.root.firstSubvolume(in: last) {
                path.append(inside)
            } else {
                path.removeLast()
                if path.isEmpty { return }
                note(leaving: last)
                try tree.root.destroySubvolume(last)
            }
        }
    }

    package func settle() throws(VolumeError) -> Int {
        if leaving.isEmpty { return 0 }
        return try doing("to settle removals") { () throws(SystemError) in
            try tree.root.startSync()
            let inconsistent = !mendCounts()
            for number in leaving where try isGone(number, inconsistent) { forget(leaving: number) }
            return leaving.count
        }
    }

    /// Whether nothing is left of a removed subvolume, or of a tenant's qgroup; takes its qgroup away where it can.
    private func isGone(_ number: UInt64, _ inconsistent: Bool) throws(SystemError) -> Bool {
        // The note is older than the removal that it is about, which may never have come.
        if number >> 48 == 0, try tree.root.hasSubvolume(number) { return true }
        let group = Qgroup(subvolume: number)
        guard let used = try quota.used(by: group) else { return true }
        // A group that goes while something is charged to it makes the counts of the whole file system wrong.
        if used > 0, !inconsistent { return false }
        return try tree.root.removeQgroup(group)
    }

    /// Remembers that a qgroup has to go.
    func note(leaving number: UInt64) {
        leaving.insert(number)
        // A full disk must not be a reason to remove nothing. Then it is remembered here only.
        guard let removed = try? tree.directory("removed", making: true) else { return }
        _ = try? removed.open("\(number)", O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600)
    }

    private func forget(leaving number: UInt64) {
        leaving.remove(number)
        try? tree.root.removeFile("removed/\(number)")
    }

    /// What a process before this one did not get to the end of.
    func takeUpRemovals() throws(VolumeError) {
        for tenant in try tree.names(in: "workspaces") {
            try takeUpRestores("workspaces/\(tenant)")
            try takeUpRestores("sessions/\(tenant)")
        }
        leaving = try noted()
    }

    /// What files remember of removals that somebody has to get to the end of.
    func noted() throws(VolumeError) -> Set<UInt64> {
        guard let removed = try tree.directory("removed", making: false) else { return [] }
        let entries = try doing("to read removed") { () throws(SystemError) in try removed.entries() }
        return Set(entries.compactMap { UInt64($0.name) })
    }

    private func takeUpRestores(_ place: String) throws(VolumeError) {
        guard let directory = try tree.directory(place, making: false) else { return }
        for name in try tree.names(in: place) where name.hasPrefix(".new-") {
            try removeSubvolume(name, in: directory, "\(place)/\(name)")
        }
    }

    package func makeRoom() throws(VolumeError) { try image?.makeRoom(for: .max) }

    package func letMount(at path: String?) throws(VolumeError) { try image?.letMount(at: path) }

    package func tend() throws(VolumeError) -> [VolumeTrouble] {
        var troubles: [VolumeTrouble] = []
        let readOnly = try doing("to look at \(tree.path)") { () throws(SystemError) in
            try tree.root.fileSystem().read_only != 0
        }
        if !mendCounts() { troubles.append(.countsInconsistent) }
        if readOnly { troubles.append(.readOnly) }
        for name in try list() {
            let number = try number(of: name)
            let inside = try doing("to look into \(name)") { () throws(SystemError) in
                try tree.root.firstSubvolume(in: number)
            }
            if inside != nil { troubles.append(.subvolumeInside(name)) }
        }
        guard let image, !readOnly else { return troubles }
        do throws(VolumeError) {
            // Chunks that are empty but still taken for data are no room for metadata: they are given up now.
            if image.policy.free(try image.room()) < image.policy.headroom {
                try doing("to tidy \(image.path)") { () throws(SystemError) in try tree.root.syncBtrfs() }
            }
            try image.makeRoom(for: .max)
        } catch {
            switch error {
            case .imageFull, .diskFull: troubles.append(.cannotGrow(error))
            default: throw error
            }
        }
        return troubles
    }
}
