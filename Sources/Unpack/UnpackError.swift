package import Trees

/// Why an archive was not unpacked; the exit codes of `corral-unpack` are these cases.
package enum UnpackError: Error, Hashable, Sendable {
    /// An entry that no tree may have, a limit that was reached, or a call that failed.
    case tree(TreeError)
    /// More comes out than may come out of this much.
    case ratio(String)
    /// Bytes that are no archive, or only the beginning of one.
    case damaged(String)
    /// The command line.
    case usage(String)

    /// 2 for a wrong call, 3 for what is refused, 4 for a damaged archive, 5 for a failed call.
    package var exitCode: Int32 {
        switch self {
        case .usage: 2
        case .ratio, .tree(.refused), .tree(.limit): 3
        case .damaged: 4
        case .tree(.system): 5
        }
    }
}

extension UnpackError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tree(let error): error.description
        case .ratio(let text), .damaged(let text), .usage(let text): text
        }
    }
}
