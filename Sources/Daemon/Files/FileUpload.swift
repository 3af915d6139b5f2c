import API
import Linux
import Service
import Sessions
import Synchronization
import Workspace

// Content of files on its way from a client.

extension Daemon {
    func writeFile(_ request: Request) throws(ServiceError) -> Reply {
        let path = try neededPath(request, "writeFile")
        let query = try QueryReader(request, route("writeFile").query)
        let way = query.text("write") ?? "replace"
        let offset = query.whole("offset")
        guard (offset != nil) == (way == "at") else {
            throw ServiceError(
                .invalid, "an offset comes with write=at, and with nothing else", field: "offset")
        }
        let mode = try query.mode()
        let owner = try fileOwner(request)
        let upload = FileUpload(
            self, owner, path, replacing: way == "replace", writing: try beginWriting(owner))
        try files(of: upload.owner, { !upload.isOver }) { (files) throws(ServiceError) in
            try filed { () throws(WorkspaceError) in
                switch way {
                case "append":
                    return Upload(
                        files, .file(try files.openToWrite(path, .appending, creating: mode ?? 0o644), at: 0))
                case "at":
                    return Upload(
                        files,
                        .file(
                            try files.openToWrite(path, .atOffsets, creating: mode ?? 0o644), at: offset ?? 0)
                    )
                default: return Upload(files, .replacement(try files.replace(path, mode: mode)))
                }
            }
        } then: {
            upload.opened($0)
        }
        return .upload(upload)
    }
}

extension QueryReader {
    /// Permission bits; nil where none are given.
    fileprivate func mode() throws(ServiceError) -> UInt32? {
        guard let text = text("mode") else { return nil }
        guard let mode = UInt32(text, radix: 8), mode <= 0o777, text.utf8.first != UInt8(ascii: "+") else {
            throw ServiceError(
                .invalid, "mode: octal digits up to 0777 were expected, and this is \"\(text)\"",
                field: "mode")
        }
        return mode
    }
}

/// What is being written, by one job at a time.
private final class Upload: Sendable {
    enum Target: ~Copyable {
        case replacement(Replacement)
        case file(WorkspaceFile, at: UInt64)
    }

    let files: WorkspaceFiles
    private let target: Mutex<Target?>

    init(_ files: WorkspaceFiles, _ target: consuming sending Target) {
        self.files = files
        self.target = Mutex(target)
    }

    func write(_ bytes: [UInt8]) throws(WorkspaceError) {
        let result = target.withLock { target -> Result<Void, WorkspaceError> in
            do throws(WorkspaceError) {
                switch target.take() {
                case .replacement(let replacement)?:
                    try replacement.write(bytes.span)
                    target = .replacement(replacement)
                case .file(let file, let offset)?:
                    try file.write(bytes.span, at: offset)
                    target = .file(file, at: offset + UInt64(bytes.count))
                case nil: break
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// What was written of a file that is not in its place is freed.
    func discard() { _ = target.withLock { $0.take() } }

    /// All of it is there.
    func commit(replacing: Bool) throws(WorkspaceError) {
        let target = target.withLock { $0.take() }
        switch consume target {
        case .replacement(let replacement)?: try replacement.commit(replacing: replacing)
        case .file?: break
        case nil: break
        }
    }
}

/// The body of a request on its way into a file. It goes in blocks, each written on a thread while the next
/// comes; a client that is faster waits.
final class FileUpload: BodySink, RefusingSink {
    /// Bytes that are kept at most while others are written.
    private static let block = 256 << 10

    let owner: FileOwner
    private let daemon: Daemon
    private let path: WorkspacePath
    private let isReplacing: Bool
    private var upload: Upload?
    private var collected: [UInt8] = []
    /// Whether a job is at work: opening, writing, or ending.
    private var isBusy = true
    private var problem: ServiceError?
    private var flow: UploadFlow?
    private var answer: Pending?
    /// The client is gone.
    private(set) var isOver = false
    /// The files that it was to be among went.
    private var hasLost = false
    /// Until nothing is written any more.
    private var writing: FileWriting?
    var whenRefused: (ServiceError) -> Void = { _ in }

    init(
        _ daemon: Daemon, _ owner: FileOwner, _ path: WorkspacePath, replacing: Bool, writing: FileWriting?
    ) {
        self.daemon = daemon
        self.writing = writing
        self.owner = owner
        self.path = path
        isReplacing = replacing
        daemon.whenEnded(owner, self) { [weak self] in self?.hasLost = true }
    }

    deinit { daemon.ends.remove(owner, ObjectIdentifier(self)) }

    func begin(_ flow: UploadFlow) { self.flow = flow }

    fileprivate func opened(_ result: Result<Upload, ServiceError>) {
        switch result {
        case .success(let upload): self.upload = upload
        case .failure(let error): refuse(error)
        }
        goOn()
    }

    private func refuse(_ error: ServiceError) {
        problem = error
        whenRefused(error)
    }

    func take(_ bytes: Span<UInt8>) throws(ServiceError) -> Int {
        if let problem { throw problem }
        let count = min(bytes.count, FileUpload.block - collected.count)
        unsafe bytes.extracting(..<count).withUnsafeBufferPointer { unsafe collected.append(contentsOf: $0) }
        if collected.count == FileUpload.block, !isBusy { writeCollected() }
        return count
    }

    func complete() throws(ServiceError) -> Reply {
        if let problem { throw problem }
        let pending = Pending { [weak self] in self?.isOver = true }
        daemon.answerWhenDurable(pending)
        answer = pending
        if !isBusy { goOn() }
        return .later(pending)
    }

    func abort() {
        isOver = true
        let last = upload
        upload = nil
        if !isBusy { writing = nil }
        // What was written is freed on a thread: it may be much.
        if let last {
            try? daemon.jobs?.run(for: owner) {
                last.discard()
            } then: { _ in
            }
        }
    }

    /// A job is done.
    private func goOn() {
        isBusy = false
        if isOver {
            writing = nil
            return
        }
        if let problem {
            writing = nil
            answer?.fail(problem)
        } else if !collected.isEmpty, answer != nil || collected.count == FileUpload.block {
            writeCollected()
        } else if let answer {
            end(answer)
        }
        flow?.resume()
    }

    private func writeCollected() {
        guard let upload else { return }
        let bytes = collected
        collected = []
        run { () throws(ServiceError) in try filed { () throws(WorkspaceError) in try upload.write(bytes) } }
    }

    private func run(_ work: @escaping @Sendable () throws(ServiceError) -> Void) {
        isBusy = true
        do throws(ServiceError) {
            try daemon.jobs?.run(for: owner, work) { [self] result in
                if case .failure(let error) = result { refuse(error) }
                goOn()
            }
        } catch {
            refuse(error)
            goOn()
        }
    }

    private func end(_ answer: Pending) {
        guard let upload, let jobs = daemon.jobs else { return }
        isBusy = true
        let (path, isReplacing) = (path, isReplacing)
        do throws(ServiceError) {
            try jobs.run(for: owner) { () throws(ServiceError) in
                try filed { () throws(WorkspaceError) in
                    try upload.commit(replacing: isReplacing)
                    return try upload.files.entry(path)
                }
            } then: { [self] result in
                switch result {
                case .success(let entry): finish(answer, entry)
                case .failure(let error):
                    refuse(error)
                    answer.fail(error)
                }
            }
        } catch {
            refuse(error)
            answer.fail(error)
        }
    }

    /// Nothing is left of a file whose session ended, or whose workspace went, meanwhile.
    private func finish(_ answer: Pending, _ entry: FileEntry) {
        writing = nil
        if hasLost {
            refuse(owner.gone)
            answer.fail(owner.gone)
        } else {
            answer.complete(.file(entry, path))
        }
    }
}
