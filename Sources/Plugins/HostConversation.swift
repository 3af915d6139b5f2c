import Dialects
import Sandbox
import Wire

/// A test of one plugin from its host's side: registration, calls of what it declares, shutdown.
///
/// A pure state machine: messages come in, messages to send come out, and what is wrong is noted. It
/// makes the calls one after the other, as simple plugins expect it.
package struct HostConversation: Sendable {
    private enum Stage: Hashable {
        case registration
        case calling
        /// The plugin has answered `shutdown`; its connection ends.
        case farewell
        case over
    }

    private var stage = Stage.registration
    /// The call that waits for its answer, and then those still to be made.
    private var calls: [HostCall] = []
    private var lastID = 0
    private var pressed = FormAction.none
    private var scanner = JSONScanner()

    package private(set) var findings = Findings()
    package private(set) var name: String?
    package private(set) var version: String?
    /// Calls that were answered with a result.
    package private(set) var answered = 0

    package init() {}

    /// Nothing more will be said.
    package var isOver: Bool { stage == .over || stage == .farewell }
    /// Everything was asked and answered.
    package var isComplete: Bool { stage == .farewell }

    /// What the plugin is to do next, such as `register` or `answer shutdown`.
    package var awaited: String {
        switch stage {
        case .registration: "register"
        case .calling: "answer \(calls.first?.method ?? "")"
        case .farewell, .over: "end"
        }
    }

    // MARK: What happens

    /// - Parameter payload: one message of the plugin's, without its length.
    /// - Returns: the messages to send, in order.
    package mutating func receive(_ payload: [UInt8]) -> [[UInt8]] {
        let message: TGOMessage
        do throws(Refusal) {
            message = try TGOMessage(payload.span, by: &scanner)
        } catch {
            stop(Finding("message", "\(error)"))
            return []
        }
        let whole = MessagePart(bytes: payload, place: 0..<payload.count, path: "")
        if message.envelope.version.map({ part($0, "jsonrpc", whole).text() != "2.0" }) ?? true {
            findings.warn(Finding("message", "jsonrpc", "is missing or not \"2.0\""))
        }
        switch stage {
        case .registration: return register(message, whole)
        case .calling: return answer(message, whole)
        case .farewell, .over:
            findings.add(Finding("message", "comes after the answer to shutdown; expected none"))
            return []
        }
    }

    /// The plugin's connection has ended.
    package mutating func ended() {
        guard !isOver else { return }
        stop(Finding("connection", "ended before the plugin did \(awaited)"))
    }

    /// What is awaited did not come in time.
    /// - Parameter limit: the time there was, as the user wrote it.
    package mutating func timeUp(_ limit: String) {
        guard !isOver else { return }
        let subject = stage == .registration ? "register" : calls.first?.method ?? "shutdown"
        stop(Finding(subject, "did not come within \(limit)"))
    }

    private mutating func stop(_ finding: Finding) {
        findings.add(finding)
        stage = .over
    }

    // MARK: Registration

    private mutating func register(_ message: TGOMessage, _ whole: MessagePart) -> [[UInt8]] {
        guard message.isRegistration(in: whole.bytes.span), let id = message.envelope.id else {
            let error = TGOError(.invalidRequest, "First message must be 'register'")
            stop(Finding("register", "is not the first message; expected a request of register"))
            return [error.answer(to: message.id(in: whole.bytes.span))]
        }
        let params = message.envelope.params.map { part($0, "params", whole) }
        let registration = Registration(params, into: &findings)
        name = registration.name
        version = registration.version
        calls = registration.capabilities.flatMap(HostCall.calls) + [.shutdown]
        stage = .calling
        let reply = JSONText.object { reply in
            reply.add("jsonrpc", "2.0")
            reply.add("id", JSONText(alreadyJSON: Array(whole.bytes[id])))
            reply.object("result") { result in
                result.add("success", true)
                result.add("plugin_id", registration.id ?? "plugin_00000001")
                result.add("host_version", "1.0.0")
            }
        }
        return [reply.bytes] + next()
    }

    // MARK: Calls

    /// The first of ``calls`` as a message.
    private mutating func next() -> [[UInt8]] {
        guard let call = calls.first else {
            stage = .farewell
            return []
        }
        if call.purpose == .event { calls[0] = call.pressing(pressed) }
        lastID += 1
        return [calls[0].request(id: lastID)]
    }

    private mutating func answer(_ message: TGOMessage, _ whole: MessagePart) -> [[UInt8]] {
        guard message.kind == .response, let call = calls.first else {
            findings.add(
                Finding(
                    "message",
                    "calls \(message.shownMethod(in: whole.bytes.span)); after register a plugin "
                        + "only answers"))
            if findings.isFull { stage = .over }
            return []
        }
        guard let place = message.envelope.id, let id = RPCID(place, in: whole.bytes.span),
            id == .number(Int64(lastID))
        else {
            let shown = message.envelope.id.map { shownText(part($0, "id", whole)) } ?? "none"
            findings.add(Finding(call.method, "id", "is \(shown); expected \(lastID)"))
            if findings.isFull { stage = .over }
            return []
        }
        calls.removeFirst()
        if let error = message.envelope.error {
            refused(call, part(error, "error", whole))
        } else if let result = message.envelope.result {
            answered += 1
            judge(call, part(result, "result", whole))
        }
        return next()
    }

    private mutating func judge(_ call: HostCall, _ result: MessagePart) {
        var check = ContentCheck(call.method, into: findings)
        switch call.purpose {
        case .render:
            check.check(result, .template)
            pressed = FormAction(in: result) ?? .none
        case .event, .olderEvent:
            if result.member("action") == nil, result.member("success")?.isTrue ?? false {
                // Documented examples do this; the page does nothing.
                check.warn(result, "has no action; TGO expects one, such as noop")
            } else {
                check.check(result, .action)
            }
            pressed = .none
            if case .olderEvent(let method) = call.purpose {
                check.warn(result, "the plugin knows no \(method), which TGO calls")
            }
        case .description: describe(call, result, &check)
        case .tool(let name):
            check.check(
                result, .object([.optional("success", .flag), .required("content"), .optional("error")]))
            if let success = result.member("success"), success.kind == .boolean, !success.isTrue {
                check.warn(result, "the tool \(quoted(name)) does not succeed")
            }
        case .shutdown:
            check.check(result, .object([.required("success", .flag)]))
            if let success = result.member("success"), success.kind == .boolean, !success.isTrue {
                check.add(success, "is false; expected true")
            }
        }
        findings = check.findings
    }

    private func describe(_ call: HostCall, _ result: MessagePart, _ check: inout ContentCheck) {
        guard call.method == "sidebar_iframe/config" else {
            let fields: [Shape.Field] = [
                .required("channel_type"), .required("name"), .optional("icon"), .optional("description"),
                .optional("config_schema", .object([])), .optional("capabilities", .object([])),
            ]
            return check.check(result, .object(fields))
        }
        let page: [Shape.Field] = [
            .required("url"), .optional("title"), .optional("icon"), .optional("allow_fullscreen", .flag),
        ]
        let isList = result.member("apps") != nil
        check.check(result, .object(isList ? [.required("apps", .list(.object(page)))] : page))
    }

    /// The plugin answered with an error.
    private mutating func refused(_ call: HostCall, _ error: MessagePart) {
        var check = ContentCheck(call.method, into: findings)
        check.check(error, .object([.required("code", .number), .required("message")]))
        findings = check.findings
        let code = error.member("code").map(shownText) ?? "no code"
        let isUnknown = code == "-32601"
        let message = error.member("message")?.text(atMost: 500).map { shown($0) } ?? "no message"
        let problem = Finding(call.method, "is answered with the error \(code): \(message)")
        switch call.purpose {
        case .event where isUnknown: calls.insert(call.olderName(pressed), at: 0)
        case .olderEvent(let method) where isUnknown:
            findings.add(
                Finding(method, "is answered with the error \(code), and so is \(call.method): \(message)"))
        case .description where isUnknown:
            findings.warn(Finding(call.method, "is not known to the plugin; TGO does not call it either"))
        default: findings.add(problem)
        }
    }

    private func part(_ place: Range<Int>, _ path: String, _ whole: MessagePart) -> MessagePart {
        MessagePart(bytes: whole.bytes, place: place, path: path)
    }

    /// A number or anything else of a message, as it is written.
    private func shownText(_ part: MessagePart) -> String {
        shown(String(decoding: part.bytes[part.place].prefix(100), as: UTF8.self))
    }
}
