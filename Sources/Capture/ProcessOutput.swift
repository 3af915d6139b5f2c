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
    /// Whether the process waits for ``leader``; before there is one, for whoever comes.
    private var isPaced = false
    private weak var leader: AttachedReader?

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
    ///   - leads: whether the process waits for this one from now on, see ``pace()``.
    package func attach(
        _ socket: consuming FileDescriptor, from start: [StartPoint], behind bytes: [UInt8] = [],
        leads: Bool = false, calendar: ((BootTime) -> UInt64)? = nil, delegate: (any AttachDelegate)?
    ) throws(CaptureError) -> AttachedReader {
        let starts = rings.indices.map { $0 < start.count ? start[$0] : start.last ?? .oldest }
        let offsets = try zip(rings, starts).map { (ring, start) throws(CaptureError) in
            try ring.offset(of: start)
        }
        let reader = AttachedReader(
            socket, at: offsets, of: self, on: loop, calendar: calendar, delegate: delegate)
        do {
            try reader.begin(behind: bytes)
        } catch {
            throw .system(error)
        }
        readers.append(reader)
        if leads {
            isPaced = true
            leader = reader
        }
        return reader
    }

    func forget(_ reader: AttachedReader) {
        readers.removeAll { $0 === reader }
        if leader === reader { release() }
    }

    // MARK: Pace

    /// How many bytes of one stream are taken ahead of the reader that leads.
    static let lead: UInt64 = 1 << 20

    /// From now on the process waits, its pipe full, for the reader that leads, as it would in a pipeline: that
    /// reader loses nothing, however slow it is. Until it is there, for it to come.
    package func pace() { isPaced = true }

    /// The process waits for nobody any more.
    package func release() {
        guard isPaced else { return }
        isPaced = false
        leader = nil
        for filler in fillers where filler.isHeld { goOn(filler) }
        guard let error = failure(of: { () throws(SystemError) in try trim() }) else { return }
        observer?.failed(.output, of: self, error)
    }

    /// A reader has got further.
    func advanced(_ reader: AttachedReader) {
        guard leader === reader else { return }
        for filler in fillers where filler.isHeld && room(filler.stream) >= Self.lead / 2 { goOn(filler) }
    }

    private func goOn(_ filler: Filler) {
        filler.isHeld = false
        guard !rings[filler.stream.rawValue].isEnded else { return }
        let stream = filler.stream
        guard let error = failure(of: { () throws(SystemError) in try resume(stream) }) else { return }
        observer?.failed(stream, of: self, error)
    }

    private func failure(of body: () throws(SystemError) -> Void) -> SystemError? {
        do throws(SystemError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    /// How much may be taken of a stream now.
    private func room(_ stream: OutputStream) -> UInt64 {
        guard isPaced else { return .max }
        let ahead = rings[stream.rawValue].position
        return Self.lead - min(Self.lead, ahead - min(ahead, leader?.offset(of: stream) ?? 0))
    }

    /// Takes what there is of one stream, as far as the reader that leads allows it.
    fileprivate func take(_ filler: Filler) {
        let room = room(filler.stream)
        guard room > 0 else {
            filler.unwatch(loop)
            filler.isHeld = true
            return
        }
        fill(filler, atMost: Int(min(UInt64(Filler.turn), room)))
    }

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
            var window = kept(index, positions)
            if isPaced, let stream = OutputStream(rawValue: index) {
                window = window.sparing(from: leader?.offset(of: stream) ?? 0)
            }
            try ring.keep(window) { range in
                for reader in readers { reader.spare(range, of: ring) }
            }
        }
    }

    private func kept(_ index: Int, _ positions: [UInt64]) -> Window {
        retention.window(at: positions[index], beside: positions.count > 1 ? positions[1 - index] : 0)
    }

    /// What is kept of a stream for good: without what is there for the reader that leads alone.
    package func kept(_ stream: OutputStream) -> Window? {
        guard stream.rawValue < rings.count else { return nil }
        return kept(stream.rawValue, rings.map(\.position))
    }
}

/// Takes one stream's bytes whenever there are any.
private final class Filler: EventHandler {
    /// The most bytes in one turn of the loop: others wait meanwhile.
    static let turn = 256 << 10
    /// A turn that brings so much found the pipe full, or nearly; after so many in a row it is widened.
    private static let flood = (bytes: 48 << 10, turns: 16)

    let stream: OutputStream
    private let source: Held<OutputSource>?
    private var token: EventLoop.Token?
    private weak var output: ProcessOutput?
    /// Not watched, because the reader that leads is too far behind.
    var isHeld = false
    /// Turns in a row that found the pipe full.
    private var floods = 0

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
        let count = try ring.fill(from: source.value, atMost: most, now: clinux_boottime())
        floods = count >= Self.flood.bytes ? floods + 1 : 0
        if floods == Self.flood.turns { source.value.widen() }
    }

    func ready(_ token: EventLoop.Token, _ events: Events) { output?.take(self) }
}
