import Sandbox

/// One side of `corral cp`, as a word of the command line says it.
enum CopyPlace: Hashable {
    case remote(FileHolder, path: String)
    case local(String)
    /// Standard input or output.
    case stream

    /// `SESSION:PATH` as docker reads it: a word that begins with `/` or `.`, or has a slash before its first
    /// colon, is a path of this machine's. `workspace:NAME:PATH` is in a workspace; a session that is called
    /// `workspace` can have no name with a colon in it before the first slash of PATH, but for `./NAME:PATH`.
    init(_ word: String) throws(CommandError) {
        guard !word.isEmpty else {
            throw CommandError("an operand is empty; expected a path, SESSION:PATH or workspace:NAME:PATH")
        }
        if word == "-" {
            self = .stream
            return
        }
        let bytes = word.utf8
        let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        let slash = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
        guard let colon, colon < slash, bytes.first != UInt8(ascii: ".") else {
            self = .local(word)
            return
        }
        let rest = word[word.index(after: colon)...]
        if word[..<colon] == "workspace", let end = rest.utf8.firstIndex(of: UInt8(ascii: ":")), end < slash {
            let path = rest[rest.index(after: end)...].drop { $0 == "/" }
            self = .remote(.workspace(String(rest[..<end])), path: path.isEmpty ? "." : String(path))
            return
        }
        self = .remote(
            .session(String(word[..<colon])), path: try CopyPlace.workspacePath(String(rest)))
    }

    /// The directory that programs inside begin in, below which everything is.
    private static let workspace = "/workspace"

    /// The path as the API takes it: relative. One that begins with `/workspace` is taken for it.
    static func workspacePath(_ path: String) throws(CommandError) -> String {
        guard path.utf8.first == UInt8(ascii: "/") else { return path.isEmpty ? "." : path }
        guard path == workspace || path.hasPrefix("\(workspace)/") else {
            throw CommandError(
                "\(quoted(path)) is outside of the workspace; expected a path relative to it, or one below "
                    + workspace)
        }
        let rest = path.dropFirst(workspace.utf8.count).drop { $0 == "/" }
        return rest.isEmpty ? "." : String(rest)
    }
}

/// Whose files: a session's, or those of a workspace (`NAME`) or a snapshot (`NAME@SNAPSHOT`).
enum FileHolder: Hashable, CustomStringConvertible {
    case session(String)
    case workspace(String)

    /// Below which the API has them.
    /// - Throws: for a name that no path of the API can say.
    func place() throws(CommandError) -> [String] {
        let (list, name) =
            switch self {
            case .session(let name): ("sessions", name)
            case .workspace(let name): ("workspaces", name)
            }
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), ![".", ".."].contains(name) else {
            throw CommandError("there is no \(list.dropLast()) \(quoted(name))")
        }
        return ["v1", list, name, "files"]
    }

    /// As `corral cp` takes it.
    var description: String {
        switch self {
        case .session(let name): name
        case .workspace(let name): "workspace:\(name)"
        }
    }
}

extension String {
    /// Ends with a slash, or with a name that a directory alone has.
    var meansDirectory: Bool {
        hasSuffix("/") || self == "." || self == ".." || hasSuffix("/.") || hasSuffix("/..")
    }

    /// Whether what is in a directory is meant and not the directory: `DIR/.` of docker cp.
    var meansContents: Bool { self == "." || hasSuffix("/.") }

    /// The last name of a path, without slashes; empty where it has none.
    var lastName: String {
        var bytes = utf8[...]
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes.index(after: $0) } ?? bytes.startIndex
        return String(Substring(bytes[start...]))
    }

    /// A name in this directory.
    func appending(name: String) -> String {
        if name.isEmpty { return self }
        return self == "." ? name : hasSuffix("/") ? self + name : "\(self)/\(name)"
    }
}
