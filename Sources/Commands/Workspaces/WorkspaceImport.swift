import CLinux
import Client
import Glibc
import Linux
import Sandbox
import Wire

extension WorkspaceCommand {
    /// `corral workspace import`: a workspace of what is in an archive, or none where that is refused.
    static let importing = Command(
        "workspace import",
        summary: "Make a workspace of what is in a tar or a zip file, and print its name.",
        operandsHelp: "NAME FILE|-", operands: 2...2, operandKinds: [.text, .file],
        options: quota + [soft, .init("quiet", short: "q", help: "show no progress")] + DaemonAccess.options,
        examples: [
            "corral workspace import --disk 2GiB data data.tar",
            "corral workspace export data | corral workspace import copy -",
        ],
        details: """
            FILE is a tar file, plain or compressed by gzip or zstd, or a zip file; - is standard input. The
            workspace has 1GiB where --disk says nothing. It is ready when all of the archive is in it; an archive
            that is refused, an interrupt, and the death of this program or of the daemon leave no workspace: what is
            refused is in docs/workspace-files.md.
            """
    ) { arguments in
        Failure.reported("workspace import") { () throws(CommandError) in
            let (name, path) = (arguments.operands[0], arguments.operands[1])
            let archive = try ArchiveInput(path)
            var quota = try quotaMembers(arguments)
            if !quota.contains(where: { $0.0 == "bytes" }) { quota.append(("bytes", usualSize)) }
            let request = JSONText.object { object in
                object.add("name", name)
                add(quota, to: &object)
                if arguments.has("allow-soft-quota") { object.add("soft", true) }
                object.add("importing", true)
            }
            let socket = try DaemonAccess.address(arguments)
            let workspaces = WorkspaceCalls(socket)
            try archive.takeSignals()
            _ = try CommandError.asking { () throws(ClientError) in try workspaces.create(request) }
            var progress = CopyProgress(isQuiet: arguments.has("quiet"), countsFiles: false)
            do throws(CommandError) {
                defer { progress.clear() }
                let files = try FileCalls(socket, .workspace(name))
                try CommandError.asking { () throws(ClientError) in
                    try files.unpack(".") { () throws(ClientError) in
                        let bytes = try archive.next()
                        progress.copied(bytes.count)
                        return bytes
                    }
                }
            } catch {
                let rest = left(name, workspaces)
                throw CommandError((archive.problem ?? error).description + rest)
            }
            progress.end("workspace:\(name)")
            Terminal.print(name)
        }
    }

    /// What a workspace may hold for which nobody says it, in bytes.
    private static let usualSize: UInt64 = 1 << 30

    /// Removes what was begun.
    /// - Returns: what is to be said where that cannot be done.
    private static func left(_ name: String, _ calls: WorkspaceCalls) -> String {
        do throws(ClientError) {
            try calls.remove(WorkspacePlace(name), withSnapshots: false)
            return ""
        } catch .refused(let refusal) where refusal.code == "not-found" {
            // The daemon was faster.
            return ""
        } catch {
            return "\nthe workspace \(name) is there all the same, and cannot be removed: \(error)"
        }
    }
}

/// The archive of an import, and the signals that end it: then what was begun is removed.
private final class ArchiveInput {
    private let path: String
    private let file: Held<FileDescriptor>
    private var signals: Held<FileDescriptor>?
    /// Why it is read no further, where that is not the daemon's word.
    private(set) var problem: CommandError?

    /// - Parameter path: `-` for standard input.
    init(_ path: String) throws(CommandError) {
        self.path = path == "-" ? "standard input" : path
        if path == "-" {
            guard isatty(0) == 0 else {
                throw CommandError("standard input is a terminal; expected an archive")
            }
            file = Held(
                try LocalFiles.at("standard input") { () throws(SystemError) in
                    FileDescriptor(owning: try call("dup") { dup(0) })
                })
            return
        }
        switch try LocalFiles.kind(path) {
        case .nothing: throw CommandError("\(shown(path)): no such file")
        case .directory: throw CommandError("\(shown(path)) is a directory; expected a tar or a zip file")
        case .file, .other: break
        }
        file = Held(
            try LocalFiles.at(path) { () throws(SystemError) in try FileDescriptor.open(path, O_RDONLY) })
    }

    /// From now on an interrupt is an error of ``next()`` and not the end of the process.
    func takeSignals() throws(CommandError) {
        let numbers = [SIGINT, SIGTERM, SIGHUP]
        let number = unsafe clinux_signalfd(numbers, numbers.count)
        guard number >= 0 else { throw CommandError("signalfd: \(Errno(rawValue: errno))") }
        signals = Held(FileDescriptor(owning: number))
    }

    /// The next piece; empty at its end.
    func next() throws(ClientError) -> [UInt8] {
        var waiting = [pollfd(fd: file.value.number, events: Int16(POLLIN), revents: 0)]
        if let signals {
            waiting.append(pollfd(fd: signals.value.number, events: Int16(POLLIN), revents: 0))
        }
        while unsafe poll(&waiting, nfds_t(waiting.count), -1) < 0, errno == EINTR {}
        if waiting.count > 1, waiting[1].revents != 0 {
            problem = CommandError("interrupted")
            throw .failed(SystemError("read", path, .interrupted))
        }
        return try LocalFiles.read(file.value.number, path)
    }
}
