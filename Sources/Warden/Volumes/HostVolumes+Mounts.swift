// Mounting volumes in the host's mount namespace and taking them away from there, by a process that enters it.

import CLinux
import Glibc
import Launch
import Linux
import Sandbox
import Volumes
import WardenProtocol

extension HostVolumes {
    /// Mounts it on a directory that was looked at. Whoever renames meanwhile has it refused.
    func attach(_ entry: Entry, _ directory: WorkspaceDirectory) throws(Refusal) {
        guard let volume = entry.volume else { throw Refusal(.state, "it is not open") }
        let path = entry.record.path
        let mount = try refusing { () throws(VolumeError) in try volume.mount() }
        let target: FilePlace
        do throws(SystemError) {
            target = try FilePlace(of: directory.descriptor)
        } catch {
            throw Refusal(.system, "\(shown(path)) cannot be looked at: \(error)")
        }
        switch try enter(.attach, path, target, mount: mount.number) {
        case .done: try leaveCopies(entry)
        case .notEmpty: throw Self.notEmpty(path)
        case .other, .absent, .busy:
            throw Refusal(
                .order, "\(shown(path)) was another directory by the time that it was to be mounted on",
                limit: "path")
        }
    }

    /// Unmounts it, everywhere that this warden knows of; nothing where it is not mounted.
    func detach(_ entry: Entry) throws(Refusal) {
        guard entry.volume != nil else { return }
        try leaveCopies(entry)
        switch try ask(.detach, entry) {
        case .done, .other, .absent, .notEmpty: return
        case .busy:
            throw Refusal(
                .volumeInUse,
                "a program of the host uses \(shown(entry.record.path)): a file of it is open there, or it is somebody's "
                    + "working directory (fuser -vm tells whose)")
        }
    }

    /// Sees whether it still is where it should be.
    func look(at entry: Entry) {
        guard entry.record.stage == .ready, entry.volume != nil, entry.problem.isEmpty else { return }
        do throws(Refusal) {
            if try ask(.look, entry) == .done { return }
            entry.problem = "somebody has unmounted it, or renamed a directory that it is in"
        } catch {
            entry.problem = error.sentence
        }
    }

    func ask(_ verb: HostMountProgram.Verb, _ entry: Entry) throws(Refusal) -> HostMountProgram.Outcome {
        guard let volume = entry.volume else { throw Refusal(.state, "it is not open") }
        return try enter(verb, entry.record.path, volume.place)
    }

    private func enter(
        _ verb: HostMountProgram.Verb, _ path: String, _ place: FilePlace, mount: CInt? = nil
    ) throws(Refusal) -> HostMountProgram.Outcome {
        guard let namespace else { throw Refusal(.unsupported, "the host's mount namespace is not known") }
        return try HostMountProgram.run(verb, in: namespace.value, path, place, mount: mount)
    }

    /// What is mounted on the host comes into this namespace as well, by propagation or at its beginning, where it is
    /// no use: it would make each launch slower, and keep the volume from being unmounted there.
    func leaveCopies(_ entry: Entry) throws(Refusal) {
        guard hasMountNamespace, let place = entry.volume?.place else { return }
        do throws(SystemError) {
            for mount in try MountTable.read().entries.reversed() where mount.point == entry.record.path {
                let top = try FileDescriptor.open(mount.point, CLINUX_O_PATH | O_DIRECTORY | O_NOFOLLOW)
                guard try FilePlace(of: top) == place else { continue }
                // MNT_DETACH and UMOUNT_NOFOLLOW (umount(2)).
                _ = try call("umount2", on: mount.point) { unsafe umount2(mount.point, 2 | 8) }
            }
        } catch {
            throw Refusal(.system, "the warden's own copy of \(shown(entry.record.path)) stays: \(error)")
        }
    }
}
