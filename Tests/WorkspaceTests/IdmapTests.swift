import CLinux
import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// A workspace as a daemon without privileges has it: a detached mount that maps the owner of the files to
/// the daemon's user, and no path.
@Suite(.enabled(if: Host.isRoot, "mapping ids of a mount needs root"))
struct IdmapTests {
    @Test func `everything can be done through a detached mount with mapped ids`() async throws {
        let yard = try Yard(
            "mkdir -p old/closed/deep; printf x >old/closed/deep/f; printf secret >own; chmod 600 own")
        try yard.shell(
            "ln -s ../outside/secret out; mkfifo p; chown -R 1000:1000 .; chmod 000 old/closed; chmod 700 .")
        let before = try yard.outside()
        await #expect(processExitsWith: .success) { [path = yard.directory("inside") as String] in
            let mount = try mappedMount(path, owner: 1000, user: 65_534)
            #expect(setregid(65_534, 65_534) == 0 && setreuid(65_534, 65_534) == 0)
            #expect(throws: SystemError.self, "the control: by its path it is closed") {
                _ = try FileDescriptor.open("\(path)/own", O_RDONLY)
            }
            let files = try WorkspaceFiles(mount)
            #expect(try files.openToRead(WorkspacePath("own")).bytes(count: 10) == Array("secret".utf8))
            for _ in 0..<2 {
                let replacement = try files.replace(WorkspacePath("new"), mode: 0o640)
                try replacement.write(Array("content".utf8).span)
                try replacement.commit()
            }
            try files.openToWrite(WorkspacePath("log"), .appending, creating: 0o600).write([1].span)
            try files.makeDirectory(WorkspacePath("a/b"), parents: true)
            try files.move(WorkspacePath("new"), to: WorkspacePath("a/b/new"))
            let count = try files.copy(WorkspacePath("a"), to: WorkspacePath("copy"))
            #expect(count.files == 1 && count.bytes == 7)
            #expect(try files.list(WorkspacePath("copy/b")).entries.map(\.name) == ["new"])
            let watch = try files.watch(WorkspacePath("a"))
            try files.remove(WorkspacePath("a/b"), recursive: true)
            #expect(try watch.next().map(\.kind).contains(.removed))
            try files.remove(WorkspacePath("old"), recursive: true)
            #expect(code { _ = try files.openToRead(WorkspacePath("out")) } == .outside)
            #expect(code { _ = try files.openToRead(WorkspacePath("p")) } == .notRegular)
            var archive = try files.archive(WorkspacePath("copy"))
            #expect(try archive.next().count == 6 * 512)
        }
        let owners = try Program.run(
            ["sh", "-c", "find . -mindepth 1 -printf '%P %U %G %m\\n' | sort"],
            directory: yard.directory("inside"))
        #expect(
            owners.output
                == "a 1000 1000 755\ncopy 1000 1000 755\ncopy/b 1000 1000 755\ncopy/b/new 1000 1000 640\n"
                + "log 1000 1000 600\nout 1000 1000 777\nown 1000 1000 600\np 1000 1000 644\n")
        #expect(try yard.outside() == before)
    }
}

/// A detached mount of the directory `path` in which files of `owner` are those of `user`.
private func mappedMount(_ path: String, owner: UInt32, user: UInt32) throws -> FileDescriptor {
    // A user namespace is what a map is given by; it needs a process until it is opened.
    let holder = try Program(["unshare", "--user", "sh", "-c", "echo $$; exec sleep 600"]).start()
    try #require(try holder.waitForText("\n"))
    let pid = holder.outputSoFar.split(separator: "\n").first.map(String.init) ?? ""
    for map in ["uid_map", "gid_map"] {
        try FileDescriptor.open("/proc/\(pid)", O_RDONLY).writeControl(map, "\(owner) \(user) 1")
    }
    let namespace = try FileDescriptor.open("/proc/\(pid)/ns/user", O_RDONLY)
    let mount = FileDescriptor(
        owning: try call("open_tree") { unsafe clinux_open_tree(CInt(CLINUX_AT_FDCWD), path, 0) })
    let (number, map) = (mount.number, namespace.number)
    _ = try call("mount_setattr") { clinux_mount_setattr(number, 0, UInt64(CLINUX_MOUNT_IDMAP), 0, 0, map) }
    return mount
}
