import CLinux
import InitPlan
import Sandbox

/// The mounts that the caller adds to those of the image.
extension LaunchPlanner {
    /// - Parameter first: the number of the first descriptor that is handed over for them; nil where
    ///   the init has to find their sources itself.
    func addedMounts(_ list: inout StepList, handedOverFrom first: Int?) {
        for placement in placements.list {
            makePlace(placement, &list)
            switch placement.prepared.mount.source {
            case .memory(let memory): self.memory(memory, placement, &list)
            case .host(let shownAs): host(shownAs, placement, first, &list)
            }
        }
    }

    /// Directories to which added mounts let processes write.
    var writableDirectories: [String] { writable { !$0.isFile } }
    /// Single files, likewise.
    var writableFiles: [String] { writable(\.isFile) }

    private func writable(_ isIncluded: (PreparedMount) -> Bool) -> [String] {
        placements.list.map(\.prepared).filter { !$0.mount.readOnly && isIncluded($0) }.map(\.mount.target)
    }

    private func makePlace(_ placement: MountPlacements.Placement, _ list: inout StepList) {
        guard case .memory(let above) = placement.ground else { return }
        let target = placement.target
        for path in above + (placement.prepared.isFile ? [] : [target]) {
            list.add(.directory, "directory \(shown(path))") { fields in
                fields.text(path)
                fields.integer(0o755)
            }
        }
        guard placement.prepared.isFile else { return }
        list.add(.file, "file \(shown(target))") { fields in
            fields.text(target)
            fields.integer(0o444)
            fields.text("")
        }
    }

    private func memory(
        _ memory: AddedMount.Memory, _ placement: MountPlacements.Placement, _ list: inout StepList
    ) {
        // The processes' own, so that a mode such as 0700 means what it says to them.
        tmpfs(
            placement.target, size: memory.size, files: memory.files, mode: memory.mode,
            owner: Identity.insideID, executable: memory.executable, &list)
    }

    private func host(
        _ shownAs: String, _ placement: MountPlacements.Placement, _ first: Int?, _ list: inout StepList
    ) {
        guard let found = placement.prepared.found, let number = placement.handedOver else { return }
        let (target, readOnly) = (placement.target, placement.prepared.mount.readOnly)
        let words = "nosuid, nodev\(readOnly ? ", read-only" : "")"
        let what = "mount \(shown(shownAs)) at \(shown(target))"
        if let first {
            list.add(.bindDescriptor, "\(what), idmapped, \(words)") { fields in
                fields.text(target)
                fields.integer(UInt64(first + number))
            }
            return
        }
        let flags = CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | (readOnly ? CLINUX_MOUNT_RDONLY : 0)
        list.add(.bindSource, "\(what), \(words)") { fields in
            fields.text(target)
            fields.text(found.path)
            fields.integer(found.device)
            fields.integer(found.inode)
            fields.integer(found.isDirectory ? 1 : 0)
            fields.integer(UInt64(spec.without.kept(flags)))
        }
    }
}
