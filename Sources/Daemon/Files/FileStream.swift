import API
import Sandbox
import Service
import Sessions
import Synchronization
import Trees
import Workspace

// Content of files on its way to a client.

extension Daemon {
    func readFile(_ request: Request) throws(ServiceError) -> Reply {
        let path = try neededPath(request, "readFile")
        let query = try QueryReader(request, route("readFile").query)
        let (offset, length) = (query.whole("offset") ?? 0, query.whole("length") ?? .max)
        let range = try Self.range(
            request, isPart: query.text("offset") != nil || query.text("length") != nil)
        return try streaming(request) { (files) throws(ServiceError) in
            let file = try filed { () throws(WorkspaceError) in try files.openToRead(path) }
            let size = file.status.size
            if let range { return try FileBlocks(file, range, of: size) }
            guard offset <= size else {
                throw ServiceError(
                    .invalid, "the file has \(size) bytes, and \(offset) is behind its end", field: "offset")
            }
            return FileBlocks(file, offset..<(size - offset < length ? size : offset + length))
        }
    }

    /// What RFC 9110, section 14.2 has us heed: nothing beside `If-Range`, since no answer has a validator.
    private static func range(_ request: Request, isPart: Bool) throws(ServiceError) -> ByteRange? {
        guard let text = try request.head.headers.single("range"),
            request.head.headers.all("if-range").isEmpty, let range = ByteRange(text)
        else { return nil }
        if isPart {
            throw ServiceError(
                .invalid, "a Range and an offset or a length exclude each other", field: "Range")
        }
        return range
    }

    func archiveFiles(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("archiveFiles").query)
        let path = try query.path() ?? .root
        let format = query.text("format").flatMap(ArchiveStream.Format.init) ?? .tar
        return try streaming(request) { (files) throws(ServiceError) in
            ArchiveBlocks(try filed { () throws(WorkspaceError) in try files.archive(path, format) }, format)
        }
    }

    private func streaming(
        _ request: Request,
        _ open: @escaping @Sendable (WorkspaceFiles) throws(ServiceError) -> any BlockSource
    ) throws(ServiceError) -> Reply {
        let owner = try fileOwner(request)
        let log = log
        return try withFiles(of: owner, open) { daemon, source in
            guard let jobs = daemon.jobs else { return .error(ServiceError(.fault, "no threads for files")) }
            return FileStream(source, owner, jobs, log).response()
        }
    }
}

/// What gives content a block at a time, to one thread after the other.
protocol BlockSource: Sendable {
    /// Bytes in all, where that is known before.
    var length: UInt64? { get }
    /// Of the answer, with the header fields that belong to it.
    var type: String { get }
    var status: Int { get }
    var headers: [Header] { get }

    /// The next bytes; empty at the end.
    func next() throws(ServiceError) -> [UInt8]
}

extension BlockSource {
    var type: String { "application/octet-stream" }
    var status: Int { 200 }
    var headers: [Header] { [] }
}

/// A range of a file, of the length that it had when it was opened.
private final class FileBlocks: BlockSource {
    private static let size: UInt64 = 256 << 10

    let length: UInt64?
    let status: Int
    let headers: [Header]
    private let file: WorkspaceFile
    private let left: Mutex<Range<UInt64>>

    init(_ file: consuming WorkspaceFile, _ range: Range<UInt64>) {
        self.file = file
        length = range.upperBound - range.lowerBound
        left = Mutex(range)
        (status, headers) = (200, [Header("Accept-Ranges", "bytes")])
    }

    /// - Throws: code `range` where the file has nothing of what is asked for.
    init(_ file: consuming WorkspaceFile, _ asked: ByteRange, of size: UInt64) throws(ServiceError) {
        guard let range = asked.part(of: size) else {
            throw ServiceError(
                .range, "the file has \(size) bytes, and none of those that are asked for", field: "Range",
                headers: [Header("Content-Range", "bytes */\(size)")])
        }
        self.file = file
        length = range.upperBound - range.lowerBound
        left = Mutex(range)
        status = 206
        headers = [
            Header("Accept-Ranges", "bytes"),
            Header("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"),
        ]
    }

    func next() throws(ServiceError) -> [UInt8] {
        let range = left.withLock { $0 }
        if range.isEmpty { return [] }
        let count = Int(min(FileBlocks.size, range.upperBound - range.lowerBound))
        let bytes: [UInt8]
        do throws(WorkspaceError) {
            bytes = try file.bytes(from: range.lowerBound, count: count)
        } catch {
            throw ServiceError(error)
        }
        if bytes.isEmpty { throw ServiceError(.conflict, "the file became shorter while it was read") }
        left.withLock { $0 = (range.lowerBound + UInt64(bytes.count))..<range.upperBound }
        return bytes
    }
}

/// A tree as a tar or a zip file.
private final class ArchiveBlocks: BlockSource {
    let length: UInt64? = nil
    private let archive: Mutex<ArchiveStream>

    let type: String

    init(_ archive: consuming sending ArchiveStream, _ format: ArchiveStream.Format) {
        self.archive = Mutex(archive)
        type = format == .tar ? "application/octet-stream" : "application/zip"
    }

    func next() throws(ServiceError) -> [UInt8] {
        let result = archive.withLock { archive -> Result<[UInt8], WorkspaceError> in
            do throws(WorkspaceError) {
                return .success(try archive.next())
            } catch {
                return .failure(error)
            }
        }
        return try filed { () throws(WorkspaceError) in try result.get() }
    }
}

/// An answer whose blocks are read on threads, the next when the client has taken the last. What cannot be read
/// breaks it off, which the client sees by its length or by a last chunk that is missing; why, is in the log.
private final class FileStream: StreamSource {
    private let source: any BlockSource
    private let owner: FileOwner
    private let jobs: FileJobs
    private let log: DaemonLog
    private var ready: ArraySlice<UInt8> = []
    private var isReading = false
    /// Nothing more comes, and how that is.
    private var last: StreamStep?
    private weak var stream: ResponseStream?

    init(_ source: any BlockSource, _ owner: FileOwner, _ jobs: FileJobs, _ log: DaemonLog) {
        self.source = source
        self.owner = owner
        self.jobs = jobs
        self.log = log
    }

    func response() -> Response {
        let stream = ResponseStream(self, length: source.length)
        self.stream = stream
        var response = Response.stream(stream, type: source.type, status: source.status)
        response.headers += source.headers
        return response
    }

    func next(into memory: inout MutableSpan<UInt8>) -> StreamStep {
        if ready.isEmpty {
            if last == nil { readAhead() }
            return last ?? .nothingYet
        }
        let count = min(memory.count, ready.count)
        // All at once: a byte at a time takes longer than reading the file.
        unsafe ready.withUnsafeBytes { source in
            unsafe memory.withUnsafeMutableBytes {
                unsafe $0.copyMemory(from: .init(rebasing: source[..<count]))
            }
        }
        ready = ready.dropFirst(count)
        return .bytes(count)
    }

    private func readAhead() {
        guard !isReading else { return }
        isReading = true
        let source = source
        do throws(ServiceError) {
            try jobs.run(for: owner) { () throws(ServiceError) in
                try source.next()
            } then: { [self] result in
                isReading = false
                switch result {
                case .success(let bytes) where !bytes.isEmpty: ready = bytes[...]
                case .success: last = .end
                case .failure(let error): breakOff(error)
                }
                stream?.wake()
            }
        } catch {
            breakOff(error)
        }
    }

    /// The answer has begun, so that nobody but the log can be told why it goes no further.
    private func breakOff(_ error: ServiceError) {
        last = .broken
        log.line(.info, "an answer with files of \(owner) was broken off: \(shown(error.message))")
    }

    func finished(_ how: StreamEnd) {}
}
