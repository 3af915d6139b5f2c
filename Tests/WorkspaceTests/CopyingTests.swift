import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// Copies inside a workspace.
@Suite struct CopyingTests {
    @Test func `a copy of a tree is the same tree`() throws {
        let yard = try Yard(
            """
            mkdir -p t/d/e t/empty; printf x >t/d/f; chmod 400 t/d/f; ln -s ../../../outside t/l
            mkfifo t/p; printf n >"$(printf 't/\\377')"; head -c 3000000 /dev/urandom >t/big
            chmod 555 t/d; chmod 700 t
            """)
        let count = try yard.files.copy(WorkspacePath("t"), to: WorkspacePath("copy"))
        #expect(count.files == 2 && count.directories == 4 && count.symlinks == 1 && count.bytes == 3_000_001)
        #expect(count.skipped == ["fifo": 1, "name": 1])
        try yard.shell("rm t/p \"$(printf 't/\\377')\"; diff -r --no-dereference t copy")
        let modes = "find . -printf '%P %y %m %l\\n' | sort"
        try yard.shell("(cd t; \(modes)) >one; (cd copy; \(modes)) >two; cmp one two; chmod -R u+w t copy")
    }

    @Test func `holes stay holes`() throws {
        let yard = try Yard(
            "truncate -s 1T f; printf begin | dd of=f conv=notrunc status=none; printf end | dd of=f bs=1 "
                + "seek=500G conv=notrunc status=none")
        try yard.files.copy(WorkspacePath("f"), to: WorkspacePath("g"))
        let copy = try yard.files.entry(WorkspacePath("g")).status
        #expect(copy.size == 1 << 40 && copy.allocated < 1 << 20)
        let file = try yard.files.openToRead(WorkspacePath("g"))
        #expect(try file.bytes(count: 6) == Array("begin\0".utf8))
        #expect(try file.bytes(from: 500 << 30, count: 3) == Array("end".utf8))
    }

    @Test func `a copy takes the place of a file, or goes into none of its own`() throws {
        let yard = try Yard(
            "mkdir -p d/e; printf new >f; chmod 700 f; printf old >g; ln -s f l; mkdir empty; mkfifo p")
        try yard.files.copy(WorkspacePath("f"), to: WorkspacePath("g"), replacing: true)
        #expect(try yard.text("g") == "new")
        try yard.files.copy(WorkspacePath("l"), to: WorkspacePath("g"), replacing: true)
        #expect(try yard.files.entry(WorkspacePath("g")).target == "f")
        try yard.files.copy(WorkspacePath("d"), to: WorkspacePath("empty"), replacing: true)
        #expect(File.names(in: yard("empty")) == ["e"])
        #expect(
            code { try yard.files.copy(WorkspacePath("f"), to: WorkspacePath("d"), replacing: true) }
                == .isDirectory)
        #expect(code { try yard.files.copy(WorkspacePath("d"), to: WorkspacePath("d/e/x")) } == .intoItself)
        #expect(code { try yard.files.copy(WorkspacePath("p"), to: WorkspacePath("q")) } == .notRegular)
        #expect(code { try yard.files.copy(WorkspacePath("d"), to: WorkspacePath("f/x")) } == .notDirectory)
        #expect(
            File.names(in: yard.directory("inside")) == ["d", "empty", "f", "g", "l", "p"],
            "something was left of a copy that failed")
        #expect(File.names(in: yard("d/e")).isEmpty)
    }

    @Test func `a tree that is too deep is refused, and nothing is left of the copy`() throws {
        let yard = try Yard()
        let deep = (["t"] + Array(repeating: "d", count: 100)).joined(separator: "/")
        try yard.files.makeDirectory(WorkspacePath(deep), parents: true)
        #expect(code { try yard.files.copy(WorkspacePath("t"), to: WorkspacePath("u")) } == .limit)
        #expect(File.names(in: yard.directory("inside")) == ["t"])
        try yard.files.remove(WorkspacePath(deep))
        let count = try yard.files.copy(WorkspacePath("t"), to: WorkspacePath("u"))
        #expect(count.directories == 100)
    }
}
