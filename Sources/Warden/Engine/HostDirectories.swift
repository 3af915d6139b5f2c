import CLinux
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

// Directories of the host as workspaces of sessions. An order has a path, written by whoever asked corrald; which
// directory that is, and whether a session may have it, is decided here, once, by descriptor.

/// Which directories of the host the operator lets sessions have.
struct MountPolicy: Hashable, Sendable {
    /// These and what is below them; none of these, no directory.
    var roots: [String] = []
    /// Corral's own places, which no session gets whatever the roots are.
    var never: [String] = []
}

/// The directories of the host that sessions have as workspaces.
///
/// What was opened is held until the session is gone: the sandbox's mount and every one of corrald's are made from
/// the same descriptor, so that nobody who renames or links meanwhile decides what they show.
final class HostDirectories {
    private struct Use {
        let directory: WorkspaceDirectory
        let isReadOnly: Bool
    }

    private let policy: MountPolicy
    private let host: HostSetup
    /// The warden's state directory.
    private let state: String?
    private var uses: [SandboxID: Use] = [:]

    init(_ policy: MountPolicy, _ host: HostSetup, state: String?) {
        self.policy = policy
        self.host = host
        self.state = state
    }

    func isUsed(by id: SandboxID) -> Bool { uses[id] != nil }

    /// Opens a directory for a session.
    /// - Parameters:
    ///   - path: as ``SessionOrder/directory``.
    ///   - given: what is at that path, where it is below a volume and so was looked at before.
    ///   - quota: what is asked for where it is below none, and nothing keeps a limit.
    /// - Throws: `ceiling` where the operator allows none there, `order` for what is no directory that a session
    ///   can have, `unsupported` for an ordinary user's warden, `system` when the kernel does not tell.
    func take(
        _ path: String, _ given: WorkspaceDirectory?, _ quota: DirectoryQuota?, for id: SandboxID,
        readOnly: Bool
    ) throws(Refusal) -> WorkspaceDirectory {
        guard host.abilities.privileged else {
            throw Refusal(
                .unsupported,
                "a directory of the host as workspace takes a warden of root's, which can make idmapped mounts; "
                    + "`corral run --workspace` works without")
        }
        if given == nil, let quota, !quota.allowSoft, quota.limits != VolumeAmounts() {
            throw Refusal(
                .volumeNotEnforced, "nothing keeps a limit of the host's directory \(shown(path))",
                limit: "quota")
        }
        let directory: WorkspaceDirectory
        if let given { directory = given } else { directory = try open(path, field: "directory") }
        guard !directory.isOfRoot else {
            throw Refusal(
                .order,
                "\(shown(path)) belongs to root or root's group: a session is the owner of its workspace's "
                    + "files, and it does not become root there; give it to another user (chown)",
                limit: "directory")
        }
        uses[id] = Use(directory: directory, isReadOnly: readOnly)
        return directory
    }

    /// The sandbox is gone, or never was.
    func release(_ id: SandboxID) { uses[id] = nil }

    /// The top of it, whose owner's files are the peer's.
    func files(of id: SandboxID, for peer: PeerCredentials) throws(Refusal) -> FileDescriptor {
        guard let use = uses[id] else { throw Refusal(.system, "the sandbox \(id) has no directory") }
        do throws(WorkspaceError) {
            return try use.directory.idmapped(toUser: peer.uid, group: peer.gid, readOnly: use.isReadOnly)
        } catch {
            throw Refusal(.system, error.description)
        }
    }

    // MARK: Opening

    /// A directory that is or is below one of the operator's, and no place that no sandbox may see.
    /// - Parameter field: what the path is in requests.
    func open(_ path: String, field: String) throws(Refusal) -> WorkspaceDirectory {
        do throws(ValueError) {
            try checkPath(path)
        } catch {
            throw Refusal(.order, error.problem, limit: field)
        }
        let root = try root(of: path, field)
        let directory: WorkspaceDirectory
        do throws(SystemError) {
            directory = try HostDirectories.directory(
                try descriptor(of: path, below: root), path)
        } catch {
            throw Refusal(.order, "\(WorkspaceError.cannotOpen(path, error.errno))", limit: field)
        }
        try checkPlace(of: directory, field)
        return directory
    }

    private static func directory(
        _ descriptor: consuming FileDescriptor, _ path: String
    ) throws(SystemError) -> WorkspaceDirectory {
        do throws(WorkspaceError) {
            return try WorkspaceDirectory.of(descriptor, path: path)
        } catch {
            throw SystemError("openat2", path, .notDirectory)
        }
    }

    /// The root that the operator allows and the path is in, by its text. That the text and the place are the same
    /// thing is for ``descriptor(of:below:)``, which follows no link.
    private func root(of path: String, _ field: String) throws(Refusal) -> String {
        if let root = policy.roots.first(where: { path == $0 || isBelow(path, $0) }) { return root }
        let why =
            policy.roots.isEmpty
            ? "sessions may have no directory of the host; the operator allows some with the setting mounts"
            : "the directory \(shown(path)) is in none of those that sessions may have: "
                + policy.roots.joined(separator: ", ") + " (setting mounts)"
        throw Refusal(.ceiling, why, limit: field, asked: path)
    }

    /// Walks from the root of the file tree to the operator's directory, and from there on not out of it, over no
    /// symbolic link at all: whoever may write somewhere on the way cannot lead it elsewhere (openat2(2)).
    private func descriptor(of path: String, below root: String) throws(SystemError) -> FileDescriptor {
        // Not O_NOFOLLOW, which with O_PATH opens a link at the end itself and calls it no directory.
        let flags = CLINUX_O_PATH | O_DIRECTORY
        let top = try FileDescriptor.open("/", CLINUX_O_PATH | O_DIRECTORY)
        // Tests show by leaving this out that it is what stops a link.
        if host.without.contains(.pathResolver) {
            return try top.open(path, CLINUX_O_PATH | O_DIRECTORY, resolve: [])
        }
        let allowed = try top.open(root, flags, resolve: [.noSymlinks, .noMagicLinks])
        if path == root { return allowed }
        let rest = String(decoding: path.utf8.dropFirst(root.utf8.count + 1), as: UTF8.self)
        return try allowed.open(rest, flags, resolve: [.beneath, .noSymlinks, .noMagicLinks])
    }

    /// Refuses places that no sandbox may see, by whatever mount they were reached.
    private func checkPlace(of directory: WorkspaceDirectory, _ field: String) throws(Refusal) {
        do {
            let own = try StateDirectory.all(host.abilities) + policy.never + (state.map { [$0] } ?? [])
            try directory.check(by: RefusedPlaces.look(own: own))
        } catch {
            throw Refusal(.order, "\(error)", limit: field)
        }
    }
}
