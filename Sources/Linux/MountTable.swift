import Glibc

/// The mounts of this process's mount namespace (proc_pid_mountinfo(5)).
package struct MountTable: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        /// The number of the mount, which no other one has as long as it is there.
        package let id: UInt64
        /// The file system, as `major:minor`. Not always what fstat(2) says of its files.
        package let device: String
        /// The directory or file of that file system which is mounted.
        package let root: String
        /// Where, seen from this process's root.
        package let point: String
        /// Such as `ext4`.
        package let type: String
    }

    package let entries: [Entry]

    /// Reads the table as it is now.
    package static func read() throws(SystemError) -> MountTable {
        let path = "/proc/self/mountinfo"
        let bytes = try FileDescriptor.open(path, O_RDONLY).readAll(limit: 16 << 20)
        return MountTable(bytes)
    }

    /// Lines that are not as expected are left out.
    package init(_ bytes: [UInt8]) {
        entries = bytes.split(separator: UInt8(ascii: "\n")).compactMap(Entry.init)
    }

    /// The mount that a descriptor stands on; nil where it is none of the table's, as a detached one.
    package func entry(of descriptor: borrowing FileDescriptor) throws(SystemError) -> Entry? {
        let path = "/proc/self/fdinfo/\(descriptor.number)"
        let bytes = try FileDescriptor.open(path, O_RDONLY).readAll(limit: 64 << 10)
        let name = Array("mnt_id:".utf8)
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: name) {
            let number = line.dropFirst(name.count).filter { $0 > UInt8(ascii: " ") }
            let id = UInt64(String(decoding: number, as: UTF8.self))
            return entries.first { $0.id == id }
        }
        return nil
    }
}

extension MountTable.Entry {
    fileprivate init?(_ line: ArraySlice<UInt8>) {
        // Empty ones count: a mount's source can be nothing at all.
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard fields.count > 6, let id = UInt64(String(decoding: fields[0], as: UTF8.self)),
            let dash = fields[6...].firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }),
            dash + 1 < fields.count
        else { return nil }
        self.id = id
        device = String(decoding: fields[2], as: UTF8.self)
        root = unescapedMountPath(fields[3])
        point = unescapedMountPath(fields[4])
        type = String(decoding: fields[dash + 1], as: UTF8.self)
    }
}

/// A path of the table as it is: spaces, tabs, line feeds and backslashes are written there as three octal
/// digits behind a backslash.
package func unescapedMountPath(_ field: ArraySlice<UInt8>) -> String {
    let backslash = UInt8(ascii: "\\")
    if !field.contains(backslash) { return String(decoding: field, as: UTF8.self) }
    var bytes: [UInt8] = []
    var rest = field
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        let isOctal = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        let code = digits.reduce(0) { $0 * 8 + Int($1 & 7) }
        if byte == backslash, digits.count == 3, isOctal, let meant = UInt8(exactly: code) {
            bytes.append(meant)
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
