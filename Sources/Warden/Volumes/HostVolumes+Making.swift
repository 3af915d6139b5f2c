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
    /// Has one made; it is mounted when its file system is there.
    func make(
        _ path: String, _ bytes: UInt64, _ then: @escaping (VolumeKeeper.Answer) -> Void
    ) throws(Refusal) {
        try check(bytes)
        try checkNew(path)
        let directory = try directories.open(path, field: "path")
        try checkEmpty(directory)
        try needStore(for: path, "made")
        let maker = try maker()
        let owner: DirectoryOwner
        do throws(SystemError) {
            owner = try DirectoryOwner(of: directory.descriptor)
        } catch {
            throw Refusal(.system, "\(shown(path)) cannot be looked at: \(error)")
        }
        let name = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
        let entry = Entry(
            name, HostVolumeRecord(path: path, bytes: bytes, stage: .making, created: Self.wall))
        entry.problem = "it is being made"
        entries.append(entry)
        let order = HostImageOrder(
            name: name, record: entry.record.text, path: path, bytes: bytes, user: owner.user,
            group: owner.group, mode: owner.mode, maker: maker)
        work(.host(order), "made", entry) { [self] refusal in
            do throws(Refusal) {
                if let refusal { throw refusal }
                FailPoint.pass(.hostVolumeRecorded)
                try open(entry)
                try attach(entry, directory)
                FailPoint.pass(.hostVolumeMounted)
            } catch {
                return giveUp(entry, error, then)
            }
            keep(entry, then)
        }
    }

    /// Puts it on record.
    private func keep(_ entry: Entry, _ then: @escaping (VolumeKeeper.Answer) -> Void) {
        var record = entry.record
        record.stage = .ready
        work(.record(name: entry.name, text: record.text), "made", entry) { [self] refusal in
            if let refusal { return giveUp(entry, refusal, then) }
            entry.record = record
            entry.problem = ""
            then(.done(.hostVolume(state(of: entry))))
        }
    }

    private func giveUp(_ entry: Entry, _ why: Refusal, _ then: (VolumeKeeper.Answer) -> Void) {
        entries.removeAll { $0 === entry }
        undo(entry)
        then(.refused(why))
    }

    /// Another size: what is in it stays, and so do sessions and programs that use it.
    func resize(
        _ entry: Entry, _ bytes: UInt64, _ then: @escaping (VolumeKeeper.Answer) -> Void
    ) throws(Refusal) {
        let path = shown(entry.record.path)
        try check(bytes)
        look(at: entry)
        guard entry.record.stage == .ready, entry.problem.isEmpty, let volume = entry.volume else {
            let why = entry.problem.isEmpty ? "" : ": \(entry.problem)"
            throw Refusal(
                .state, "the volume \(path) is not mounted (corral volume create --adopt mounts it)\(why)",
                limit: "path")
        }
        try needStore(for: entry.record.path, "resized")
        var record = entry.record
        record.bytes = bytes
        let parts = volume.sizeParts
        let size = HostImageSize(
            name: entry.name, record: record.text, path: entry.record.path, bytes: bytes, device: parts.device
        )
        work(.resize(size), "resized", entry, holding: parts.descriptors) { [self] refusal in
            if let refusal { return then(.refused(refusal)) }
            volume.resized(to: bytes)
            entry.record = record
            then(.done(.hostVolume(state(of: entry))))
        }
    }

    /// Has another process do what waits for the disk.
    /// - Parameters:
    ///   - what: what the volume is being, for who asks for something else.
    ///   - done: called once, now or later.
    func work(
        _ work: ImageWork, _ what: String, _ entry: Entry, holding: [CInt] = [],
        started: () -> Void = {}, _ done: @escaping (Refusal?) -> Void
    ) {
        entry.work = what
        do throws(Refusal) {
            guard let images else { throw Refusal(.state, "nobody can work on volumes") }
            try storing { (store) throws(SystemError) in
                try images.begin(work, in: store.descriptor, store.path, holding: holding, started: started) {
                    refusal in
                    entry.work = nil
                    done(refusal)
                }
            }
        } catch {
            entry.work = nil
            done(error)
        }
    }

    /// Closes it. Whoever has it open besides keeps it.
    func letGo(_ entry: Entry) {
        entry.volume = nil
        // Where it had to be mounted in this namespace to be cloned; anywhere else there is nothing.
        if hasMountNamespace { _ = unsafe umount2("\(place(of: entry))/room", 2 | 8) }
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
            letGo(entry)
            try storing { (store) throws(SystemError) in try store.remove(entry.name) }
        } catch {
            tell("what was made of the volume \(entry.record.path) cannot be removed: \(error)")
        }
    }
}
