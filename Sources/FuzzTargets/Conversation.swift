// What a plugin and its host say to each other, judged by the relay, beside a model of what may pass.

import Dialects
import Sandbox
import Wire

/// Input: one byte that chooses the policy, then lines. `p` before a line is a message of the plugin's, `h`
/// one of its host's, `q` one of the plugin's while another connection has registered; any other byte lets
/// time pass.
func checkConversation(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard let first = bytes.first else { return }
    var model = ConversationModel(policies[Int(first) % policies.count])
    for line in bytes.dropFirst().split(separator: UInt8(ascii: "\n")) {
        let message = Array(line.dropFirst())
        switch line.first {
        case UInt8(ascii: "p"): try model.say(message, from: .plugin)
        case UInt8(ascii: "q"): try model.say(message, from: .plugin, taken: true)
        case UInt8(ascii: "h"): try model.say(message, from: .upstream)
        case let byte: try model.wait(UInt64(byte ?? 0) * 400)
        }
    }
}

private let policies: [MessagePolicy?] = {
    var narrow = MessagePolicy()
    narrow.name = "p"
    narrow.id = "com.example.p"
    narrow.capabilities = ["visitor_panel"]
    narrow.methods = ["*/render", "*a*b", "shutdown"]
    narrow.actions = ["noop", "batch"]
    narrow.schemes = ["https"]
    narrow.inFlight = 2
    var short = MessagePolicy()
    (short.rate, short.burst, short.bytesPerHour) = (2, 3, 400)
    return [MessagePolicy(), narrow, short, nil]
}()

/// Who waits for what, kept by other means than the conversation's own.
private struct ConversationModel {
    private enum Stage { case silent, registering(RPCID), open, over }

    private let policy: MessagePolicy?
    private var conversation: TGOConversation
    private var now: UInt64 = 1000
    private var stage = Stage.silent
    private var waiting: [(id: RPCID, method: String)] = []

    init(_ policy: MessagePolicy?) {
        self.policy = policy
        conversation = TGOConversation(policy, now: 1000)
    }

    mutating func wait(_ time: UInt64) throws(FuzzFailure) {
        now += time
        for expiry in conversation.expire(now: now) {
            switch expiry {
            case .connection:
                guard case .silent = stage else { throw FuzzFailure("registration expires after it came") }
                stage = .over
            case .call(_, let reply):
                try hold(reply.recipient == .upstream, "the plugin is told of the host's call")
                try answer(reply.payload)
            }
        }
        if let due = conversation.due { try hold(due > now, "still due after it expired") }
        try hold(conversation.expire(now: now).isEmpty, "it expires a second time")
    }

    mutating func say(_ frame: [UInt8], from sender: Sender, taken: Bool = false) throws(FuzzFailure) {
        let verdict = conversation.judge(frame.span, from: sender, now: now, taken: taken)
        let tree = try? JSONTree(parsing: frame)
        let message = tree.flatMap(PlainMessage.init)
        if case .refuse(let refusal, let reply) = verdict {
            if case .notJSON = refusal { return try hold(tree == nil, "JSON is refused as none") }
            try hold(tree != nil, "no JSON is refused as \(refusal)")
            if case .notObject = refusal { return try hold(message == nil, "an object is refused as none") }
            try hold(message != nil && policy != nil, "refused without a policy: \(refusal)")
            if let reply { try checkReply(reply, to: frame, from: sender) }
            if sender == .plugin, reply?.recipient != .upstream, let message, message.isResponse,
                let id = id(of: frame), case .open = stage
            {
                try hold(!waiting.contains { $0.id == id }, "a call is refused its answer and not told")
            }
            return
        }
        guard let message else { throw FuzzFailure("passed on, though it is no object") }
        guard policy != nil else { return try hold(verdict == .forward, "changed without a policy") }
        switch sender {
        case .plugin: try passed(message, frame, verdict, taken)
        case .upstream:
            try hold(verdict == .forward, "a message of the host's is changed")
            try passedDown(message, frame)
        }
    }

    /// The plugin may register once, and then answer what it was asked.
    private mutating func passed(
        _ message: PlainMessage, _ frame: [UInt8], _ verdict: Verdict, _ taken: Bool
    ) throws(FuzzFailure) {
        guard let id = id(of: frame) else { throw FuzzFailure("a message without an id passes") }
        if message.has("method") {
            guard case .silent = stage, !taken else { throw FuzzFailure("the plugin calls its host") }
            try hold(message.text("method") == "register" && !message.has("result"), "a call is no register")
            if case .rewrite(let bytes) = verdict {
                try checkRewritten(bytes, message)
            } else {
                let params = message["params"].flatMap(PlainMessage.init)
                try hold(verdict == .forward && params?.has("dev_token") != true, "a token is passed on")
            }
            stage = .registering(id)
            return
        }
        try hold(message.has("result") != message.has("error"), "neither a result nor an error")
        guard let index = waiting.firstIndex(where: { $0.id == id }) else {
            throw FuzzFailure("an answer to nothing passes")
        }
        let call = waiting.remove(at: index)
        try hold(verdict == (call.method == "shutdown" ? .farewell : .forward), "\(call.method): \(verdict)")
    }

    private mutating func passedDown(_ message: PlainMessage, _ frame: [UInt8]) throws(FuzzFailure) {
        if message.has("method") {
            guard case .open = stage else { throw FuzzFailure("a call passes before a plugin is there") }
            try hold(!message.has("result") && !message.has("error"), "a call and an answer at once")
            guard message.has("id") else { return }
            guard let id = id(of: frame) else { throw FuzzFailure("a call with a long id passes") }
            try hold(!waiting.contains { $0.id == id }, "two calls wait with one id")
            waiting.append((id, message.text("method") ?? ""))
            try hold(waiting.count <= Int(policy?.inFlight ?? 0), "\(waiting.count) calls wait")
            return
        }
        guard case .registering(let expected) = stage, let id = id(of: frame) else {
            throw FuzzFailure("the host answers what nobody asked")
        }
        try hold(id == expected, "the answer to register is another's")
        stage = message.has("error") ? .over : .open
    }

    /// A reply is an error of JSON-RPC for somebody who waits.
    private mutating func checkReply(
        _ reply: Reply, to frame: [UInt8], from sender: Sender
    ) throws(FuzzFailure) {
        if sender == .plugin, reply.recipient == .upstream { return try answer(reply.payload) }
        try hold(reply.recipient == sender, "somebody else is told")
        try checkError(reply.payload)
        try hold(meaning(ofID: reply.payload) == meaning(ofID: frame), "the reply has another id")
    }

    private mutating func answer(_ payload: [UInt8]) throws(FuzzFailure) {
        try checkError(payload)
        guard let id = id(of: payload), let index = waiting.firstIndex(where: { $0.id == id }) else {
            throw FuzzFailure("the host is told of a call that does not wait")
        }
        waiting.remove(at: index)
    }
}

private func checkError(_ payload: [UInt8]) throws(FuzzFailure) {
    guard let message = (try? JSONTree(parsing: payload)).flatMap(PlainMessage.init),
        let error = message["error"].flatMap(PlainMessage.init)
    else { throw FuzzFailure("a reply is no error: \(String(decoding: payload, as: UTF8.self))") }
    try hold(message.text("jsonrpc") == "2.0" && message.has("id"), "a reply is not as JSON-RPC has it")
    try hold(error.text("message") != nil && error.has("code"), "an error without message or code")
}

/// A message without its token says what it said before otherwise.
private func checkRewritten(_ bytes: [UInt8], _ message: PlainMessage) throws(FuzzFailure) {
    guard let tree = try? JSONTree(parsing: bytes), let after = PlainMessage(tree) else {
        throw FuzzFailure("rewritten it is no object")
    }
    for member in message.members where member.key != "params" {
        let other = after[member.key]
        try hold(other.map { same($0, member.value) } ?? false, "\(member.key) is another afterwards")
    }
    guard let before = message["params"].flatMap(PlainMessage.init),
        let params = after["params"].flatMap(PlainMessage.init)
    else { throw FuzzFailure("rewritten without params") }
    let kept = before.members.filter { !$0.key.utf8.elementsEqual("dev_token".utf8) }
    let isSame =
        kept.count == params.members.count
        && zip(kept, params.members).allSatisfy {
            $0.key.utf8.elementsEqual($1.key.utf8) && same($0.value, $1.value)
        }
    try hold(isSame && kept.count < before.members.count, "other members than the token were changed")
}

/// An object by the parser of files, which shares nothing with the scanner.
private struct PlainMessage {
    let members: [JSONTree.Member]

    init?(_ tree: JSONTree) {
        guard case .object(let members) = tree.value else { return nil }
        self.members = members
    }

    subscript(key: String) -> JSONTree? { members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value }

    func has(_ key: String) -> Bool { self[key] != nil }

    func text(_ key: String) -> String? {
        guard case .string(let text) = self[key]?.value else { return nil }
        return text
    }

    /// Whether it answers, and does nothing else.
    var isResponse: Bool { !has("method") && has("result") != has("error") }
}

private func id(of frame: [UInt8]) -> RPCID? {
    var scanner = JSONScanner()
    guard let found = try? RPCEnvelope(scanning: frame.span, by: &scanner), let place = found.id else {
        return nil
    }
    return RPCID(place, in: frame.span)
}

/// What an id means, of any length.
private func meaning(ofID frame: [UInt8]) -> [UInt8] {
    guard let id = (try? JSONTree(parsing: frame)).flatMap(PlainMessage.init)?["id"] else {
        return Array("null".utf8)
    }
    return json(id)
}
