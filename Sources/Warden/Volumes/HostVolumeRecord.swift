// What the warden writes down of a volume of the host's, in a directory of its own below its state: the record, and
// beside it the image. A volume without a record is none.

import CLinux
import Glibc
import Linux
import Trees

struct HostVolumeRecord: Hashable {
    enum Stage: String, CaseIterable {
        /// Being made: there may be less of it than there should be.
        case making
        case ready
        /// Unmounted, with what is in it.
        case kept
        /// Being deleted.
        case removing
    }

    var path: String
    /// The size, in bytes.
    var bytes: UInt64
    var stage: Stage
    /// In milliseconds since 1970.
    var created: Int64

    static let file = "record"
    private static let heading = "corral volume 1"
    /// The longest path, and the lines before it.
    private static let most = 8192

    /// One line for each value, the path last; none of them can have a line feed (`checkPath`).
    var text: String {
        "\(Self.heading)\nbytes \(bytes)\nstage \(stage.rawValue)\ncreated \(created)\npath \(path)\n"
    }

    /// - Returns: nil for a text that is not what ``text`` makes.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 6, lines[0] == Self.heading, lines[5].isEmpty else { return nil }
        var values: [Substring] = []
        for (line, name) in zip(lines[1...4], ["bytes ", "stage ", "created ", "path "]) {
            guard line.hasPrefix(name) else { return nil }
            values.append(line.dropFirst(name.count))
        }
        guard let bytes = UInt64(values[0]), let stage = Stage(rawValue: String(values[1])),
            let created = Int64(values[2]), values[3].hasPrefix("/")
        else { return nil }
        self.init(path: String(values[3]), bytes: bytes, stage: stage, created: created)
    }

    init(path: String, bytes: UInt64, stage: Stage, created: Int64) {
        self.path = path
        self.bytes = bytes
        self.stage = stage
        self.created = created
    }

    /// The record in a volume's directory; nil where there is none that can be understood.
    static func read(in store: borrowing FileDescriptor) throws(SystemError) -> HostVolumeRecord? {
        do throws(SystemError) {
            let file = try store.open(
                Self.file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolve: [.beneath, .noSymlinks])
            return HostVolumeRecord(String(decoding: try file.readAll(limit: most), as: UTF8.self))
        } catch {
            if [.noSuchFileOrDirectory, .tooManyLinks, .fileTooLarge].contains(error.errno) { return nil }
            throw error
        }
    }

    /// Whole or not at all, and on the disk when this returns.
    func write(in store: borrowing FileDescriptor) throws(SystemError) { try Self.write(text, in: store) }

    static func write(_ text: String, in store: borrowing FileDescriptor) throws(SystemError) {
        let spare = ".\(Self.file).new"
        let number = store.number
        do {
            let file = try store.open(spare, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
            try file.writeAll(Array(text.utf8))
            let fileNumber = file.number
            _ = try call("fsync", on: spare) { fsync(fileNumber) }
        }
        _ = try call("renameat", on: Self.file) { unsafe renameat(number, spare, number, Self.file) }
        _ = try call("fsync", on: Self.file) { fsync(number) }
    }
}

/// The directory that all of them are in, below the warden's state directory.
struct HostVolumeStore: ~Copyable {
    static let directory = "host-volumes"
    let descriptor: FileDescriptor
    /// What errors call it.
    let path: String

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW

    /// - Returns: nil where it is not there and not to be made.
    static func open(in state: String, making: Bool) throws(SystemError) -> HostVolumeStore? {
        let parent = try FileDescriptor.open(state, O_RDONLY | O_DIRECTORY)
        if making {
            do throws(SystemError) {
                try parent.makeDirectory(directory, mode: 0o700)
            } catch  where error.errno == .fileExists {}
        }
        do throws(SystemError) {
            return HostVolumeStore(
                descriptor: try parent.open(directory, flags), path: "\(state)/\(directory)")
        } catch {
            if error.errno == .noSuchFileOrDirectory, !making { return nil }
            throw error
        }
    }

    /// The directories of volumes, sorted.
    borrowing func names() throws(SystemError) -> [String] {
        try descriptor.open(".", Self.flags).entries().filter { $0.kind == .directory && $0.oddName == nil }
            .map(\.name).sorted()
    }

    borrowing func make(_ name: String) throws(SystemError) -> FileDescriptor {
        try descriptor.makeDirectory(name, mode: 0o700)
        return try open(name)
    }

    borrowing func open(_ name: String) throws(SystemError) -> FileDescriptor {
        try descriptor.open(name, Self.flags, resolve: [.beneath, .noSymlinks])
    }

    /// With all that is in it, which are files.
    borrowing func remove(_ name: String) throws(SystemError) {
        let store: FileDescriptor
        do throws(SystemError) {
            store = try open(name)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return
        }
        // The record last: as long as it is there it says what is to be removed.
        for file in try store.entries().map(\.name) where file != HostVolumeRecord.file {
            do throws(SystemError) {
                try store.removeFile(file)
            } catch  where error.errno == .isDirectory {
                try store.removeDirectory(file)
            }
        }
        do throws(SystemError) {
            try store.removeFile(HostVolumeRecord.file)
        } catch  where error.errno == .noSuchFileOrDirectory {}
        try descriptor.removeDirectory(name)
    }
}
