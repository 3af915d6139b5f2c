// Making a directory of the host a volume: what may be one, and nothing of one that could not be made.

import CLinux
import FailPoints
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import Volumes
import WardenProtocol

extension HostVolumes {
    func make(_ path: String, _ bytes: UInt64) throws(Refusal) -> Entry {
        try check(bytes)
        try checkNew(path)
        let directory = try directories.open(path, field: "path")
        try checkEmpty(directory)
        let maker = try maker()
        let name = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
        let entry = Entry(
            name, HostVolumeRecord(path: path, bytes: bytes, stage: .making, created: Self.wall))
        do throws(Refusal) {
            try storing { (store) throws(SystemError) in
                try entry.record.write(in: store.make(name))
            }
            FailPoint.pass(.hostVolumeRecorded)
            try build(entry, directory, maker)
            try attach(entry, directory)
            FailPoint.pass(.hostVolumeMounted)
            entry.record.stage = .ready
            try write(entry)
        } catch {
            undo(entry)
            throw error
        }
        entries.append(entry)
        return entry
    }

    private func build(
        _ entry: Entry, _ directory: WorkspaceDirectory, _ maker: String
    ) throws(Refusal) {
        let store = try store(of: entry)
        let place = place(of: entry)
        try refusing { () throws(VolumeError) in
            let owner: DirectoryOwner
            do throws(SystemError) {
                owner = try DirectoryOwner(of: directory.descriptor)
            } catch {
                throw .system("to look at \(entry.record.path)", error)
            }
            let volume = try HostVolume(
                making: store, store: place, path: entry.record.path, bytes: entry.record.bytes,
                owner: owner, maker: maker)
            try volume.letMount(at: hasMountNamespace ? try room(place) : nil)
            entry.volume = volume
        }
    }

    /// Milliseconds since 1970.
    private static var wall: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func check(_ bytes: UInt64) throws(Refusal) {
        if bytes < HostVolume.least {
            throw Refusal(
                .volumeLimit, "a volume of \(bytes) bytes; expected at least \(HostVolume.least)",
                limit: "bytes", asked: "\(bytes)", allowed: "\(HostVolume.least)")
        }
        if bytes > policy.image {
            throw Refusal(
                .ceiling, "a volume of \(bytes) bytes is more than one may have (setting volumes.image)",
                limit: "bytes", asked: "\(bytes)", allowed: "\(policy.image)")
        }
    }

    private func checkNew(_ path: String) throws(Refusal) {
        if let other = entries.first(where: {
            $0.record.path == path || isBelow(path, $0.record.path) || isBelow($0.record.path, path)
        }) {
            let what = other.record.stage == .kept ? "kept of a volume that was removed" : "a volume"
            throw Refusal(
                .volumeExists,
                other.record.path == path
                    ? "\(shown(path)) is \(what)"
                    : "\(shown(path)) and the volume \(shown(other.record.path)) "
                        + "would be inside each other", limit: "path")
        }
        try Ceilings.check("host volumes", entries.count, atMost: HostVolumeState.most)
    }

    func checkEmpty(_ directory: WorkspaceDirectory) throws(Refusal) {
        do throws(SystemError) {
            if try directory.descriptor.open(".", O_RDONLY | O_DIRECTORY).entries(limit: 1).isEmpty { return }
        } catch  where error.errno == .fileTooLarge {
        } catch {
            throw Refusal(.system, "\(shown(directory.path)) cannot be read: \(error)")
        }
        throw Self.notEmpty(directory.path)
    }

    static func notEmpty(_ path: String) -> Refusal {
        Refusal(
            .volumeNotEmpty,
            "\(shown(path)) has files in it, which would be hidden below the volume; move them away, make the "
                + "volume, and move them back into it", limit: "path")
    }

    /// What makes file systems, where this host can have one in an image.
    private func maker() throws(Refusal) -> String {
        let path = state ?? ""
        return try refusing { () throws(VolumeError) in
            try VolumeFacts.read(Self.open(path), path: path).imageMaker(path)
        }
    }

    private static func open(_ path: String) throws(VolumeError) -> FileDescriptor {
        do throws(SystemError) {
            return try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system("to open \(path)", error)
        }
    }

    /// Nothing is left of one that could not be made.
    func undo(_ entry: Entry) {
        do throws(Refusal) {
            try detach(entry)
            entry.volume = nil
            try storing { (store) throws(SystemError) in try store.remove(entry.name) }
        } catch {
            tell("what was made of the volume \(entry.record.path) cannot be removed: \(error)")
        }
    }
}
