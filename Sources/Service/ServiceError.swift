package import Wire

/// A refusal, as every client gets it: what was wrong, where, and what to do.
///
///     {"error":{"code":"invalid","message":"...","field":"limits.memory","hint":"..."}}
package struct ServiceError: Error, Hashable, Sendable {
    /// What kind of refusal: the name that programs look at, and the status that HTTP has for it.
    package enum Code: String, CaseIterable, Hashable, Sendable {
        case invalid
        case unauthenticated
        case forbidden
        case notFound = "not-found"
        case method
        case conflict
        case gone
        case tooLarge = "too-large"
        /// A part of something that has no such part.
        case range
        case unsupportedMedia = "unsupported-media"
        case upgradeRequired = "upgrade-required"
        /// A limit of the caller's is used up.
        case limit
        /// A fault of the server's.
        case fault = "internal"
        case unavailable
        case timeout
        /// No space left.
        case full = "no-space"

        package var status: Int {
            switch self {
            case .invalid: 400
            case .unauthenticated: 401
            case .forbidden: 403
            case .notFound: 404
            case .method: 405
            case .conflict: 409
            case .gone: 410
            case .tooLarge: 413
            case .unsupportedMedia: 415
            case .range: 416
            case .upgradeRequired: 426
            case .limit: 429
            case .fault: 500
            case .unavailable: 503
            case .timeout: 504
            case .full: 507
            }
        }
    }

    package var code: Code
    /// A finer word for programs, such as `workspace-in-use`; nil where the code says all.
    package var reason: String?
    /// A sentence fit to print as it stands.
    package var message: String
    /// The path of what was wrong in the request, such as `limits.memory`.
    package var field: String?
    /// What would be right, or what to do.
    package var hint: String?
    /// Header fields that belong to the refusal, such as `Allow`.
    package var headers: [Header]

    package init(
        _ code: Code, _ message: String, field: String? = nil, hint: String? = nil, headers: [Header] = [],
        reason: String? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.field = field
        self.hint = hint
        self.headers = headers
    }

    /// The body of the answer.
    package var json: JSONText {
        .object { answer in
            answer.object("error") { error in
                error.add("code", code.rawValue)
                if let reason { error.add("reason", reason) }
                error.add("message", message)
                if let field { error.add("field", field) }
                if let hint { error.add("hint", hint) }
            }
        }
    }
}

extension ServiceError: CustomStringConvertible {
    package var description: String { "\(code.rawValue): \(message)" }
}
