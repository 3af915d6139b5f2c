import API
import Linux
import Service
import Sessions
import WardenProtocol
import Wire
import Workspace

// The files of running sessions and of workspaces. The warden gives the top of them for each operation anew: nothing
// is kept here, so nothing has to be found again by the next daemon, and nothing of a session outlives it.

extension Daemon {
    /// Does something to somebody's files on a thread, and then answers.
    /// - Parameter writing: of what changes them; held until it is over.
    func withFiles<Value: Sendable>(
        of owner: FileOwner, writing: FileWriting? = nil,
        _ work: @escaping @Sendable (WorkspaceFiles) throws(ServiceError) -> Value,
        _ response: @escaping (Daemon, Value) -> Response
    ) throws(ServiceError) -> Reply {
        let pending = Pending()
        try files(of: owner, { () -> Bool in !pending.isOver }, work) { [weak self] result in
            defer { withExtendedLifetime(writing) {} }
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
        of owner: FileOwner, _ isWanted: @escaping () -> Bool,
        _ work: @escaping @Sendable (WorkspaceFiles) throws(ServiceError) -> Value,
        then finish: @escaping (Result<Value, ServiceError>) -> Void
    ) throws(ServiceError) {
        let jobs = try fileJobs()
        try top(of: owner, isWanted) { result in
            do throws(ServiceError) {
                let top = try result.get()
                try jobs.run(
                    for: owner,
                    { () throws(ServiceError) in try work(try Daemon.files(below: top)) }, then: finish)
            } catch {
                finish(.failure(error))
            }
        }
    }

    /// Asks the warden for the top of somebody's files.
    /// - Parameters:
    ///   - isWanted: where it is not any more, nothing is done.
    ///   - body: called later, once.
    func top(
        of owner: FileOwner, _ isWanted: @escaping () -> Bool,
        _ body: @escaping (Result<Parcel<FileDescriptor>, ServiceError>) -> Void
    ) throws(ServiceError) {
        guard let link, link.isOpen else { throw ServiceError(.unavailable, "the warden is not there") }
        if case .session(let id) = owner { handle(.used, id) }
        let lost = { if isWanted() { body(.failure(.wardenLost)) } }
        link.send(WardenRequest(topOf: owner), orLost: lost) { answer, packet in
            guard isWanted() else { return }
            do throws(ServiceError) {
                body(.success(Parcel(try Daemon.workspace(answer, packet))))
            } catch {
                body(.failure(error))
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

    func fileJobs() throws(ServiceError) -> FileJobs {
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
