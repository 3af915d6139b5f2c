import Wire

/// The first thing in a rendered template that a person could press: the event that is tried with it.
struct FormAction {
    let eventType: String
    let actionID: String
    /// What was filled in, as JSON.
    let form: JSONText

    /// What is sent where a page has nothing to press.
    static let none = FormAction(
        eventType: "button_click", actionID: "corral-plugin-test", form: JSONText.object { _ in })

    private init(eventType: String, actionID: String, form: JSONText) {
        self.eventType = eventType
        self.actionID = actionID
        self.form = form
    }

    /// - Parameter template: `{template, data}`.
    init?(in template: MessagePart, depth: Int = 0) {
        guard depth < 16, let data = template.member("data") else { return nil }
        switch template.member("template")?.text() {
        case "action":
            self.init(button: data.member("buttons")?.elements(atMost: 1).first, key: "id")
        case "card":
            self.init(button: data.member("actions")?.elements(atMost: 1).first, key: "id")
        case "button": self.init(button: data, key: "action_id")
        case "form":
            // As the page has it.
            self.init(
                eventType: "form_submit", actionID: data.member("action_id")?.text() ?? "submit",
                form: FormAction.filled(data))
        case "group", "tabs":
            for item in data.member("items")?.elements(atMost: 64) ?? [] {
                let inner = item.member("content") ?? item
                if let found = FormAction(in: inner, depth: depth + 1) {
                    self = found
                    return
                }
            }
            return nil
        default: return nil
        }
    }

    private init?(button: MessagePart?, key: String) {
        guard let id = button?.member(key)?.text() else { return nil }
        self.init(eventType: "button_click", actionID: id, form: JSONText.object { _ in })
    }

    private static func filled(_ form: MessagePart) -> JSONText {
        JSONText.object { object in
            for field in form.member("fields")?.elements(atMost: 64) ?? [] {
                guard let name = field.member("name")?.text() else { continue }
                switch field.member("type")?.text() {
                case "number": object.add(name, 1)
                case "checkbox", "switch": object.add(name, true)
                case "select", "radio":
                    let first = field.member("options")?.elements(atMost: 1).first
                    object.add(name, first?.member("value")?.text() ?? "test")
                default: object.add(name, "test")
                }
            }
        }
    }
}
