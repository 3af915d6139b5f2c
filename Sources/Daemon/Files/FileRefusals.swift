import Service
import Workspace

// What is wrong with a path or a file, in the one shape that clients get.

extension ServiceError {
    /// - Parameter field: the member of the request that has the path.
    init(_ error: WorkspaceError, field: String = "path") {
        self.init(ServiceError.code(of: error.code), error.description, field: field)
        switch error.code {
        case .notEmpty: hint = "use recursive"
        case .exists: hint = "use replace, or another name"
        default: break
        }
    }

    private static func code(of code: WorkspaceError.Code) -> Code {
        switch code {
        case .path, .isRoot, .invalid: .invalid
        case .notFound: .notFound
        case .outside, .links, .denied, .readOnly: .forbidden
        case .notDirectory, .isDirectory, .notRegular, .exists, .notEmpty, .busy, .intoItself: .conflict
        case .noSpace: .full
        case .tooLarge: .tooLarge
        case .limit: .limit
        case .system: .fault
        }
    }
}

/// Runs what looks at a workspace; its failure becomes the client's refusal.
func filed<Value: ~Copyable>(
    _ field: String = "path", _ body: () throws(WorkspaceError) -> Value
) throws(ServiceError) -> Value {
    do throws(WorkspaceError) {
        return try body()
    } catch {
        throw ServiceError(error, field: field)
    }
}
