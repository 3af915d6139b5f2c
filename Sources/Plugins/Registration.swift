import Sandbox
import Wire

/// What a plugin says of itself when it registers, as TGO takes it.
struct Registration {
    /// An extension point that the plugin declares.
    struct Capability {
        let type: String
        /// Only of `mcp_tools`.
        let tools: [Tool]
    }

    /// A tool for the host's agents.
    struct Tool {
        let name: String
        /// Values that its parameters could have, as JSON.
        let arguments: JSONText
    }

    /// The most extension points, and tools of each, that are called. Plugins have a few.
    static let mostCapabilities = 32
    static let mostTools = 16

    private static let parameters: Shape = .list(
        .object([
            .required("name"), .optional("type"), .optional("description"), .optional("required", .flag),
            .optional("enum_values", .list(.shown)),
        ]))

    var name: String?
    var version: String?
    var id: String?
    /// Each type once, as the host draws it.
    var capabilities: [Capability] = []

    /// - Parameter params: of the request `register`; nil where it has none.
    init(_ params: MessagePart?, into findings: inout Findings) {
        guard let params else {
            findings.add(Finding("register", "params", "is missing; expected an object"))
            return
        }
        var check = ContentCheck("register", into: findings)
        check.check(
            params,
            .object([
                .optional("version"), .optional("id"), .optional("description"), .optional("author"),
            ]))
        name = params.member("name")?.text()
        version = params.member("version")?.text()
        id = params.member("id")?.text().flatMap { $0.isEmpty ? nil : $0 }
        if params.kind == .object, name == nil { check.check(params, [.required("name")]) }
        if params.isNull("capabilities") {
            check.add(
                MessagePart(bytes: params.bytes, place: params.place, path: "params.capabilities"),
                "is null, which TGO fails on; expected a list")
        }
        findings = check.findings
        if let list = params.member("capabilities") { read(list, &findings) }
        if capabilities.isEmpty {
            findings.warn(Finding("register", "params.capabilities", "is empty: there is nothing to call"))
        }
    }

    private mutating func read(_ list: MessagePart, _ findings: inout Findings) {
        var check = ContentCheck("register", into: findings)
        check.check(list, .list(.object([.required("type"), .required("title")])))
        findings = check.findings
        for part in list.elements(atMost: Self.mostCapabilities + 1) {
            guard let type = part.member("type")?.text(), Self.isName(type) else { continue }
            if capabilities.count == Self.mostCapabilities {
                let most = Self.mostCapabilities
                return findings.warn(
                    Finding(
                        "register", list.path, "has more than \(most) items; the first \(most) are called"))
            }
            guard !capabilities.contains(where: { $0.type == type }) else {
                findings.warn(
                    Finding(
                        "register", "\(part.path).type",
                        "\(quoted(type)) is declared before; TGO calls a plugin once for each type"))
                continue
            }
            let tools = type == "mcp_tools" ? Self.tools(of: part, &findings) : []
            capabilities.append(Capability(type: type, tools: tools))
        }
    }

    /// Whether a type can be a part of a method's name.
    private static func isName(_ type: String) -> Bool {
        (1...64).contains(type.utf8.count)
            && type.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func tools(of capability: MessagePart, _ findings: inout Findings) -> [Tool] {
        var check = ContentCheck("register", into: findings)
        check.check(
            capability,
            [
                .required(
                    "tools",
                    .list(
                        .object([
                            .required("name"), .optional("title"), .optional("description"),
                            .optional("parameters", parameters),
                        ])))
            ])
        findings = check.findings
        let parts = capability.member("tools")?.elements(atMost: mostTools) ?? []
        return parts.compactMap { tool in
            tool.member("name")?.text().map { Tool(name: $0, arguments: arguments(of: tool)) }
        }
    }

    private static func arguments(of tool: MessagePart) -> JSONText {
        JSONText.object { object in
            for parameter in tool.member("parameters")?.elements(atMost: 64) ?? [] {
                guard let name = parameter.member("name")?.text() else { continue }
                switch parameter.member("type")?.text() {
                case "number": object.add(name, 1)
                case "boolean": object.add(name, true)
                case "enum":
                    let values = parameter.member("enum_values")?.elements(atMost: 1)
                    object.add(name, values?.first?.text() ?? "test")
                default: object.add(name, "test")
                }
            }
        }
    }
}
