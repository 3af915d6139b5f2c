import Wire

/// A call that the host of a test makes, and what its answer has to be.
struct HostCall: Sendable {
    enum Purpose: Sendable, Hashable {
        /// Answered with JSON-UI.
        case render
        /// Answered with JSON-ACTION.
        case event
        /// An event by the name of older documentation, after the present one (the method) was unknown.
        case olderEvent(insteadOf: String)
        /// Documented and never called by TGO.
        case description
        case tool(String)
        case shutdown
    }

    let method: String
    let purpose: Purpose
    /// As JSON; of an event they come from what was rendered.
    var params = JSONText.object { _ in }

    /// Names that calls are made with.
    private static let visitor = "visitor-1"
    private static let session = "session-1"
    private static let language = "en"

    /// What is called for an extension point, in this order.
    static func calls(for capability: Registration.Capability) -> [HostCall] {
        switch capability.type {
        case "sidebar_iframe": return [HostCall(method: "sidebar_iframe/config", purpose: .description)]
        case "channel_integration":
            return [HostCall(method: "channel_integration/manifest", purpose: .description)]
        case "mcp_tools":
            return capability.tools.map { tool in
                HostCall(method: "tool/execute", purpose: .tool(tool.name), params: params(of: tool))
            }
        default:
            let type = capability.type
            return [
                HostCall(method: "\(type)/render", purpose: .render, params: renderParams(type)),
                HostCall(method: "\(type)/event", purpose: .event),
            ]
        }
    }

    static let shutdown = HostCall(method: "shutdown", purpose: .shutdown)

    private static func renderParams(_ type: String) -> JSONText {
        JSONText.object { params in
            if type == "chat_toolbar" {
                params.add("action_id", "open")
                params.add("agent_id", "agent-1")
            }
            params.add("visitor_id", visitor)
            params.add("session_id", session)
            params.object("visitor") { person in
                person.add("id", visitor)
                person.add("name", "A Visitor")
                person.add("email", "visitor@example.com")
                person.object("metadata") { _ in }
            }
            params.object("context") { _ in }
            params.add("language", language)
        }
    }

    private static func params(of tool: Registration.Tool) -> JSONText {
        JSONText.object { params in
            params.add("tool_name", tool.name)
            params.add("arguments", tool.arguments)
            params.add("visitor_id", visitor)
            params.add("session_id", session)
            params.add("agent_id", "agent-1")
            params.add("language", language)
        }
    }

    /// The event with the parameters for what was pressed.
    func pressing(_ action: FormAction) -> HostCall {
        let params = JSONText.object { params in
            params.add("event_type", action.eventType)
            params.add("action_id", action.actionID)
            params.add("visitor_id", HostCall.visitor)
            params.add("session_id", HostCall.session)
            params.add("language", HostCall.language)
            params.add("form_data", action.form)
            params.object("payload") { _ in }
        }
        return HostCall(method: method, purpose: purpose, params: params)
    }

    /// The same event by the name that older pages of the documentation have for it.
    func olderName(_ action: FormAction) -> HostCall {
        let type = method.prefix { $0 != "/" }
        let name = action.eventType == "form_submit" ? "submit" : "action"
        return HostCall(method: "\(type)/\(name)", purpose: .olderEvent(insteadOf: method), params: params)
    }

    /// The message, without its length.
    func request(id: Int) -> [UInt8] {
        JSONText.object { request in
            request.add("jsonrpc", "2.0")
            request.add("id", id)
            request.add("method", method)
            request.add("params", params)
        }.bytes
    }
}
