import API
import Linux
import Service
import Sessions
import Trees
import Workspace

extension Daemon {
    func readFile(_ request: Request) throws(ServiceError) -> Reply {
        let path = try neededPath(request, "readFile")
        let query = try QueryReader(request, route("readFile").query)
        let offset = query.whole("offset") ?? 0
        let length = query.whole("length") ?? .max
        let id = try sessionWithFiles(request)
        return try withFiles(of: id) { (files) throws(ServiceError) in
            OpenFile(try filed { () throws(WorkspaceError) in try files.openToRead(path) })
        } _: { daemon, file in
            let size = file.content.status.size
            guard offset <= size else {
                return .error(
                    ServiceError(
                        .invalid, "the file has \(size) bytes, and \(offset) is behind its end",
                        field: "offset"))
            }
            let end = size - offset < length ? size : offset + length
            guard let jobs = daemon.jobs else { return .error(ServiceError(.fault, "no threads for files")) }
            return FileReading(file, offset..<end, id, jobs).response()
        }
    }
}

/// A file for one thread after the other.
final class OpenFile: Sendable {
    let content: WorkspaceFile

    init(_ content: consuming WorkspaceFile) { self.content = content }
}

/// An answer with bytes of a file, as many as it had when it was opened. One that becomes shorter meanwhile
/// breaks the answer off, which the client sees by its length.
final class FileReading: StreamSource {
    /// Read at once, on a thread.
    private static let block = 256 << 10

    private let file: OpenFile
    private let session: SessionID
    private let jobs: FileJobs
    private var left: Range<UInt64>
    private var ready: ArraySlice<UInt8> = []
    private var isReading = false
    private var isBroken = false
    private weak var stream: ResponseStream?

    init(_ file: OpenFile, _ range: Range<UInt64>, _ session: SessionID, _ jobs: FileJobs) {
        self.file = file
        self.session = session
        self.jobs = jobs
        left = range
    }

    func response() -> Response {
        let stream = ResponseStream(self, length: left.upperBound - left.lowerBound)
        self.stream = stream
        return .stream(stream, type: "application/octet-stream")
    }

    func next(into memory: inout MutableSpan<UInt8>) -> StreamStep {
        if isBroken { return .broken }
        if ready.isEmpty {
            if left.isEmpty { return .end }
            readAhead()
            return isBroken ? .broken : .nothingYet
        }
        let count = min(memory.count, ready.count)
        for (index, byte) in ready.prefix(count).enumerated() { memory[index] = byte }
        ready = ready.dropFirst(count)
        return .bytes(count)
    }

    private func readAhead() {
        guard !isReading else { return }
        isReading = true
        let (file, offset) = (file, left.lowerBound)
        let count = Int(min(UInt64(FileReading.block), left.upperBound - offset))
        do throws(ServiceError) {
            try jobs.run(for: session) { () throws(ServiceError) in
                try filed { () throws(WorkspaceError) in try file.content.bytes(from: offset, count: count) }
            } then: { [self] result in
                isReading = false
                take(result)
                stream?.wake()
            }
        } catch {
            isBroken = true
        }
    }

    private func take(_ result: Result<[UInt8], ServiceError>) {
        guard case .success(let bytes) = result, !bytes.isEmpty else {
            isBroken = true
            return
        }
        left = (left.lowerBound + UInt64(bytes.count))..<left.upperBound
        ready = bytes[...]
    }

    func finished(_ how: StreamEnd) {}
}
