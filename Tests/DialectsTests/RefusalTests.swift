import Testing
import Wire

@testable import Dialects

@Suite struct RefusalTests {
    private func decide(_ text: String) -> Verdict {
        var conversation = TGOConversation(nil, now: 0)
        return conversation.judge(Array(text.utf8).span, from: .plugin, now: 0)
    }

    @Test(arguments: ["{}", #"{"jsonrpc":"2.0","id":1,"method":"register"}"#, #" {"a":[1]} "# + "\n"])
    func `a JSON object passes`(text: String) {
        #expect(decide(text) == .forward)
    }

    @Test(arguments: [("[]", JSONKind.array), ("1", .number), (#""x""#, .string), ("null", .null)])
    func `JSON that is no object does not`(text: String, kind: JSONKind) {
        #expect(decide(text) == .refuse(.notObject(kind), reply: nil))
    }

    @Test(arguments: [
        ("", JSONError(.ended(.value), at: 0)),
        ("{}x", JSONError(.expected(.end, found: 0x78), at: 2)),
        (#"{"id":1,"id":2}"#, JSONError(.duplicateKey, at: 8)),
    ])
    func `what is not JSON does not`(text: String, error: JSONError) {
        #expect(decide(text) == .refuse(.notJSON(error), reply: nil))
    }

    @Test(arguments: [
        (
            Refusal.tooLong(.tooLong(5, limit: 4)),
            "a frame announces 5 bytes where at most 4 are allowed"
        ),
        (.truncated(3), "the stream ends inside a frame, behind its first 3 bytes"),
        (
            .notJSON(JSONError(.ended(.value), at: 0)),
            "a frame is not JSON: byte 0: expected a value, found the end"
        ),
        (.notObject(.array), "a frame is a JSON array where an object is expected"),
    ])
    func `a refusal says what was wrong`(refusal: Refusal, message: String) {
        #expect(refusal.description == message)
    }
}
