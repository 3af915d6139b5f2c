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
        let prefix = Array(prefix.utf8)
        try rewindEntries()
        var entries: [DirectoryEntry] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while try visitEntries(
            &buffer, { if $0.starts(with: prefix) { entries.append(DirectoryEntry($0, kind: $1)) } })
        {
            if entries.count > limit { throw SystemError("getdents64", nil, .fileTooLarge) }
        }
        return entries
    }

    /// Has the next ``visitEntries(_:_:)`` begin with the directory's first name.
    package borrowing func rewindEntries() throws(SystemError) {
        let directory = number
        _ = try call("lseek") { lseek(directory, 0, SEEK_SET) }
    }

    /// Gives `body` as many of the names that follow as `buffer` has room for, but `.` and `..`; false
    /// when there were no more. For directories that may have more names than fit into memory.
    ///
    /// What is removed between two calls does no harm; what is made may or may not be seen.
    /// - Parameter buffer: at least 280 bytes, which is what one name may take.
    package borrowing func visitEntries(
        _ buffer: inout [UInt8], _ body: (ArraySlice<UInt8>, DirectoryEntry.Kind) -> Void
    ) throws(SystemError) -> Bool {
        let directory = number
        var room = buffer.mutableSpan
        let count = try unsafe room.withUnsafeMutableBufferPointer { (bytes) throws(SystemError) in
            try call("getdents64") { unsafe clinux_getdents(directory, bytes.baseAddress, bytes.count) }
        }
        visit(records: buffer[..<count], body)
        return count > 0
    }
}

// struct linux_dirent64: inode and offset of 8 bytes each, length of the record in 2, kind in 1,
// name, NUL, padding.
private func visit(
    records: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>, DirectoryEntry.Kind) -> Void
) {
    var rest = records
    while rest.count > 19 {
        let start = rest.startIndex
        let length = Int(rest[start + 16]) | Int(rest[start + 17]) << 8
        guard length > 19, length <= rest.count else { return }
        let name = rest[start + 19..<start + length].prefix { $0 != 0 }
        let isDots = name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
        if !isDots { body(name, DirectoryEntry.Kind(typeNumber: rest[start + 18])) }
        rest = rest.dropFirst(length)
    }
}

extension DirectoryEntry {
    /// - Parameter name: as the kernel has it, not yet known to be UTF-8.
    package init(_ name: ArraySlice<UInt8>, kind: Kind) {
        let text = String(validating: name, as: UTF8.self)
        self.init(
            name: text ?? String(decoding: name, as: UTF8.self), kind: kind,
            oddName: text == nil ? Array(name) : nil)
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
