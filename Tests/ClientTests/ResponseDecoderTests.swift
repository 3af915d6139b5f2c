import Testing

@testable import Client

/// An answer that was taken apart: what its events came to.
private struct Answer: Hashable {
    var head: HTTPResponseHead?
    var body: [UInt8] = []
    var ends = 0
    var isUpgraded = false
    var rest: [UInt8] = []
    var error: HTTPError?

    /// - Parameter cuts: where one read ends and the next begins.
    init(_ bytes: [UInt8], cuts: [Int], _ method: HTTPRequest.Method = .get, headLimit: Int = 64 << 10) {
        var decoder = HTTPResponseDecoder(answering: method, headLimit: headLimit)
        var start = 0
        do throws(HTTPError) {
            for cut in cuts.sorted() + [bytes.count] where cut >= start {
                decoder.append(bytes[start..<cut])
                start = cut
                while let event = try decoder.next() { take(event) }
            }
            while let event = try decoder.finish() { take(event) }
        } catch {
            self.error = error
        }
        rest = decoder.rest
    }

    private mutating func take(_ event: HTTPResponseDecoder.Event) {
        switch event {
        case .head(let head): self.head = head
        case .body(let part): body += part
        case .end: ends += 1
        case .upgraded: isUpgraded = true
        }
    }

    var text: String { String(decoding: body, as: UTF8.self) }
}

@Suite struct ResponseDecoderTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Answers with the body that they have.
    private static let right: [(answer: String, body: String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\ncontent-length:\t5 \r\nX: \u{e9}\r\n\r\nhello", "hello"),
        ("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", ""), ("HTTP/1.1 204\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n00A\r\n, wor\r\nld!\r\n0\r\nT: 1\r\n\r\n",
            "hello, wor\r\nld!"
        ),
        ("HTTP/1.0 200 OK\r\n\r\nuntil\r\nthe end", "until\r\nthe end"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            "x"
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", "ab"),
    ]

    @Test(arguments: right)
    func `an answer is the same wherever the reads end`(answer: String, body: String) {
        let bytes = bytes(answer)
        let whole = Answer(bytes, cuts: [])
        #expect(whole.error == nil && whole.ends == 1 && whole.text == body && whole.rest == [])
        for cut in 0...bytes.count { #expect(Answer(bytes, cuts: [cut]) == whole) }
        #expect(Answer(bytes, cuts: Array(0...bytes.count)) == whole, "byte by byte")
    }

    @Test(arguments: right)
    func `an answer that ends early is an error and never a short body`(answer: String, body: String) {
        let bytes = bytes(answer)
        let isEndless = answer.hasPrefix("HTTP/1.0")
        let head = bytes.count - body.utf8.count
        for count in 0..<bytes.count {
            let cut = Answer(Array(bytes[..<count]), cuts: [])
            if isEndless, count >= head {
                #expect(cut.error == nil && cut.ends == 1)
            } else {
                #expect(cut.error == .endedEarly && cut.ends == 0, "\(count)")
            }
        }
    }

    @Test(arguments: [
        ("HTTP/2 200 OK\r\n\r\n", "begins with"), ("HTTP/1.1 20 OK\r\n\r\n", "begins with"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "begins with"), ("HTTP/1.1 099 OK\r\n\r\n", "begins with"),
        ("\r\n\r\n", "begins with"), ("HTTP/1.1 200 OK\n\n", "has the line"),
        ("HTTP/1.1 200 O\u{1}K\r\n\r\n", "begins with"), ("hello\r\n\r\n", "begins with"),
        ("HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\n: c\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\nA\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", "has the line"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "length is not clear"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "length is not clear"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "length is not clear"
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "not in chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "not in chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "not in chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nab\r\n", "not in chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n", "not in chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "not in chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx\r\n\r\n", ""),
    ])
    func `what is no HTTP is an error`(answer: String, message: String) {
        let bytes = bytes(answer)
        let whole = Answer(bytes, cuts: [])
        if message.isEmpty {
            // A trailer is not looked at.
            #expect(whole.error == nil)
            return
        }
        #expect(whole.error.map { "\($0)".contains(message) } == true, "\(String(describing: whole.error))")
        #expect(Answer(bytes, cuts: Array(0...bytes.count)).error == whole.error)
        #expect(whole.ends == 0)
    }

    @Test func `heads, chunk lines and interim answers are bounded`() {
        let endless = bytes("HTTP/1.1 200 OK\r\nA: " + String(repeating: "x", count: 5000))
        #expect(Answer(endless, cuts: [], headLimit: 4096).error == .headTooLarge(limit: 4096))
        #expect(Answer(endless, cuts: Array(0...5000), headLimit: 4096).error == .headTooLarge(limit: 4096))
        let many = bytes("HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 129))
        #expect(Answer(many, cuts: []).error == .headTooLarge(limit: 64 << 10))
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(
            Answer(bytes(chunked + "1;" + String(repeating: "x", count: 300)), cuts: []).error == .badChunk)
        let trailer = chunked + "0\r\n" + String(repeating: "A: b\r\n", count: 1000)
        #expect(Answer(bytes(trailer), cuts: []).error == .headTooLarge(limit: 64 << 10))
        let interim = String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 17)
        #expect(Answer(bytes(interim), cuts: []).error == .endlessInterim)
    }

    @Test func `the answer to HEAD has no body, and what comes behind an answer is not its`() {
        let head = Answer(bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), cuts: [], .head)
        #expect(head.ends == 1 && head.body == [] && head.error == nil)
        let two = Answer(bytes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP"), cuts: [])
        #expect(two.text == "x" && two.rest == bytes("HTTP") && two.ends == 1)
    }

    @Test func `behind an upgrade every byte is handed out, wherever the reads end`() {
        let answer = bytes("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n\u{0}\r\nraw")
        for cut in 0...answer.count {
            let result = Answer(answer, cuts: [cut])
            #expect(result.isUpgraded && result.ends == 0 && result.error == nil)
            #expect(result.rest == bytes("\u{0}\r\nraw") && result.body == [])
        }
    }

    @Test func `any body in any chunks in any reads comes out as it went in`() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let body = (0..<Int.random(in: 0...2000, using: &numbers)).map { _ in UInt8.random(in: 0...255) }
            var text = bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            var start = 0
            while start < body.count {
                let count = min(Int.random(in: 1...500, using: &numbers), body.count - start)
                text += bytes(String(count, radix: 16, uppercase: Bool.random()) + "\r\n")
                text += body[start..<start + count] + bytes("\r\n")
                start += count
            }
            text += bytes("0\r\n\r\n")
            let cuts = (0..<Int.random(in: 0...50, using: &numbers)).map { _ in Int.random(in: 0...text.count)
            }
            let answer = Answer(text, cuts: cuts)
            #expect(answer.body == body && answer.ends == 1 && answer.error == nil, "\(cuts)")
        }
    }

    @Test func `whatever bytes come, the reads do not matter`() {
        var numbers = SystemRandomNumberGenerator()
        let seeds = Self.right.map { bytes($0.answer) }
        for round in 0..<3000 {
            var text = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                text[Int.random(in: text.indices, using: &numbers)] = UInt8.random(in: 0...255)
            }
            let whole = Answer(text, cuts: [])
            let cuts = (0..<5).map { _ in Int.random(in: 0...text.count, using: &numbers) }
            var cut = Answer(text, cuts: cuts)
            // How much was read before the mistake depends on the reads.
            if whole.error != nil { cut.rest = whole.rest }
            #expect(cut == whole, "\(text) \(cuts)")
        }
    }
}
