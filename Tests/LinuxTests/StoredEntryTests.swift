// Opening what stands at the top of a stored tree.

import CLinux
import Glibc
import Testing

@testable import Linux

@Suite struct StoredEntryTests {
    private enum Opened: Equatable {
        case success(UInt32)
        case failure(Errno)
    }

    private static func open(
        _ name: String, in tree: String, isDirectory: Bool, inodeOffset: UInt64 = 0
    ) throws -> Opened {
        let top = try FileDescriptor.open(tree, O_RDONLY | O_DIRECTORY)
        var status = clinux_stat()
        try #require(unsafe clinux_fstat(top.number, &status) == 0)
        let number = unsafe clinux_stored_entry(
            tree, status.device, status.inode + inodeOffset, name, isDirectory ? 1 : 0)
        if number < 0 { return .failure(Errno(rawValue: errno)) }
        let entry = FileDescriptor(owning: number)
        try #require(unsafe clinux_fstat(entry.number, &status) == 0)
        return .success(status.mode & S_IFMT)
    }

    @Test func `a directory and a file are opened as what they are`() throws {
        try withTemporaryDirectory { path, directory in
            try directory.makeDirectory("usr")
            _ = try directory.open("file", O_WRONLY | O_CREAT, mode: 0o644)
            #expect(try StoredEntryTests.open("usr", in: path, isDirectory: true) == .success(S_IFDIR))
            #expect(try StoredEntryTests.open("file", in: path, isDirectory: false) == .success(S_IFREG))
            #expect(try StoredEntryTests.open("file", in: path, isDirectory: true) == .failure(.notDirectory))
            #expect(
                try StoredEntryTests.open("usr", in: path, isDirectory: false) == .failure(.invalidArgument))
            #expect(
                try StoredEntryTests.open("none", in: path, isDirectory: true)
                    == .failure(.noSuchFileOrDirectory))
        }
    }

    @Test func `another directory in the tree's place is noticed`() throws {
        try withTemporaryDirectory { path, directory in
            try directory.makeDirectory("usr")
            #expect(
                try StoredEntryTests.open("usr", in: path, isDirectory: true, inodeOffset: 1)
                    == .failure(Errno(rawValue: ESTALE)))
        }
    }

    @Test func `links lead nowhere`() throws {
        try withTemporaryDirectory { path, directory in
            try directory.makeDirectory("usr")
            for (name, target) in [
                ("etc", "/etc"), ("up", ".."), ("beside", "usr"), ("magic", "/proc/self/root"),
            ] {
                try #require(unsafe symlinkat(target, directory.number, name) == 0)
                let opened = try StoredEntryTests.open(name, in: path, isDirectory: true)
                #expect(opened == .failure(.tooManyLinks) || opened == .failure(.notDirectory), "\(name)")
                #expect(
                    try StoredEntryTests.open(name, in: path, isDirectory: false)
                        == .failure(.invalidArgument))
            }
            #expect(
                try StoredEntryTests.open("..", in: path, isDirectory: true)
                    == .failure(Errno(rawValue: EXDEV)))
            #expect(
                try StoredEntryTests.open("/etc", in: path, isDirectory: true)
                    == .failure(Errno(rawValue: EXDEV)))
        }
    }
}
