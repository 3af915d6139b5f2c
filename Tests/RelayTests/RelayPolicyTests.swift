import Glibc
import Linux
import Sandbox
import Testing
import Wire

@testable import Relay

/// The rules on messages, over real sockets: what each side gets, in which order, and how it ends.
@Suite(.timeLimit(.minutes(20))) struct RelayPolicyTests {
    private static let register = #"{"id":1,"method":"register","params":{"name":"p"}}"#
    private static let taken = #"{"id":1,"result":{"success":true}}"#

    private func rig(_ change: (inout MessagePolicy) -> Void = { _ in }) throws -> Rig {
        var messages = MessagePolicy()
        change(&messages)
        return try Rig(policy: RelayPolicy(frameBytes: 1 << 20, connections: 4, messages: messages))
    }

    /// A connection over which the plugin has registered.
    private func registered(_ rig: borrowing Rig) throws -> Joined {
        let joined = try rig.joined()
        try joined.plugin.say(Self.register)
        #expect(try joined.host.hear() == Self.register)
        try joined.host.say(Self.taken)
        #expect(try joined.plugin.hear() == Self.taken)
        return joined
    }

    @Test func `what is refused is left out, and whoever waits is told`() throws {
        let rig = try rig()
        let joined = try registered(rig)
        try joined.host.say(#"{"id":1,"method":"a/render"}"#)
        try joined.host.say(#"{"id":2,"method":"plugin/uninstall"}"#)
        try joined.host.say(#"{"id":3,"method":"b/event"}"#)
        #expect(try joined.plugin.hear() == #"{"id":1,"method":"a/render"}"#)
        #expect(try joined.plugin.hear() == #"{"id":3,"method":"b/event"}"#)
        #expect(try joined.host.hear().contains(#""id":2,"error":{"code":-32601"#))
        try joined.plugin.say(#"{"id":9,"result":"never asked"}"#)
        try joined.plugin.say(#"{"id":3,"result":{"action":"run_script"}}"#)
        try joined.plugin.say(#"{"id":1,"result":{"template":"text"}}"#)
        #expect(try joined.host.hear().contains(#""id":3,"error":{"code":-32002"#))
        #expect(try joined.host.hear() == #"{"id":1,"result":{"template":"text"}}"#)
        let totals = rig.relay.stop()
        #expect(totals.refusals.list.map(\.rule) == [.method, .pending, .action])
        #expect(totals.fromPlugin.frames == 2 && totals.fromUpstream.frames == 3)
    }

    @Test func `a developer's token is taken out of the stream`() throws {
        let rig = try rig()
        let joined = try rig.joined()
        let (head, tail) = (#"{"id":1,"method":"register","params":{"name":"p""#, "}}")
        try joined.plugin.say(head + #","dev_token":"x""# + tail)
        #expect(try joined.host.hear() == head + tail)
    }

    @Test func `after a farewell both connections end`() throws {
        let rig = try rig()
        let joined = try registered(rig)
        try joined.host.say(#"{"id":5,"method":"shutdown"}"#)
        _ = try joined.plugin.hear()
        try joined.plugin.say(#"{"id":5,"result":{"success":true}}"#)
        #expect(try joined.host.hear() == #"{"id":5,"result":{"success":true}}"#)
        #expect(try joined.host.receiveToEnd().isEmpty && joined.plugin.receiveToEnd().isEmpty)
        #expect(rig.relay.stop().refusals.list.isEmpty)
    }

    @Test func `a plugin that says something else first is told and closed`() throws {
        let rig = try rig()
        let joined = try rig.joined()
        try joined.plugin.say(#"{"id":7,"method":"host/exec"}"#)
        #expect(try joined.plugin.hear().contains(#""id":7,"error":{"code":-32600"#))
        #expect(try joined.plugin.receiveToEnd().isEmpty && joined.host.receiveToEnd().isEmpty)
    }

    @Test func `who does not answer in time is answered for`() throws {
        let rig = try rig { $0.deadline = 50 }
        let joined = try registered(rig)
        try joined.host.say(#"{"id":"late","method":"ping"}"#)
        #expect(try joined.host.hear().contains(#""id":"late","error":{"code":-32000"#))
        try joined.plugin.say(#"{"id":"late","result":1}"#)
        try joined.host.say(#"{"id":2,"method":"ping"}"#)
        _ = try joined.plugin.hear()
        _ = try joined.plugin.hear()
        try joined.plugin.say(#"{"id":2,"result":1}"#)
        // Either in time or not: the late one itself does not come.
        #expect(try !joined.host.hear().contains("late"))
        // The one that was not given, and the one that came late.
        #expect(rig.relay.stop().refusals.count(.deadline) >= 2)
    }

    @Test func `who does not register in time is closed`() throws {
        let rig = try rig { $0.registration = 50 }
        let joined = try rig.joined()
        #expect(try joined.plugin.receiveToEnd().isEmpty && joined.host.receiveToEnd().isEmpty)
        #expect(rig.relay.stop().refusals.list.map(\.rule) == [.registration])
    }

    /// There is no way to the host any more, so what it would be told has to be dropped: not tried for ever.
    @Test func `a plugin that has half closed is no reason to go on trying to answer for it`() throws {
        let rig = try rig { $0.deadline = 50 }
        let joined = try registered(rig)
        try joined.host.say(#"{"id":2,"method":"ping"}"#)
        _ = try joined.plugin.hear()
        joined.plugin.socket.shutdown(.sending)
        #expect(try joined.host.receiveToEnd().isEmpty)
        // Refused, and then one that is not: the relay is alive.
        try joined.host.say(#"{"id":3,"method":"plugin/uninstall"}"#)
        try joined.host.say(#"{"id":4,"method":"ping"}"#)
        #expect(try joined.plugin.hear() == #"{"id":4,"method":"ping"}"#)
        usleep(150_000)  // Both deadlines pass.
        try joined.host.say(#"{"id":5,"method":"ping"}"#)
        #expect(try joined.plugin.hear() == #"{"id":5,"method":"ping"}"#)
        let totals = rig.relay.stop()
        #expect(totals.refusals.count(.method) == 1 && totals.refusals.count(.deadline) >= 2)
    }

    @Test func `one plugin registers at a time`() throws {
        let rig = try rig()
        let first = try registered(rig)
        let second = try rig.joined()
        try second.plugin.say(Self.register)
        #expect(try second.plugin.hear().contains(#""id":1,"error":{"code":-32600"#))
        #expect(try second.host.receiveToEnd().isEmpty)
        try first.host.say(#"{"id":2,"method":"ping"}"#)
        #expect(try first.plugin.hear() == #"{"id":2,"method":"ping"}"#)
    }

    @Test(arguments: MessagePolicy.Violation.allCases)
    func `a violation does what the policy says`(violation: MessagePolicy.Violation) throws {
        let rig = try rig { $0.violation = violation }
        let joined = try registered(rig)
        try joined.plugin.say(#"{"id":9,"result":1}"#)
        if violation == .drop {
            try joined.host.say(#"{"id":2,"method":"ping"}"#)
            #expect(try joined.plugin.hear() == #"{"id":2,"method":"ping"}"#)
        } else {
            // The connection may be closed by now.
            _ = try? joined.host.say(#"{"id":2,"method":"ping"}"#)
            _ = try joined.plugin.receiveToEnd()
            #expect(try joined.host.receiveToEnd().isEmpty)
        }
        #expect(rig.relay.stop().refusals.count(.pending) == 1)
    }

    /// A plugin that calls its host again and again and reads none of the errors: it is not read on, and
    /// what it wrote is all answered once it reads.
    @Test func `replies that nobody reads stop the reading`() throws {
        let rig = try rig {
            $0.rate = 0
        }
        let joined = try registered(rig)
        let request = framed(Array(#"{"id":4,"method":"x"}"#.utf8))
        let flood = Array(repeatElement(request, count: 20_000).joined())
        let sender = try Thread.start { [socket = try joined.plugin.socket.duplicate()] in
            var done = 0
            while done < flood.count {
                let rest = Array(flood[done...].prefix(65_536))
                let count = unsafe Glibc.send(socket.number, rest, rest.count, CInt(MSG_NOSIGNAL))
                if count <= 0 { return }
                done += count
            }
        }
        for _ in 0..<20_000 {
            let reply = try joined.plugin.hear()
            if !reply.contains(#""id":4,"error":{"code":-32601"#) {
                Issue.record("\(reply)")
                break
            }
        }
        sender.join()
        #expect(rig.relay.stop().refusals.count(.call) == 20_000)
    }
}

extension End {
    func say(_ text: String) throws { try send(framed(Array(text.utf8))) }

    /// One message.
    func hear() throws -> String {
        let length = try receive(4).reduce(0) { $0 << 8 | Int($1) }
        return String(decoding: try receive(length), as: UTF8.self)
    }
}
