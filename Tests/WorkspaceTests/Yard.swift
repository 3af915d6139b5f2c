import CLinux
import Glibc
import Linux
import TestSupport
import Testing
import Workspace

/// A workspace with something beside it that nobody may touch: `inside` is the workspace, `outside` is not.
struct Yard {
    let directory: TemporaryDirectory
    let files: WorkspaceFiles

    /// Has a character that nothing inside has.
    static let secret = "@ a secret of the host's"

    /// - Parameter script: run by sh in the workspace.
    init(_ script: String = "") throws {
        directory = try TemporaryDirectory(mode: 0o777)
        try directory.write("outside/secret", Self.secret)
        try directory.write("outside/tree/deep/leaf", Self.secret)
        try File.makeDirectories(directory("inside"))
        files = try WorkspaceFiles(FileDescriptor.open(directory("inside"), O_RDONLY | O_DIRECTORY))
        if !script.isEmpty { try shell(script) }
    }

    func shell(_ script: String) throws {
        let outcome = try Program.run(
            ["sh", "-ec", "umask 022; \(script)"], timeout: 300 * Host.patience,
            directory: directory("inside"))
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    func callAsFunction(_ name: String) -> String { directory("inside/\(name)") }

    /// Content, names and modes of what is outside; the same before and after whatever is done inside.
    func outside() throws -> String {
        let script = "find . -printf '%p %y %m %s %n %T@ %C@\\n' | sort; find . -type f -exec sha256sum {} +"
        let outcome = try Program.run(["sh", "-ec", script], directory: directory("outside"))
        return outcome.output
    }

    /// Everything inside but times, one line each.
    func listing() throws -> String {
        let format = "'(' -type d -printf '%P d %m\\n' -o -printf '%P %y %m %s %l\\n' ')'"
        let script = "find . -mindepth 1 \(format) | LC_ALL=C sort"
        return try Program.run(["sh", "-ec", script], directory: directory("inside")).output
    }

    func text(_ path: String) throws -> String {
        String(decoding: try files.openToRead(WorkspacePath(path)).bytes(count: 1 << 20), as: UTF8.self)
    }

    func write(_ text: String, to path: String, mode: UInt32? = nil, replacing: Bool = true) throws {
        let replacement = try files.replace(WorkspacePath(path), mode: mode)
        try replacement.write(Array(text.utf8).span)
        try replacement.commit(replacing: replacing)
    }
}

extension FileDescriptor {
    borrowing func changeMode(_ mode: UInt32) throws {
        let number = number
        _ = try call("fchmod") { fchmod(number, mode) }
    }
}

/// The code that `body` fails with; nil when it does not fail.
func code(_ body: () throws -> Void) -> WorkspaceError.Code? {
    do {
        try body()
        return nil
    } catch let error as WorkspaceError {
        return error.code
    } catch {
        Issue.record("\(error)")
        return nil
    }
}

/// A file system in memory that is mounted nowhere.
/// - Parameter options: such as `size` and `nr_inodes` of tmpfs(5).
func detachedMemory(_ options: [String: String]) throws -> FileDescriptor {
    let context = FileDescriptor(owning: try call("fsopen") { unsafe clinux_fsopen("tmpfs") })
    let number = context.number
    for (key, value) in options {
        _ = try call("fsconfig", on: key) { unsafe clinux_fsconfig_string(number, key, value) }
    }
    _ = try call("fsconfig") { clinux_fsconfig_create(number) }
    return FileDescriptor(owning: try call("fsmount") { clinux_fsmount(number, UInt32(CLINUX_MOUNT_NOSUID)) })
}
