import CLinux
package import Linux

/// What wants to know what becomes of a process's output.
package protocol OutputObserver: AnyObject {
    /// Bytes came, or the stream ended (``OutputRing/isEnded``).
    func moved(_ stream: OutputStream, of output: ProcessOutput)
    /// Nothing can be taken for now, usually for want of memory. The process waits, and loses nothing, until
    /// ``ProcessOutput/resume(_:)``.
    func failed(_ stream: OutputStream, of output: ProcessOutput, _ error: SystemError)
}

/// The streams of one process, from where they come to those who read them, on the thread of one loop.
package final class ProcessOutput {
    /// By number of the stream; one of them for a terminal.
    package private(set) var rings: [OutputRing] = []
    package let retention: Retention
    package weak var observer: (any OutputObserver)?
    private let loop: EventLoop
    private var fillers: [Filler] = []
    private var readers: [AttachedReader] = []
    /// How the process ended, and where its streams stood then.
    private(set) var end: (result: [UInt8], offsets: [UInt64])?

    /// - Parameter retention: the same for as long as the process and its memory are there.
    package init(retention: Retention, on loop: EventLoop) {
        self.retention = retention
        self.loop = loop
    }

    /// Adds the next stream: standard output or a terminal, then standard error.
    package func add(_ ring: OutputRing, from source: consuming OutputSource) {
        add(ring, Held(source))
    }

    /// Adds the next stream, of which all was taken.
    package func add(ended ring: OutputRing) {
        ring.close()
        add(ring, nil)
    }

    private func add(_ ring: OutputRing, _ source: Held<OutputSource>?) {
        guard let stream = OutputStream(rawValue: rings.count) else { return }
        rings.append(ring)
        fillers.append(Filler(stream, source))
    }

    /// Begins, or goes on after a failure, to take what the process writes.
    package func resume(_ stream: OutputStream) throws(SystemError) {
        guard stream.rawValue < fillers.count else { return }
        try fillers[stream.rawValue].watch(on: loop, for: self)
    }

    /// Takes what the process writes from now on, on the loop. To be called once all streams are there and
    /// before anybody reads them: only then is it known what an earlier process let go of.
    package func start() throws(SystemError) {
        try trim()
        for stream in OutputStream.allCases { try resume(stream) }
    }

    /// Stops taking anything and lets go of every reader. What was not taken waits where it is.
    package func stop() {
        for filler in fillers { filler.unwatch(loop) }
        for reader in readers { reader.detach() }
    }

    /// The process has ended, and `result`, a JSON object, says how. What it left in its pipes is taken
    /// first; a child of its own that goes on writing changes nothing for those attached.
    package func ended(_ result: [UInt8]) {
        guard end == nil else { return }
        for filler in fillers where !rings[filler.stream.rawValue].isEnded { fill(filler, atMost: 2 << 20) }
        end = (result, rings.map(\.position))
        for reader in readers { reader.wake() }
    }

    // MARK: Readers

    package var readerCount: Int { readers.count }

    /// Attaches a client.
    /// - Parameters:
    ///   - socket: becomes non-blocking.
    ///   - bytes: what the client already sent behind its request.
    package func attach(
        _ socket: consuming FileDescriptor, from start: [StartPoint], behind bytes: [UInt8] = [],
        delegate: (any AttachDelegate)?
    ) throws(CaptureError) -> AttachedReader {
        let starts = rings.indices.map { $0 < start.count ? start[$0] : start.last ?? .oldest }
        let offsets = try zip(rings, starts).map { (ring, start) throws(CaptureError) in
            try ring.offset(of: start)
        }
        let reader = AttachedReader(socket, at: offsets, of: self, on: loop, delegate: delegate)
        do {
            try reader.begin(behind: bytes)
        } catch {
            throw .system(error)
        }
        readers.append(reader)
        return reader
    }

    func forget(_ reader: AttachedReader) { readers.removeAll { $0 === reader } }

    // MARK: Filling

    /// Takes what there is of one stream, and lets go of what is no longer kept of either.
    fileprivate func fill(_ filler: Filler, atMost most: Int) {
        let ring = rings[filler.stream.rawValue]
        let before = ring.position
        var failure: SystemError?
        do throws(SystemError) {
            try filler.fill(ring, atMost: most)
        } catch {
            failure = error
        }
        do throws(SystemError) {
            try trim()
        } catch {
            failure = failure ?? error
        }
        if failure != nil || ring.isEnded { filler.unwatch(loop) }
        guard ring.position > before || ring.isEnded || failure != nil else { return }
        for reader in readers { reader.wake() }
        if ring.position > before || ring.isEnded { observer?.moved(filler.stream, of: self) }
        if let failure { observer?.failed(filler.stream, of: self, failure) }
    }

    private func trim() throws(SystemError) {
        let positions = rings.map(\.position)
        for (index, ring) in rings.enumerated() {
            let other = positions.count > 1 ? positions[1 - index] : 0
            try ring.keep(retention.window(at: positions[index], beside: other)) { range in
                for reader in readers { reader.spare(range, of: ring) }
            }
        }
    }
}

/// Takes one stream's bytes whenever there are any.
private final class Filler: EventHandler {
    /// The most bytes in one turn of the loop: others wait meanwhile.
    static let turn = 256 << 10

    let stream: OutputStream
    private let source: Held<OutputSource>?
    private var token: EventLoop.Token?
    private weak var output: ProcessOutput?

    init(_ stream: OutputStream, _ source: Held<OutputSource>?) {
        self.stream = stream
        self.source = source
    }

    func watch(on loop: EventLoop, for output: ProcessOutput) throws(SystemError) {
        guard let source, token == nil else { return }
        self.output = output
        let token = try source.value.withDescriptor { (descriptor) throws(SystemError) in
            try loop.add(descriptor, for: .readable, handler: self)
        }
        self.token = token
        // A terminal's elbow may hold bytes, which wakes nobody.
        loop.again(token)
    }

    func unwatch(_ loop: EventLoop) {
        guard let source, let token else { return }
        self.token = nil
        source.value.withDescriptor { loop.remove($0, token) }
    }

    func fill(_ ring: OutputRing, atMost most: Int) throws(SystemError) {
        guard let source else { return ring.close() }
        _ = try ring.fill(from: source.value, atMost: most, now: clinux_boottime())
    }

    func ready(_ token: EventLoop.Token, _ events: Events) { output?.fill(self, atMost: Self.turn) }
}
