import Launch
import Linux
import Preparation
import WardenProtocol

// Workspaces, of running sandboxes and without any, for the corrald that is served.

extension Engine {
    func workspace(_ id: SandboxID, for peer: PeerCredentials) throws(Refusal) -> FileDescriptor {
        guard let sandbox = try live(id).sandbox else {
            throw Refusal(.state, "the sandbox \(id) is ending")
        }
        if let use = volumes.uses[id] { return try volumes.top(of: use.name, for: fileUser(peer)) }
        if directories.isUsed(by: id) { return try directories.files(of: id, for: peer) }
        guard let files = sandbox.files else {
            throw Refusal(
                .unsupported,
                "the session has no workspace: its profile has filesystem.workspace: read_only")
        }
        do throws(SharedFilesError) {
            return try files.open(for: host.abilities.privileged ? user(peer) : nil)
        } catch {
            switch error {
            case .cannotTake(let error) where error.errno == .noSuchProcess:
                throw Refusal(.state, "the sandbox \(id) is ending")
            case .cannotTake: throw Refusal(.system, error.description)
            case .cannotMap, .givenToOther: throw Refusal(.unsupported, error.description)
            }
        }
    }

    func volume(_ request: WardenRequest, _ then: @escaping (VolumeKeeper.Answer) -> Void) {
        switch request {
        case .hostVolumeCreate, .hostVolumeRemove, .hostVolumeResize, .hostVolumeList:
            hostVolumes.answer(request, then)
        default: volumes.answer(request, then)
        }
    }

    func prepare(for order: SessionOrder, _ then: @escaping (Refusal?) -> Void) -> Bool {
        guard let volume = order.workspace, volume.key.kind == .session else { return false }
        return volumes.prepare(then)
    }

    func finish() {
        volumes.workers?.end()
        volumes.images?.end()
    }

    func volumeTop(_ key: VolumeKey, for peer: PeerCredentials) throws(Refusal) -> FileDescriptor {
        try volumes.top(of: key, for: fileUser(peer))
    }

    func users(of key: VolumeKey) -> [SandboxID] { volumes.users(of: key) }

    private func fileUser(_ peer: PeerCredentials) throws(Refusal) -> FileUser {
        do throws(SharedFilesError) {
            return try user(peer)
        } catch {
            throw Refusal(.system, error.description)
        }
    }

    /// One for all sessions: every corrald of a warden has the same ids but for tests.
    private func user(_ peer: PeerCredentials) throws(SharedFilesError) -> FileUser {
        if let fileUser, fileUser.isOf(uid: peer.uid, gid: peer.gid) { return fileUser }
        do throws(SystemError) {
            let user = try FileUser(uid: peer.uid, gid: peer.gid)
            fileUser = user
            return user
        } catch {
            throw .cannotTake(error)
        }
    }
}
