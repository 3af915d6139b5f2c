/// Cuts a byte stream into frames of docs/attach.md, whichever way it arrives in pieces.
///
/// It holds no more than one frame and what came behind it in the last piece. After an error the stream
/// cannot be read further, and every later call says the same.
package struct AttachDecoder: Sendable {
    private let sender: AttachFrame.Side
    private var pending: [UInt8] = []
    /// Bytes of `pending` that are used up.
    private var start = 0
    /// How many bytes were used up before those.
    private var passed: UInt64 = 0
    private var failure: AttachFrameError?

    /// - Parameter sender: who sends what is decoded.
    package init(from sender: AttachFrame.Side) { self.sender = sender }

    /// Takes bytes that came.
    package mutating func append(_ bytes: Span<UInt8>) {
        if failure != nil { return }
        // Rarely, or moving would cost more than decoding.
        if start == pending.count {
            pending.removeAll(keepingCapacity: true)
            (passed, start) = (passed + UInt64(start), 0)
        } else if start > AttachFrame.payloadLimit {
            pending.removeFirst(start)
            (passed, start) = (passed + UInt64(start), 0)
        }
        unsafe bytes.withUnsafeBufferPointer { unsafe pending.append(contentsOf: $0) }
    }

    /// The next whole frame, or nil until more bytes come.
    package mutating func next() throws(AttachFrameError) -> AttachFrame? {
        if let failure { throw failure }
        let size = AttachFrame.headerSize
        guard pending.count - start >= size else { return nil }
        let header = pending[start..<start + size]
        do throws(AttachFrameError.Problem) {
            let (kind, length) = try check(header)
            guard pending.count - start >= size + length else { return nil }
            let payload = pending[start + size..<start + size + length]
            let frame = AttachFrame(
                kind, isEnd: header[start + 1] == 1, offset: number(header.suffix(8)), payload: Array(payload)
            )
            try check(frame)
            start += size + length
            return frame
        } catch {
            let failure = AttachFrameError(offset: passed + UInt64(start), problem: error)
            self.failure = failure
            pending = []
            throw failure
        }
    }

    /// What can be said of a frame before its payload is there.
    private func check(_ header: ArraySlice<UInt8>) throws(AttachFrameError.Problem) -> (
        AttachFrame.Kind, Int
    ) {
        guard let kind = AttachFrame.Kind(rawValue: header[start]) else { throw .kind(header[start]) }
        guard kind.sender == sender else { throw .direction(kind) }
        let flags = header[start + 1]
        guard flags == (kind.alwaysEnds ? 1 : 0) || flags <= 1 && kind.isStream else {
            throw .flags(flags, kind)
        }
        guard header[start + 2] == 0, header[start + 3] == 0 else { throw .reserved }
        let length = Int(number(header[start + 4..<start + 8]))
        guard kind.lengths.contains(length) else { throw .length(length, kind) }
        guard kind.hasOffset || number(header.suffix(8)) == 0 else { throw .offset(kind) }
        guard number(header.suffix(8)) <= UInt64(Int64.max) else { throw .offset(kind) }
        return (kind, length)
    }

    private func check(_ frame: AttachFrame) throws(AttachFrameError.Problem) {
        switch frame.kind {
        case .gap where frame.lost.map { $0.bytes.isEmpty } ?? true: throw .payload(.gap)
        case .time where frame.time.map { $0.milliseconds > UInt64(Int64.max) } ?? true: throw .payload(.time)
        case .resize where frame.payload.allSatisfy { $0 == 0 }: throw .payload(.resize)
        case .signal where !(1...64).contains(frame.payload[0]): throw .payload(.signal)
        default: break
        }
    }
}

extension AttachFrame.Kind {
    var sender: AttachFrame.Side {
        switch self {
        case .input, .resize, .signal, .leave: .client
        case .output, .errors, .gap, .exit, .credit, .error, .time: .server
        }
    }

    fileprivate var isStream: Bool { self == .input || self == .output || self == .errors }
    fileprivate var alwaysEnds: Bool { self == .exit || self == .error }
    fileprivate var hasOffset: Bool { isStream || self == .gap || self == .credit || self == .time }

    fileprivate var lengths: ClosedRange<Int> {
        switch self {
        case .input, .output, .errors: 0...AttachFrame.payloadLimit
        case .exit, .error: 0...AttachFrame.noteLimit
        case .gap, .time: 9...9
        case .resize: 4...4
        case .signal: 1...1
        case .credit, .leave: 0...0
        }
    }
}

/// Bytes that are no frame of docs/attach.md.
package struct AttachFrameError: Error, Hashable, Sendable {
    package enum Problem: Error, Hashable, Sendable {
        case kind(UInt8)
        case direction(AttachFrame.Kind)
        case flags(UInt8, AttachFrame.Kind)
        case reserved
        case length(Int, AttachFrame.Kind)
        case offset(AttachFrame.Kind)
        case payload(AttachFrame.Kind)
    }

    /// Where in the stream the frame begins.
    package let offset: UInt64
    package let problem: Problem
}

extension AttachFrameError: CustomStringConvertible {
    package var description: String { "the frame at byte \(offset): \(problem.sentence)" }
}

extension AttachFrameError.Problem {
    fileprivate var sentence: String {
        switch self {
        case .kind(let byte): "there is no frame of type \(byte), only 1 to 11"
        case .direction(let kind): "a frame of type \(kind) is not for this side to send"
        case .flags(let flags, let kind): "a frame of type \(kind) cannot have the flags \(flags)"
        case .reserved: "the bytes 2 and 3 must be 0"
        case .length(let length, let kind):
            "a frame of type \(kind) cannot have \(length) bytes, only "
                + (kind.lengths.count == 1
                    ? "\(kind.lengths.lowerBound)" : "up to \(kind.lengths.upperBound)")
        case .offset(let kind): "a frame of type \(kind) cannot have this offset"
        case .payload(let kind): "the payload of a frame of type \(kind) says nothing that can be done"
        }
    }
}
