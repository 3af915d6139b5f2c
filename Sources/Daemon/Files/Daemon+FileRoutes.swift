import API
import Service
import Sessions
import Trees
import Wire
import Workspace

// What is asked about files and done to them as a whole; their content is in FileStream and FileUpload.

extension Daemon {
    func listFiles(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("listFiles").query)
        let path = try query.path() ?? .root
        let limit = Int(clamping: query.whole("limit") ?? UInt64(WorkspaceFiles.longestPage))
        let after = try query.text("after").map { (text) throws(ServiceError) in
            try filed("after") { () throws(WorkspaceError) in try ListCursor(text) }
        }
        return try withFiles(of: fileOwner(request)) { (files) throws(ServiceError) in
            try filed { () throws(WorkspaceError) in try files.list(path, after: after, limit: limit) }
        } _: { _, page in
            .json(
                .object { object in
                    object.array("files") { list in
                        for entry in page.entries {
                            list.object { entry.write(path.appended(entry.name), to: &$0) }
                        }
                    }
                    if let next = page.next { object.add("next", next.description) }
                })
        }
    }

    func statFile(_ request: Request) throws(ServiceError) -> Reply {
        let path = try neededPath(request, "statFile")
        return try withFiles(of: fileOwner(request)) { (files) throws(ServiceError) in
            try filed { () throws(WorkspaceError) in try files.entry(path) }
        } _: { _, entry in
            .file(entry, path)
        }
    }

    func removeFile(_ request: Request) throws(ServiceError) -> Reply {
        let path = try neededPath(request, "removeFile")
        let isRecursive = try QueryReader(request, route("removeFile").query).flag("recursive")
        let owner = try fileOwner(request)
        return try withFiles(of: owner, writing: beginWriting(owner)) { (files) throws(ServiceError) in
            try filed { () throws(WorkspaceError) in try files.remove(path, recursive: isRecursive) }
        } _: { _, _ in
            .nothing
        }
    }

    func makeDirectory(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.directoryRequest)
        let path = try reader.path("path")
        let parents = reader.flag("parents") ?? false
        let owner = try fileOwner(request)
        return try withFiles(of: owner, writing: beginWriting(owner)) { (files) throws(ServiceError) in
            try filed { () throws(WorkspaceError) in
                try files.makeDirectory(path, parents: parents)
                return try files.entry(path)
            }
        } _: { _, entry in
            .file(entry, path, status: 201)
        }
    }

    func moveFile(_ request: Request) throws(ServiceError) -> Reply {
        try rename(request) { (files, from, to, replacing) throws(WorkspaceError) in
            try files.move(from, to: to, replacing: replacing)
        }
    }

    func copyFile(_ request: Request) throws(ServiceError) -> Reply {
        try rename(request) { (files, from, to, replacing) throws(WorkspaceError) in
            _ = try files.copy(from, to: to, replacing: replacing)
        }
    }

    private typealias Renaming =
        @Sendable (WorkspaceFiles, WorkspacePath, WorkspacePath, Bool) throws(WorkspaceError) -> Void

    private func rename(_ request: Request, _ act: @escaping Renaming) throws(ServiceError) -> Reply {
        let reader = try request.reader(.moveRequest)
        let (from, to) = (try reader.path("from"), try reader.path("to"))
        let replacing = reader.flag("replace") ?? false
        let owner = try fileOwner(request)
        return try withFiles(of: owner, writing: beginWriting(owner)) { (files) throws(ServiceError) in
            do throws(WorkspaceError) {
                try act(files, from, to, replacing)
                return try files.entry(to)
            } catch {
                throw ServiceError(error, field: error.path == from.description ? "from" : "to")
            }
        } _: { _, entry in
            .file(entry, to)
        }
    }

    func neededPath(_ request: Request, _ operation: String) throws(ServiceError) -> WorkspacePath {
        guard let path = try QueryReader(request, route(operation).query).path() else {
            throw ServiceError(.invalid, "path is missing", field: "path")
        }
        return path
    }
}

extension QueryReader {
    /// The path of a request that has one.
    func path() throws(ServiceError) -> WorkspacePath? {
        guard let text = text("path") else { return nil }
        return try filed { () throws(WorkspaceError) in try WorkspacePath(text) }
    }
}

extension APIReader {
    fileprivate func path(_ field: String) throws(ServiceError) -> WorkspacePath {
        try filed(field) { () throws(WorkspaceError) in try WorkspacePath(text(field) ?? "") }
    }
}

extension WorkspacePath {
    /// The path of a name in this directory, as text: a name need not be one that a path can say.
    fileprivate func appended(_ name: String) -> String { isRoot ? name : "\(self)/\(name)" }
}

extension Response {
    static func file(_ entry: FileEntry, _ path: WorkspacePath, status: Int = 200) -> Response {
        .json(.object { entry.write(path.description, to: &$0) }, status: status)
    }
}

extension FileEntry {
    fileprivate func write(_ path: String, to object: inout JSONObjectWriter) {
        object.add("path", path)
        object.add("type", status.kind.typeName)
        object.add("size", status.size)
        let octal = String(status.mode & 0o7777, radix: 8)
        object.add("mode", String(repeating: "0", count: max(0, 4 - octal.utf8.count)) + octal)
        let milliseconds = Int64(status.modified) * 1000 + Int64(status.modifiedNanoseconds / 1_000_000)
        object.add("modified", APITime(milliseconds: milliseconds).description)
        if let target { object.add("target", target) }
    }
}

extension EntryStatus.Kind {
    /// As the API calls it.
    var typeName: String { self == .symlink ? "link" : rawValue }
}
