import Glibc
import Linux
import Sandbox
import Testing
import Wire

@testable import Relay

/// Sides that do not read, and sides that send too much.
@Suite(.timeLimit(.minutes(20))) struct RelayPressureTests {
    private func open(_ rig: borrowing Rig) throws -> Joined {
        let joined = try rig.joined()
        try joined.plugin.say(#"{"id":1,"method":"register"}"#)
        _ = try joined.host.hear()
        try joined.host.say(#"{"id":1,"result":{}}"#)
        _ = try joined.plugin.hear()
        return joined
    }

    private func rig(_ change: (inout MessagePolicy) -> Void) throws -> Rig {
        var messages = MessagePolicy()
        change(&messages)
        return try Rig(policy: RelayPolicy(frameBytes: 1 << 20, connections: 4, messages: messages))
    }

    /// A plugin that hangs costs its host the deadline of each call and nothing more: the relay answers in
    /// its place, and what the host sends on top waits in the host.
    @Test func `a plugin that does not read is answered for`() throws {
        let rig = try rig {
            $0.deadline = 50
            $0.rate = 0
        }
        let joined = try open(rig)
        let filling = String(repeating: "x", count: 30_000)
        for id in 0..<4 { try joined.host.say(#"{"id":\#(id),"method":"a/render","x":"\#(filling)"}"#) }
        for id in 0..<4 { #expect(try joined.host.hear().contains(#""id":\#(id),"error":{"code":-32000"#)) }
        // More than any buffer on the way holds.
        let flood = framed(Array(#"{"method":"a/render","x":"\#(filling)"}"#.utf8))
        var (sent, idle) = (0, 0)
        while idle < 50, sent < 100 << 20 {
            let rest = Array(flood[(sent % flood.count)...])
            if case .bytes(let count) = joined.host.socket.send(rest.span) {
                (sent, idle) = (sent + count, 0)
            } else {
                idle += 1
                usleep(2_000)
            }
        }
        #expect(sent < 4 << 20)
        #expect(rig.relay.stop(drain: .zero).refusals.count(.deadline) == 4)
    }

    /// To refuse takes time too, and that is not the sandbox's: a plugin that sends more than it may is
    /// read 64 KiB every 50 ms. This can only take longer than that, however slow the machine is.
    @Test func `who sends too much is read slowly, and the other connections are not`() throws {
        let rig = try rig { ($0.rate, $0.burst) = (1, 2) }
        let joined = try open(rig)
        let filling = String(repeating: "x", count: 60_000)
        let message = framed(Array(#"{"method":"x","y":"\#(filling)"}"#.utf8))
        let flood = Array(repeating: message, count: 40).flatMap(\.self)
        let start = ContinuousClock.now
        let sender = try Thread.start { [socket = try joined.plugin.socket.duplicate()] in
            var done = 0
            while done < flood.count {
                let rest = Array(flood[done...].prefix(65_536))
                let count = unsafe Glibc.send(socket.number, rest, rest.count, CInt(MSG_NOSIGNAL))
                if count <= 0 { return }
                done += count
            }
            socket.shutdown(.sending)
        }
        // Another connection is served meanwhile.
        let other = try rig.joined()
        try other.plugin.say(#"{"id":1,"method":"register"}"#)
        #expect(try other.plugin.hear().contains(#""id":1,"error":{"code":-32600"#))
        #expect(try joined.host.receiveToEnd().isEmpty)
        let elapsed = ContinuousClock.now - start
        #expect(elapsed > .milliseconds(1_500))
        sender.join()
        // Two at once, and one in each second that it took.
        let passed = 40 - Int(rig.relay.stop().refusals.count(.rate))
        #expect(passed <= 3 + Int(elapsed.components.seconds), "\(passed) of 40 in \(elapsed)")
    }

    /// What is paused is not lost when the plugin ends.
    @Test func `who sent too much has still been heard at the end`() throws {
        for _ in 0..<5 {
            let rig = try rig { ($0.rate, $0.burst) = (1, 2) }
            let joined = try open(rig)
            let flood = Array(repeating: framed(Array(#"{"method":"x"}"#.utf8)), count: 10_000).flatMap(
                \.self)
            var sent = 0
            while sent < flood.count {
                let rest = Array(flood[sent...])
                guard case .bytes(let count) = joined.plugin.socket.send(rest.span) else { break }
                sent += count
            }
            let frames = sent / framed(Array(#"{"method":"x"}"#.utf8)).count
            let totals = rig.relay.stop(drain: .seconds(20))
            #expect(totals.refusals.count(.rate) + totals.refusals.count(.call) >= UInt64(frames))
        }
    }
}
