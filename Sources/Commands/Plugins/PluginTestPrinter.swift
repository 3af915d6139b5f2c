import Dialects
import Plugins
import Sandbox
import Wire

/// What a test prints while it goes on and at its end: lines for people, or JSON objects for programs.
struct PluginTestPrinter {
    let json: Bool
    private var scanner = JSONScanner()

    /// Characters of a message that a line shows, and bytes of one that JSON repeats.
    private static let lineLimit = 300
    private static let messageLimit = 64 << 10

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
        let isJSON = (try? scanner.scan(payload.span)) != nil
        // Line ends are white space in JSON, and nothing else.
        let text = payload.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        let peer = sender == .plugin ? "plugin" : "host"
        let label = label(payload)
        write("message") { object in
            object.add("from", peer)
            if isJSON, text.count <= Self.messageLimit {
                object.add("message", JSONText(alreadyJSON: text))
            } else {
                object.add("bytes", text.count)
                let head = text.prefix(Self.messageLimit)
                object.add("text", escapedLine(String(decoding: head, as: UTF8.self)))
            }
        } line: {
            let way = sender == .plugin ? "plugin -> host" : "host -> plugin"
            let shown = escapedLine(String(decoding: text, as: UTF8.self), atMost: Self.lineLimit)
            return "\(way)  \(label)  \(shown)"
        }
    }

    /// The method of a call, or what an answer is.
    private mutating func label(_ payload: [UInt8]) -> String {
        guard let message = try? TGOMessage(payload.span, by: &scanner) else { return "?" }
        switch message.kind {
        case .request, .notification:
            guard let name = message.plainMethod(in: payload.span) else { return "call" }
            return escapedLine(String(decoding: payload[name], as: UTF8.self), atMost: 100)
        case .response: return message.envelope.error == nil ? "result" : "error"
        case .unclear: return "?"
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

    func warning(_ text: String) {
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
            object.add("warnings", findings.warnings.count)
            object.add("answered", conversation.answered)
        } line: {
            let calls = "\(conversation.answered) call\(conversation.answered == 1 ? "" : "s") answered"
            let name = escapedLine(manifest.name, atMost: 100)
            if count == 0 { return "\(name): well formed, \(calls)" }
            return "\(name): \(count) thing\(count == 1 ? " is" : "s are") wrong, \(calls)"
        }
    }
}
