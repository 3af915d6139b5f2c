import Glibc
import Testing

/// A file of this repository, found by where this source file is.
func repositoryFile(_ path: String) throws -> [UInt8] {
    var root = #filePath[...]
    for _ in 0..<3 { root = root[..<(try #require(root.lastIndex(of: "/")))] }
    let file = unsafe fopen("\(root)/\(path)", "r")
    let open = unsafe try #require(file, "\(path) cannot be opened")
    defer { unsafe fclose(open) }
    var bytes: [UInt8] = []
    while case let byte = unsafe getc(open), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return bytes
}
