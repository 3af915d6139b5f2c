// A plugin's part of a conversation, for tests of the host's part.

import Wire

@testable import Plugins

/// A conversation and what a test says to it.
struct Talk {
    var host = HostConversation()
    /// Everything that the host has sent, in order.
    var sent: [String] = []

    /// - Parameter message: without `jsonrpc`, such as `"id": 1, "result": {}`.
    mutating func say(_ message: String) {
        raw(#"{"jsonrpc": "2.0", \#(message)}"#)
    }

    mutating func raw(_ message: String) {
        sent += host.receive(Array(message.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Registers with these capabilities, as a JSON list.
    static func registered(_ capabilities: String) -> Talk {
        var talk = Talk()
        talk.say(
            #""id": "r", "method": "register", "params": {"name": "a", "version": "1","#
                + #" "capabilities": \#(capabilities)}"#)
        return talk
    }

    static let panel = #"[{"type": "visitor_panel", "title": "A"}]"#

    /// The method of the last message, for calls.
    var lastMethod: String? {
        guard let last = sent.last, let tree = try? JSONTree(parsing: Array(last.utf8)),
            case .object(let members) = tree.value,
            case .string(let method) = members.first(where: { $0.key == "method" })?.value.value
        else { return nil }
        return method
    }

    var wrong: [String] { host.findings.list.map(\.description) }
    var warnings: [String] { host.findings.warnings.map(\.description) }

    /// What the answer to a render is found to be.
    static func render(_ result: String) -> [String] {
        var talk = registered(panel)
        talk.say(#""id": 1, "result": \#(result)"#)
        return talk.wrong
    }

    /// What the answer to an event is found to be.
    static func event(_ result: String) -> Talk {
        var talk = registered(panel)
        talk.say(#""id": 1, "result": {"template": "loading"}"#)
        talk.say(#""id": 2, "result": \#(result)"#)
        return talk
    }
}
