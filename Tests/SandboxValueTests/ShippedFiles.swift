import Glibc
import Sandbox
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

/// The names of the profiles that are shipped.
let shippedProfiles = [
    "default", "network_basic", "network_extended", "offline", "offline_readonly", "strict",
]

/// A shipped profile's file and all that it extends.
func shippedChain(_ name: String) throws -> ProfileChain {
    func read(_ name: String) throws -> ProfileFile {
        try ProfileFile(repositoryFile("profiles/\(name).yaml"), file: "profiles/\(name).yaml")
    }
    return try ProfileChain(from: read(name)) { (_, reference) throws(ProfileChain.Missing) in
        do { return try read(reference.target) } catch { throw .absent("\(error)") }
    }
}

func shippedProfile(_ name: String) throws -> Profile { try shippedChain(name).profile() }
