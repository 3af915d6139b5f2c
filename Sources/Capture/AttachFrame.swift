/// One frame of an attached stream, as docs/attach.md describes it.
///
///     type  flags  reserved  length of the payload   offset                    payload
///     u8    u8     u16       u32                     u64                       bytes
///
/// Numbers are big-endian.
package struct AttachFrame: Hashable, Sendable {
    /// The bytes before the payload.
    package static let headerSize = 16
    /// The largest payload, in bytes.
    package static let payloadLimit = 64 << 10
    /// The largest payload of frames that carry no stream.
    package static let noteLimit = 4096

    /// How much input a client may be ahead of what the process took.
    package static let inputWindow: UInt64 = 64 << 10

    package enum Kind: UInt8, CaseIterable, Sendable {
        case input = 1
        case output = 2
        case errors = 3
        case gap = 4
        case exit = 5
        case resize = 6
        case signal = 7
        case credit = 8
        case error = 9
        case leave = 10
        case time = 11
    }

    package enum Side: Hashable, Sendable { case client, server }

    package var kind: Kind
    /// With this frame, or with its payload, the stream ends.
    package var isEnd: Bool
    package var offset: UInt64
    package var payload: [UInt8]

    init(_ kind: Kind, isEnd: Bool = false, offset: UInt64 = 0, payload: [UInt8] = []) {
        self.kind = kind
        self.isEnd = isEnd
        self.offset = offset
        self.payload = payload
    }
}

// What each frame carries. Whoever makes one keeps to the limits, which are those of what is in it.
extension AttachFrame {
    /// Bytes for the process's standard input, of which `offset` went before on this connection.
    package static func input(_ bytes: [UInt8], offset: UInt64, isEnd: Bool = false) -> AttachFrame {
        AttachFrame(.input, isEnd: isEnd, offset: offset, payload: Array(bytes.prefix(payloadLimit)))
    }

    /// `bytes` of standard output or standard error, from `offset` on.
    package static func bytes(
        _ bytes: [UInt8], of stream: OutputStream, offset: UInt64, isEnd: Bool = false
    ) -> AttachFrame {
        AttachFrame(stream.kind, isEnd: isEnd, offset: offset, payload: Array(bytes.prefix(payloadLimit)))
    }

    /// These bytes of a stream will not come: the reader was too slow, or asked too late.
    package static func gap(_ lost: Range<UInt64>, of stream: OutputStream) -> AttachFrame {
        let count = bigEndian(UInt64(lost.count), 8)
        return AttachFrame(.gap, offset: lost.lowerBound, payload: [stream.kind.rawValue] + count)
    }

    /// The process has ended; `result` is a JSON object. The last frame.
    package static func exit(_ result: [UInt8]) -> AttachFrame {
        AttachFrame(.exit, isEnd: true, payload: Array(result.prefix(noteLimit)))
    }

    package static func resize(columns: UInt16, rows: UInt16) -> AttachFrame {
        AttachFrame(.resize, payload: bigEndian(UInt64(columns), 2) + bigEndian(UInt64(rows), 2))
    }

    /// - Parameter number: 1 to 64.
    package static func signal(_ number: UInt8) -> AttachFrame { AttachFrame(.signal, payload: [number]) }

    /// The client may have sent up to `total` bytes of input since the connection began.
    package static func credit(_ total: UInt64) -> AttachFrame { AttachFrame(.credit, offset: total) }

    /// The process goes on without this client, even where it was to end with it.
    package static var leave: AttachFrame { AttachFrame(.leave) }

    /// When the bytes of a stream from `offset` on came, in milliseconds since 1970; 0 where it is not known.
    package static func time(_ milliseconds: UInt64, of stream: OutputStream, offset: UInt64) -> AttachFrame {
        AttachFrame(.time, offset: offset, payload: [stream.kind.rawValue] + bigEndian(milliseconds, 8))
    }

    /// What was wrong, as UTF-8 text. The last frame.
    package static func error(_ text: String) -> AttachFrame {
        AttachFrame(.error, isEnd: true, payload: Array(text.utf8.prefix(noteLimit)))
    }

    /// What a gap frame says.
    package var lost: (stream: OutputStream, bytes: Range<UInt64>)? {
        guard kind == .gap, payload.count == 9, let stream = OutputStream(payload[0]) else { return nil }
        let (end, overflow) = offset.addingReportingOverflow(number(payload[1...]))
        return overflow ? nil : (stream, offset..<end)
    }

    /// What a time frame says.
    package var time: (stream: OutputStream, milliseconds: UInt64)? {
        guard kind == .time, payload.count == 9, let stream = OutputStream(payload[0]) else { return nil }
        return (stream, number(payload[1...]))
    }

    /// What a resize frame says.
    package var size: (columns: UInt16, rows: UInt16)? {
        guard kind == .resize, payload.count == 4 else { return nil }
        return (UInt16(number(payload[..<2])), UInt16(number(payload[2...])))
    }

    /// What a signal frame says.
    package var signal: UInt8? { kind == .signal ? payload.first : nil }
}

/// Which of a process's streams.
package enum OutputStream: Int, CaseIterable, Sendable {
    case output = 0
    case errors = 1

    var kind: AttachFrame.Kind { self == .output ? .output : .errors }

    fileprivate init?(_ kind: UInt8) {
        guard let stream = Self.allCases.first(where: { $0.kind.rawValue == kind }) else { return nil }
        self = stream
    }
}

// MARK: As bytes

extension AttachFrame {
    package var bytes: [UInt8] { Self.header(kind, isEnd, payload.count, offset) + payload }

    static func header(_ kind: Kind, _ isEnd: Bool, _ length: Int, _ offset: UInt64) -> [UInt8] {
        [kind.rawValue, isEnd ? 1 : 0, 0, 0] + bigEndian(UInt64(length), 4) + bigEndian(offset, 8)
    }
}

private func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(count - 1 - $0))) }
}

func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
