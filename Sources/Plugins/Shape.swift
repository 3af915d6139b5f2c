/// What a value in a message has to be, as TGO documents it.
indirect enum Shape: Sendable {
    /// Anything.
    case any
    case text
    /// What the page shows as text: a string, a number, a truth value.
    case shown
    case number
    case flag
    case object([Field])
    case list(Shape)
    /// `{template, data}`: JSON-UI.
    case template
    /// `{action, data}`: JSON-ACTION.
    case action

    struct Field: Sendable {
        let name: String
        let shape: Shape
        let isRequired: Bool
    }

    /// What was expected, for a message.
    var noun: String {
        switch self {
        case .any: "a value"
        case .text: "a string"
        case .shown: "a string or a number"
        case .number: "a number"
        case .flag: "true or false"
        case .object: "an object"
        case .list: "a list"
        case .template: "an object with template and data"
        case .action: "an object with action and data"
        }
    }
}

extension Shape.Field {
    static func required(_ name: String, _ shape: Shape = .text) -> Shape.Field {
        Shape.Field(name: name, shape: shape, isRequired: true)
    }

    static func optional(_ name: String, _ shape: Shape = .text) -> Shape.Field {
        Shape.Field(name: name, shape: shape, isRequired: false)
    }
}
