import Client
import Glibc
import Linux
import Sandbox
import Trees
import Workspace

/// `corral cp`: files between this machine and the workspace of a session, or a named one, with docker's rules for
/// names.
enum CopyCommand {
    static let command = Command(
        "cp", summary: "Copy files between this machine and a session or a workspace.",
        operandsHelp: "SRC DST", operands: 2...2, operandKinds: [.file],
        options: [
            .init("quiet", short: "q", help: "show no progress")
        ] + DaemonAccess.options,
        examples: [
            "corral cp report.py web:", "corral cp web:out/result.csv .", "corral cp ./data web:data",
            "corral cp web:log.txt - | tail", "corral cp web:out - | tar xf -",
            "corral cp - web:input.bin <data/words",
            "corral cp ./data workspace:models:data", "corral cp workspace:models@before:log.txt .",
        ],
        details: """
            One of SRC and DST is SESSION:PATH, where PATH is relative to the workspace (or begins with
            /workspace), and the other one a path of this machine, which begins with / or . where it has a colon
            in it; or it is workspace:NAME:PATH, in a workspace that sessions may have meanwhile or not, or
            workspace:NAME@SNAPSHOT:PATH to copy out of a snapshot. A directory is copied with all that is in it:
            into DST where that is a directory, else as DST; DIR/. means what is in it. A - as SRC is standard input, the bytes of one file; as DST it is standard
            output: the bytes of a file, or a directory as a tar file.

            A file is replaced in one step once all of it is there. Permission bits are kept, owners and links
            are not: links in a directory are left out, and said. A directory goes in as a whole or, where
            something is wrong with it, not at all. Directories may be 100 deep.
            """
    ) { arguments in
        Failure.reported("cp") { () throws(CommandError) in
            let source = try CopyPlace(arguments.operands[0])
            let target = try CopyPlace(arguments.operands[1])
            let progress = CopyProgress(isQuiet: arguments.has("quiet"))
            switch (source, target) {
            case (.remote(let holder, let path), .local(let place)):
                let calls = try FileCalls(try DaemonAccess.address(arguments), holder)
                try Download(calls, progress).run(path, to: place)
            case (.remote(let holder, let path), .stream):
                let calls = try FileCalls(try DaemonAccess.address(arguments), holder)
                try Download(calls, CopyProgress(isQuiet: true)).print(path)
            case (.local(let place), .remote(let holder, let path)):
                let calls = try FileCalls(try DaemonAccess.address(arguments), holder)
                try Upload(calls, progress).run(place, to: path)
            case (.stream, .remote(let holder, let path)):
                let calls = try FileCalls(try DaemonAccess.address(arguments), holder)
                try Upload(calls, progress).standardInput(to: path)
            case (.remote, .remote):
                throw CommandError(
                    "both are in sessions or workspaces; expected one path of this machine: copy to it and "
                        + "from there")
            case (.local, _), (.stream, _):
                throw CommandError(
                    "neither is in a session or a workspace; expected one SESSION:PATH or workspace:NAME:PATH"
                )
            }
        }
    }
}

/// Copies out of a session or a workspace.
private final class Download {
    /// Directories inside each other, at most.
    private static let mostDepth = 100

    private let calls: FileCalls
    private var progress: CopyProgress
    private var depth = 0

    init(_ calls: FileCalls, _ progress: CopyProgress) {
        self.calls = calls
        self.progress = progress
    }

    /// The bytes of one file on standard output, or a directory as a tar file.
    func print(_ path: String) throws(CommandError) {
        let output = try LocalFiles.at("standard output") { () throws(SystemError) in
            FileDescriptor(owning: try call("dup") { dup(1) })
        }
        try CommandError.asking { () throws(ClientError) in
            func put(_ part: [UInt8]) throws(ClientError) {
                try LocalFiles.write(part, to: output, "standard output")
            }
            if try calls.stat(path).isDirectory {
                try calls.archive(path, put)
            } else {
                try calls.read(path, put)
            }
        }
    }

    func run(_ path: String, to place: String) throws(CommandError) {
        defer { progress.clear() }
        let source = try CommandError.asking { () throws(ClientError) in try calls.stat(path) }
        let kind = try LocalFiles.kind(place)
        if source.isDirectory {
            try tree(path, source, to: place, kind)
        } else {
            let isInside = kind == .directory
            if kind == .nothing, place.meansDirectory {
                throw CommandError("\(shown(place)): no such directory")
            }
            let (above, name) = isInside ? (place, source.name) : parent(of: place)
            let directory = try LocalFiles.directory(above)
            try file(path, source.mode, to: name, in: directory, above)
        }
        progress.end(shown(place))
    }

    private func tree(
        _ path: String, _ source: FileAnswer, to place: String, _ kind: LocalFiles.Kind
    ) throws(CommandError) {
        switch kind {
        case .file, .other: throw CommandError("\(shown(place)) is no directory, and \(quoted(path)) is one")
        case .directory where path.meansContents || source.path == ".":
            try contents(of: path, in: try LocalFiles.directory(place), place)
        case .directory:
            let above = try LocalFiles.directory(place)
            try directory(path, source.mode, to: source.name, in: above, place)
        case .nothing:
            let (above, name) = parent(of: place)
            try directory(path, source.mode, to: name, in: try LocalFiles.directory(above), above)
        }
    }

    private func directory(
        _ path: String, _ mode: UInt32, to name: String, in above: borrowing FileDescriptor, _ place: String
    ) throws(CommandError) {
        // Each one holds a descriptor here, and who is in the session decides how deep it goes.
        guard depth < Self.mostDepth else {
            throw CommandError(
                "\(quoted(path)) is more than \(Self.mostDepth) directories deep; expected no more than that")
        }
        depth += 1
        defer { depth -= 1 }
        let place = place.appending(name: name)
        let made = try LocalFiles.directory(name, in: above, place, mode: mode)
        try contents(of: path, in: made, place)
    }

    private func contents(
        of path: String, in directory: borrowing FileDescriptor, _ place: String
    ) throws(CommandError) {
        var files: [FileAnswer] = []
        try CommandError.asking { () throws(ClientError) in try calls.list(path) { files += $0 } }
        for entry in files {
            switch entry.type {
            case "directory":
                try self.directory(entry.path, entry.mode, to: entry.name, in: directory, place)
            case "file": try file(entry.path, entry.mode, to: entry.name, in: directory, place)
            default:
                progress.clear()
                Terminal.error("corral cp: \(quoted(entry.path)) is a \(entry.type) and is left out")
            }
        }
    }

    private func file(
        _ path: String, _ mode: UInt32, to name: String, in directory: borrowing FileDescriptor,
        _ place: String
    ) throws(CommandError) {
        let place = place.appending(name: name)
        try LocalFiles.check(name)
        try CommandError.asking { () throws(ClientError) in
            // Not before the daemon gives something: what cannot be read takes no file away here.
            var target: Held<FileDescriptor>?
            func write(_ part: [UInt8]) throws(ClientError) {
                let file: Held<FileDescriptor>
                if let target {
                    file = target
                } else {
                    file = Held(try LocalFiles.newFile(name, in: directory, place, mode: mode))
                    target = file
                }
                try LocalFiles.write(part, to: file.value, place)
                progress.copied(part.count)
            }
            try calls.read(path, write)
            if target == nil { try write([]) }
        }
        progress.copiedFile()
    }

    private func parent(of place: String) -> (above: String, name: String) {
        let name = place.lastName
        var above = place[...]
        while above.hasSuffix("/") { above.removeLast() }
        above = above.dropLast(name.count)
        return (above.isEmpty ? "." : String(above), name)
    }
}

/// Copies into a session or a workspace.
private final class Upload {
    private let calls: FileCalls
    private var progress: CopyProgress

    init(_ calls: FileCalls, _ progress: CopyProgress) {
        self.calls = calls
        self.progress = progress
    }

    /// Standard input as one file.
    func standardInput(to path: String) throws(CommandError) {
        defer { progress.clear() }
        try CommandError.asking { () throws(ClientError) in
            try calls.write(path, mode: nil) { () throws(ClientError) in try next(0, "standard input") }
        }
        progress.copiedFile()
        progress.end(quoted(path))
    }

    func run(_ place: String, to path: String) throws(CommandError) {
        defer { progress.clear() }
        let kind = try LocalFiles.kind(place)
        let target = try CommandError.asking { () throws(ClientError) in try calls.statIfAny(path) }
        switch kind {
        case .nothing: throw CommandError("\(shown(place)): no such file or directory")
        case .other: throw CommandError("\(shown(place)) is neither a file nor a directory")
        case .directory: try tree(place, to: path, target)
        case .file:
            if target == nil, path.meansDirectory {
                throw CommandError("the workspace has no directory \(quoted(path))")
            }
            let name = target?.isDirectory == true ? path.appending(name: place.lastName) : path
            try file(
                try LocalFiles.at(place) { () throws(SystemError) in
                    try FileDescriptor.open(place, O_RDONLY | O_NONBLOCK)
                }, place, to: name)
        }
        progress.end("\(calls.holder):\(shown(path))")
    }

    private func tree(_ place: String, to path: String, _ target: FileAnswer?) throws(CommandError) {
        if let target, !target.isDirectory {
            throw CommandError("\(quoted(path)) is no directory, and \(shown(place)) is one")
        }
        let goesInside = target != nil && !place.meansContents
        let source = try LocalFiles.directory(place)
        try contents(of: source, place, to: goesInside ? path.appending(name: place.lastName) : path)
    }

    /// All that is in a directory, in one tar file, which takes a tenth of the time of a request for each file.
    /// What is wrong with it leaves the session as it was.
    private func contents(
        of directory: consuming FileDescriptor, _ place: String, to path: String
    ) throws(CommandError) {
        // The last directory is made of the archive, with the mode that it has here.
        if let above = try? WorkspacePath(path).parent, !above.isRoot {
            try CommandError.asking { () throws(ClientError) in
                try calls.makeDirectory(above.description)
            }
        }
        var archive: ArchiveStream
        do throws(WorkspaceError) {
            archive = try WorkspaceFiles(directory).archive(.root, as: ".", links: false, tellsLeftOut: true)
        } catch {
            throw CommandError("\(shown(place)): \(error)")
        }
        var problem: CommandError?
        do throws(CommandError) {
            try CommandError.asking { () throws(ClientError) in
                try calls.unpack(path) { () throws(ClientError) in
                    do throws(CommandError) {
                        return try piece(&archive, place)
                    } catch {
                        problem = error
                        // Ends the request before its end, so that nothing is unpacked.
                        throw .unexpected("the directory cannot be read")
                    }
                }
            }
        } catch {
            throw problem ?? error
        }
    }

    /// What follows of the archive; empty at its end.
    private func piece(_ archive: inout ArchiveStream, _ place: String) throws(CommandError) -> [UInt8] {
        let before = archive.count.files
        let piece: [UInt8]
        do throws(WorkspaceError) {
            piece = try archive.next()
        } catch {
            throw CommandError("\(shown(place.appending(name: error.path))): \(error.problem)")
        }
        progress.copied(piece.count)
        for _ in before..<archive.count.files { progress.copiedFile() }
        for left in archive.takeLeftOut() {
            let name = shown(place.appending(name: left.path))
            if left.kind == "name" { throw CommandError("\(name): its name is not UTF-8") }
            progress.clear()
            let what = left.kind == "mount" ? "on another file system" : "neither a file nor a directory"
            Terminal.error("corral cp: \(name) is \(what) and is left out")
        }
        return piece
    }

    private func file(
        _ file: consuming FileDescriptor, _ place: String, to path: String
    ) throws(CommandError) {
        var status = stat()
        let number = file.number
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandError("\(shown(place)) is no regular file any more")
        }
        try CommandError.asking { () throws(ClientError) in
            try calls.write(path, mode: status.st_mode) { () throws(ClientError) in
                try next(number, place)
            }
        }
        withExtendedLifetime(file) {}
        progress.copiedFile()
    }

    private func next(_ number: CInt, _ place: String) throws(ClientError) -> [UInt8] {
        let bytes = try LocalFiles.read(number, place)
        progress.copied(bytes.count)
        return bytes
    }
}
