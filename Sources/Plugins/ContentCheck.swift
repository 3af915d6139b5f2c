import Sandbox
import Wire

/// Compares a part of a message with what TGO documents for it.
struct ContentCheck {
    /// Batches inside one another, as the relay has it.
    private static let deepestBatch = 8

    /// The message that findings are about, such as `visitor_panel/render`.
    let subject: String
    private(set) var findings: Findings

    init(_ subject: String, into findings: Findings) {
        self.subject = subject
        self.findings = findings
    }

    mutating func add(_ part: MessagePart, _ problem: String) {
        findings.add(Finding(subject, part.path, problem))
    }

    mutating func warn(_ part: MessagePart, _ problem: String) {
        findings.warn(Finding(subject, part.path, problem))
    }

    mutating func check(_ part: MessagePart, _ shape: Shape, depth: Int = 0) {
        if findings.isFull { return }
        guard fits(part.kind, shape) else { return add(part, "is \(part.noun); expected \(shape.noun)") }
        switch shape {
        case .any, .text, .shown, .number, .flag: return
        case .object(let fields): check(part, fields, depth)
        case .list(let element):
            part.forEachElement { item in
                check(item, element, depth: depth)
                return !findings.isFull
            }
        case .template: template(part, depth)
        case .action: action(part, depth)
        }
    }

    private func fits(_ kind: JSONKind, _ shape: Shape) -> Bool {
        switch shape {
        case .any: true
        case .text: kind == .string
        case .shown: kind == .string || kind == .number || kind == .boolean
        case .number: kind == .number
        case .flag: kind == .boolean
        case .list: kind == .array
        case .object, .template, .action: kind == .object
        }
    }

    /// The members of an object.
    mutating func check(_ part: MessagePart, _ fields: [Shape.Field], _ depth: Int = 0) {
        for field in fields {
            if let member = part.member(field.name) {
                check(member, field.shape, depth: depth)
            } else if field.isRequired {
                let what = part.isNull(field.name) ? "is null" : "is missing"
                findings.add(
                    Finding(subject, "\(part.path).\(field.name)", "\(what); expected \(field.shape.noun)"))
            }
        }
    }

    private mutating func template(_ part: MessagePart, _ depth: Int) {
        guard let (name, place) = name("template", of: part) else { return }
        guard let fields = Documented.template(name) else {
            return unknown(name, place, "template", Documented.templates.map(\.name))
        }
        data(of: part, fields, depth)
    }

    private mutating func action(_ part: MessagePart, _ depth: Int) {
        guard let (name, place) = name("action", of: part) else { return }
        guard let fields = Documented.action(name) else {
            return unknown(name, place, "action", Documented.actions.map(\.name))
        }
        guard name != "batch" || depth < Self.deepestBatch else {
            return add(place, "is a batch inside \(depth) others; expected at most \(Self.deepestBatch)")
        }
        data(of: part, fields, name == "batch" ? depth + 1 : depth)
        if name == "show_modal", let data = part.member("data"), data.member("template") != nil {
            template(data, depth)
        }
    }

    /// The `data` of a template or an action.
    private mutating func data(of part: MessagePart, _ fields: [Shape.Field], _ depth: Int) {
        if let data = part.member("data") { return check(data, .object(fields), depth: depth) }
        let required = fields.filter(\.isRequired).map(\.name)
        if required.isEmpty { return }
        findings.add(
            Finding(
                subject, "\(part.path).data",
                "is missing; expected an object with \(required.joined(separator: ", "))"))
    }

    private mutating func name(_ key: String, of part: MessagePart) -> (String, MessagePart)? {
        guard let place = part.member(key) else {
            check(part, [.required(key)])
            return nil
        }
        guard let name = place.text() else {
            check(place, .text)
            return nil
        }
        return (name, place)
    }

    private mutating func unknown(_ name: String, _ place: MessagePart, _ kind: String, _ known: [String]) {
        let cure =
            suggestion(for: name, in: known) ?? "expected one of \(known.sorted().joined(separator: ", "))"
        add(place, "\(quoted(name)) is no \(kind) of TGO; \(cure)")
    }
}
