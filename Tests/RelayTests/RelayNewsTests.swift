import Glibc
import Linux
import Sandbox
import Testing

@testable import Relay

/// What a relay tells about its refusals while it runs.
@Suite(.timeLimit(.minutes(20))) struct RelayNewsTests {
    private static let register = #"{"id":1,"method":"register","params":{"name":"p"}}"#
    private static let taken = #"{"id":1,"result":{"success":true}}"#

    private func rig(_ change: (inout MessagePolicy) -> Void = { _ in }) throws -> Rig {
        var messages = MessagePolicy()
        change(&messages)
        return try Rig(policy: RelayPolicy(frameBytes: 1 << 10, connections: 4, messages: messages))
    }

    private func registered(_ rig: borrowing Rig) throws -> Joined {
        let joined = try rig.joined()
        try joined.plugin.say(Self.register)
        _ = try joined.host.hear()
        try joined.host.say(Self.taken)
        _ = try joined.plugin.hear()
        return joined
    }

    /// The relay has judged all that both sides said before.
    private func settle(_ joined: borrowing Joined) throws {
        try joined.host.say(#"{"id":99,"method":"ping"}"#)
        while try joined.plugin.hear() != #"{"id":99,"method":"ping"}"# {}
        try joined.plugin.say(#"{"id":99,"result":1}"#)
        while try joined.host.hear() != #"{"id":99,"result":1}"# {}
    }

    private func isNews(_ news: RelayNews, within milliseconds: CInt) -> Bool {
        var state = pollfd(fd: news.number, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&state, 1, milliseconds) == 1
    }

    @Test func `the first refusal of each rule is told at once, and no other`() throws {
        let rig = try rig()
        let joined = try registered(rig)
        #expect(!isNews(rig.relay.news, within: 0) && rig.relay.news.take().isEmpty)
        try joined.plugin.say(#"{"id":5,"result":1}"#)
        #expect(isNews(rig.relay.news, within: 60_000))
        let first = rig.relay.news.take()
        #expect(first.map(\.rule) == [.pending])
        #expect(first.first?.reason == "from the plugin: an answer has the id 5, which no call waits with")
        for id in 6..<20 { try joined.plugin.say(#"{"id":\#(id),"result":1}"#) }
        try settle(joined)
        #expect(!isNews(rig.relay.news, within: 0) && rig.relay.news.take().isEmpty)
        try joined.host.say(#"{"id":5,"method":"evil"}"#)
        try settle(joined)
        #expect(rig.relay.news.take().map(\.rule) == [.method])
        // Over another connection it is the same relay.
        let other = try rig.joined()
        try other.plugin.say(#"{"id":5,"result":1}"#)
        #expect(try other.plugin.receiveToEnd().isEmpty)
        #expect(rig.relay.news.take().map(\.rule) == [.registration])
        let totals = rig.relay.stop()
        #expect(totals.refusals.list.map(\.rule) == [.pending, .method, .registration])
        #expect(totals.refusals.list.map(\.count) == [15, 1, 1])
        #expect(totals.violation == nil && rig.relay.news.violation == nil)
    }

    @Test func `a violation that kills is told, behind all that may pass`() throws {
        let rig = try rig { $0.violation = .kill }
        let joined = try registered(rig)
        try joined.host.say(#"{"id":5,"method":"ping"}"#)
        _ = try joined.plugin.hear()
        try joined.plugin.say(#"{"id":5,"result":1}"#)
        try joined.plugin.say(#"{"id":5,"result":2}"#)
        #expect(try joined.host.hear() == #"{"id":5,"result":1}"#)
        #expect(try joined.host.receiveToEnd().isEmpty)
        #expect(isNews(rig.relay.news, within: 60_000))
        #expect(rig.relay.news.violation?.rule == .pending)
        #expect(rig.relay.news.take().map(\.rule) == [.pending])
        let totals = rig.relay.stop()
        #expect(totals.violation == rig.relay.news.violation)
        #expect(totals.refusals.count(.pending) == 1)
    }

    @Test(arguments: [
        (#"{"id":1,"id":1}"#, RelayRule.json), ("[]", .object), (#"{"id":3,"method":"x"}"#, .call),
        (String(repeating: " ", count: 1025), .frameSize),
    ])
    func `a violation kills that would end the connection anyway, too`(text: String, rule: RelayRule) throws {
        let rig = try rig { $0.violation = .kill }
        let joined = try registered(rig)
        try joined.plugin.say(text)
        _ = try joined.plugin.receiveToEnd()
        #expect(rig.relay.stop().violation?.rule == rule)
    }

    /// A plugin is not ended for what its host does, nor for being slow, nor for ending in a sentence.
    @Test func `what is no violation of the plugin's ends nothing`() throws {
        let rig = try rig {
            $0.violation = .kill
            $0.deadline = 50
            $0.registration = 3_000
        }
        let joined = try registered(rig)
        try joined.host.say(#"{"id":5,"method":"evil"}"#)
        try joined.host.say(#"{"id":6,"method":"ping"}"#)
        _ = try joined.plugin.hear()
        _ = try joined.host.hear()
        #expect(try joined.host.hear().contains(#""id":6,"error":{"code":-32000"#))
        try joined.plugin.say(#"{"id":6,"result":1}"#)
        try joined.plugin.send([0, 0])
        joined.plugin.socket.shutdown(.sending)
        #expect(try joined.host.receiveToEnd().isEmpty)
        // Never registers.
        let silent = try rig.joined()
        #expect(try silent.plugin.receiveToEnd().isEmpty)
        let totals = rig.relay.stop()
        #expect(totals.violation == nil && rig.relay.news.violation == nil)
        #expect(totals.refusals.list.map(\.rule) == [.method, .deadline, .truncated, .registration])
        #expect(totals.refusals.count(.deadline) == 2)
    }
}
