import Glibc
import Linux

/// A new directory, lent to `body` open and by name, and removed with what is in it.
func withTemporaryDirectory(_ body: (String, borrowing FileDescriptor) throws -> Void) throws {
    let path = try makeTemporaryDirectory()
    defer { removeTree(path) }
    try body(path, try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
}

/// A new directory, for ``removeTree(_:)`` to remove.
func makeTemporaryDirectory() throws -> String {
    var place = "/tmp"
    if let variable = unsafe getenv("TMPDIR") { place = unsafe String(cString: variable) }
    var template = Array("\(place)/linux-tests-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return false }
        return unsafe mkdtemp(start) != nil
    }
    guard made else { throw SystemError("mkdtemp", place, Errno(rawValue: errno)) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func write(_ text: String, to path: String) throws {
    try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644).writeAll(Array(text.utf8))
}

func removeTree(_ path: String) {
    guard let directory = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return }
    for entry in (try? directory.entries()) ?? [] {
        if entry.kind == .directory {
            removeTree("\(path)/\(entry.name)")
        } else {
            try? directory.removeFile(entry.name)
        }
    }
    _ = unsafe rmdir(path)
}
