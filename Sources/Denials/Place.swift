import Linux
import Sandbox

/// Where a path leads to, as far as the mounts matter: what can be done there and what cannot.
struct Place {
    /// Why something cannot be done.
    struct Problem {
        enum Cure {
            case none
            case add
            /// The mode of an entry lacks a right.
            case mode(MountView.Entry, String)
            case writable(MountView.Entry)
            case executable(MountView.Entry)
        }

        let text: String
        let errno: Errno
        let cure: Cure
        /// What refuses, where it is not the place itself.
        var culprit: MountView.Entry?
        /// Told by the file itself, once everybody else has agreed.
        var comesAfterLandlock = false

        init(_ errno: Errno, _ text: String, _ cure: Cure = .none) {
            self.text = text
            self.errno = errno
            self.cure = cure
        }
    }

    enum Kind {
        case directory
        case file
        case device
        case socket
        case link
        /// Either; only processes or the host know.
        case unknown
        case missing
    }

    let path: String
    let kind: Kind
    /// What it is, as a clause.
    let says: String
    let origin: String?
    /// The mount or directory that it is in.
    let entry: MountView.Entry
    /// What the name itself is in.
    let directory: MountView.Entry
    private(set) var notes: [String] = []

    init(of entry: MountView.Entry, _ rules: SandboxRules) {
        self.entry = entry
        path = entry.path
        origin = rules.origin(of: entry)
        says = "\(entry.path) is \(entry.noun)"
        kind = entry.thing.kind
        directory = rules.view.holder(of: entry.path)
        if case .device = entry.thing { notes = ["the mode of the device is the host's"] }
        if case .boundFile = entry.thing { notes = [Place.foreignNote(entry)] }
    }

    init(below entry: MountView.Entry, _ rules: SandboxRules) {
        self.entry = entry
        path = entry.path
        origin = rules.origin(of: entry)
        says = "\(entry.path) is \(entry.noun)"
        kind = .unknown
        directory = entry
        switch entry.thing {
        case .boundDirectory: notes = [Place.foreignNote(entry)]
        case .proc: notes = ["whether it is there, and who may read it, is the kernel's to say"]
        default:
            notes = ["it has to be there: somebody in the sandbox has to have made it, with a mode that fits"]
        }
    }

    /// - Parameter directory: one whose contents are all known.
    init(missingIn directory: MountView.Entry, _ rules: SandboxRules) {
        entry = directory
        path = directory.path
        self.directory = directory
        origin = rules.origin(of: directory) ?? rules.origin(.image)
        says = "\(directory.path) is \(directory.noun)"
        kind = .missing
    }

    private static func foreignNote(_ entry: MountView.Entry) -> String {
        let owner = entry.isOfTree ? "tree" : "host"
        return
            "if the \(owner) has it and its mode lets others: the modes of the \(owner)'s files are not rules"
    }
}

extension MountView.Entry {
    /// Whether it is shown of a stored tree.
    fileprivate var isOfTree: Bool { key == "tree" }

    /// What it is, with its article.
    var noun: String {
        switch thing {
        case .boundDirectory where isOfTree: "a directory of the image's tree, read-only"
        case .boundFile where isOfTree: "a file of the image's tree, read-only"
        default: thing.noun
        }
    }
}

extension MountView.Thing {
    fileprivate var kind: Place.Kind {
        switch self {
        case .directory, .boundDirectory, .tmpfs, .workspace, .proc, .maskedDirectory, .socketDirectory:
            .directory
        case .file, .boundFile: .file
        case .device, .maskedFile: .device
        case .socket: .socket
        case .symlink: .link
        }
    }

    /// With its article.
    fileprivate var noun: String {
        switch self {
        case .directory: "a directory of the root, which is read-only"
        case .symlink(let target): "a link to \(target)"
        case .file: "a file made for the sandbox, read-only"
        case .boundDirectory: "a directory of the host, read-only"
        case .boundFile: "a file of the host, read-only"
        case .device(let major, let minor): "the device \(major):\(minor)"
        case .tmpfs(_, let executable):
            "a memory file system\(executable ? "" : " from which nothing is executed")"
        case .workspace(true): "a directory of the host, writable"
        case .workspace(false): "a directory of the host, read-only"
        case .proc: "the kernel's /proc, read-only, from which nothing is executed"
        case .maskedDirectory: "hidden by an empty directory"
        case .maskedFile: "hidden by the null device, so it reads as empty"
        case .socketDirectory: "a directory of the sandbox's init"
        case .socket: "the relay's socket"
        }
    }

    /// Whether nothing is written there, by how it is mounted.
    var isReadOnly: Bool {
        switch self {
        case .tmpfs, .workspace(writable: true), .socketDirectory, .socket, .device, .maskedFile: false
        default: true
        }
    }
}
