import Client
import Sandbox
import Tables
import Wire

/// What commands ask a daemon about the files of a session or a workspace.
struct FileCalls {
    let client: DaemonClient
    let holder: FileHolder
    private let place: [String]

    /// - Throws: for a name that no path of the API can say.
    init(_ socket: DaemonAddress, _ holder: FileHolder) throws(CommandError) {
        place = try holder.place()
        // What is copied may take as long as a disk or a pipe does.
        client = DaemonClient(socket, patience: nil)
        self.holder = holder
    }

    func stat(_ path: String) throws(ClientError) -> FileAnswer {
        try FileAnswer(try client.ask(request(.get, "stat", [("path", path)])).json())
    }

    /// Nil where there is nothing of that name.
    func statIfAny(_ path: String) throws(ClientError) -> FileAnswer? {
        do throws(ClientError) {
            return try stat(path)
        } catch {
            if case .refused(let refusal) = error, refusal.code == "not-found", refusal.field == "path" {
                return nil
            }
            throw error
        }
    }

    /// All pages of a directory, each as it comes.
    func list(_ path: String, _ page: ([FileAnswer]) throws(ClientError) -> Void) throws(ClientError) {
        try client.pages(place, [("path", path)]) { (answer) throws(ClientError) in
            var files: [FileAnswer] = []
            for json in try answer.list("files") { files.append(try FileAnswer(json)) }
            try page(files)
        }
    }

    /// The content, in parts as they come.
    func read(_ path: String, _ part: ([UInt8]) throws(ClientError) -> Void) throws(ClientError) {
        _ = try client.follow(request(.get, "content", [("path", path)])) { (bytes) throws(ClientError) in
            try part(bytes)
            return true
        }
    }

    /// A directory with all that is in it as a tar file or a zip file, in parts as they come.
    func archive(
        _ path: String, format: String = "tar", _ part: ([UInt8]) throws(ClientError) -> Void
    ) throws(ClientError) {
        let query = [("path", path), ("format", format)]
        _ = try client.follow(request(.get, "archive", query)) { (bytes) throws(ClientError) in
            try part(bytes)
            return true
        }
    }

    /// Replaces a file, or makes it, once all of its content is there.
    /// - Parameters:
    ///   - mode: permission bits; nil for those of the file that is there, or 0644.
    ///   - next: the next piece; empty at the end.
    func write(
        _ path: String, mode: UInt32?, _ next: () throws(ClientError) -> [UInt8]
    ) throws(ClientError) {
        let bits = mode.map { [("mode", String($0 & 0o777, radix: 8))] } ?? []
        _ = try client.upload(request(.put, "content", [("path", path)] + bits), next)
    }

    /// Unpacks an archive into a directory, which is made where it is missing: all of it or nothing.
    /// - Parameter next: the next piece; empty at the end.
    func unpack(_ path: String, _ next: () throws(ClientError) -> [UInt8]) throws(ClientError) {
        let query = [("path", path), ("replace", "true"), ("caseSensitive", "true")]
        _ = try client.upload(request(.put, "archive", query), next)
    }

    /// What happens to names in a directory, as it happens, until it or the session is gone.
    /// - Parameter opened: called once, from when on everything is told.
    func watch(
        _ path: String, recursive: Bool, opened: () -> Void, _ event: (JSONTree) throws(ClientError) -> Void
    ) throws(ClientError) {
        let query = [("path", path)] + (recursive ? [("recursive", "true")] : [])
        try client.events(request(.get, "watch", query), opened: opened) { (told) throws(ClientError) in
            let json: JSONTree
            do throws(JSONTreeError) {
                json = try JSONTree(parsing: Array(told.data.utf8))
            } catch {
                throw .unexpected("an event is not JSON: \(error)")
            }
            try event(json)
            return true
        }
    }

    /// Has a directory be there.
    func makeDirectory(_ path: String) throws(ClientError) {
        let body = JSONText.object { object in
            object.add("path", path)
            object.add("parents", true)
        }
        _ = try client.ask(request(.post, "mkdir", []).with(json: body))
    }

    private func request(
        _ method: HTTPRequest.Method, _ what: String?, _ query: [(String, String)]
    ) -> HTTPRequest {
        HTTPRequest(method, place + (what.map { [$0] } ?? []), query: query)
    }
}

/// A file of a session as the daemon tells of it.
struct FileAnswer {
    /// As it came, for JSON.
    let json: JSONTree
    /// Below the workspace.
    let path: String
    let type: String
    let size: UInt64
    /// Permission bits.
    let mode: UInt32
    let modified: WallTime?
    let target: String?

    init(_ json: JSONTree) throws(ClientError) {
        let members = try AnswerMembers(json)
        self.json = json
        path = try members.need("path")
        type = try members.need("type")
        size = members.whole("size") ?? 0
        mode = members.text("mode").flatMap { UInt32($0, radix: 8) } ?? 0o644
        modified = members.time("modified")
        target = members.text("target")
    }

    var isDirectory: Bool { type == "directory" }
    /// The last part of its path.
    var name: String {
        let bytes = path.utf8
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.index(after: slash)...])
    }
}
