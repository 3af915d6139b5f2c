import Dialects
import Plugins
import Sandbox
import Wire

/// What of a message a line shows: which it is, with its id, and what it carries.
private struct MessageLine {
    var isJSON = false
    /// Such as `visitor_panel/render 1`, `result 1`.
    var label = "?"
    /// Where its `params`, `result` or `error` are; all of it where it has none.
    var body: Range<Int>

    init(_ payload: [UInt8], by scanner: inout JSONScanner) {
        body = 0..<payload.count
        guard let message = try? TGOMessage(payload.span, by: &scanner) else { return }
        isJSON = true
        let envelope = message.envelope
        let id = envelope.id.map { escapedLine(String(decoding: payload[$0], as: UTF8.self), atMost: 40) }
        switch message.kind {
        case .request, .notification:
            let name = message.plainMethod(in: payload.span).map {
                String(decoding: payload[$0], as: UTF8.self)
            }
            label = name.map { escapedLine($0, atMost: 100) } ?? "call"
            body = envelope.params ?? payload.count..<payload.count
        case .response:
            label = envelope.error == nil ? "result" : "error"
            body = envelope.result ?? envelope.error ?? body
        case .unclear: return
        }
        if let id { label += " \(id)" }
    }
}

/// What a test prints while it goes on and at its end: lines for people, or JSON objects for programs.
struct PluginTestPrinter {
    let json: Bool
    private var scanner = JSONScanner()

    /// Characters of a message that a line shows, and bytes of one that JSON repeats.
    private static let lineLimit = 300
    private static let messageLimit = 64 << 10

    private var warnings = 0

    init(json: Bool) { self.json = json }

    private func write(_ event: String, _ body: (inout JSONObjectWriter) -> Void, line: () -> String) {
        guard json else { return Terminal.print(line()) }
        let object = JSONText.object { object in
            object.add("event", event)
            body(&object)
        }
        Terminal.print(object.description)
    }

    func start(_ package: PluginPackage, profile: String) {
        let manifest = package.manifest
        write("start") { object in
            object.add("name", manifest.name)
            object.add("version", manifest.version)
            object.add("manifest", package.file)
            object.add("profile", profile)
            object.array("command") { list in for word in manifest.command { list.add(word) } }
        } line: {
            let words = manifest.command.map { escapedLine($0, atMost: 100) }.joined(separator: " ")
            let version = manifest.version.map { " \(escapedLine($0, atMost: 100))" } ?? ""
            return "\(escapedLine(manifest.name, atMost: 100))\(version): \(words) "
                + "(\(package.file), profile \(shown(profile)))"
        }
    }

    mutating func message(_ payload: [UInt8], from sender: Sender) {
        let line = MessageLine(payload, by: &scanner)
        let peer = sender == .plugin ? "plugin" : "host"
        write("message") { object in
            object.add("from", peer)
            if line.isJSON, payload.count <= Self.messageLimit {
                object.add("message", JSONText(alreadyJSON: escapedJSON(payload)))
            } else {
                object.add("bytes", payload.count)
                let head = payload.prefix(Self.messageLimit)
                object.add("text", escapedLine(String(decoding: head, as: UTF8.self)))
            }
        } line: {
            let way = sender == .plugin ? "plugin -> host" : "host -> plugin"
            let body = String(decoding: payload[line.body], as: UTF8.self)
            return "\(way)  \(line.label)  \(escapedLine(body, atMost: Self.lineLimit))"
        }
    }

    func output(_ line: String, stream: String) {
        write("output") { object in
            object.add("stream", stream)
            object.add("text", line)
        } line: {
            "plugin \(stream)  \(line)"
        }
    }

    mutating func warning(_ text: String) {
        warnings += 1
        write("warning") {
            $0.add("text", text)
        } line: {
            "warning: \(text)"
        }
    }

    func finding(_ finding: Finding) {
        write("finding") { object in
            object.add("subject", finding.subject)
            object.add("path", finding.path)
            object.add("problem", finding.problem)
        } line: {
            "wrong: \(finding)"
        }
    }

    func end(_ findings: Findings, _ conversation: HostConversation, _ manifest: PluginManifest) {
        let count = findings.list.count + findings.dropped
        write("end") { object in
            object.add("ok", count == 0)
            object.add("findings", count)
            object.add("warnings", warnings)
            object.add("answered", conversation.answered)
        } line: {
            let calls = "\(conversation.answered) call\(conversation.answered == 1 ? "" : "s") answered"
            let name = escapedLine(manifest.name, atMost: 100)
            if count == 0 { return "\(name): well formed, \(calls)" }
            return "\(name): \(count) thing\(count == 1 ? " is" : "s are") wrong, \(calls)"
        }
    }
}
