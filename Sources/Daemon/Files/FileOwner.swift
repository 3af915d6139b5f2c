import API
import Service
import Sessions
import WardenProtocol

/// Whose files are worked on: a session's, as long as it lives, or those of a workspace or a snapshot, whether or
/// not a session has it.
enum FileOwner: Hashable, Sendable {
    case session(SessionID)
    case volume(WorkspaceVolume)
}

extension FileOwner: CustomStringConvertible {
    var description: String {
        switch self {
        case .session(let id): "session \(id)"
        case .volume(let volume): volume.text
        }
    }

    /// What those are told who were at work when the files went.
    var gone: ServiceError {
        switch self {
        case .session: ServiceError(.gone, "\(self) has ended, and its files went with it")
        case .volume:
            ServiceError(.gone, "the files of \(self) were removed or put back meanwhile")
        }
    }
}

extension WardenRequest {
    /// For the top of its files, as a descriptor.
    init(topOf owner: FileOwner) {
        switch owner {
        case .session(let id): self = .workspace(SandboxID(id.value))
        case .volume(.workspace(let key)): self = .volumeOpen(VolumeKey(key))
        case .volume(.snapshot(let key)): self = .volumeOpen(VolumeKey(key))
        }
    }
}

extension Daemon {
    /// Whose files a request is about, where they can be had now.
    func fileOwner(_ request: Request) throws(ServiceError) -> FileOwner {
        let owner: FileOwner =
            if let text = request.parameters["workspace"] {
                .volume(try volumeWithFiles(text, of: scope(request).tenant))
            } else {
                .session(try sessionWithFiles(request))
            }
        guard DescriptorRoom.has(16, beside: 2) else {
            throw ServiceError(
                .limit, "corrald has too few descriptors left for files", hint: "try again later")
        }
        return owner
    }

    /// A session whose files can be had now.
    private func sessionWithFiles(_ request: Request) throws(ServiceError) -> SessionID {
        let id = try session(request)
        guard let machine = table[id]?.machine else {
            throw ServiceError(.notFound, "there is no session \(id)")
        }
        switch machine.state {
        case .running, .paused: return id
        case .ended, .quarantined: throw FileOwner.session(id).gone
        case .created, .starting, .stopping:
            throw ServiceError(
                .conflict, "session \(id) is \(machine.state.rawValue), and its files cannot be had now")
        }
    }

    /// - Parameter text: `WORKSPACE`, or `WORKSPACE@SNAPSHOT`: no name has an @.
    func volumeWithFiles(_ text: String, of tenant: Name) throws(ServiceError) -> WorkspaceVolume {
        let words = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let snapshot = words.count > 1 ? String(words[1]) : nil
        let volume = try refusing { () throws(WorkspaceRefusal) -> WorkspaceVolume in
            let key = try workspaces.find(String(words.first ?? ""), of: tenant).key
            guard let snapshot else { return .workspace(key) }
            return .snapshot(try workspaces.findSnapshot(snapshot, of: key).key)
        }
        try needVolumes()
        try refusing { () throws(WorkspaceRefusal) in try workspaces.needFiles(of: volume) }
        return volume
    }
}
