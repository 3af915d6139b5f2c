// Copying a tree in steps, for file systems that cannot do it at once: snapshots and forks of project quotas.
import CLinux
import Glibc
import Linux
import Trees

/// How far a copy is.
package struct CopyProgress: Hashable, Sendable {
    /// Files, directories and links that are there.
    package var entries: UInt64 = 0
    /// What was read and written, in bytes: nothing for files that share their blocks, nothing for holes.
    package var copied: UInt64 = 0
    /// What shares its blocks with the original, in bytes.
    package var shared: UInt64 = 0
    /// What there is to copy or to share, in bytes; nil where nothing has counted it.
    package var total: UInt64?
}

/// Copies everything that is in one directory into another, a bounded piece at a time.
///
/// By descriptor, one name at a time, through no link: whoever swaps names meanwhile gets an error and nothing of
/// what lies elsewhere. Owners, permissions, times, hard links, holes, `user.` attributes and access control lists
/// are kept. Each file shares its blocks with the original where the file system can (FICLONE).
struct TreeTransfer: ~Copyable {
    /// Directories inside each other that it enters. Each holds two descriptors.
    static let depth = 256
    /// Files with several names that it remembers.
    static let links = 1 << 20

    var progress = CopyProgress()
    private var levels: [Level]
    private var file: OpenFile?
    /// Where the first name of a file that has several went: its inode number to its path below the target.
    private var firstNames: [UInt64: [CChar]] = [:]
    /// Whether files can share their blocks; nil for not tried.
    private var canShare: Bool?
    private let device: UInt64

    private struct Level {
        let source: Held<FileDescriptor>
        let target: Held<FileDescriptor>
        /// With a slash behind it unless it is empty; no NUL.
        let path: [CChar]
        var names: [[CChar]] = []
        var isRead = false
    }

    private struct OpenFile {
        let source: Held<FileDescriptor>
        let target: Held<FileDescriptor>
        let size: Int64
        var offset: Int64 = 0
    }

    /// - Parameters:
    ///   - source: open for reading; its position is moved.
    ///   - target: empty.
    init(from source: consuming FileDescriptor, to target: consuming FileDescriptor) throws(SystemError) {
        device = try source.status().device
        levels = [Level(source: Held(source), target: Held(target), path: [])]
    }

    /// Copies some more.
    /// - Parameter bytes: about how much; an entry counts as 4096.
    /// - Returns: true when all is there.
    /// - Throws: what copying says; `.notSupported` for a device file, `.tooManyFiles` where the tree is deeper than
    ///   ``depth``, `.crossesDevice` for what is mounted there, `.busy` where names changed meanwhile.
    mutating func advance(bytes: UInt64) throws(SystemError) -> Bool {
        var left = Int64(clamping: bytes)
        while left > 0 {
            if file != nil {
                left -= try copyContents(atMost: left)
                continue
            }
            guard try enterNext() else { return true }
            left -= 4096
        }
        return false
    }

    // MARK: Directories

    /// Copies the next name, or leaves the directory that has no more.
    /// - Returns: false when there is none left anywhere.
    private mutating func enterNext() throws(SystemError) -> Bool {
        guard let last = levels.indices.last else { return false }
        if let name = levels[last].names.popLast() {
            try copy(name, in: levels[last])
            return true
        }
        if !levels[last].isRead {
            try readNames(last)
            return true
        }
        // Last of all, because making names changes a directory's times.
        let level = levels.removeLast()
        let (from, to) = (level.source.value.number, level.target.value.number)
        _ = try call("fchown") { clinux_copy_attributes(from, to) }
        return true
    }

    private mutating func readNames(_ level: Int) throws(SystemError) {
        var buffer = [UInt8](repeating: 0, count: 8192)
        var names: [[CChar]] = []
        let more = try levels[level].source.value.visitEntries(&buffer) { name, _ in
            names.append(name.map { CChar(bitPattern: $0) } + [0])
        }
        levels[level].names = names
        levels[level].isRead = !more
    }

    private mutating func copy(_ name: [CChar], in level: Level) throws(SystemError) {
        let shown = name.dropLast().map { UInt8(bitPattern: $0) }
        guard let status = try level.source.value.status(ofEntry: shown) else { throw busy(shown) }
        progress.entries += 1
        let (from, to) = (level.source.value.number, level.target.value.number)
        switch status.kind {
        case .directory: try enter(name, status, level)
        case .file: try open(name, status, level)
        case .symlink, .fifo, .socket, .device:
            _ = try call("mknodat", on: text(shown)) { unsafe clinux_copy_special(from, to, name) }
        }
    }

    private mutating func enter(
        _ name: [CChar], _ status: EntryStatus, _ level: Level
    ) throws(SystemError) {
        let shown = text(name.dropLast().map { UInt8(bitPattern: $0) })
        guard levels.count < Self.depth else { throw SystemError("openat", shown, .tooManyFiles) }
        guard status.device == device else { throw SystemError("openat", shown, .crossesDevice) }
        let source = try open(name, in: level.source.value, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        guard try source.value.status().inode == status.inode else {
            throw SystemError("openat", shown, .busy)
        }
        let to = level.target.value.number
        _ = try call("mkdirat", on: shown) { unsafe mkdirat(to, name, 0o700) }
        let target = try open(name, in: level.target.value, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        levels.append(
            Level(
                source: source, target: target,
                path: level.path + name.dropLast() + [CChar(bitPattern: UInt8(ascii: "/"))]))
    }

    // MARK: Files

    private mutating func open(
        _ name: [CChar], _ status: EntryStatus, _ level: Level
    ) throws(SystemError) {
        let shown = text(name.dropLast().map { UInt8(bitPattern: $0) })
        if status.links > 1 {
            if let first = firstNames[status.inode] {
                let (top, to) = (levels[0].target.value.number, level.target.value.number)
                _ = try call("linkat", on: shown) { unsafe linkat(top, first, to, name, 0) }
                return
            }
            guard firstNames.count < Self.links else { throw SystemError("linkat", shown, .outOfMemory) }
            firstNames[status.inode] = level.path + name
        }
        // Not blocking: what became a FIFO meanwhile must not hold us up.
        let source = try open(name, in: level.source.value, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        let opened = try source.value.status()
        guard opened.inode == status.inode, opened.kind == .file else {
            throw SystemError("openat", shown, .busy)
        }
        let target = try open(name, in: level.target.value, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        file = OpenFile(source: source, target: target, size: Int64(clamping: opened.size))
    }

    /// - Returns: about how many bytes it took.
    private mutating func copyContents(atMost most: Int64) throws(SystemError) -> Int64 {
        guard let file else { return 0 }
        let (from, to) = (file.source.value.number, file.target.value.number)
        if file.offset == 0, file.size > 0, try share(from, to) {
            progress.shared += UInt64(file.size)
            try finishFile(file)
            return 4096
        }
        guard file.offset < file.size, let data = try Self.next(from, file.offset), data < file.size else {
            // What is left is a hole, or was cut off meanwhile.
            _ = try call("ftruncate") { ftruncate(to, off_t(file.size)) }
            try finishFile(file)
            return 4096
        }
        let end = min(file.size, try call("lseek") { clinux_next_hole(from, data) })
        let wanted = min(end - data, most, 8 << 20)
        let count = try call("copy_file_range") { clinux_copy_range(from, to, data, Int(wanted)) }
        // 0: somebody has cut it off.
        self.file?.offset = count == 0 ? file.size : data + Int64(count)
        progress.copied += UInt64(count)
        return max(4096, Int64(count))
    }

    private mutating func share(_ from: CInt, _ to: CInt) throws(SystemError) -> Bool {
        if canShare == false { return false }
        do throws(SystemError) {
            _ = try call("FICLONE") { clinux_share_contents(to, from) }
            canShare = true
        } catch {
            switch error.errno {
            case .notSupported, .crossesDevice, .invalidArgument: canShare = false
            default: throw error
            }
        }
        return canShare == true
    }

    private mutating func finishFile(_ file: OpenFile) throws(SystemError) {
        let (from, to) = (file.source.value.number, file.target.value.number)
        self.file = nil
        _ = try call("fchown") { clinux_copy_attributes(from, to) }
    }

    /// Where the next data begin; nil where there are none.
    private static func next(_ file: CInt, _ offset: Int64) throws(SystemError) -> Int64? {
        do throws(SystemError) {
            return try call("lseek") { clinux_next_data(file, offset) }
        } catch  where error.errno == .noDeviceOrAddress {
            return nil
        }
    }

    // MARK: Names

    /// - Parameter name: with a NUL at its end; need not be UTF-8.
    private func open(
        _ name: [CChar], in directory: borrowing FileDescriptor, _ flags: CInt
    ) throws(SystemError) -> Held<FileDescriptor> {
        let number = directory.number
        return Held(
            FileDescriptor(
                owning: try call("openat", on: text(name.dropLast().map { UInt8(bitPattern: $0) })) {
                    unsafe openat(number, name, flags | O_CLOEXEC, 0o600)
                }))
    }

    private func text(_ name: [UInt8]) -> String { String(decoding: name, as: UTF8.self) }

    private func busy(_ name: [UInt8]) -> SystemError { SystemError("fstatat", text(name), .busy) }
}
