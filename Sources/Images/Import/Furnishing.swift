import Glibc
import Linux
import Sandbox
import Trees

/// What a tree must have for a sandbox, and may not have of its own: users and names below /etc.
/// Written like all else in a tree, by descriptor and without following a link.
struct Furnishing {
    /// Of /etc/passwd and /etc/group, at most.
    private static let fileLimit = 1 << 20

    /// The image whose generated files serve where a tree has none.
    let model: Image

    /// - Parameter root: the tree's directory.
    func furnish(_ root: borrowing FileDescriptor) throws(ImageError) {
        let writer = try doing("the tree") { () throws(SystemError) in
            TreeWriter(try root.duplicate(), limits: TreeLimits())
        }
        let etc = try etc(root, writer)
        for file in model.files where file.path.hasPrefix("/etc/") {
            let name = String(file.path.dropFirst(5))
            if name.contains("/") { continue }
            let there = try status(of: name, in: etc)
            if there == nil {
                try write(Array(file.content.utf8), as: name, mode: file.mode, writer)
            } else if ["passwd", "group"].contains(name) {
                guard there?.kind == .file else {
                    throw ImageError(
                        "the tree's /etc/\(name) is a \(there?.kind.rawValue ?? ""); expected a regular file")
                }
                try complete(name, from: file.content, etc, writer)
            }
        }
        for link in model.symlinks where link.path.hasPrefix("/etc/") {
            let name = String(link.path.dropFirst(5))
            guard !name.contains("/"), try status(of: name, in: etc) == nil else { continue }
            try inTree("the tree's \(link.path)") { () throws(TreeError) in
                try writer.symlink(TreePath(names: ["etc", name]), to: Array(link.target.utf8))
            }
        }
    }

    /// The tree's /etc, which is made where it is missing. One that is a link or a file is refused: what
    /// is to be in it would have no place.
    private func etc(
        _ root: borrowing FileDescriptor, _ writer: TreeWriter
    ) throws(ImageError) -> Held<FileDescriptor> {
        if let there = try doing("the tree's /etc", { () throws(SystemError) in try root.status(of: "etc") })
        {
            guard there.kind == .directory else {
                throw ImageError("the tree's /etc is a \(there.kind.rawValue); expected a directory")
            }
        } else {
            try inTree("the tree's /etc") { () throws(TreeError) in
                try writer.directory(TreePath(names: ["etc"]), mode: 0o755)
            }
        }
        return try doing("the tree's /etc") { () throws(SystemError) in
            Held(try root.open("etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        }
    }

    private func status(
        of name: String, in etc: Held<FileDescriptor>
    ) throws(ImageError) -> EntryStatus? {
        try doing("the tree's /etc/\(name)") { () throws(SystemError) in try etc.value.status(of: name) }
    }

    /// Adds the line for id 1000, which processes run as, where there is none.
    private func complete(
        _ name: String, from model: String, _ etc: Held<FileDescriptor>, _ writer: TreeWriter
    ) throws(ImageError) {
        var text = try doing("the tree's /etc/\(name)") { () throws(SystemError) in
            try etc.value.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).readAll(limit: Self.fileLimit)
        }
        guard Self.line(for: "1000", in: text) == nil,
            let line = Self.line(for: "1000", in: Array(model.utf8))
        else { return }
        if let last = text.last, last != UInt8(ascii: "\n") { text.append(UInt8(ascii: "\n")) }
        // The name may be taken by another id; looking it up finds the first, so ours does no harm.
        try write(text + line + [UInt8(ascii: "\n")], as: name, mode: 0o644, writer)
    }

    /// The line whose third field is `id`: that of passwd(5) and group(5).
    private static func line(for id: String, in text: [UInt8]) -> ArraySlice<UInt8>? {
        text.split(separator: UInt8(ascii: "\n")).first { line in
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            return fields.count > 2 && fields[2].elementsEqual(id.utf8)
        }
    }

    private func write(
        _ bytes: [UInt8], as name: String, mode: UInt32, _ writer: TreeWriter
    ) throws(ImageError) {
        try inTree("the tree's /etc") { () throws(TreeError) in
            let path = TreePath(names: ["etc", name])
            try writer.file(path, mode: mode, size: UInt64(bytes.count), modified: nil) {
                (file) throws(TreeError) in
                do throws(SystemError) {
                    try file.writeAll(bytes)
                } catch {
                    throw TreeError.system(error, entry: "\(path)")
                }
                return UInt64(bytes.count)
            }
        }
    }
}
