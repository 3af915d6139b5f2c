import Glibc
import Linux
import Sandbox
import Testing

@testable import Relay

/// Order and completeness under the policy: calls with numbers go down, answers with the same go up.
@Suite(.timeLimit(.minutes(20))) struct NumberedTests {
    @Test func `a million calls and answers pass cut anywhere, none lost, doubled or reordered`() throws {
        // Of each: a debug build takes 10 s of cpu time for that.
        let count = 500_000
        var messages = MessagePolicy()
        (messages.rate, messages.burst, messages.inFlight) = (1_000_000, 1_000_000, 16)
        messages.methods = ["a/render"]
        let rig = try Rig(policy: RelayPolicy(frameBytes: 1 << 20, connections: 1, messages: messages))
        let ends = try rig.joined()
        try ends.plugin.say(#"{"id":1,"method":"register"}"#)
        try ends.host.say(#"{"id":1,"result":{}}"#)
        _ = try ends.host.hear()
        _ = try ends.plugin.hear()
        var calls = NumberedStream(#","method":"a/render""#, count: count)
        var answers = NumberedStream(#","result":{"template":"text"}"#, count: count)
        var cuts = Cuts()
        while !answers.isRead {
            // So many wait at once, and no answer comes before its call.
            calls.mayWrite = min(count, answers.read + Int(messages.inFlight))
            answers.mayWrite = calls.read
            var moved = calls.write(to: ends.host.socket, cuts.next())
            if !cuts.pauses { moved = calls.read(from: ends.plugin.socket, cuts.next()) || moved }
            moved = answers.write(to: ends.plugin.socket, cuts.next()) || moved
            if !cuts.pauses { moved = answers.read(from: ends.host.socket, cuts.next()) || moved }
            try #require(calls.mismatch == nil && answers.mismatch == nil)
            if moved || cuts.pauses { continue }
            var states = [
                pollfd(fd: ends.plugin.socket.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ends.host.socket.number, events: Int16(POLLIN), revents: 0),
            ]
            try #require(unsafe poll(&states, 2, 20_000) > 0, "nothing moves any more")
        }
        let totals = rig.relay.stop()
        #expect(totals.refusals.list.isEmpty)
        // With the registration and its answer.
        #expect(totals.fromPlugin.frames == UInt64(count) + 1)
        #expect(totals.fromUpstream.frames == UInt64(count) + 1)
    }
}

/// How much to move next: mostly much, sometimes a few bytes, sometimes nothing for a while.
private struct Cuts {
    private var state: UInt64 = 1

    private mutating func random() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }

    mutating func next() -> Int {
        let word = random()
        return word & 7 == 0 ? Int(word >> 3 & 31) + 1 : 65_536
    }

    var pauses: Bool {
        mutating get { random() & 31 == 0 }
    }
}

/// Frames with the numbers 1,000,000 and up, written to one socket and compared where they come out.
private struct NumberedStream {
    private static let first = 1_000_000
    /// Of several sizes, which the number decides.
    private let templates: [[UInt8]]
    /// Where the number is in each of them.
    private static let place = 4 + 6

    private let count: Int
    private var written: Pieces
    private var expected: Pieces
    private var memory = [UInt8](repeating: 0, count: 65_536)
    /// Frames that were compared whole.
    private(set) var read = 0
    private(set) var mismatch: Int?
    /// How many frames may have been begun.
    var mayWrite = 0

    /// Made frames of which a part is still to be used.
    private struct Pieces {
        var bytes: [UInt8] = []
        var used = 0
        /// Behind each frame of `bytes`.
        var ends: [Int] = []
        var passed = 0
        var made = 0
        var isEmpty: Bool { used == bytes.count }
    }

    init(_ content: String, count: Int) {
        self.count = count
        templates = [0, 0, 0, 1, 2, 3, 8, 60].map { size in
            let filling = size == 0 ? "" : #","x":"\#(String(repeating: "x", count: size))""#
            return frame(Array(#"{"id":\#(Self.first)\#(content)\#(filling)}"#.utf8))
        }
        (written, expected) = (Pieces(), Pieces())
    }

    var isRead: Bool { read == count }

    /// Makes frames up to a number.
    private func make(_ pieces: inout Pieces, upTo end: Int) {
        pieces.bytes.removeAll(keepingCapacity: true)
        pieces.ends.removeAll(keepingCapacity: true)
        (pieces.used, pieces.passed) = (0, 0)
        while pieces.made < end {
            let at = pieces.bytes.count + Self.place
            pieces.bytes += templates[pieces.made &* 2_654_435_761 >> 9 & 7]
            var rest = pieces.made
            var digit = at + 6
            while rest > 0 {
                pieces.bytes[digit] &+= UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
                digit -= 1
            }
            pieces.made += 1
            pieces.ends.append(pieces.bytes.count)
        }
    }

    mutating func write(to socket: borrowing FileDescriptor, _ most: Int) -> Bool {
        if written.isEmpty {
            guard written.made < mayWrite else { return false }
            make(&written, upTo: mayWrite)
        }
        let end = min(written.used + most, written.bytes.count)
        guard case .bytes(let count) = socket.send(written.bytes.span.extracting(written.used..<end)) else {
            return false
        }
        written.used += count
        return true
    }

    mutating func read(from socket: borrowing FileDescriptor, _ most: Int) -> Bool {
        if expected.isEmpty { make(&expected, upTo: min(count, written.made)) }
        let room = min(most, memory.count, expected.bytes.count - expected.used)
        guard room > 0 else { return false }
        var closed: UInt64 = 0
        var got = 0
        do {
            var span = memory.mutableSpan
            var part = span._mutatingExtracting(..<room)
            guard case .bytes(let count) = socket.receive(into: &part, closedDescriptors: &closed), count > 0
            else { return false }
            got = count
        }
        let bytesRead = got
        let isSame = unsafe memory.withUnsafeBytes { memory in
            unsafe expected.bytes.withUnsafeBytes { bytes in
                guard let left = memory.baseAddress, let right = bytes.baseAddress else { return false }
                // By memcmp(3): 200 MB are compared here, in a debug build.
                return unsafe memcmp(left, right + expected.used, bytesRead) == 0
            }
        }
        if !isSame { mismatch = read }
        expected.used += got
        while expected.passed < expected.ends.count, expected.ends[expected.passed] <= expected.used {
            expected.passed += 1
            read += 1
        }
        return true
    }
}

private func frame(_ payload: [UInt8]) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: payload.count >> (24 - 8 * $0)) } + payload
}
