import Sandbox

/// One side of `corral cp`, as a word of the command line says it.
enum CopyPlace: Hashable {
    case session(String, path: String)
    case local(String)
    /// Standard input or output.
    case stream

    /// `SESSION:PATH` as docker reads it: a word that begins with `/` or `.`, or has a slash before its first
    /// colon, is a path of this machine's.
    init(_ word: String) throws(CommandError) {
        guard !word.isEmpty else {
            throw CommandError("an operand is empty; expected a path or SESSION:PATH")
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
        let path = String(word[word.index(after: colon)...])
        self = .session(String(word[..<colon]), path: try CopyPlace.workspacePath(path))
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
