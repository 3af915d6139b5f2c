import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import Wire

@testable import Relay

/// What a hostile plugin or host says, once through a relay that checks messages and once through one that
/// only moves well-formed frames: there it has to arrive, or its not arriving would show nothing.
@Suite(.timeLimit(.minutes(20))) struct RelayAttackTests {
    private static let register = #"{"id":1,"method":"register","params":{"name":"good","id":"com.x"}}"#
    private static let taken = #"{"id":1,"result":{"success":true}}"#

    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        /// In place of the registration; nil to register.
        var first: String?
        /// A call of the host's, which reaches the plugin.
        var call: String?
        /// What the plugin says, all of which must not reach the host but the frames of `passes`.
        let says: [String]
        var passes = 0
        let rule: RelayRule
        var testDescription: String { name }
    }

    private static let attacks: [Attack] = [
        Attack(name: "it calls its host", says: [#"{"id":2,"method":"host/exec"}"#], rule: .call),
        Attack(name: "it notifies its host", says: [#"{"method":"host/exec"}"#], rule: .call),
        Attack(
            name: "it registers again", says: [#"{"id":2,"method":"register","params":{"name":"good"}}"#],
            rule: .registered),
        Attack(
            name: "another plugin's name",
            first: #"{"id":1,"method":"register","params":{"name":"bad","id":"com.x"}}"#, says: [],
            rule: .identity),
        Attack(
            name: "another plugin's id",
            first: #"{"id":1,"method":"register","params":{"name":"good","id":"com.y"}}"#, says: [],
            rule: .identity),
        Attack(
            name: "a capability that it may not have",
            first:
                #"{"id":1,"method":"register","params":{"name":"good","id":"com.x","capabilities":[{"type":"b"}]}}"#,
            says: [], rule: .capability),
        Attack(
            name: "something else first", first: #"{"id":1,"method":"ping"}"#, says: [], rule: .registration),
        Attack(name: "an answer to nothing", says: [#"{"id":9,"result":{"forged":1}}"#], rule: .pending),
        Attack(
            name: "a second answer", call: #"{"id":5,"method":"a/render"}"#,
            says: [#"{"id":5,"result":1}"#, #"{"id":5,"result":2}"#], passes: 1, rule: .pending),
        Attack(
            name: "an answer with another type of id", call: #"{"id":5,"method":"a/render"}"#,
            says: [#"{"id":"5","result":1}"#], rule: .pending),
        Attack(
            name: "a forbidden action", call: #"{"id":5,"method":"a/event"}"#,
            says: [#"{"id":5,"result":{"action":"run_script"}}"#], rule: .action),
        Attack(
            name: "a forbidden action in a batch", call: #"{"id":5,"method":"a/event"}"#,
            says: [#"{"id":5,"result":{"action":"batch","data":{"actions":[{"action":"run_script"}]}}}"#],
            rule: .action),
        Attack(
            name: "a script for a link", call: #"{"id":5,"method":"a/render"}"#,
            says: [#"{"id":5,"result":{"template":"link","data":{"url":"javascript:alert(1)"}}}"#],
            rule: .scheme),
        Attack(
            name: "call and answer at once", says: [#"{"id":5,"method":"a","result":1}"#], rule: .message),
        Attack(
            name: "an id without end",
            says: [#"{"id":"\#(String(repeating: "a", count: 1000))","result":1}"#], rule: .id),
        Attack(
            name: "a flood", says: Array(repeating: #"{"method":"x"}"#, count: 30), rule: .rate),
    ]

    private func rig(_ isChecked: Bool) throws -> Rig {
        var messages = MessagePolicy()
        (messages.name, messages.id, messages.capabilities) = ("good", "com.x", ["a"])
        (messages.rate, messages.burst) = (1, 20)
        return try Rig(
            policy: RelayPolicy(frameBytes: 1 << 20, connections: 4, messages: isChecked ? messages : nil))
    }

    @Test(arguments: attacks)
    func `what a plugin must not say arrives only where nobody checks`(attack: Attack) throws {
        for isChecked in [false, true] {
            let rig = try rig(isChecked)
            let joined = try rig.joined()
            var arrives: [UInt8] = []
            if let first = attack.first {
                try joined.plugin.say(first)
                if !isChecked { arrives += framed(Array(first.utf8)) }
            } else {
                try joined.plugin.say(Self.register)
                #expect(try joined.host.hear() == Self.register)
                try joined.host.say(Self.taken)
                #expect(try joined.plugin.hear() == Self.taken)
            }
            if let call = attack.call {
                try joined.host.say(call)
                #expect(try joined.plugin.hear() == call)
            }
            for (index, text) in attack.says.enumerated() {
                try joined.plugin.say(text)
                if !isChecked || index < attack.passes { arrives += framed(Array(text.utf8)) }
            }
            joined.plugin.socket.shutdown(.sending)
            // The host may be told of a refusal by the relay, which has an id that it asked with.
            let got = withoutErrors(try joined.host.receiveToEnd())
            #expect(got == arrives, "checked: \(isChecked), \(String(decoding: got, as: UTF8.self))")
            let totals = rig.relay.stop()
            #expect((totals.refusals.count(attack.rule) > 0) == isChecked)
        }
    }

    /// The whole frames that are no errors of the relay's own.
    private func withoutErrors(_ stream: [UInt8]) -> [UInt8] {
        var rest = stream[...]
        var kept: [UInt8] = []
        while rest.count >= 4 {
            let length = 4 + rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let frame = rest.prefix(length)
            if !String(decoding: frame.dropFirst(4), as: UTF8.self).contains(#""error":{"code":-3200"#) {
                kept += frame
            }
            rest = rest.dropFirst(length)
        }
        return kept
    }

    @Test(arguments: [#"{"id":5,"method":"plugin/uninstall"}"#, #"{"method":"plugin/uninstall"}"#])
    func `what a host may not call arrives only where nobody checks`(call: String) throws {
        for isChecked in [false, true] {
            let rig = try rig(isChecked)
            let joined = try rig.joined()
            try joined.plugin.say(Self.register)
            _ = try joined.host.hear()
            for text in [Self.taken, call] { try joined.host.say(text) }
            joined.host.socket.shutdown(.sending)
            let got = String(decoding: try joined.plugin.receiveToEnd(), as: UTF8.self)
            #expect(got.contains("uninstall") == !isChecked)
            #expect(rig.relay.stop().refusals.count(.method) == (isChecked ? 1 : 0))
        }
    }

    /// Ids are a connection's own: what one conversation waits for is nothing to another.
    @Test func `a call over one connection is not answered over another`() throws {
        for isChecked in [false, true] {
            let rig = try rig(isChecked)
            let one = try rig.joined()
            try one.plugin.say(Self.register)
            _ = try one.host.hear()
            try one.host.say(Self.taken)
            _ = try one.plugin.hear()
            try one.host.say(#"{"id":5,"method":"a/render"}"#)
            _ = try one.plugin.hear()
            let two = try rig.joined()
            let forged = #"{"id":5,"result":{"plugin_id":"com.x","session_id":"1"}}"#
            try two.plugin.say(forged)
            two.plugin.socket.shutdown(.sending)
            #expect(try two.host.receiveToEnd() == (isChecked ? [] : framed(Array(forged.utf8))))
            // The one that waits gets its own.
            try one.plugin.say(#"{"id":5,"result":1}"#)
            #expect(try one.host.hear() == #"{"id":5,"result":1}"#)
        }
    }

    /// The same call arrives with its descriptors where nothing stands between.
    @Test func `ten thousand descriptors of either side are closed and leave none open`() async {
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let listener = try listen(at: scratch.file("up"))
            let socket = try FileDescriptor.unixSocket(nonBlocking: false)
            try socket.connect(to: scratch.file("up"))
            let sender = End(socket)
            let receiver = try acceptBlocking(listener)
            try passThree([1], over: sender)
            try #require(try receiveCounting(1, over: receiver).descriptors == 3)

            let rig = try Rig()
            let ends = try rig.joined()
            let before = openDescriptors()
            var most = 0
            for number in 0..<1_700 {
                let frame = frame(number)
                try passThree(frame, over: ends.plugin)
                try passThree(frame, over: ends.host)
                for isHost in [true, false] {
                    let got =
                        isHost
                        ? try receiveCounting(frame.count, over: ends.host)
                        : try receiveCounting(frame.count, over: ends.plugin)
                    #expect(got.bytes == frame && got.descriptors == 0)
                }
                if number % 100 == 0 { most = max(most, openDescriptors()) }
            }
            #expect(most < before + 10)
            let totals = rig.relay.stop()
            #expect(totals.descriptorsClosed >= 3_400)
            #expect(totals.refusals.list.map(\.rule) == [.descriptor])
            #expect(totals.refusals.count(.descriptor) == totals.descriptorsClosed)
        }
    }

    /// A length alone costs nothing, however large, and is refused as soon as it is too large.
    @Test func `announced lengths take no memory`() async {
        await #expect(processExitsWith: .success) {
            let policy = RelayPolicy(frameBytes: 64 << 20, connections: 64, messages: MessagePolicy())
            let rig = try Rig(policy: policy)
            var kept: [CInt] = []
            let before = try residentBytes()
            for _ in 0..<32 {
                let joined = try rig.joined()
                // 64 MiB, the most that may come, of which nothing comes.
                try joined.plugin.send([0x04, 0, 0, 0])
                try joined.host.send([0x04, 0, 0, 0])
                kept += [dup(joined.plugin.socket.number), dup(joined.host.socket.number)]
            }
            for length in [[0x04, 0, 0, 1], [0x80, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]] {
                let joined = try rig.joined()
                try joined.plugin.send(length)
                #expect(try joined.host.receiveToEnd().isEmpty && joined.plugin.receiveToEnd().isEmpty)
            }
            // 2 x 32 x 64 MiB would be 4 GiB; each flow may have its first 64 KiB.
            #expect(try residentBytes() < before + (24 << 20))
            kept.forEach { close($0) }
            #expect(rig.relay.stop().refusals.count(.frameSize) == 3)
        }
    }

    /// The plugin writes 20 MB that nobody wants, and half of it is answered.
    @Test(.disabled(if: Effort.isSanitized, "skipped: a sanitizer keeps memory that was freed"))
    func `a flood of what is refused takes no memory`() async {
        await #expect(processExitsWith: .success) {
            var messages = MessagePolicy()
            messages.rate = 0
            let rig = try Rig(
                policy: RelayPolicy(frameBytes: 1 << 20, connections: 1, messages: messages))
            let joined = try rig.joined()
            try joined.plugin.say(RelayAttackTests.register)
            _ = try joined.host.hear()
            try joined.host.say(RelayAttackTests.taken)
            _ = try joined.plugin.hear()
            let filling = String(repeating: "x", count: 100_000)
            let before = try residentBytes()
            for _ in 0..<100 {
                try joined.plugin.say(#"{"method":"\#(filling)"}"#)
                try joined.plugin.say(#"{"id":7,"method":"\#(filling)"}"#)
                _ = try joined.plugin.hear()
            }
            #expect(try residentBytes() < before + (8 << 20))
            #expect(rig.relay.stop().refusals.count(.call) == 200)
        }
    }
}

/// What this process has in memory (proc_pid_statm(5)).
func residentBytes() throws -> Int {
    let file = FileDescriptor(owning: unsafe open("/proc/self/statm", O_RDONLY))
    var bytes = [UInt8](repeating: 0, count: 200)
    let number = file.number
    let count = try call("read") { unsafe read(number, &bytes, bytes.count) }
    let words = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { throw Missing() }
    return pages * Int(getpagesize())
}

private func passThree(_ bytes: [UInt8], over end: borrowing End) throws {
    let number = end.socket.number
    _ = try call("sendmsg") { unsafe clinux_send(number, bytes, bytes.count, [0, 1, 2], 3) }
}

private func receiveCounting(
    _ count: Int, over end: borrowing End
) throws -> (bytes: [UInt8], descriptors: Int) {
    var bytes = [UInt8](repeating: 0, count: count)
    var descriptors = [CInt](repeating: -1, count: Int(CLINUX_MESSAGE_FDS))
    var (passed, truncated) = (0, CInt(0))
    let number = end.socket.number
    let got = try call("recvmsg") {
        unsafe clinux_receive(number, &bytes, count, &descriptors, &passed, &truncated, 0)
    }
    for descriptor in descriptors[..<min(passed, descriptors.count)] { close(descriptor) }
    return (Array(bytes[..<got]), passed)
}
