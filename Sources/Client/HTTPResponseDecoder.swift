/// The first line and the fields of an answer.
package struct HTTPResponseHead: Hashable, Sendable {
    package let status: Int
    package let reason: String
    package let headers: HTTPHeaders
    /// HTTP/1.0 closes after each answer.
    package let isOld: Bool
}

/// Takes the answer to one request apart, however its bytes come (RFC 9112).
///
/// It does no input or output: bytes go in as they arrive, events come out. Strict where two readers could
/// take one answer for two: lines end in CR LF, lengths are given once, and no encoding but `chunked` is
/// known.
package struct HTTPResponseDecoder: Sendable {
    package enum Event: Hashable, Sendable {
        case head(HTTPResponseHead)
        case body([UInt8])
        /// The answer is whole; what comes behind it is not part of it.
        case end
        /// The connection is something else from here on: ``rest`` are its first bytes.
        case upgraded
    }

    private enum State: Hashable {
        case head
        case body(left: UInt64)
        case chunkSize
        case chunk(left: UInt64)
        case chunkEnd
        case trailer
        case untilClose
        /// Nothing is left but to tell the end.
        case ending
        case done
    }

    private static let chunkLineLimit = 256
    private static let fieldLimit = 128
    private static let interimLimit = 16

    private let headLimit: Int
    private let isHead: Bool
    private var state = State.head
    private var pending: [UInt8] = []
    /// How much of `pending` is used up, and how much was looked at for the end of a line.
    private var used = 0
    private var searched = 0
    private var lines: [[UInt8]] = []
    private var headBytes = 0
    private var interim = 0
    private var isUpgraded = false

    /// - Parameters:
    ///   - method: of the request: the answer to HEAD has no body.
    ///   - headLimit: the most bytes of the head.
    package init(answering method: HTTPRequest.Method, headLimit: Int = 64 << 10) {
        isHead = method == .head
        self.headLimit = headLimit
    }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if used > 0 {
            pending.removeFirst(used)
            searched -= used
            used = 0
        }
        pending += bytes
    }

    /// Bytes that came behind the answer.
    package var rest: [UInt8] { Array(pending[used...]) }

    package var isDone: Bool { state == .done }

    /// What the bytes so far come to; nil until there are more.
    package mutating func next() throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .head:
                guard let line = try line(limit: headLimit, .headTooLarge(limit: headLimit)) else {
                    return nil
                }
                guard line.isEmpty else {
                    try keep(line)
                    continue
                }
                if let head = try headDone() { return .head(head) }
            case .body(let left), .chunk(let left):
                guard let part = take(atMost: left) else { return nil }
                let now = left - UInt64(part.count)
                if case .chunk = state {
                    state = now == 0 ? .chunkEnd : .chunk(left: now)
                } else {
                    state = now == 0 ? .ending : .body(left: now)
                }
                return .body(part)
            case .untilClose:
                return take(atMost: .max).map { .body($0) }
            case .chunkSize:
                guard let line = try line(limit: Self.chunkLineLimit, .badChunk) else { return nil }
                let size = try Self.chunkSize(line)
                state = size == 0 ? .trailer : .chunk(left: size)
            case .chunkEnd:
                guard let line = try line(limit: 2, .badChunk) else { return nil }
                guard line.isEmpty else { throw .badChunk }
                state = .chunkSize
            case .trailer:
                guard let line = try line(limit: headLimit, .headTooLarge(limit: headLimit)) else {
                    return nil
                }
                if line.isEmpty { state = .ending } else { try keep(line) }
            case .ending:
                state = .done
                return isUpgraded ? .upgraded : .end
            case .done: return nil
            }
        }
    }

    /// Says that the connection is over, after every event was taken.
    /// - Returns: ``Event/end`` where that ends an answer without a length.
    package mutating func finish() throws(HTTPError) -> Event? {
        switch state {
        case .done: return nil
        case .untilClose:
            state = .done
            return .end
        default: throw .endedEarly
        }
    }

    // MARK: Lines

    private mutating func take(atMost limit: UInt64) -> [UInt8]? {
        let count = min(UInt64(pending.count - used), limit)
        guard count > 0 else { return nil }
        let part = Array(pending[used..<used + Int(count)])
        used += Int(count)
        searched = used
        return part
    }

    /// The next line without its CR LF; nil until it is there.
    private mutating func line(limit: Int, _ tooLong: HTTPError) throws(HTTPError) -> [UInt8]? {
        var index = max(searched, used)
        while index < pending.count, pending[index] != UInt8(ascii: "\n") { index += 1 }
        searched = index
        guard index - used <= limit else { throw tooLong }
        guard index < pending.count else { return nil }
        let line = Array(pending[used..<index])
        guard line.last == UInt8(ascii: "\r") else {
            throw state == .head || state == .trailer
                ? .badLine(String(decoding: line, as: UTF8.self)) : .badChunk
        }
        used = index + 1
        searched = used
        return line.dropLast()
    }

    private mutating func keep(_ line: [UInt8]) throws(HTTPError) {
        headBytes += line.count + 2
        guard headBytes <= headLimit, lines.count < Self.fieldLimit else {
            throw .headTooLarge(limit: headLimit)
        }
        lines.append(line)
    }

    private static func chunkSize(_ line: [UInt8]) throws(HTTPError) -> UInt64 {
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        // 15 digits, so that it cannot overflow.
        guard (1...15).contains(digits.count) else { throw .badChunk }
        var size: UInt64 = 0
        for byte in digits {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw .badChunk
            }
            size = size << 4 | UInt64(digit)
        }
        return size
    }

    // MARK: The head

    /// - Returns: nil for an interim answer, behind which the real one comes.
    private mutating func headDone() throws(HTTPError) -> HTTPResponseHead? {
        let head = try HTTPResponseHead(lines: lines)
        lines = []
        headBytes = 0
        if (100..<200).contains(head.status), head.status != 101 {
            interim += 1
            if interim > Self.interimLimit { throw .endlessInterim }
            return nil
        }
        state = try bodyState(head)
        return head
    }

    private mutating func bodyState(_ head: HTTPResponseHead) throws(HTTPError) -> State {
        let lengths = Set(head.headers.all("Content-Length"))
        let encodings = head.headers.all("Transfer-Encoding")
        if head.status == 101 {
            isUpgraded = true
            return .ending
        }
        if isHead || head.status == 204 || head.status == 304 { return .ending }
        if let encoding = encodings.first {
            guard encodings.count == 1, isSame(encoding, "chunked") else {
                throw .badLength("Transfer-Encoding: \(encodings.joined(separator: ", "))")
            }
            guard lengths.isEmpty else { throw .badLength("Transfer-Encoding and Content-Length") }
            return .chunkSize
        }
        guard let text = lengths.first else { return .untilClose }
        guard lengths.count == 1, (1...18).contains(text.utf8.count),
            text.utf8.allSatisfy(HTTPBytes.isDigit), let length = UInt64(text)
        else { throw .badLength("Content-Length: \(lengths.sorted().joined(separator: ", "))") }
        return length == 0 ? .ending : .body(left: length)
    }
}

extension HTTPResponseHead {
    fileprivate init(lines: [[UInt8]]) throws(HTTPError) {
        let first = lines.first ?? []
        let start = String(decoding: first, as: UTF8.self)
        let (digits, rest) = (first.dropFirst(9).prefix(3), first.dropFirst(12))
        guard start.hasPrefix("HTTP/1.1 ") || start.hasPrefix("HTTP/1.0 "), digits.count == 3,
            digits.allSatisfy(HTTPBytes.isDigit), rest.isEmpty || rest.first == UInt8(ascii: " "),
            first.allSatisfy(HTTPBytes.isValue),
            let status = Int(String(decoding: digits, as: UTF8.self)), (100...599).contains(status)
        else { throw .badStatus(start) }
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            guard !name.isEmpty, name.count < line.count, name.allSatisfy(HTTPBytes.isToken),
                line.allSatisfy(HTTPBytes.isValue)
            else { throw .badLine(String(decoding: line, as: UTF8.self)) }
            var value = line.dropFirst(name.count + 1)
            while let byte = value.first, byte == 0x20 || byte == 0x09 { value.removeFirst() }
            while let byte = value.last, byte == 0x20 || byte == 0x09 { value.removeLast() }
            headers.add(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        self.init(
            status: status, reason: String(decoding: rest.dropFirst(), as: UTF8.self), headers: headers,
            isOld: start.hasPrefix("HTTP/1.0"))
    }
}
