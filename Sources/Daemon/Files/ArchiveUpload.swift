import API
import Configuration
import Linux
import Service
import Sessions
import Synchronization
import Wire
import Workspace

// Archives on their way from a client into a workspace.

extension Daemon {
    func unpackFiles(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("unpackFiles").query)
        let path = try query.path() ?? .root
        let owner = try fileOwner(request)
        let (all, own) = (archives.count, archives.values.count { $0 == owner })
        guard all < ArchiveUpload.most, own < ArchiveUpload.mostOfOne else {
            throw ServiceError(
                .limit, "\(own) archives are being unpacked into \(owner), \(all) in all",
                hint: "at most \(ArchiveUpload.mostOfOne) and \(ArchiveUpload.most) may; try again later")
        }
        let words = UnpackerProcess.Words(
            entries: settings.number(.archiveEntries), bytes: settings.number(.archiveBytes),
            isCaseSensitive: query.flag("caseSensitive"))
        let upload = ArchiveUpload(
            self, owner, path, words, replacing: query.flag("replace"), writing: try beginWriting(owner))
        upload.began()
        do throws(ServiceError) {
            try files(of: owner, { true }) { (files) throws(ServiceError) in
                try ArrivalBox(try filed { () throws(WorkspaceError) in try files.receive(at: path) })
            } then: {
                upload.opened($0)
            }
        } catch {
            upload.over()
            throw error
        }
        return .upload(upload)
    }
}

/// A tree on its way into its place, which it gets or is removed on a thread, once.
private final class ArrivalBox: Sendable {
    private let arrival: Mutex<Arrival?>
    /// For the unpacker.
    let directory: FileDescriptor

    init(_ arrival: consuming sending Arrival) throws(ServiceError) {
        let copy: FileDescriptor
        do throws(SystemError) {
            copy = try arrival.directory.duplicate()
        } catch {
            arrival.discard()
            throw ServiceError(.limit, "files cannot be worked on: \(error)")
        }
        directory = copy
        self.arrival = Mutex(arrival)
    }

    /// - Parameter lasting: whether what is there is on the disk then.
    func commit(replacing: Bool, lasting: Bool) throws(WorkspaceError) {
        let arrival = arrival.withLock { $0.take() }
        switch consume arrival {
        case .some(let arrival): try arrival.commit(replacing: replacing, lasting: lasting)
        case .none: break
        }
    }

    func discard() {
        let arrival = arrival.withLock { $0.take() }
        switch consume arrival {
        case .some(let arrival): arrival.discard()
        case .none: break
        }
    }
}

/// The body of a request on its way through an unpacker, which is a process of its own and reads it from a pipe;
/// a client that is faster than it waits. What it makes is put into its place once it says that all is well.
final class ArchiveUpload: BodySink, RefusingSink {
    /// Unpackers at a time, and of these for one session or workspace.
    static let most = 8
    static let mostOfOne = 2

    private let daemon: Daemon
    private let owner: FileOwner
    private let path: WorkspacePath
    private let words: UnpackerProcess.Words
    private let isReplacing: Bool
    /// Until nothing is written any more.
    private var writing: FileWriting?
    private var arrival: ArrivalBox?
    private var unpacker: UnpackerProcess?
    private var problem: ServiceError?
    private var flow: UploadFlow?
    private var answer: Pending?
    /// Every byte of the body was taken.
    private var isWhole = false
    /// The client is gone, or the files.
    private(set) var isOver = false
    var whenRefused: (ServiceError) -> Void = { _ in }

    fileprivate init(
        _ daemon: Daemon, _ owner: FileOwner, _ path: WorkspacePath, _ words: UnpackerProcess.Words,
        replacing: Bool, writing: FileWriting?
    ) {
        self.daemon = daemon
        self.writing = writing
        self.owner = owner
        self.path = path
        self.words = words
        isReplacing = replacing
    }

    // MARK: Count

    fileprivate func began() {
        daemon.archives[ObjectIdentifier(self)] = owner
        daemon.whenEnded(owner, self) { [weak self] in
            guard let self else { return }
            refuse(owner.gone)
        }
    }

    /// It is in its place, or nothing of it is left.
    fileprivate func over(isIn: Bool = false) {
        daemon.archives[ObjectIdentifier(self)] = nil
        daemon.forgetEnd(of: owner, self)
        writing = nil
        daemon.importEnded(owner, isIn: isIn)
    }

    // MARK: Body

    func begin(_ flow: UploadFlow) { self.flow = flow }

    fileprivate func opened(_ result: Result<ArrivalBox, ServiceError>) {
        switch result {
        case .failure(let error):
            over()
            return refuse(error)
        case .success(let arrival):
            self.arrival = arrival
            if isOver || problem != nil { return discard() }
            do throws(ServiceError) {
                unpacker = try UnpackerProcess.start(
                    words, in: arrival.directory, on: daemon.loop
                ) { [weak self] in
                    self?.flow?.resume()
                } ended: { [self] end in
                    unpacked(end)
                }
                if isWhole { unpacker?.finishInput() }
                flow?.resume()
            } catch {
                refuse(error)
                discard()
            }
        }
    }

    func take(_ bytes: Span<UInt8>) throws(ServiceError) -> Int {
        if let problem { throw problem }
        return unpacker?.write(bytes) ?? 0
    }

    func complete() throws(ServiceError) -> Reply {
        if let problem { throw problem }
        isWhole = true
        let pending = Pending { [weak self] in self?.abort() }
        daemon.answerWhenDurable(pending)
        answer = pending
        unpacker?.finishInput()
        return .later(pending)
    }

    func abort() {
        isOver = true
        answer = nil
        unpacker?.kill()
    }

    private func refuse(_ error: ServiceError) {
        guard problem == nil, !isOver else { return }
        problem = error
        whenRefused(error)
        unpacker?.kill()
        answer?.fail(error)
        answer = nil
        flow?.resume()
    }

    // MARK: End

    private func unpacked(_ end: UnpackerProcess.End) {
        unpacker = nil
        if isOver || problem != nil { return discard() }
        guard case .exited(0, let report, _) = end, isWhole, let counts = UnpackedCounts(report) else {
            refuse(end.refusal)
            return discard()
        }
        commit(counts)
    }

    private func commit(_ counts: UnpackedCounts) {
        guard let arrival, let jobs = daemon.jobs else { return over() }
        let (isReplacing, lasts) = (isReplacing, daemon.isImporting(owner))
        do throws(ServiceError) {
            try jobs.run(for: owner) { () throws(ServiceError) in
                try filed { () throws(WorkspaceError) in
                    try arrival.commit(replacing: isReplacing, lasting: lasts)
                }
            } then: { [self] result in
                switch result {
                case .failure(let error):
                    over()
                    refuse(error)
                case .success:
                    over(isIn: problem == nil)
                    // Nothing is left of files that went meanwhile: that was told then.
                    answer?.complete(.json(counts.json(path)))
                    answer = nil
                }
            }
        } catch {
            refuse(error)
            discard()
        }
    }

    /// What was made is removed on a thread: it may be much.
    private func discard() {
        guard let arrival else { return over() }
        do throws(ServiceError) {
            try daemon.jobs?.run(for: owner) {
                arrival.discard()
            } then: { [self] _ in
                over()
            }
        } catch {
            over()
        }
    }
}

/// What an unpacker says that it made. A bad one can say anything: these are numbers for people.
private struct UnpackedCounts {
    private let numbers: [(String, UInt64)]

    init?(_ report: [UInt8]) {
        guard let tree = try? JSONTree(parsing: report), case .object(let members) = tree.value else {
            return nil
        }
        var numbers: [(String, UInt64)] = []
        for name in ["files", "directories", "links", "bytes"] {
            guard let member = members.first(where: { $0.key == name }),
                case .number(let text) = member.value.value, let number = UInt64(text), number < 1 << 53
            else { return nil }
            numbers.append((name, number))
        }
        self.numbers = numbers
    }

    func json(_ path: WorkspacePath) -> JSONText {
        .object { object in
            object.add("path", path.description)
            for (name, number) in numbers { object.add(name, number) }
        }
    }
}

extension UnpackerProcess.End {
    /// Why nothing was unpacked.
    fileprivate var refusal: ServiceError {
        switch self {
        case .timeout: ServiceError(.timeout, "the archive took more than 30 minutes", field: "body")
        case .signalled(24), .signalled(9):
            ServiceError(.limit, "the unpacker reached a limit of memory or time", field: "body")
        case .signalled(let number):
            ServiceError(.fault, "the unpacker was ended by signal \(number)", field: "body")
        case .exited(let status, _, let complaint):
            ServiceError(Self.code(status), Self.sentence(complaint, status), field: "body")
        }
    }

    /// The exit codes of `corral-unpack workspace`.
    private static func code(_ status: Int32) -> ServiceError.Code {
        switch status {
        case 3, 4: .invalid
        case 5: .conflict
        case 6: .unavailable
        case 7: .full
        default: .fault
        }
    }

    /// What it said last, on one line of ASCII.
    private static func sentence(_ complaint: [UInt8], _ status: Int32) -> String {
        let name = "corral-unpack: "
        let line = complaint.split(separator: UInt8(ascii: "\n")).last ?? []
        let text = String(
            line.prefix(2000).map { (0x20...0x7E).contains($0) ? Character(Unicode.Scalar($0)) : "?" })
        if text.isEmpty { return "the unpacker ended with status \(status)" }
        return text.hasPrefix(name) ? String(text.dropFirst(name.count)) : text
    }
}
