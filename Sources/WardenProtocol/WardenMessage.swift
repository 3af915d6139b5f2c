/// The header of a message.
struct MessageHeader: Hashable {
    var kind: UInt16
    /// Whether the fields are in a memory file.
    var isInFile: Bool
    /// Bytes of the fields.
    var length: UInt32
    /// The request that it is or belongs to; 0 for an event.
    var request: UInt64

    func write(to writer: inout FieldWriter) {
        writer.half(kind)
        writer.half(isInFile ? WardenFormat.inMemoryFile : 0)
        writer.word(length)
        writer.long(request)
    }

    init(kind: UInt16, isInFile: Bool, length: UInt32, request: UInt64) {
        self.kind = kind
        self.isInFile = isInFile
        self.length = length
        self.request = request
    }

    init(_ bytes: [UInt8]) throws(WireProblem) {
        var reader = FieldReader(bytes)
        kind = try reader.half("kind")
        let flags = try reader.half("flags")
        guard flags & ~WardenFormat.inMemoryFile == 0 else { throw .unknownFlags(flags) }
        isInFile = flags != 0
        length = try reader.word("length")
        request = try reader.long("request")
        guard length <= WardenFormat.bodyLimit else {
            throw .tooLong("the message", UInt64(length), limit: WardenFormat.bodyLimit)
        }
    }
}

/// One message: the bytes for the socket, and the fields where they do not fit in there.
package struct EncodedMessage: Hashable, Sendable {
    package let bytes: [UInt8]
    /// For a sealed memory file, the first descriptor beside the message; nil where the fields are in it.
    package let file: [UInt8]?

    init(kind: UInt16, request: UInt64, fields: [UInt8]) {
        let isInFile = WardenFormat.needsFile(fields.count)
        var writer = FieldWriter()
        MessageHeader(
            kind: kind, isInFile: isInFile, length: UInt32(truncatingIfNeeded: fields.count),
            request: request
        ).write(to: &writer)
        bytes = isInFile ? writer.bytes : writer.bytes + fields
        file = isInFile ? fields : nil
    }
}

/// A message as it came, before its fields are read: they may be in a file.
package struct ReceivedMessage: Hashable, Sendable {
    let header: MessageHeader
    private let inline: [UInt8]

    /// - Parameter bytes: one message of the socket.
    package init(_ bytes: [UInt8]) throws(WireProblem) {
        header = try MessageHeader(Array(bytes.prefix(WardenFormat.headerSize)))
        inline = Array(bytes.dropFirst(WardenFormat.headerSize))
        let there = inline.count
        guard there == (header.isInFile ? 0 : Int(header.length)) else {
            throw .wrongLength(header.length, there: there)
        }
        // One form for each message.
        guard header.isInFile == WardenFormat.needsFile(Int(header.length)) else {
            throw .unknownFlags(WardenFormat.inMemoryFile)
        }
    }

    /// How many bytes the memory file beside it has; nil where there is none.
    package var fileLength: Int? { header.isInFile ? Int(header.length) : nil }

    /// The number of the request; known even where the fields are not to be had.
    package var request: UInt64 { header.request }

    /// - Parameter file: what was read from the memory file.
    fileprivate func fields(_ file: [UInt8]?) throws(WireProblem) -> [UInt8] {
        guard header.isInFile else { return inline }
        let file = file ?? []
        guard file.count == Int(header.length) else {
            throw .wrongLength(header.length, there: file.count)
        }
        return file
    }
}

/// From corrald to the warden.
package struct ToWarden: Hashable, Sendable {
    /// Not 0; the caller's own choice, unique among the requests that are not answered.
    package var number: UInt64
    package var request: WardenRequest

    package init(_ number: UInt64, _ request: WardenRequest) {
        self.number = number
        self.request = request
    }

    package func encoded() -> EncodedMessage {
        let (kind, fields) = request.encode()
        return EncodedMessage(kind: kind, request: number, fields: fields)
    }

    package init(_ message: ReceivedMessage, file: [UInt8]? = nil) throws(WireProblem) {
        number = message.request
        guard number != 0 else { throw .unknownValue("request", 0) }
        request = try WardenRequest(kind: message.header.kind, message.fields(file))
    }
}

/// From the warden to corrald.
package enum FromWarden: Hashable, Sendable {
    case answer(UInt64, WardenAnswer)
    case event(WardenEvent)

    package func encoded() -> EncodedMessage {
        switch self {
        case .answer(let number, let answer):
            let (kind, fields) = answer.encode()
            return EncodedMessage(kind: kind, request: number, fields: fields)
        case .event(let event):
            let (kind, fields) = event.encode()
            return EncodedMessage(kind: kind, request: 0, fields: fields)
        }
    }

    package init(_ message: ReceivedMessage, file: [UInt8]? = nil) throws(WireProblem) {
        let kind = message.header.kind
        var fields = FieldReader(try message.fields(file))
        if let answer = try WardenAnswer(kind: kind, &fields) {
            self = .answer(message.request, answer)
        } else if let event = try WardenEvent(kind: kind, &fields) {
            guard message.request == 0 else { throw .unknownValue("request", message.request) }
            self = .event(event)
        } else {
            throw .unknownKind(kind)
        }
        try fields.finish()
    }
}
