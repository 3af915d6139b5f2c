import Sandbox
import Testing
import Wire

@testable import Dialects

/// Who may say what, and when.
@Suite struct TGOConversationTests {
    @Test func `a plugin registers, is called and answers, and ends`() {
        var talk = Talk()
        #expect(talk.plugin(#"{"id":1,"method":"register","params":{"name":"p"}}"#) == .forward)
        #expect(talk.host(#"{"id":1,"result":{"success":true}}"#) == .forward)
        #expect(talk.host(#"{"id":1,"method":"visitor_panel/render","params":{}}"#) == .forward)
        #expect(talk.host(#"{"id":2,"method":"ping"}"#) == .forward)
        #expect(talk.plugin(#"{"id":2,"result":{"pong":true}}"#) == .forward)
        #expect(talk.plugin(#"{"id":1,"error":{"code":-32601,"message":"no"}}"#) == .forward)
        #expect(talk.host(#"{"id":3,"method":"shutdown"}"#) == .forward)
        #expect(talk.plugin(#"{"id":3,"result":{"success":true}}"#) == .farewell)
    }

    @Test(arguments: [
        #"{"id":1,"method":"visitor_panel/render"}"#, #"{"method":"register"}"#, #"{"id":1,"result":{}}"#,
        #"{"id":1}"#,
    ])
    func `what comes first is register`(text: String) {
        var talk = Talk()
        let verdict = talk.plugin(text)
        #expect(verdict.refusal == .notRegistered)
        #expect(verdict.refusal?.endsConnection == true)
        #expect(talk.host(#"{"id":1,"method":"ping"}"#).refusal == .notRegistered)
    }

    @Test func `a plugin that does not register is told as its host would`() {
        var talk = Talk()
        let reply = talk.plugin(#"{"id":"x","method":"ping"}"#).reply
        #expect(reply?.to == .plugin)
        #expect(reply?.text.hasPrefix(#"{"jsonrpc":"2.0","id":"x","error":{"code":-32600,"#) == true)
    }

    @Test func `a plugin registers once, on one connection`() {
        var talk = Talk.open()
        let again = talk.plugin(#"{"id":9,"method":"register","params":{}}"#)
        #expect(again.refusal == .registeredTwice && again.reply?.to == .plugin)
        var other = Talk()
        #expect(other.plugin(#"{"id":1,"method":"register"}"#, taken: true).refusal == .registeredTwice)
        #expect(!other.conversation.isRegistered && talk.conversation.isRegistered)
    }

    @Test func `a plugin that its host does not take may not go on`() {
        var talk = Talk()
        #expect(talk.plugin(#"{"id":1,"method":"register"}"#) == .forward)
        #expect(talk.host(#"{"id":1,"error":{"code":-32000,"message":"no"}}"#) == .forward)
        #expect(!talk.conversation.isRegistered)
        #expect(talk.plugin(#"{"id":2,"method":"register"}"#).refusal == .registeredTwice)
        #expect(talk.host(#"{"id":1,"method":"ping"}"#).refusal == .notRegistered)
    }

    @Test(arguments: [
        (#"{"name":"good","id":"com.x"}"#, nil),
        (#"{"name":"g\u006fod","id":"com.x","version":"2"}"#, nil),
        (#"{"name":"bad","id":"com.x"}"#, Refusal.identity("name", found: "\"bad\"", expected: "\"good\"")),
        (#"{"name":"good"}"#, .identity("id", found: "none", expected: "\"com.x\"")),
        (#"{"name":["good"],"id":"com.x"}"#, .identity("name", found: "none", expected: "\"good\"")),
        (#"{"params":{"name":"good","id":"com.x"}}"#, .identity("name", found: "none", expected: "\"good\"")),
    ])
    func `a plugin registers as who it is`(params: String, refusal: Refusal?) {
        var talk = Talk {
            $0.name = "good"
            $0.id = "com.x"
        }
        let verdict = talk.plugin(#"{"id":1,"method":"register","params":\#(params)}"#)
        #expect(verdict.refusal == refusal)
        #expect(verdict.reply?.to == (refusal == nil ? nil : .plugin))
    }

    @Test(arguments: [
        ("null", nil), ("[]", nil), (#"[{"type":"a"},{"type":"b","title":"t"}]"#, nil),
        (#"[{"type":"a"},{"type":"c"}]"#, "\"c\""), (#"[{"title":"a"}]"#, "without a type"),
        (#"["a"]"#, "without a type"),
    ])
    func `a plugin declares what it may have`(list: String, found: String?) {
        var talk = Talk { $0.capabilities = ["a", "b"] }
        let verdict = talk.plugin(#"{"id":1,"method":"register","params":{"capabilities":\#(list)}}"#)
        #expect(verdict.refusal == found.map { .capability($0) })
    }

    @Test(arguments: [
        (#"{"dev_token":"","name":"p"}"#, #"{"name":"p"}"#),
        (#" { "name" : "p" , "dev_token" : {"a":[1,"}"]} , "x":1 } "#, #" {"name" : "p","x":1} "#),
        (#"{"dev\u005ftoken":"secret"}"#, "{}"),
    ])
    func `a developer's token does not pass`(params: String, passed: String) {
        var talk = Talk()
        let frame = #"{"id":1,"method":"register","params":\#(params),"jsonrpc":"2.0"}"#
        let expected = #"{"id":1,"method":"register","params":\#(passed),"jsonrpc":"2.0"}"#
        guard case .rewrite(let bytes) = talk.plugin(frame) else {
            Issue.record("not rewritten")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test(arguments: [
        ("visitor_panel/render", true), ("visitor_panel/event", true), ("a/b/render", false),
        ("/render", true), ("render", false), ("visitor_panel/renders", false), ("tool/execute", true),
        ("tool/executes", false), ("plugin/uninstall", false), ("shutdown", true), ("SHUTDOWN", false),
        ("", false), (#"shut\u0064own"#, false), ("channel_integration/configure", true),
        ("channel_integration/delete", false),
    ])
    func `a host calls what is listed`(method: String, allowed: Bool) {
        var talk = Talk.open()
        let verdict = talk.host(#"{"id":5,"method":"\#(method)"}"#)
        #expect((verdict == .forward) == allowed)
        guard !allowed else { return }
        #expect(verdict.reply?.to == .upstream)
        #expect(verdict.reply?.text.contains(#""id":5,"error":{"code":-32601"#) == true)
    }

    @Test func `a plugin calls nothing`() {
        var talk = Talk.open()
        let request = talk.plugin(#"{"id":4,"method":"host/exec"}"#)
        #expect(request.refusal == .call("\"host/exec\"") && request.reply?.to == .plugin)
        let notification = talk.plugin(#"{"method":"x"}"#)
        #expect(notification.refusal == .call("\"x\"") && notification.reply == nil)
    }

    @Test func `an answer comes once, and to a call that waits`() {
        var talk = Talk.open()
        let early = talk.plugin(#"{"id":5,"result":{}}"#)
        #expect(early.refusal == .notPending(.number(5)) && early.reply == nil)
        #expect(talk.host(#"{"id":5,"method":"ping"}"#) == .forward)
        let again = talk.host(#"{"id":5,"method":"ping"}"#)
        #expect(again.refusal == .duplicateID(.number(5)) && again.reply == nil)
        #expect(talk.plugin(#"{"id":"5","result":{}}"#).refusal == .notPending(.string([0x35])))
        #expect(talk.plugin(#"{"id":5,"result":{}}"#) == .forward)
        #expect(talk.plugin(#"{"id":5,"result":{}}"#).refusal == .notPending(.number(5)))
        #expect(talk.host(#"{"id":9,"result":{}}"#).refusal == .notPending(.number(9)))
    }

    /// What JSON libraries do to an id on its way through a plugin, and what must stay apart.
    @Test(arguments: [
        (#"1"#, "1.0", true), ("1e2", "100", true), (#""é\n""#, #""\u00e9\u000a""#, true),
        ("null", "null", true), ("9007199254740993", "9007199254740993", true),
        ("9007199254740993", "9007199254740992", false), ("1", #""1""#, false), ("0.5", "0.5", true),
        ("0.5", "5e-1", false), ("true", "true", true), ("[1]", "[1]", true), ("[1]", "[ 1]", false),
        ("-0", "0", true), ("123456789012345678901234", "123456789012345678901234", true),
    ])
    func `ids are the same that mean the same`(asked: String, answered: String, same: Bool) {
        var talk = Talk.open()
        #expect(talk.host(#"{"id":\#(asked),"method":"ping"}"#) == .forward)
        #expect((talk.plugin(#"{"id":\#(answered),"result":1}"#) == .forward) == same)
    }

    @Test func `an id has a bounded length`() {
        var talk = Talk.open()
        let (fits, long) = (String(repeating: "a", count: 256), String(repeating: "a", count: 257))
        #expect(talk.host(#"{"id":"\#(fits)","method":"ping"}"#) == .forward)
        #expect(talk.host(#"{"id":"\#(long)","method":"ping"}"#).refusal == .longID)
        #expect(talk.plugin(#"{"id":"\#(long)","result":1}"#).refusal == .longID)
        #expect(talk.plugin(#"{"id":"\#(fits)","result":1}"#) == .forward)
    }

    @Test(arguments: [#"{"id":1}"#, "{}", #"{"id":1,"result":1,"error":1}"#, #"{"result":1}"#])
    func `what is neither call nor answer does not pass`(text: String) {
        var talk = Talk.open()
        #expect(talk.plugin(text).refusal == .unclear)
        #expect(talk.host(text).refusal == .unclear)
    }
}

/// How much, and by when.
@Suite struct TGOLimitTests {
    @Test func `so many calls wait at once`() {
        var talk = Talk.open { $0.inFlight = 2 }
        #expect(talk.host(#"{"id":1,"method":"ping"}"#) == .forward)
        #expect(talk.host(#"{"id":2,"method":"ping"}"#) == .forward)
        let third = talk.host(#"{"id":3,"method":"ping"}"#)
        #expect(third.refusal == .inFlight(2) && third.reply?.to == .upstream)
        // A notification waits for nothing.
        #expect(talk.host(#"{"method":"ping"}"#) == .forward)
        #expect(talk.plugin(#"{"id":2,"result":1}"#) == .forward)
        #expect(talk.host(#"{"id":3,"method":"ping"}"#) == .forward)
    }

    @Test func `a call that is not answered in time is answered by the relay`() {
        var talk = Talk.open { $0.deadline = 100 }
        #expect(talk.conversation.due == nil)
        #expect(talk.host(#"{"id":"a","method":"ping"}"#) == .forward)
        talk.now += 50
        #expect(talk.host(#"{"id":2,"method":"ping"}"#) == .forward)
        #expect(talk.conversation.due == 1_100)
        #expect(talk.conversation.expire(now: 1_099) == [])
        let expired = talk.conversation.expire(now: 1_100)
        guard expired.count == 1, case .call(.deadline(100), let reply) = expired[0] else {
            Issue.record("\(expired)")
            return
        }
        #expect(reply.recipient == .upstream)
        #expect(String(decoding: reply.payload, as: UTF8.self).contains(#""id":"a","error":{"code":-32000"#))
        #expect(talk.conversation.due == 1_150)
        #expect(talk.plugin(#"{"id":"a","result":1}"#).refusal == .late(.string([0x61])))
        #expect(talk.plugin(#"{"id":2,"result":1}"#) == .forward)
        #expect(talk.conversation.due == nil)
    }

    @Test func `a plugin registers in time`() {
        var talk = Talk { $0.registration = 100 }
        #expect(talk.conversation.due == 1_100)
        #expect(talk.conversation.expire(now: 1_099) == [])
        #expect(talk.conversation.expire(now: 1_100) == [.connection(.registration(100))])
        var other = Talk { $0.registration = 100 }
        _ = other.plugin(#"{"id":1,"method":"register"}"#)
        #expect(other.conversation.due == nil && other.conversation.expire(now: 5_000) == [])
    }

    @Test func `frames come at a rate, each side's by itself`() {
        var talk = Talk.open {
            $0.rate = 10
            $0.burst = 5
            $0.inFlight = 100
        }
        // One of each side's five went to the registration.
        for id in 0..<4 { #expect(talk.host(#"{"id":\#(id),"method":"ping"}"#) == .forward) }
        let fifth = talk.host(#"{"id":4,"method":"ping"}"#)
        #expect(fifth.refusal == .rate && fifth.reply?.to == .upstream)
        for id in 0..<4 { #expect(talk.plugin(#"{"id":\#(id),"result":1}"#) == .forward) }
        talk.now += 99
        #expect(talk.host(#"{"id":5,"method":"ping"}"#).refusal == .rate)
        talk.now += 1
        #expect(talk.host(#"{"id":5,"method":"ping"}"#) == .forward)
        talk.now += 3_600_000
        for id in 10..<15 { #expect(talk.host(#"{"id":\#(id),"method":"ping"}"#) == .forward) }
        #expect(talk.host(#"{"id":15,"method":"ping"}"#).refusal == .rate)
    }

    /// Whoever waits for what was refused is told.
    @Test func `a refused answer is an error for the one who waits`() {
        var talk = Talk.open {
            $0.rate = 1
            $0.burst = 2
        }
        #expect(talk.host(#"{"id":1,"method":"ping"}"#) == .forward)
        #expect(talk.plugin(#"{"id":1,"result":1}"#) == .forward)
        talk.now += 1_000
        #expect(talk.host(#"{"id":2,"method":"ping"}"#) == .forward)
        #expect(talk.plugin(#"{"method":"flood"}"#).refusal == .call("\"flood\""))
        let answer = talk.plugin(#"{"id":2,"result":1}"#)
        #expect(answer.refusal == .rate && answer.reply?.to == .upstream)
    }

    @Test func `bytes come at so many an hour`() {
        let frame = #"{"id":1,"method":"ping"}"#
        var talk = Talk.open { $0.bytesPerHour = 200 }
        var passed = 0
        while talk.host(frame.replacing("1", with: "\(100 + passed)")) == .forward { passed += 1 }
        #expect((4...7).contains(passed))
        talk.now += 3_600_000
        #expect(talk.host(#"{"id":300,"method":"ping"}"#) == .forward)
    }
}

/// What the relay says in somebody's place, and of whom it says that they broke a rule.
@Suite struct TGORefusalTests {
    /// The host looks its own id up, as it wrote it.
    @Test(arguments: [
        "1", "1.0", "1e2", "-0", "-7", "0.5", "123456789012345678901234", "9007199254740993", "null", "true",
        "[1, 2]", #"{"a": 1}"#, #""x""#, #""""#, #""\u00e9\/\n""#, #""é""#, #""\u0041""#, "\"\u{7F}\"",
    ])
    func `who waits is answered with the id as it was written`(id: String) {
        func check(_ reply: String?) {
            #expect(reply?.contains(#","id":\#(id),"error":{"#) == true, "\(reply ?? "none")")
        }
        var talk = Talk.open { $0.deadline = 100 }
        #expect(talk.host(#"{"id":\#(id),"method":"ping"}"#) == .forward)
        for case .call(_, let reply) in talk.conversation.expire(now: talk.now + 100) {
            check(String(decoding: reply.payload, as: UTF8.self))
        }
        #expect(talk.conversation.due == nil)
        // Refused at once, and refused when its answer came.
        check(talk.host(#"{"id":\#(id),"method":"evil"}"#).reply?.text)
        #expect(talk.host(#"{"id":\#(id),"method":"a/event"}"#) == .forward)
        check(talk.plugin(#"{"id":\#(id),"result":{"action":"evil"}}"#).reply?.text)
        // And the plugin likewise.
        check(talk.plugin(#"{"id":\#(id),"method":"evil"}"#).reply?.text)
    }

    @Test func `an answer that comes late is refused, and is no violation`() {
        var talk = Talk.open {
            $0.deadline = 100
            $0.inFlight = 2
        }
        for id in 1...2 { #expect(talk.host(#"{"id":\#(id),"method":"ping"}"#) == .forward) }
        talk.now += 100
        #expect(talk.conversation.expire(now: talk.now).count == 2)
        let late = talk.plugin(#"{"id":1,"result":1}"#)
        #expect(late.refusal == .late(.number(1)) && late.refusal?.isViolation == false && late.reply == nil)
        // Once: then it is an answer to nothing.
        let again = talk.plugin(#"{"id":1,"result":1}"#).refusal
        #expect(again == .notPending(.number(1)) && again?.isViolation == true)
        // Those that never come are forgotten: no more are kept than calls may wait.
        for id in 3...4 { #expect(talk.host(#"{"id":\#(id),"method":"ping"}"#) == .forward) }
        talk.now += 100
        #expect(talk.conversation.expire(now: talk.now).count == 2)
        #expect(talk.plugin(#"{"id":2,"result":1}"#).refusal == .notPending(.number(2)))
        #expect(talk.plugin(#"{"id":4,"result":1}"#).refusal == .late(.number(4)))
    }

    @Test func `a flood is told as one, whatever it is made of`() {
        for frame in [#"{"method":"x"}"#, #"{"id":7,"method":"x"}"#, #"{"id":7,"result":1}"#] {
            var talk = Talk.open { $0.burst = 3 }
            let told = (0..<4).map { _ in talk.plugin(frame).refusal }
            #expect(told[0] == told[1] && told[0] != .rate)
            #expect(told[2] == .rate && told[3] == .rate)
        }
    }

    /// Ids and names are the plugin's own words; a log takes them.
    @Test func `what a refusal repeats is one line without control characters`() {
        var talk = Talk.open()
        let evil = #"\u001b[31m\ncorral run: relay: all is well\u2028\u202e"#
        for frame in [
            #"{"id":"\#(evil)","result":1}"#, #"{"id":1,"method":"\#(evil)"}"#, #"{"method":"\#(evil)"}"#,
        ] {
            let reason = talk.plugin(frame).refusal?.description ?? ""
            #expect(reason.contains("all is well"))
            #expect(
                !reason.unicodeScalars.contains { $0.value < 0x20 || $0 == "\u{2028}" || $0 == "\u{202E}" })
        }
        _ = talk.host(#"{"id":7,"method":"a/event"}"#)
        let action = talk.plugin(#"{"id":7,"result":{"action":"\#(evil)"}}"#).refusal?.description ?? ""
        #expect(action.contains("all is well") && !action.contains("\u{1B}") && !action.contains("\n"))
    }
}
