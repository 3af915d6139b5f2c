import Wire

/// What a daemon says when it refuses: the one shape of errors of its API.
package struct ServiceError: Error, Hashable, Sendable {
    package let status: Int
    /// For programs, such as `limit_exceeded`.
    package let code: String
    package let message: String
    /// The path of the field that was wrong.
    package let field: String?
    /// What could be done.
    package let hint: String?

    /// Reads an answer's body. One that is no such error, as something between could send it, is shown as
    /// it is.
    package init(status: Int, reason: String, body: [UInt8]) {
        self.status = status
        let tree = (try? JSONTree(parsing: body)).flatMap { $0.member("error") ?? $0 }
        guard let tree, let message = tree.member("message")?.text else {
            code = "http_\(status)"
            let text = String(decoding: body.prefix(200), as: UTF8.self)
            self.message =
                "the daemon answered \(status) \(reason.isEmpty ? "" : "\(reason) ")without saying why"
                + (text.isEmpty ? "" : ": \(shortened(text))")
            field = nil
            hint = nil
            return
        }
        code = tree.member("code")?.text ?? "http_\(status)"
        self.message = message
        field = tree.member("field")?.text
        hint = tree.member("hint")?.text
    }
}

extension ServiceError: CustomStringConvertible {
    /// `limits.memory: 8GiB is above the ceiling of 1GiB; ask for less`.
    package var description: String {
        let place = field.map { $0.isEmpty ? "" : "\($0): " } ?? ""
        return place + problem + (hint.map { $0.isEmpty ? "" : "; \($0)" } ?? "")
    }

    /// The message without the field, which some begin with.
    package var problem: String {
        guard let field, !field.isEmpty, message.hasPrefix("\(field): ") else { return message }
        return String(message.dropFirst(field.count + 2))
    }
}

extension JSONTree {
    fileprivate func member(_ key: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }

    fileprivate var text: String? {
        if case .string(let text) = value { return text }
        return nil
    }
}
