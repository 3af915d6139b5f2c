import Glibc
import Linux
import TestSupport
import Testing
import Trees

/// Copying and removing trees that somebody else filled.
@Suite struct CopyAndRemovalTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("outside/keep", "kept")
    }

    private func shell(_ script: String) throws {
        let outcome = try Program.run(["sh", "-ec", "umask 022; \(script)"], directory: directory.path)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    private func open(_ name: String) throws -> FileDescriptor {
        try FileDescriptor.open(directory(name), O_RDONLY | O_DIRECTORY)
    }

    private func copy(limits: TreeLimits = TreeLimits()) throws -> TreeCount {
        try File.makeDirectories(directory("to"))
        let writer = TreeWriter(try open("to"), limits: limits)
        try writer.copy(try open("from"))
        return writer.count
    }

    @Test func `a copy has the same files and links, with normalised modes`() throws {
        try shell(
            "mkdir -p from/d; echo hi >from/d/f; chmod 4777 from/d/f; ln -s ../../outside from/d/l; mkfifo from/p; "
                + "chmod 1777 from/d; ln from/d/f from/hard")
        let count = try copy()
        #expect(count.skipped == ["fifo": 1] && count.files == 2 && count.symlinks == 1)
        #expect(File.text(directory("to/hard")) == "hi\n")
        let modes = try Program.run(
            ["find", ".", "-mindepth", "1", "-printf", "%m %y %P %l\\n"], directory: directory("to"))
        #expect(
            modes.output.split(separator: "\n").sorted() == [
                "755 d d ", "755 f d/f ", "755 f hard ", "777 l d/l ../../outside",
            ])
        #expect(File.names(in: directory("outside")) == ["keep"])
    }

    /// Most files have their mode when they are made. Those of a directory that takes bits away are given it.
    @Test(arguments: [false, true])
    func `files have exactly their modes, whatever the umask is and a default ACL takes`(hasACL: Bool) throws
    {
        try shell(
            "mkdir -p from/d to; touch from/d/1 from/d/2 from/d/3 from/d/4 from/5; chmod 666 from/d/1 from/d/3; "
                + "chmod 644 from/d/2; chmod 4755 from/d/4; chmod 2777 from/5")
        if hasACL {
            // acl_ea of linux/posix_acl_xattr.h, version 2: the owner alone has anything.
            let script = """
                import os, struct
                entries = [(1, 6), (4, 0), (32, 0)]
                value = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', tag, bits, 0xffffffff) for tag, bits in entries)
                os.setxattr('to', 'system.posix_acl_default', value)
                open('to/control', 'x').close()
                assert os.stat('to/control').st_mode & 0o777 == 0o600
                os.remove('to/control')
                """
            let done = try Program.run(["python3", "-c", script], directory: directory.path)
            if done.errors.contains("Operation not supported") {
                return Host.skip("this file system has no ACLs")
            }
            try #require(done.status == 0, "\(done.errors)")
        }
        let writer = TreeWriter(try open("to"), limits: TreeLimits(), permissions: 0o777)
        try writer.copy(try open("from"))
        let modes = try Program.run(
            ["find", ".", "-type", "f", "-printf", "%m %P\\n"], directory: directory("to"))
        #expect(
            modes.output.split(separator: "\n").sorted() == [
                "644 d/2", "666 d/1", "666 d/3", "755 d/4", "777 5",
            ])
    }

    @Test func `a file is as long as it has to be, with holes where nothing was written`() throws {
        try File.makeDirectories(directory("to"))
        let writer = TreeWriter(try open("to"), limits: TreeLimits())
        for (name, size, end) in [("whole", 4, 4), ("hole", 100_000, 4), ("none", 0, 0), ("cut", 2, 4)] {
            try writer.file(TreePath(names: [name]), mode: 0o644, size: UInt64(size), modified: 1000) {
                (file) throws(TreeError) in
                do throws(SystemError) {
                    try file.writeAll(Array("abcd".utf8.prefix(end)))
                } catch {
                    throw .system(error, entry: name)
                }
                return UInt64(end)
            }
            let status = try Program.run(["stat", "-c", "%s %Y %a", directory("to/\(name)")])
            #expect(status.output == "\(size) 1000 644\n")
        }
        #expect(try File.read(directory("to/hole")).prefix(5) == Array("abcd\0".utf8)[...])
        #expect(File.text(directory("to/cut")) == "ab")
    }

    @Test func `what has a name already goes, and nothing is written through it`() throws {
        try shell(
            "mkdir -p from to/dir/below; for i in file link hard dir fifo; do echo new >from/$i; done; "
                + "mkdir from/place from/other; ln -s x from/symlink; echo old >to/file; echo old >to/symlink; "
                + "ln -s ../outside/keep to/link; ln outside/keep to/hard; mkfifo to/fifo; "
                + "ln -s ../outside to/place; mkfifo to/other")
        _ = try copy()
        for name in ["file", "link", "hard", "dir", "fifo"] {
            #expect(File.text(directory("to/\(name)")) == "new\n", "\(name)")
        }
        let kinds = try Program.run(
            ["stat", "-c", "%F", "place", "other", "symlink"], directory: directory("to"))
        #expect(kinds.output == "directory\ndirectory\nsymbolic link\n")
        #expect(File.text(directory("outside/keep")) == "kept")
        #expect(File.names(in: directory("outside")) == ["keep"])
    }

    @Test func `what is too much of a directory is refused by name`() throws {
        try shell("mkdir from; head -c 5000 /dev/zero >from/big")
        #expect(throws: TreeError.self) { try copy(limits: TreeLimits(bytes: 4999)) }
        do {
            _ = try copy(limits: TreeLimits(fileBytes: 4999))
        } catch let error as TreeError {
            #expect("\(error)".contains("\"big\""), "\(error)")
        }
    }

    @Test(.enabled(if: Host.isRoot, "only root can read what its owner may not"))
    func `a copy can be read by its owner, whatever the mode was`() throws {
        try shell("mkdir from; echo x >from/f; chmod 000 from/f")
        _ = try copy()
        #expect(try Program.run(["stat", "-c", "%a", directory("to/f")]).output == "400\n")
        #expect(File.text(directory("to/f")) == "x\n")
    }

    @Test func `removal takes the links and not what they lead to`() throws {
        try shell(
            "mkdir -p gone/d/e; ln -s ../outside gone/l; ln -s ../../outside/keep gone/d/k; ln outside/keep gone/h; "
                + "chmod 000 gone/d/e; mkfifo gone/p")
        let parent = try FileDescriptor.open(directory.path, O_RDONLY | O_DIRECTORY)
        try parent.removeTree("gone")
        #expect(File.names(in: directory.path) == ["outside"])
        // Names that are not UTF-8, and more levels than a process has descriptors.
        try shell("mkdir odd; touch \"$(printf 'odd/\\377')\"; mkdir \"$(printf 'odd/\\376')\"")
        let deep =
            "import os\nos.mkdir('odd/deep')\nos.chdir('odd/deep')\nfor _ in range(5000): os.mkdir('d'); os.chdir('d')"
        try #require(try Program.run(["python3", "-c", deep], directory: directory.path).status == 0)
        try parent.removeTree("odd")
        #expect(File.names(in: directory.path) == ["outside"])
        #expect(File.text(directory("outside/keep")) == "kept")
        try parent.removeTree("gone")
    }

    @Test(.enabled(if: Host.isRoot, "mounting needs root")) func `removal does not go onto another mount`()
        throws
    {
        // In a mount namespace of its own: a child does it, with the store's command.
        let script = """
            mkdir -p store/tmp/1/root/m store/names store/trees empty && chmod -R go-rwx store
            mount --bind outside store/tmp/1/root/m
            # It begins by removing what is left in tmp.
            CORRAL_IMAGES=$PWD/store \(Product.path("corral")) image import x empty && exit 1
            test "$(cat outside/keep)" = kept && mountpoint -q store/tmp/1/root/m
            """
        try File.makeDirectories(directory("store"))
        let outcome = try Program.run(
            ["unshare", "--mount", "sh", "-c", script], directory: directory.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
}
