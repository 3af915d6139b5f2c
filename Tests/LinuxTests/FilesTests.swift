import Glibc
import Testing

@testable import Linux

@Suite struct FilesTests {
    @Test func `a file is opened relative to a directory descriptor and closes on exec`() throws {
        try withTemporaryDirectory { path, directory in
            try write("hello", to: "\(path)/a")
            let file = try directory.open("a", O_RDONLY)
            #expect(try file.readAll(limit: 100) == Array("hello".utf8))
            #expect(fcntl(file.number, F_GETFD) & FD_CLOEXEC != 0)
        }
    }

    @Test(arguments: [4, 5, 6])
    func `a file is read whole or not at all`(limit: Int) throws {
        try withTemporaryDirectory { path, directory in
            try write("hello", to: "\(path)/a")
            if limit < 5 {
                #expect(throws: SystemError("read", "a", .fileTooLarge)) {
                    try directory.readFile("a", limit: limit)
                }
            } else {
                #expect(try directory.readFile("a", limit: limit) == Array("hello".utf8))
            }
        }
    }

    @Test func `a file larger than one read comes whole`() throws {
        try withTemporaryDirectory { path, directory in
            let text = String(repeating: "0123456789", count: 5000)
            try write(text, to: "\(path)/a")
            #expect(try directory.readFile("a") == Array(text.utf8))
        }
    }

    @Test func `a missing file is an error that names it`() throws {
        try withTemporaryDirectory { _, directory in
            #expect(throws: SystemError("openat", "none", .noSuchFileOrDirectory)) {
                try directory.readFile("none")
            }
            // A control file is the kernel's; one that is not there must not be made.
            #expect(throws: SystemError("openat", "none", .noSuchFileOrDirectory)) {
                try directory.writeControl("none", "1")
            }
        }
    }

    @Test func `a name with a NUL byte does not open the file before it`() throws {
        try withTemporaryDirectory { path, directory in
            try write("secret", to: "\(path)/a")
            let refusal = Errno.invalidArgument
            #expect(throws: SystemError("openat", "a\0b", refusal)) { try directory.readFile("a\0b") }
            #expect(throws: SystemError("openat2", "a\0b", refusal)) {
                _ = try directory.open("a\0b", O_RDONLY, resolve: .beneath)
            }
            #expect(throws: SystemError("mkdirat", "d\0b", refusal)) { try directory.makeDirectory("d\0b") }
            #expect(throws: SystemError("unlinkat", "a\0b", refusal)) { try directory.removeFile("a\0b") }
            #expect(try directory.entries().map(\.name) == ["a"])
        }
    }

    @Test func `a control file takes a text and says what it holds`() throws {
        try withTemporaryDirectory { path, directory in
            try write("", to: "\(path)/limit")
            let file = try directory.open("limit", O_RDWR)
            try file.writeControl("4096", name: "limit")
            #expect(try file.readControl() == Array("4096".utf8))
            try directory.writeControl("limit", "8")
            #expect(try file.readControl() == Array("8096".utf8))
        }
    }

    @Test func `directories are made and removed`() throws {
        try withTemporaryDirectory { _, directory in
            try directory.makeDirectory("d", mode: 0o700)
            #expect(throws: SystemError("mkdirat", "d", .fileExists)) { try directory.makeDirectory("d") }
            #expect(throws: SystemError("unlinkat", "d", .isDirectory)) { try directory.removeFile("d") }
            try directory.removeDirectory("d")
            #expect(throws: SystemError("unlinkat", "d", .noSuchFileOrDirectory)) {
                try directory.removeDirectory("d")
            }
        }
    }

    @Test func `a listing has every name once, with its kind, as often as it is asked for`() throws {
        try withTemporaryDirectory { path, directory in
            try write("", to: "\(path)/file")
            try directory.makeDirectory("directory")
            _ = unsafe symlink("file", "\(path)/symlink")
            _ = unsafe mkfifo("\(path)/fifo", 0o600)
            let expected: Set<DirectoryEntry> = [
                DirectoryEntry(name: "file", kind: .file),
                DirectoryEntry(name: "directory", kind: .directory),
                DirectoryEntry(name: "symlink", kind: .symlink),
                DirectoryEntry(name: "fifo", kind: .fifo),
            ]
            for _ in 0..<2 {
                let entries = try directory.entries()
                #expect(entries.count == 4)
                #expect(Set(entries) == expected)
            }
        }
    }

    @Test func `a listing that does not fit one buffer is complete`() throws {
        try withTemporaryDirectory { _, directory in
            let names = (0..<600).map { "a-name-that-takes-some-room-\($0)" }
            for name in names { try directory.makeDirectory(name) }
            #expect(try Set(directory.entries().map(\.name)) == Set(names))
        }
    }

    @Test func `a walk that is bound to its directory does not leave it`() throws {
        try withTemporaryDirectory { path, directory in
            try write("inside", to: "\(path)/file")
            _ = unsafe symlink("/etc", "\(path)/etc")
            _ = unsafe symlink("file", "\(path)/link")
            for escape in ["../file", "etc/passwd", "/etc/passwd"] {
                #expect(throws: SystemError("openat2", escape, Errno(rawValue: EXDEV))) {
                    _ = try directory.open(escape, O_RDONLY, resolve: .beneath)
                }
            }
            #expect(throws: SystemError("openat2", "link", .tooManyLinks)) {
                _ = try directory.open("link", O_RDONLY, resolve: [.beneath, .noSymlinks])
            }
            let link = try directory.open("/link", O_RDONLY, resolve: .inRoot)
            #expect(try link.readAll(limit: 10) == Array("inside".utf8))
        }
    }
}
