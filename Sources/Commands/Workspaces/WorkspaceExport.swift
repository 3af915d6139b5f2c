import CLinux
import Client
import Glibc
import Linux
import Sandbox
import Wire
import Workspace

extension WorkspaceCommand {
    /// `corral workspace export`: all that is in a workspace or a snapshot, as one file.
    static let export = Command(
        "workspace export", summary: "Write all that is in a workspace or a snapshot as a tar or a zip file.",
        operandsHelp: "WORKSPACE[@SNAPSHOT]", operands: 1...1, operandKinds: [.workspace],
        options: [
            .init("output", short: "o", value: "FILE", help: "where to; else, or with -, standard output"),
            .init("format", value: "FORMAT", help: "tar (the default) or zip", kind: .words(["tar", "zip"])),
            .init("quiet", short: "q", help: "show no progress"),
        ] + DaemonAccess.options,
        examples: [
            "corral workspace export -o data.tar data",
            "corral workspace export data@before | zstd >data.tar.zst",
            "corral workspace export --format zip -o data.zip data",
        ],
        details: """
            FILE is there when all of it is: one that was there before stays until then. Files, directories and
            symbolic links are in it, with their permissions and times; sockets, FIFOs and names that are not UTF-8
            are left out, and so are owners. Sessions may have the workspace meanwhile; a snapshot is of one
            moment. At most 1,000,000 names, 4 GiB a file, 8 GiB in all and 100 directories inside each other.
            """
    ) { arguments in
        Failure.reported("workspace export") { () throws(CommandError) in
            let calls = try FileCalls(
                try DaemonAccess.address(arguments), .workspace(arguments.operands[0]))
            let target = arguments.value("output") ?? "-"
            if target == "-", isatty(1) == 1 {
                throw CommandError(
                    "standard output is a terminal, and an archive is not for reading\n"
                        + "hint: name a file with -o")
            }
            var progress = CopyProgress(
                isQuiet: arguments.has("quiet") || target == "-", countsFiles: false)
            defer { progress.clear() }
            let file = try ArchiveFile(target)
            try broken { () throws(ClientError) in
                try calls.archive(".", format: arguments.value("format") ?? "tar") {
                    (part) throws(ClientError) in
                    try file.write(part)
                    progress.copied(part.count)
                }
            }
            try file.commit()
            progress.end(shown(target))
        }
    }

    /// An answer that ends before its end has its reason in the daemon's log alone.
    private static func broken(_ body: () throws(ClientError) -> Void) throws(CommandError) {
        do throws(ClientError) {
            try body()
        } catch {
            switch error {
            case .malformed(.endedEarly), .closed:
                throw CommandError(
                    "the archive broke off before its end: something cannot be read, or is more than an archive "
                        + "may have\nhint: the daemon's log says what")
            default: throw CommandError(asking: error)
            }
        }
    }
}

/// Where an archive goes: a file that is there when it is whole, or a stream.
private final class ArchiveFile {
    private let path: String
    private let replacement: Held<Replacement?>
    /// What is no file: standard output, a device or a FIFO.
    private let stream: Held<FileDescriptor>?

    /// - Parameter path: `-` for standard output.
    init(_ path: String) throws(CommandError) {
        self.path = path
        if path == "-" {
            replacement = Held(nil)
            stream = Held(
                try LocalFiles.at("standard output") { () throws(SystemError) in
                    FileDescriptor(owning: try call("dup") { dup(1) })
                })
            return
        }
        switch try LocalFiles.kind(path) {
        case .directory: throw CommandError("\(shown(path)) is a directory; expected a file")
        case .other:
            replacement = Held(nil)
            stream = Held(
                try LocalFiles.at(path) { () throws(SystemError) in try FileDescriptor.open(path, O_WRONLY) })
        case .file, .nothing:
            stream = nil
            replacement = Held(try Self.replacement(path))
        }
    }

    private static func replacement(_ path: String) throws(CommandError) -> Replacement {
        let name = path.lastName
        guard !name.isEmpty, !path.meansDirectory else {
            throw CommandError("\(shown(path)) is no name of a file")
        }
        let above = String(path.dropLast(name.count))
        let directory = try LocalFiles.directory(above.isEmpty ? "." : above)
        // As open(2) would: what the user masks is left out.
        let mask = umask(0o077)
        _ = umask(mask)
        do throws(WorkspaceError) {
            return try WorkspaceFiles(directory).replace(WorkspacePath(name), mode: 0o666 & ~mask)
        } catch {
            throw CommandError("\(shown(path)): \(error.problem)")
        }
    }

    func write(_ bytes: [UInt8]) throws(ClientError) {
        if let stream { return try LocalFiles.write(bytes, to: stream.value, path) }
        do throws(WorkspaceError) {
            try replacement.value?.write(bytes.span)
        } catch {
            throw .failed(error.cause ?? SystemError("write", path, .noSpace))
        }
    }

    func commit() throws(CommandError) {
        let whole = replacement.value.take()
        do throws(WorkspaceError) {
            switch consume whole {
            case .some(let whole): try whole.commit(replacing: true)
            case .none: break
            }
        } catch {
            throw CommandError("\(shown(path)): \(error.problem)")
        }
    }
}
