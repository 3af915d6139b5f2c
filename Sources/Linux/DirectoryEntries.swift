import CLinux
import Glibc

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
    /// What the name stands for, as far as the file system says so without a stat.
    package enum Kind: Hashable, Sendable {
        case file, directory, symlink, fifo, socket, device, unknown
    }
    /// Bytes that are not UTF-8 are replaced; such a name can be shown but not opened.
    package var name: String
    package var kind: Kind
    /// The name as it is, where it is not UTF-8.
    package var oddName: [UInt8]?
}

extension FileDescriptor {
    /// Every name in this directory but `.` and `..`, in the file system's order (getdents64(2)).
    /// - Parameters:
    ///   - prefix: what the names have to begin with.
    ///   - limit: the most names to take.
    /// - Throws: `.fileTooLarge` when there are more than `limit`.
    ///
    /// Moves the descriptor's position, so it is not for two threads at once.
    package borrowing func entries(
        startingWith prefix: String = "", limit: Int = .max
    ) throws(SystemError) -> [DirectoryEntry] {
        let directory = number
        let prefix = Array(prefix.utf8)
        _ = try call("lseek") { lseek(directory, 0, SEEK_SET) }
        var entries: [DirectoryEntry] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            var room = buffer.mutableSpan
            let count = try unsafe room.withUnsafeMutableBufferPointer { (bytes) throws(SystemError) in
                try call("getdents64") { unsafe clinux_getdents(directory, bytes.baseAddress, bytes.count) }
            }
            if count == 0 { return entries }
            append(records: buffer[..<count], startingWith: prefix, to: &entries)
            if entries.count > limit { throw SystemError("getdents64", nil, .fileTooLarge) }
        }
    }
}

// struct linux_dirent64: inode and offset of 8 bytes each, length of the record in 2, kind in 1,
// name, NUL, padding.
private func append(
    records: ArraySlice<UInt8>, startingWith prefix: [UInt8], to entries: inout [DirectoryEntry]
) {
    var rest = records
    while rest.count > 19 {
        let start = rest.startIndex
        let length = Int(rest[start + 16]) | Int(rest[start + 17]) << 8
        guard length > 19, length <= rest.count else { return }
        let name = rest[start + 19..<start + length].prefix { $0 != 0 }
        if name.starts(with: prefix), name != [UInt8(ascii: ".")],
            name != [UInt8(ascii: "."), UInt8(ascii: ".")]
        {
            let text = String(validating: name, as: UTF8.self)
            entries.append(
                DirectoryEntry(
                    name: text ?? String(decoding: name, as: UTF8.self),
                    kind: DirectoryEntry.Kind(typeNumber: rest[start + 18]),
                    oddName: text == nil ? Array(name) : nil))
        }
        rest = rest.dropFirst(length)
    }
}

extension DirectoryEntry.Kind {
    /// The numbers are `DT_*` of readdir(3).
    fileprivate init(typeNumber: UInt8) {
        switch Int(typeNumber) {
        case DT_FIFO: self = .fifo
        case DT_CHR, DT_BLK: self = .device
        case DT_DIR: self = .directory
        case DT_REG: self = .file
        case DT_LNK: self = .symlink
        case DT_SOCK: self = .socket
        default: self = .unknown
        }
    }
}
