import CLinux
import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// Making files and changing them.
@Suite struct WritingTests {
    @Test func `a replacement is seen when it is whole, and not before`() throws {
        let yard = try Yard("printf old >f; chmod 640 f")
        let replacement = try yard.files.replace(WorkspacePath("f"))
        try replacement.write(Array("new, and ".utf8).span)
        #expect(try yard.text("f") == "old")
        #expect(File.names(in: yard.directory("inside")) == ["f"])
        try replacement.write(Array("longer".utf8).span)
        try replacement.commit()
        #expect(try yard.text("f") == "new, and longer")
        #expect(try yard.listing() == "f f 640 15 \n")
    }

    @Test func `a replacement that is given up leaves nothing`() throws {
        let yard = try Yard("printf old >f")
        do {
            let replacement = try yard.files.replace(WorkspacePath("f"))
            try replacement.write(Array("new".utf8).span)
        }
        #expect(try yard.listing() == "f f 644 3 \n")
    }

    @Test func `a new file gets the mode that was asked for, whatever the umask`() throws {
        let yard = try Yard()
        try yard.write("x", to: "plain")
        try yard.write("x", to: "private", mode: 0o600)
        try yard.write("x", to: "open", mode: 0o777)
        #expect(try yard.listing() == "open f 777 1 \nplain f 644 1 \nprivate f 600 1 \n")
        for mode: UInt32 in [0o4755, 0o2755, 0o1777, 0o10000, .max] {
            #expect(code { _ = try yard.files.replace(WorkspacePath("x"), mode: mode) } == .invalid)
            #expect(code { try yard.files.makeDirectory(WorkspacePath("x"), mode: mode) } == .invalid)
            let path = try WorkspacePath("x")
            #expect(code { _ = try yard.files.openToWrite(path, .appending, creating: mode) } == .invalid)
        }
        #expect(File.names(in: yard.directory("inside")).count == 3)
    }

    @Test func `a setuid bit does not survive a replacement or a copy`() throws {
        let yard = try Yard("printf x >f; chmod 6755 f; mkdir d; cp f d/f; chmod 6755 d/f; chmod 1777 d")
        try yard.write("y", to: "f")
        try yard.files.copy(WorkspacePath("d"), to: WorkspacePath("e"))
        #expect(try yard.listing() == "d d 1777\nd/f f 6755 1 \ne d 777\ne/f f 755 1 \nf f 755 1 \n")
    }

    @Test func `what is there already can be an error`() throws {
        let yard = try Yard("printf old >f; mkdir d e; : >e/x; ln -s f l")
        for name in ["f", "d", "l"] {
            #expect(
                code { try yard.write("x", to: name, replacing: false) }
                    == (name == "d" ? .isDirectory : .exists))
        }
        #expect(code { try yard.files.move(WorkspacePath("f"), to: WorkspacePath("l")) } == .exists)
        #expect(code { try yard.files.copy(WorkspacePath("f"), to: WorkspacePath("l")) } == .exists)
        #expect(code { try yard.files.copy(WorkspacePath("e"), to: WorkspacePath("d")) } == .exists)
        #expect(
            code { try yard.files.move(WorkspacePath("d"), to: WorkspacePath("e"), replacing: true) }
                == .notEmpty)
        #expect(
            code { try yard.files.move(WorkspacePath("f"), to: WorkspacePath("d"), replacing: true) }
                == .isDirectory)
        #expect(
            code { try yard.files.move(WorkspacePath("d"), to: WorkspacePath("f"), replacing: true) }
                == .notDirectory)
        #expect(code { try yard.files.makeDirectory(WorkspacePath("f")) } == .exists)
        #expect(code { try yard.files.makeDirectory(WorkspacePath("f"), parents: true) } == .notDirectory)
        #expect(code { try yard.files.makeDirectory(WorkspacePath("d")) } == .exists)
        try yard.files.makeDirectory(WorkspacePath("d"), parents: true)
        #expect(
            try yard.text("l") == "old" && File.names(in: yard.directory("inside")) == ["d", "e", "f", "l"])
    }

    @Test func `a slash asks for a directory, and the workspace itself is not to be changed`() throws {
        let yard = try Yard("printf x >f; mkdir d")
        let slash = try WorkspacePath("f/")
        #expect(code { _ = try yard.files.replace(slash) } == .isDirectory)
        #expect(code { _ = try yard.files.openToWrite(slash, .appending) } == .isDirectory)
        #expect(code { try yard.files.remove(slash) } == .notDirectory)
        #expect(code { try yard.files.move(slash, to: WorkspacePath("g")) } == .notDirectory)
        #expect(code { try yard.files.move(WorkspacePath("f"), to: WorkspacePath("g/")) } == .notDirectory)
        #expect(code { try yard.files.copy(slash, to: WorkspacePath("g")) } == .notDirectory)
        #expect(code { try yard.files.copy(WorkspacePath("f"), to: WorkspacePath("g/")) } == .notDirectory)
        try yard.files.move(WorkspacePath("d/"), to: WorkspacePath("e/"))
        #expect(code { try yard.files.remove(.root, recursive: true) } == .isRoot)
        #expect(code { try yard.files.move(.root, to: WorkspacePath("g")) } == .isRoot)
        #expect(code { try yard.files.move(WorkspacePath("e"), to: .root) } == .isRoot)
        #expect(code { try yard.files.makeDirectory(.root) } == .isRoot)
        #expect(code { try yard.files.copy(.root, to: WorkspacePath("e/all")) } == .intoItself)
        #expect(code { _ = try yard.files.replace(.root) } == .isDirectory)
        #expect(File.names(in: yard.directory("inside")) == ["e", "f"] && File.names(in: yard("e")).isEmpty)
    }

    @Test func `files are written where they stand`() throws {
        let yard = try Yard("printf 0123456789 >f; ln f other")
        try yard.files.openToWrite(WorkspacePath("f"), .atOffsets).write(Array("ab".utf8).span, at: 4)
        try yard.files.openToWrite(WorkspacePath("f"), .appending).write(Array("end".utf8).span)
        #expect(try yard.text("other") == "0123ab6789end")
        let file = try yard.files.openToWrite(WorkspacePath("f"), .atOffsets)
        try file.write(Array("!".utf8).span, at: 1 << 30)
        #expect(try yard.files.entry(WorkspacePath("f")).status.allocated < 1 << 20)
        try file.truncate(to: 4)
        #expect(try yard.text("f") == "0123")
        #expect(code { try file.write(Array("x".utf8).span, at: .max) } == .invalid)
        #expect(code { try file.truncate(to: .max) } == .invalid)
        let path = try WorkspacePath("new")
        #expect(code { _ = try yard.files.openToWrite(path, .appending) } == .notFound)
        for text in ["a", "b"] {
            try yard.files.openToWrite(path, .appending, creating: 0o600).write(Array(text.utf8).span)
        }
        #expect(try yard.text("new") == "ab")
        #expect(try yard.files.entry(path).status.mode == 0o600)
        #expect(
            code { _ = try yard.files.openToWrite(WorkspacePath("no/f"), .appending, creating: 0o600) }
                == .notFound)
    }

    @Test func `directories are made with those above them`() throws {
        let yard = try Yard("mkdir real; ln -s real link")
        try yard.files.makeDirectory(WorkspacePath("a/b/c"), parents: true, mode: 0o777)
        try yard.files.makeDirectory(WorkspacePath("link/x/y"), parents: true)
        #expect(code { try yard.files.makeDirectory(WorkspacePath("p/q")) } == .notFound)
        #expect(
            try yard.listing()
                == "a d 777\na/b d 777\na/b/c d 777\nlink l 777 4 real\nreal d 755\n"
                + "real/x d 755\nreal/x/y d 755\n")
        let long = Array(repeating: "d", count: 1000).joined(separator: "/")
        try yard.files.makeDirectory(WorkspacePath(long), parents: true)
        #expect(try yard.files.entry(WorkspacePath(long)).status.kind == .directory)
        try yard.files.remove(WorkspacePath("d"), recursive: true)
    }

    @Test func `moving takes links and directories as they are`() throws {
        let yard = try Yard("mkdir -p d/e; printf x >d/e/f; ln -s nowhere l; printf y >g")
        try yard.files.move(WorkspacePath("l"), to: WorkspacePath("d/l"))
        try yard.files.move(WorkspacePath("d"), to: WorkspacePath("m"))
        try yard.files.move(WorkspacePath("g"), to: WorkspacePath("m/e/f"), replacing: true)
        #expect(try yard.text("m/e/f") == "y")
        #expect(try yard.files.entry(WorkspacePath("m/l")).target == "nowhere")
        #expect(code { try yard.files.move(WorkspacePath("m"), to: WorkspacePath("m/e/m")) } == .intoItself)
        #expect(code { try yard.files.move(WorkspacePath("none"), to: WorkspacePath("x")) } == .notFound)
        #expect(code { try yard.files.move(WorkspacePath("m"), to: WorkspacePath("none/x")) } == .notFound)
    }

    @Test func `removal asks for what it takes`() throws {
        let yard = try Yard("mkdir -p d/e; printf x >d/e/f; mkdir empty; ln -s d l; mkfifo p")
        #expect(code { try yard.files.remove(WorkspacePath("d")) } == .notEmpty)
        #expect(code { try yard.files.remove(WorkspacePath("none")) } == .notFound)
        try yard.files.remove(WorkspacePath("none"), recursive: true)
        for name in ["l", "empty", "p"] { try yard.files.remove(WorkspacePath(name)) }
        #expect(File.names(in: yard.directory("inside")) == ["d"])
        try yard.files.remove(WorkspacePath("d"), recursive: true)
        #expect(try yard.listing() == "")
    }

    @Test(.enabled(if: Host.isRoot, "a file system in memory needs root"))
    func `a full workspace is an error of its own, and nothing is half written`() throws {
        let files = try WorkspaceFiles(detachedMemory(["size": "1m", "nr_inodes": "20"]))
        let path = try WorkspacePath("f")
        let first = try files.replace(path)
        try first.write(Array("old".utf8).span)
        try first.commit()
        let block = [UInt8](repeating: 1, count: 1 << 20)
        do {
            let replacement = try files.replace(path)
            #expect(code { try replacement.write(block.span) } == .noSpace)
        }
        let reserving = try files.replace(path)
        #expect(code { try reserving.reserve(2 << 20) } == .noSpace)
        try reserving.reserve(1 << 16)
        #expect(try files.openToRead(path).bytes(count: 100) == Array("old".utf8))
        let large = try files.openToWrite(WorkspacePath("large"), .appending, creating: 0o600)
        #expect(code { try large.write(block.span) } == .noSpace)
        try files.remove(WorkspacePath("large"))
        _ = consume large
        _ = consume reserving
        // All the room is back, and no inode was kept by what failed.
        for number in 0..<17 { try files.makeDirectory(WorkspacePath("d\(number)")) }
        try files.move(path, to: WorkspacePath("d0/f"))
        #expect(
            code { for number in 17..<20 { try files.makeDirectory(WorkspacePath("d\(number)")) } }
                == .noSpace)
        #expect(code { try files.copy(WorkspacePath("d0"), to: WorkspacePath("copy")) } == .noSpace)
        #expect(try files.list(.root).entries.allSatisfy { $0.name.hasPrefix("d") })
    }
}
