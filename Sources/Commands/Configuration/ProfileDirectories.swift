import Glibc
import Linux
import Sandbox

/// A directory of profiles, with parts of seccomp policies in `seccomp` below it.
struct ProfileDirectory: Sendable, Hashable {
    enum Owner: String, Sendable, CaseIterable {
        case user, system, shipped
    }
    let owner: Owner
    let path: String

    /// What errors call a file of it.
    func called(_ file: String) -> String {
        ConfigFile.called(owner == .shipped ? "profiles/\(file)" : "\(path)/\(file)")
    }
}

/// What is looked up in directories of profiles.
enum ProfileFileKind: String, Sendable, CaseIterable {
    case profile
    case part = "part of a seccomp policy"

    func file(_ name: String) -> String {
        switch self {
        case .profile: "\(name).yaml"
        case .part: "seccomp/\(name).json"
        }
    }
}

/// The directories in which names are looked up: the user's, the system's, the shipped one. The first
/// that has the name counts.
struct ProfileDirectories: Sendable {
    let all: [ProfileDirectory]
    /// Those that are there. Looked at once, so that a name costs nothing in those that are not.
    private let present: [ProfileDirectory]

    init(_ all: [ProfileDirectory]) {
        self.all = all
        present = all.filter { unsafe access($0.path, F_OK) == 0 }
    }

    /// - Parameter root: the installation's directory.
    static func standard(root: String) -> ProfileDirectories {
        var all: [ProfileDirectory] = []
        if let user = userDirectory { all.append(ProfileDirectory(owner: .user, path: user)) }
        all.append(ProfileDirectory(owner: .system, path: "/etc/corral/profiles"))
        all.append(ProfileDirectory(owner: .shipped, path: "\(root)/profiles"))
        return ProfileDirectories(all)
    }

    /// `$XDG_CONFIG_HOME/corral/profiles`, else below `.config` of the home, which for root is root's
    /// own: sudo may have kept somebody else's HOME.
    static var userDirectory: String? {
        if let directory = unsafe getenv("XDG_CONFIG_HOME") {
            let path = unsafe String(cString: directory)
            // What is no absolute path is to be ignored (XDG Base Directory Specification).
            if path.hasPrefix("/") { return "\(path)/corral/profiles" }
        }
        if geteuid() == 0 { return "/root/.config/corral/profiles" }
        guard let home = unsafe getenv("HOME") else { return nil }
        let path = unsafe String(cString: home)
        return path.hasPrefix("/") ? "\(path)/.config/corral/profiles" : nil
    }

    /// A file that was found.
    struct Found: Sendable {
        let file: ConfigFile
        /// Its place among ``all``.
        let directory: ProfileDirectory.Owner
    }

    /// The first directory's file of that name.
    /// - Parameter behind: look only in directories that come after this one.
    /// - Returns: nil where there is none.
    func find(
        _ name: String, _ kind: ProfileFileKind, behind: ProfileDirectory.Owner? = nil
    ) throws(CommandError) -> Found? {
        let file = kind.file(name)
        for directory in present where directory.comes(after: behind) {
            let path = "\(directory.path)/\(file)"
            func problem(_ text: String) -> CommandError {
                CommandError("\(kind.rawValue) \(shown(directory.called(file))): \(text)")
            }
            let owners = ConfigFile.owners(shipped: directory.owner == .shipped)
            do throws(ConfigFile.Problem) {
                let bytes = try ConfigFile.read(path, in: AT_FDCWD, owners: owners, blocking: false)
                try check(directory.path, owners)
                return Found(
                    file: ConfigFile(called: directory.called(file), bytes: bytes), directory: directory.owner
                )
            } catch {
                switch error {
                case .system(.noSuchFileOrDirectory): continue
                case .system(let errno): throw problem("\(errno)")
                case .refused(let why): throw problem(why)
                }
            }
        }
        return nil
    }

    /// The directory decides which files there are.
    private func check(_ directory: String, _ owners: [uid_t]) throws(ConfigFile.Problem) {
        var status = stat()
        guard unsafe stat(directory, &status) == 0 else { throw .system(Errno(rawValue: errno)) }
        if let why = ConfigFile.weakness(status, owners) { throw .refused("its directory \(why)") }
    }

    /// The names that a directory holds, sorted; none where it is not there.
    static func names(in directory: ProfileDirectory, _ kind: ProfileFileKind) throws(CommandError)
        -> [String]
    {
        let pattern = kind.file("").split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let suffix = pattern.last ?? ""
        let path = ([directory.path] + pattern.dropLast()).joined(separator: "/")
        do throws(SystemError) {
            let entries = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY).entries()
            return entries.map(\.name).filter { $0.hasSuffix(suffix) && $0.count > suffix.count }
                .map { String($0.dropLast(suffix.count)) }.sorted()
        } catch {
            if error.errno == .noSuchFileOrDirectory { return [] }
            throw CommandError("cannot list \(shown(path)): \(error.errno)")
        }
    }

    /// Every name, each once, sorted.
    func names(_ kind: ProfileFileKind) throws(CommandError) -> [String] {
        var names: Set<String> = []
        for directory in present { names.formUnion(try Self.names(in: directory, kind)) }
        return names.sorted()
    }

    /// The error about a name that no directory has.
    func unknown(_ name: String, _ kind: ProfileFileKind) throws(CommandError) -> CommandError {
        let known = try names(kind)
        let hint = nearestMatch(to: name, in: known).map { "; did you mean \($0)?" } ?? ""
        return CommandError(
            "unknown \(kind.rawValue) \(quoted(name))\(hint) (known: \(known.joined(separator: ", ")))")
    }
}

extension ProfileDirectory {
    fileprivate func comes(after other: Owner?) -> Bool {
        guard let other else { return true }
        let order = Owner.allCases
        return (order.firstIndex(of: owner) ?? 0) > (order.firstIndex(of: other) ?? 0)
    }
}
