import Glibc
import Linux
import Sandbox
import Testing
import Wire

@testable import Relay

/// How connections begin and end under the policy: in time or not, on one way or both, once or again.
@Suite(.timeLimit(.minutes(20))) struct RelayLifecycleTests {
    private static let register = #"{"id":1,"method":"register","params":{"name":"p"}}"#
    private static let taken = #"{"id":1,"result":{"success":true}}"#

    private func rig(_ change: (inout MessagePolicy) -> Void = { _ in }) throws -> Rig {
        var messages = MessagePolicy()
        messages.rate = 0
        change(&messages)
        return try Rig(policy: RelayPolicy(frameBytes: 1 << 20, connections: 4, messages: messages))
    }

    private func register(_ joined: borrowing Joined) throws {
        try joined.plugin.say(Self.register)
        #expect(try joined.host.hear() == Self.register)
        try joined.host.say(Self.taken)
        #expect(try joined.plugin.hear() == Self.taken)
    }

    /// A slow or stopped frame is no way to hold a place without registering.
    @Test(arguments: [[], [0, 0], [0, 0, 0, 9, 0x7B]] as [[UInt8]])
    func `what a plugin has begun to say does not give it more time to register`(begun: [UInt8]) throws {
        let rig = try rig { $0.registration = 50 }
        let joined = try rig.joined()
        try joined.plugin.send(begun)
        #expect(try joined.plugin.receiveToEnd().isEmpty && joined.host.receiveToEnd().isEmpty)
        #expect(rig.relay.stop().refusals.count(.registration) == 1)
    }

    @Test func `a host that sends no more still gets the answers to what it asked`() throws {
        let rig = try rig()
        let joined = try rig.joined()
        try register(joined)
        for id in 2..<12 { try joined.host.say(#"{"id":\#(id),"method":"ping"}"#) }
        joined.host.socket.shutdown(.sending)
        for id in 2..<12 { #expect(try joined.plugin.hear() == #"{"id":\#(id),"method":"ping"}"#) }
        #expect(try joined.plugin.receiveOnce(1).isEmpty)
        for id in (2..<12).reversed() {
            try joined.plugin.say(#"{"id":\#(id),"result":1}"#)
            #expect(try joined.host.hear() == #"{"id":\#(id),"result":1}"#)
        }
        joined.plugin.socket.shutdown(.sending)
        #expect(try joined.host.receiveToEnd().isEmpty)
        #expect(rig.relay.stop().refusals.list.isEmpty)
    }

    @Test func `a plugin that sends no more still gets what it is told, and its host what it said`() throws {
        let rig = try rig()
        let joined = try rig.joined()
        try register(joined)
        for id in 2..<5 { try joined.host.say(#"{"id":\#(id),"method":"ping"}"#) }
        for _ in 2..<5 { _ = try joined.plugin.hear() }
        try joined.plugin.say(#"{"id":3,"result":1}"#)
        joined.plugin.socket.shutdown(.sending)
        #expect(try joined.host.receiveToEnd() == framed(Array(#"{"id":3,"result":1}"#.utf8)))
        try joined.host.say(#"{"method":"ping"}"#)
        #expect(try joined.plugin.hear() == #"{"method":"ping"}"#)
        #expect(rig.relay.stop().refusals.list.isEmpty)
    }

    /// Node's plugins end their side after the answer to `shutdown` and exit only when the other side
    /// ends too; hosts wait for the plugin to end. Somebody has to begin.
    @Test func `a plugin that half closes after its farewell is let go while its host still waits`() throws {
        let rig = try rig()
        let joined = try rig.joined()
        try register(joined)
        try joined.host.say(#"{"id":2,"method":"shutdown","params":{}}"#)
        _ = try joined.plugin.hear()
        try joined.plugin.say(#"{"id":2,"result":{"success":true}}"#)
        joined.plugin.socket.shutdown(.sending)
        // The host closes nothing.
        #expect(try joined.plugin.receiveToEnd().isEmpty)
        #expect(try joined.host.hear() == #"{"id":2,"result":{"success":true}}"#)
        #expect(try joined.host.receiveToEnd().isEmpty)
        #expect(rig.relay.stop().refusals.list.isEmpty)
    }

    /// The host ends with calls open and comes back under the same name, as when it is restarted. Every
    /// answer of the plugin's reaches the host that asked, or nobody.
    @Test func `a plugin that connects again meets the new host, and nothing of the old one`() throws {
        let scratch = try Scratch()
        let up = scratch.file("up")
        var host = try listen(at: up)
        var messages = MessagePolicy()
        messages.rate = 0
        let relay = try RelayThread.start(
            listener: try listen(at: scratch.file("plugin")), upstream: try Upstream.open(path: up),
            first: nil, policy: RelayPolicy(frameBytes: 1 << 20, connections: 1, messages: messages),
            peer: nil)
        var rounds = 0
        while rounds < 200 {
            let socket = try FileDescriptor.unixSocket(nonBlocking: false)
            try socket.connect(to: scratch.file("plugin"))
            let plugin = End(socket)
            try plugin.say(Self.register)
            do {
                let accepted = try acceptBlocking(host)
                #expect(try accepted.hear() == Self.register)
                try accepted.say(Self.taken)
                #expect(try plugin.hear() == Self.taken)
                // Of the call before, which another host made: the same id, not asked here.
                try plugin.say(#"{"id":8,"result":"old"}"#)
                try accepted.say(#"{"id":7,"method":"a/render"}"#)
                #expect(try plugin.hear() == #"{"id":7,"method":"a/render"}"#)
                try plugin.say(#"{"id":7,"result":\#(rounds)}"#)
                #expect(try accepted.hear() == #"{"id":7,"result":\#(rounds)}"#)
                try accepted.say(#"{"id":8,"method":"a/render"}"#)
                #expect(try plugin.hear() == #"{"id":8,"method":"a/render"}"#)
            }
            // What TGO's plugins wait for: they end then, or connect again.
            #expect(try plugin.receiveToEnd().isEmpty)
            rounds += 1
            guard rounds % 10 == 0 else { continue }
            _ = unsafe unlink(up)
            host = try listen(at: up)
        }
        let totals = relay.stop()
        #expect(totals.connections == 200)
        #expect(totals.refusals.list.map(\.rule) == [.pending] && totals.refusals.count(.pending) == 200)
    }

    /// A connection that its host has closed is no plugin any more, though the plugin keeps its end open.
    @Test func `a plugin may register again when its host has closed the connection`() throws {
        let rig = try rig()
        let first = try rig.connectPlugin()
        do {
            let host = try rig.acceptHost()
            try first.say(Self.register)
            _ = try host.hear()
            try host.say(Self.taken)
            _ = try first.hear()
        }
        #expect(try first.receiveOnce(1).isEmpty)
        let second = try rig.joined()
        try register(second)
        #expect(rig.relay.stop().refusals.list.isEmpty)
    }
}
