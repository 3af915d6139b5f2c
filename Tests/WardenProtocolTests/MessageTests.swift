import Sandbox
import TestSupport
import Testing
import WardenProtocol

/// A message as the other side has it.
private func received(_ message: EncodedMessage) throws -> (ReceivedMessage, [UInt8]?) {
    (try ReceivedMessage(message.bytes), message.file)
}

@Suite struct MessageTests {
    @Test(arguments: Samples.requests) func `a request survives the wire`(request: WardenRequest) throws {
        let (message, file) = try received(ToWarden(17, request).encoded())
        #expect(try ToWarden(message, file: file) == ToWarden(17, request))
    }

    @Test(arguments: Samples.answers) func `an answer survives the wire`(answer: WardenAnswer) throws {
        let (message, file) = try received(FromWarden.answer(17, answer).encoded())
        #expect(try FromWarden(message, file: file) == .answer(17, answer))
    }

    @Test(arguments: Samples.events) func `an event survives the wire`(event: WardenEvent) throws {
        let (message, file) = try received(FromWarden.event(event).encoded())
        #expect(try FromWarden(message, file: file) == .event(event))
    }

    @Test func `a program of 8 MiB goes by file and one byte more is refused`() throws {
        let whole = String(repeating: "#", count: WardenFormat.scriptLimit)
        for (script, isTaken) in [(whole, true), (whole + "#", false)] {
            let order = ProcessOrder(Samples.key, .shell(script, ["sh"]))
            let encoded = ToWarden(1, .start(order)).encoded()
            #expect(encoded.bytes.count == WardenFormat.headerSize)
            let (message, file) = try received(encoded)
            #expect(message.fileLength == file?.count)
            if isTaken {
                #expect(try ToWarden(message, file: file).request == .start(order))
            } else {
                #expect(throws: WireProblem.tooLong("script", 8 << 20 | 1, limit: 8 << 20)) {
                    try ToWarden(message, file: file)
                }
            }
        }
    }

    @Test func `a message that is cut off anywhere is refused`() throws {
        let all = Samples.requests.map { ToWarden(1, $0).encoded().bytes }
        for bytes in all {
            for length in 0..<bytes.count {
                #expect(throws: WireProblem.self, "cut at \(length)") {
                    try ToWarden(try ReceivedMessage(Array(bytes.prefix(length))))
                }
            }
        }
    }

    @Test func `a message of another length than it says is refused`() throws {
        let bytes = ToWarden(1, .pause(Samples.id)).encoded().bytes
        #expect(throws: WireProblem.wrongLength(8, there: 9)) { try ReceivedMessage(bytes + [0]) }
        var longer = bytes + [0]
        longer[4] += 1
        #expect(throws: WireProblem.trailing(1)) { try ToWarden(try ReceivedMessage(longer)) }
    }

    @Test func `a length above the limit is refused before there is memory for it`() {
        let bytes: [UInt8] = [3, 0, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: WireProblem.tooLong("the message", 0xFFFF_FFFF, limit: WardenFormat.bodyLimit)) {
            try ReceivedMessage(bytes)
        }
    }

    @Test func `a list that claims more elements than may be is refused`() {
        let order = ToWarden(1, .start(ProcessOrder(Samples.key, .arguments(["a"])))).encoded().bytes
        var bytes = order
        // Behind the header, the key and the flag of the shell.
        for index in 33..<37 { bytes[index] = 0xFF }
        #expect(throws: WireProblem.tooLong("arguments", 0xFFFF_FFFF, limit: WardenFormat.argumentsLimit)) {
            try ToWarden(try ReceivedMessage(bytes))
        }
    }

    @Test(arguments: [UInt16(0), 35, 63, 80, 127, 137, 0xFFFF])
    func `a kind that is none is refused`(kind: UInt16) {
        var bytes = ToWarden(1, .status).encoded().bytes
        bytes[0] = UInt8(truncatingIfNeeded: kind)
        bytes[1] = UInt8(truncatingIfNeeded: kind >> 8)
        #expect(throws: WireProblem.unknownKind(kind)) { try ToWarden(try ReceivedMessage(bytes)) }
        #expect(throws: WireProblem.unknownKind(kind)) { try FromWarden(try ReceivedMessage(bytes)) }
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "../a", "A", "-a", "_a", "a b", "a\nb", "ä", String(repeating: "a", count: 64),
    ])
    func `a tenant whose name could lead a path elsewhere is refused`(name: String) throws {
        for request: WardenRequest in [
            .tenantWeight(tenant: name, 100),
            .create(SessionOrder(id: Samples.id, profile: "default", share: TenantShare(name, weight: 100))),
        ] {
            let bytes = ToWarden(1, request).encoded().bytes
            #expect(throws: WireProblem.self) { try ToWarden(try ReceivedMessage(bytes)) }
        }
    }

    @Test(arguments: [UInt32(0), 10_001, .max])
    func `a weight that no kernel takes is refused`(weight: UInt32) throws {
        let bytes = ToWarden(1, .tenantWeight(tenant: "red", weight)).encoded().bytes
        #expect(throws: WireProblem.unknownValue("weight", UInt64(weight))) {
            try ToWarden(try ReceivedMessage(bytes))
        }
    }

    @Test func `a request without a number is refused`() {
        #expect(throws: WireProblem.unknownValue("request", 0)) {
            try ToWarden(try ReceivedMessage(ToWarden(0, .status).encoded().bytes))
        }
    }

    @Test(arguments: [
        ProcessOrder(Samples.key, .arguments([])), ProcessOrder(Samples.key, .arguments([""])),
        ProcessOrder(Samples.key, .arguments(["a\0b"])),
        ProcessOrder(Samples.key, .arguments(["a"]), environment: ["NAME"]),
        ProcessOrder(Samples.key, .arguments(["a"]), environment: ["=value"]),
        ProcessOrder(Samples.key, .arguments(["a"]), directory: "relative"),
        ProcessOrder(
            Samples.key, .arguments([String(repeating: "a", count: WardenFormat.argumentLimit + 1)])),
    ])
    func `an order that cannot be carried out is refused`(order: ProcessOrder) throws {
        let (message, file) = try received(ToWarden(1, .start(order)).encoded())
        #expect(throws: WireProblem.self) { try ToWarden(message, file: file) }
    }

    @Test(arguments: [0, 65, -1] as [Int32])
    func `a signal that is none is refused`(number: Int32) throws {
        let (message, _) = try received(ToWarden(1, .signal(Samples.key, number)).encoded())
        #expect(throws: WireProblem.refused("signal", "a number from 1 to 64")) { try ToWarden(message) }
    }

    @Test func `an order carries neither network nor image among its overrides`() {
        let order = SessionOrder(
            id: Samples.id, profile: "strict", overrides: [.network(.host), .image("other"), .pids(3)])
        #expect(order.overrides == [.pids(3)])
    }

    @Test(arguments: [
        VolumeKey(.session, tenant: "alice", name: "00000000000000ff"),
        VolumeKey(.session, tenant: "alice", name: "notes"), Samples.copy,
    ])
    func `a session gets no other session's volume and no snapshot`(key: VolumeKey) throws {
        let order = SessionOrder(id: Samples.id, profile: "default", workspace: VolumeOrder(key))
        let (message, _) = try received(ToWarden(1, .create(order)).encoded())
        #expect(throws: WireProblem.self) { try ToWarden(message) }
    }

    @Test(arguments: [
        "", "/", "alice", "./alice", "/srv/..", "/srv/../etc", "/srv/./a", "/srv//a", "/srv/a/", "/srv/a\n",
        "/" + String(repeating: "n", count: 256), String(repeating: "/x", count: 2048),
    ])
    func `a directory of the host is a path in its shortest form`(path: String) throws {
        let order = SessionOrder(id: Samples.id, profile: "default", directory: path)
        let (message, _) = try received(ToWarden(1, .create(order)).encoded())
        #expect(throws: WireProblem.self) { try ToWarden(message) }
    }

    @Test func `a session gets a volume or a directory of the host, and not both`() throws {
        let order = SessionOrder(
            id: Samples.id, profile: "default", workspace: VolumeOrder(Samples.volume), directory: "/srv/a")
        let (message, _) = try received(ToWarden(1, .create(order)).encoded())
        #expect(throws: WireProblem.self) { try ToWarden(message) }
    }

    @Test func `a page of volumes is no longer than it may be`() throws {
        let most = WardenFormat.pageLimit
        let long = VolumeKey(
            .snapshot, tenant: String(repeating: "t", count: 200), name: String(repeating: "n", count: 200))
        for count in [most, most + 1] {
            let answer = FromWarden.answer(
                1, .volumes(Array(repeating: long, count: count), next: long))
            let encoded = answer.encoded()
            #expect(encoded.file == nil)
            let message = try ReceivedMessage(encoded.bytes)
            if count == most {
                #expect(try FromWarden(message) == answer)
            } else {
                #expect(throws: WireProblem.tooLong("volumes", 65, limit: 64)) { try FromWarden(message) }
            }
        }
    }

    @Test func `a sentence that is too long is cut between characters`() throws {
        for extra in 0..<4 {
            let long = String(repeating: "x", count: extra) + String(repeating: "数", count: 4000)
            let answer = FromWarden.answer(1, .refused(Refusal(.system, long)))
            guard
                case .answer(_, .refused(let refusal)) = try FromWarden(
                    try ReceivedMessage(answer.encoded().bytes))
            else { throw WireProblem.unknownKind(0) }
            #expect(refusal.sentence.utf8.count <= 4096 && refusal.sentence.utf8.count > 4000)
        }
    }

    @Test func `mutated messages never trap and what is taken says the same again`() throws {
        var generator = Seeded(2026)
        let all =
            Samples.requests.map { ToWarden(1, $0).encoded().bytes }
            + Samples.answers.map { FromWarden.answer(1, $0).encoded().bytes }
            + Samples.events.map { FromWarden.event($0).encoded().bytes }
        for _ in 0..<40_000 {
            var bytes = all[Int.random(in: all.indices, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            guard let message = try? ReceivedMessage(bytes) else { continue }
            if let request = try? ToWarden(message) {
                #expect(request.encoded().bytes == bytes)
            }
            if let answer = try? FromWarden(message) {
                #expect(try FromWarden(try ReceivedMessage(answer.encoded().bytes)) == answer)
            }
        }
    }
}

@Suite struct SandboxIDTests {
    @Test func `an id is sixteen digits`() throws {
        #expect(SandboxID("00000000000000ff") == SandboxID(255))
        #expect(SandboxID(255).description == "00000000000000ff")
        #expect(SandboxID(.max).description == "ffffffffffffffff")
        for text in ["", "ff", "00000000000000FF", "00000000000000f", "00000000000000fg", "+0000000000000ff"]
        {
            #expect(SandboxID(text) == nil, "\(text)")
        }
    }
}
