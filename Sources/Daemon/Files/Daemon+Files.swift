import API
import Linux
import Service
import Sessions
import WardenProtocol
import Wire
import Workspace

// The files of running sessions. The warden gives the workspace's top for each operation anew: nothing is kept
// here, so nothing has to be found again by the next daemon, and nothing of a session outlives it.

extension Daemon {
    /// A session whose files can be had now.
    func sessionWithFiles(_ request: Request) throws(ServiceError) -> SessionID {
        let id = try session(request)
        guard let machine = table[id]?.machine else {
            throw ServiceError(.notFound, "there is no session \(id)")
        }
        switch machine.state {
        case .running, .paused: break
        case .ended, .quarantined:
            throw ServiceError(.gone, "session \(id) has ended, and its files went with it")
        case .created, .starting, .stopping:
            throw ServiceError(
                .conflict, "session \(id) is \(machine.state.rawValue), and its files cannot be had now")
        }
        guard DescriptorRoom.has(16, beside: 2) else {
            throw ServiceError(
                .limit, "corrald has too few descriptors left for files", hint: "try again later")
        }
        return id
    }

    /// Does something to a session's files on a thread, and then answers.
    func withFiles<Value: Sendable>(
        of id: SessionID, _ work: @escaping @Sendable (WorkspaceFiles) throws(ServiceError) -> Value,
        _ response: @escaping (Daemon, Value) -> Response
    ) throws(ServiceError) -> Reply {
        let pending = Pending()
        try files(of: id, { () -> Bool in !pending.isOver }, work) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let value): pending.complete(response(self, value))
            case .failure(let error): pending.fail(error)
            }
        }
        return .later(pending)
    }

    /// - Parameter isWanted: asked before anything is done to the files.
    func files<Value: Sendable>(
        of id: SessionID, _ isWanted: @escaping () -> Bool,
        _ work: @escaping @Sendable (WorkspaceFiles) throws(ServiceError) -> Value,
        then finish: @escaping (Result<Value, ServiceError>) -> Void
    ) throws(ServiceError) {
        guard let link, link.isOpen else { throw ServiceError(.unavailable, "the warden is not there") }
        let jobs = try fileJobs()
        handle(.used, id)
        let lost = { if isWanted() { finish(.failure(.wardenLost)) } }
        link.send(.workspace(SandboxID(id.value)), orLost: lost) { answer, packet in
            guard isWanted() else { return }
            do throws(ServiceError) {
                let top = Parcel(try Daemon.workspace(answer, packet))
                try jobs.run(
                    for: id,
                    { () throws(ServiceError) in try work(try Daemon.files(below: top)) }, then: finish)
            } catch {
                finish(.failure(error))
            }
        }
    }

    private static func files(below top: Parcel<FileDescriptor>) throws(ServiceError) -> WorkspaceFiles {
        switch top.take() {
        case .some(let top):
            do throws(WorkspaceError) {
                return try WorkspaceFiles(top)
            } catch {
                throw ServiceError(error)
            }
        case .none: throw ServiceError(.fault, "a workspace is taken once")
        }
    }

    private static func workspace(
        _ answer: WardenAnswer, _ packet: Packet
    ) throws(ServiceError) -> FileDescriptor {
        if case .refused(let refusal) = answer { throw ServiceError(refusal) }
        switch packet.takeDescriptor() {
        case .some(let top): return top
        case .none: throw ServiceError(.fault, "the warden gave no workspace")
        }
    }

    private func fileJobs() throws(ServiceError) -> FileJobs {
        if let jobs { return jobs }
        do throws(SystemError) {
            let jobs = try FileJobs(on: loop)
            self.jobs = jobs
            return jobs
        } catch {
            throw ServiceError(.limit, "files cannot be worked on: \(error)")
        }
    }
}
