package import Glibc
import Linux
import Sandbox

/// A directory of profiles, with parts of seccomp policies in `seccomp` below it.
package struct ProfileDirectory: Sendable, Hashable {
    package enum Owner: String, Sendable, CaseIterable {
        case user, system, shipped
    }
    package let owner: Owner
    package let path: String

    package init(owner: Owner, path: String) {
        self.owner = owner
        self.path = path
    }

    /// What errors call a file of it.
    func called(_ file: String, _ kind: ProfileFileKind) -> String {
        let shipped = kind == .plan ? "profiles/plans" : "profiles"
        return ConfigFile.called(owner == .shipped ? "\(shipped)/\(file)" : "\(path)/\(file)")
    }
}

/// What is looked up in directories of profiles.
package enum ProfileFileKind: String, Sendable, CaseIterable {
    case profile
    case part = "part of a seccomp policy"
    /// In directories of plans.
    case plan

    /// What directories of profiles have.
    package static let ofProfiles: [ProfileFileKind] = [.profile, .part]

    package func file(_ name: String) -> String {
        switch self {
        case .profile, .plan: "\(name).yaml"
        case .part: "seccomp/\(name).json"
        }
    }
}

/// The directories in which names are looked up: the user's, the system's, the shipped one. The first
/// that has the name counts.
package struct ProfileDirectories: Sendable {
    package let all: [ProfileDirectory]
    /// Those that are there. Looked at once, so that a name costs nothing in those that are not.
    private let present: [Present]

    private struct Present: Sendable {
        let directory: ProfileDirectory
        let owners: [uid_t]
        /// For each kind, why somebody else could put files where those of that kind are.
        let weakness: [String?]
    }

    package init(_ all: [ProfileDirectory]) {
        self.all = all
        present = all.compactMap { directory in
            guard unsafe access(directory.path, F_OK) == 0 else { return nil }
            let owners = ConfigFile.owners(shipped: directory.owner == .shipped)
            let weakness = ProfileFileKind.ofProfiles.map { kind in
                ProfileDirectories.weakness(directory, kind, owners)
            }
            return Present(directory: directory, owners: owners, weakness: weakness)
        }
    }

    /// A directory decides which files there are.
    package static func weakness(
        _ directory: ProfileDirectory, _ kind: ProfileFileKind, _ owners: [uid_t]
    ) -> String? {
        var status = stat()
        guard unsafe stat(directory.path, &status) == 0 else { return nil }
        if let why = ConfigFile.weakness(status, owners) { return "its directory \(why)" }
        guard kind == .part, unsafe stat("\(directory.path)/seccomp", &status) == 0 else { return nil }
        return ConfigFile.weakness(status, owners).map { "its directory \($0)" }
    }

    /// - Parameter root: the installation's directory.
    static func standard(root: String) -> ProfileDirectories {
        var all: [ProfileDirectory] = []
        if let user = userDirectory { all.append(ProfileDirectory(owner: .user, path: user)) }
        all.append(ProfileDirectory(owner: .system, path: "/etc/corral/profiles"))
        all.append(ProfileDirectory(owner: .shipped, path: "\(root)/profiles"))
        return ProfileDirectories(all)
    }

    /// The same of plans.
    static func standardPlans(root: String) -> ProfileDirectories {
        var all: [ProfileDirectory] = []
        if let user = userDirectory(of: "plans") { all.append(ProfileDirectory(owner: .user, path: user)) }
        all.append(ProfileDirectory(owner: .system, path: "/etc/corral/plans"))
        all.append(ProfileDirectory(owner: .shipped, path: "\(root)/profiles/plans"))
        return ProfileDirectories(all)
    }

    package static var userDirectory: String? { userDirectory(of: "profiles") }

    /// `$XDG_CONFIG_HOME/corral/profiles`, else below `.config` of the home, which for root is root's
    /// own: sudo may have kept somebody else's HOME.
    private static func userDirectory(of name: String) -> String? {
        if let directory = unsafe getenv("XDG_CONFIG_HOME") {
            let path = unsafe String(cString: directory)
            // What is no absolute path is to be ignored (XDG Base Directory Specification).
            if path.hasPrefix("/") { return "\(path)/corral/\(name)" }
        }
        if geteuid() == 0 { return "/root/.config/corral/\(name)" }
        guard let home = unsafe getenv("HOME") else { return nil }
        let path = unsafe String(cString: home)
        return path.hasPrefix("/") ? "\(path)/.config/corral/\(name)" : nil
    }

    /// A file that was found.
    package struct Found: Sendable {
        package let file: ConfigFile
        /// Its place among ``all``.
        package let directory: ProfileDirectory.Owner
    }

    /// The first directory's file of that name.
    /// - Parameter behind: look only in directories that come after this one.
    /// - Returns: nil where there is none.
    package func find(
        _ name: String, _ kind: ProfileFileKind, behind: ProfileDirectory.Owner? = nil
    ) throws(PreparationError) -> Found? {
        let file = kind.file(name)
        for entry in present where entry.directory.comes(after: behind) {
            let directory = entry.directory
            do throws(ConfigFile.Problem) {
                let path = "\(directory.path)/\(file)"
                let bytes = try ConfigFile.read(path, in: AT_FDCWD, owners: entry.owners, blocking: false)
                if let why = entry.weakness[kind == .part ? 1 : 0] { throw .refused(why) }
                return Found(
                    file: ConfigFile(called: directory.called(file, kind), bytes: bytes),
                    directory: directory.owner
                )
            } catch {
                let what = "\(kind.rawValue) \(shown(directory.called(file, kind)))"
                switch error {
                case .system(.noSuchFileOrDirectory): continue
                case .system(let errno): throw PreparationError("\(what): \(errno)")
                case .refused(let why): throw PreparationError("\(what): \(why)")
                }
            }
        }
        return nil
    }

    /// The names that a directory holds, sorted; none where it is not there.
    package static func names(in directory: ProfileDirectory, _ kind: ProfileFileKind)
        throws(PreparationError)
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
            throw PreparationError("cannot list \(shown(path)): \(error.errno)")
        }
    }

    /// Every name, each once, sorted.
    package func names(_ kind: ProfileFileKind) throws(PreparationError) -> [String] {
        var names: Set<String> = []
        for entry in present { names.formUnion(try Self.names(in: entry.directory, kind)) }
        return names.sorted()
    }

    /// The error about a name that no directory has.
    func unknown(_ name: String, _ kind: ProfileFileKind) throws(PreparationError) -> PreparationError {
        let known = try names(kind)
        let hint = nearestMatch(to: name, in: known).map { "; did you mean \($0)?" } ?? ""
        return PreparationError(
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
