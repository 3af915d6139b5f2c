extension MountView {
    /// Where a path leads.
    package struct Resolution: Hashable, Sendable {
        package enum Outcome: Hashable, Sendable {
            /// To one of the view's own things.
            case thing(Entry)
            /// Below a thing whose contents the view does not know: a bind, a writable file system, /proc.
            case below(Entry)
            /// To a link that is a process's own (proc_pid_fd(5), proc_pid_cwd(5)): what it leads to is known
            /// to nobody but the kernel.
            case magicLink(String)
            /// To a name that `directory`, whose contents are all known, does not have.
            case missing(directory: Entry)
            /// Through a directory that is not there.
            case noDirectory(String)
            /// Through something that is no directory.
            case notDirectory(Entry)
            /// Through a directory whose mode keeps processes out.
            case closed(Entry)
            /// More than 40 links, as many as the kernel follows.
            case tooManyLinks
            /// A path of more than 4095 bytes, or a name of more than 255.
            case nameTooLong
            /// A name of more than 255 bytes at the end of the path, in a directory that is there.
            case lastNameTooLong
        }

        /// Absolute and without links; as far as it was resolved.
        package let path: String
        package let outcome: Outcome
        /// The links that were followed, in order.
        package let links: [Entry]
    }

    /// Follows a path through the view's own links (path_resolution(7)).
    /// - Parameters:
    ///   - path: absolute.
    ///   - followingLast: whether a link at the end is followed, too.
    package func resolve(_ path: String, followingLast: Bool) -> Resolution {
        // PATH_MAX of limits.h, which counts a terminating zero.
        guard path.utf8.count <= 4095 else {
            return Resolution(path: path, outcome: .nameTooLong, links: [])
        }
        var walk = Walk(path, in: self)
        return walk.run(followingLast)
    }

    /// The thing in which a name is, or what is above it: a directory, a mount.
    /// - Parameter path: without links.
    package func holder(of path: String) -> Entry {
        var above = parent(of: path)
        while above != "/" {
            if let entry = self[above] { return entry }
            above = parent(of: above)
        }
        return self["/"] ?? Entry(path: "/", thing: .directory, key: nil)
    }

    /// Whether all that can be below a thing is in the view.
    fileprivate func isKnown(_ thing: Thing) -> Bool {
        switch thing {
        case .directory, .maskedDirectory, .socketDirectory: true
        // Nobody but the init makes anything there.
        case .tmpfs(let permissions, _): !permissions.write
        default: false
        }
    }
}

/// One path on its way.
private struct Walk {
    private let view: MountView
    /// Parts still to go, the next one last.
    private var rest: [Substring]
    /// Where the walk is.
    private var here: [Substring] = []
    private var links: [MountView.Entry] = []

    init(_ path: String, in view: MountView) {
        self.view = view
        rest = path.split(separator: "/").reversed()
    }

    private var path: String { "/" + here.joined(separator: "/") }

    private func ended(_ outcome: MountView.Resolution.Outcome) -> MountView.Resolution {
        MountView.Resolution(path: path, outcome: outcome, links: links)
    }

    mutating func run(_ followingLast: Bool) -> MountView.Resolution {
        while let part = rest.popLast() {
            if part == "." { continue }
            // Nil below a thing whose contents nobody knows.
            let directory = view[path]
            // `..` too looks the directory up, so it has to be one that lets processes in.
            if let directory, let problem = problem(directory) { return ended(problem) }
            if part == ".." {
                _ = here.popLast()
                continue
            }
            here.append(part)
            // NAME_MAX of limits.h.
            if part.utf8.count > 255 { return ended(afterLongName) }
            if isMagicLink { return ended(.magicLink(path)) }
            if let entry = view[path] {
                guard case .symlink(let target) = entry.thing, followingLast || !rest.isEmpty else {
                    continue
                }
                if let end = follow(entry, target) { return end }
            } else if let directory, view.isKnown(directory.thing) {
                return ended(rest.isEmpty ? .missing(directory: directory) : .noDirectory(path))
            }
        }
        return ended(end)
    }

    /// procfs looks for names of any length, and has none of these.
    private var afterLongName: MountView.Resolution.Outcome {
        let holder = view.holder(of: path)
        if holder.thing != .proc { return rest.isEmpty ? .lastNameTooLong : .nameTooLong }
        return rest.isEmpty ? .missing(directory: holder) : .noDirectory(path)
    }

    private var end: MountView.Resolution.Outcome {
        if let entry = view[path] { return .thing(entry) }
        return .below(view.holder(of: path))
    }

    /// `/proc/self/fd/1`, `/proc/7/cwd` and their like.
    private var isMagicLink: Bool {
        guard here.count >= 3, here[0] == "proc", view["/proc"]?.thing == .proc else { return false }
        var rest = here.dropFirst(2)
        if rest.count >= 3, rest.first == "task" { rest = rest.dropFirst(2) }
        let name = rest.first ?? ""
        return rest.count == 1 ? ["cwd", "exe", "root"].contains(name) : rest.count == 2 && name == "fd"
    }

    /// - Returns: the end of the walk, after too many links.
    private mutating func follow(_ entry: MountView.Entry, _ target: String) -> MountView.Resolution? {
        links.append(entry)
        // MAXSYMLINKS of linux/namei.h.
        if links.count > 40 { return ended(.tooManyLinks) }
        here.removeLast()
        if target.utf8.first == UInt8(ascii: "/") { here = [] }
        rest += target.split(separator: "/").reversed()
        return nil
    }

    /// What keeps the walk from going on below a thing.
    private func problem(_ entry: MountView.Entry) -> MountView.Resolution.Outcome? {
        switch entry.thing {
        case .tmpfs(let permissions, _): permissions.execute ? nil : .closed(entry)
        case .file, .boundFile, .device, .maskedFile, .socket: .notDirectory(entry)
        case .directory, .symlink, .boundDirectory, .workspace, .proc, .maskedDirectory, .socketDirectory: nil
        }
    }
}
