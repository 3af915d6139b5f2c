import CLinux
import Glibc
import Linux
import Sandbox
import Testing
import Wire

@testable import Relay

@Suite(.timeLimit(.minutes(20))) struct RelayFrameTests {
    @Test func `frames pass byte for byte in both directions and are counted`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        let request = framed(Array(#" {"id" : 1, "m":"\u0041é订"} "#.utf8))
        let reply = frame(2, size: 200_000)
        try ends.plugin.send(request)
        #expect(try ends.host.receive(request.count) == request)
        try ends.host.send(reply)
        #expect(try ends.plugin.receive(reply.count) == reply)
        let totals = rig.relay.stop()
        #expect(totals.fromPlugin == RelayTotals.Traffic(frames: 1, bytes: UInt64(request.count)))
        #expect(totals.fromUpstream == RelayTotals.Traffic(frames: 1, bytes: UInt64(reply.count)))
        #expect(totals.connections == 1)
        #expect(totals.refusals.list.isEmpty && totals.failure == nil && totals.descriptorsClosed == 0)
        #expect(rig.relay.stop() == totals)
    }

    @Test func `frames pass wherever the writes are cut, and no part of one before the rest`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        let stream = frame(1)
        for cut in 1..<stream.count {
            try ends.plugin.send(Array(stream[..<cut]))
            let early = isReady(ends.host.socket, within: 2)
            #expect(!early, "after \(cut) bytes")
            try ends.plugin.send(Array(stream[cut...]))
            #expect(try ends.host.receive(stream.count) == stream)
        }
    }

    @Test func `frames pass that come one byte at a time`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        let stream = frame(1) + frame(2) + frame(3)
        for byte in stream { try ends.host.send([byte]) }
        #expect(try ends.plugin.receive(stream.count) == stream)
    }

    /// Plain hosts read a length with one recv and the body with another.
    @Test(arguments: [2, 100, 4096, 60_000, 65_000])
    func `length and body arrive in one piece however they were written`(size: Int) throws {
        let rig = try Rig()
        let ends = try rig.joined()
        for number in 0..<20 {
            let frame = frame(number, size: size)
            try ends.plugin.send(Array(frame[..<4]))
            let middle = 4 + (frame.count - 4) / 2
            try ends.plugin.send(Array(frame[4..<middle]))
            if number % 2 == 0 { usleep(1_000) }
            try ends.plugin.send(Array(frame[middle...]))
            #expect(try ends.host.receiveOnce(4) == Array(frame[..<4]))
            #expect(try ends.host.receiveOnce(frame.count - 4).count == frame.count - 4)
        }
    }

    @Test(
        arguments: [
            ([0xFF, 0xFF, 0xFF, 0xFF], RelayRule.frameSize),
            ([0x00, 0x40, 0x00, 0x01], .frameSize),
            (framed([]), .json),
            (framed(Array("{]".utf8)), .json),
            (framed(Array("{\"a\":\"".utf8) + [0xC0, 0x80] + Array("\"}".utf8)), .json),
            (framed(Array(#"{"a":1,"a":2}"#.utf8)), .json),
            (framed(Array("[1]".utf8)), .object),
        ] as [([UInt8], RelayRule)])
    func `a frame that may not pass ends the connection behind those before it`(
        bad: [UInt8], rule: RelayRule
    ) throws {
        for fromPlugin in [true, false] {
            let rig = try Rig()
            let ends = try rig.joined()
            let good = frame(1) + frame(2)
            if fromPlugin {
                try ends.plugin.send(good + bad + frame(3))
                #expect(try ends.host.receiveToEnd() == good)
                #expect(try ends.plugin.receiveToEnd() == [])
            } else {
                try ends.host.send(good + bad + frame(3))
                #expect(try ends.plugin.receiveToEnd() == good)
                #expect(try ends.host.receiveToEnd() == [])
            }
            let totals = rig.relay.stop()
            #expect(totals.refusals.list.map(\.rule) == [rule])
            #expect(totals.refusals.list.first?.count == 1)
            #expect(
                totals.refusals.list.first?.first.hasPrefix(fromPlugin ? "from the plugin" : "from the upst")
                    == true)
            #expect((fromPlugin ? totals.fromPlugin : totals.fromUpstream).frames == 2)
        }
    }

    @Test(arguments: [1, 3, 4, 10]) func `half a frame is not forwarded but counted`(count: Int) throws {
        let rig = try Rig()
        let ends = try rig.joined()
        try ends.plugin.send(frame(1) + frame(2)[..<count])
        ends.plugin.socket.shutdown(.sending)
        #expect(try ends.host.receiveToEnd() == frame(1))
        #expect(try ends.plugin.receiveToEnd() == [])
        #expect(rig.relay.stop().refusals.count(.truncated) == 1)
    }

    /// An exit test, because others open descriptors meanwhile; the test runner's own thread opens
    /// a few even there.
    @Test func `descriptors are closed on both ways and their frames pass without them`() async {
        await #expect(processExitsWith: .success) {
            let rig = try Rig()
            let ends = try rig.joined()
            let before = openDescriptors()
            for number in 0..<50 {
                let frame = frame(number)
                try passDescriptors(frame, over: ends.plugin)
                #expect(try receiveWithDescriptors(frame.count, over: ends.host) == frame)
                try passDescriptors(frame, over: ends.host)
                #expect(try receiveWithDescriptors(frame.count, over: ends.plugin) == frame)
            }
            #expect(openDescriptors() < before + 10)
            #expect(rig.relay.stop().descriptorsClosed >= 100)
        }
    }

    /// A read stops behind a message with descriptors, and that what follows is there already is not
    /// told again.
    @Test func `frames behind one with descriptors are not forgotten`() throws {
        for _ in 0..<30 {
            let rig = try Rig()
            let plugin = try rig.connectPlugin()
            for number in 0..<5 { try passDescriptors(frame(number), over: plugin) }
            let host = try rig.acceptHost()
            let stream = (0..<5).flatMap { frame($0) }
            #expect(try host.receive(stream.count) == stream)
        }
    }

    @Test func `many numbered frames of all sizes pass both ways, none lost or out of order`() throws {
        let rig = try Rig()
        let ends = try rig.joined()
        var (up, down) = (Flood(count: 100_000, seed: 1), Flood(count: 100_000, seed: 2))
        while !up.isDone || !down.isDone {
            let moved = [
                up.write(to: ends.plugin.socket), up.read(from: ends.host.socket),
                down.write(to: ends.host.socket), down.read(from: ends.plugin.socket),
            ]
            try #require(up.mismatch == nil && down.mismatch == nil)
            if moved.contains(true) { continue }
            var states = [
                pollfd(fd: ends.plugin.socket.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ends.host.socket.number, events: Int16(POLLIN), revents: 0),
            ]
            try #require(unsafe poll(&states, 2, 20_000) > 0, "nothing moves any more")
        }
        let totals = rig.relay.stop()
        #expect(totals.fromPlugin.frames == 100_000 && totals.fromUpstream.frames == 100_000)
        #expect(totals.fromPlugin.bytes == UInt64(up.sent) && totals.refusals.list.isEmpty)
    }
}

/// Numbered frames written and read back as the sockets allow, without blocking.
private struct Flood {
    private let count: Int
    private var sizes: UInt64
    private var nextToWrite = 0
    private var writing: [UInt8] = []
    private var written = 0
    /// What was written and not read back yet.
    private var expected: [UInt8] = []
    private var checked = 0
    private(set) var sent = 0
    private(set) var mismatch: Int?

    init(count: Int, seed: UInt64) {
        self.count = count
        sizes = seed
    }

    var isDone: Bool { nextToWrite == count && written == writing.count && checked == expected.count }

    private mutating func nextSize() -> Int {
        sizes = sizes &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        // One frame in 4,096 is larger than the relay's first buffer.
        return sizes >> 52 == 0 ? 150_000 : Int(sizes >> 33 & 0xFF)
    }

    mutating func write(to socket: borrowing FileDescriptor) -> Bool {
        if written == writing.count {
            guard nextToWrite < count else { return false }
            writing = []
            written = 0
            for _ in 0..<min(200, count - nextToWrite) {
                writing += frame(nextToWrite, size: nextSize())
                nextToWrite += 1
            }
            if checked == expected.count {
                expected = []
                checked = 0
            }
            expected += writing
        }
        let rest = writing[written...]
        guard case .bytes(let count) = socket.send(rest.span) else { return false }
        written += count
        sent += count
        return true
    }

    mutating func read(from socket: borrowing FileDescriptor) -> Bool {
        var memory = [UInt8](repeating: 0, count: 65536)
        var span = memory.mutableSpan
        var closed: UInt64 = 0
        guard case .bytes(let count) = socket.receive(into: &span, closedDescriptors: &closed), count > 0
        else {
            return false
        }
        if checked + count > expected.count || memory[..<count] != expected[checked..<checked + count] {
            mismatch = checked
        }
        checked += count
        return true
    }
}

private func passDescriptors(_ bytes: [UInt8], over end: borrowing End) throws {
    let number = end.socket.number
    let count = try call("sendmsg") { unsafe clinux_send(number, bytes, bytes.count, [0, 1, 2], 3) }
    #expect(count == bytes.count)
}

/// Receives with room for descriptors, and expects none.
private func receiveWithDescriptors(_ count: Int, over end: borrowing End) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var descriptors = [CInt](repeating: -1, count: Int(CLINUX_MESSAGE_FDS))
    var (passed, truncated) = (0, CInt(0))
    let number = end.socket.number
    let got = try call("recvmsg") {
        unsafe clinux_receive(number, &bytes, count, &descriptors, &passed, &truncated, 0)
    }
    #expect(passed == 0 && truncated == 0)
    return Array(bytes[..<got])
}
