import Linux
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
    /// It could not give up what it must before it reads an archive.
    case confinement(String)

    /// 2 for a wrong call, 3 for what is refused, 4 for a damaged archive, 5 for a failed call, 6 for an unpacker
    /// that cannot be confined.
    package var exitCode: Int32 {
        switch self {
        case .usage: 2
        case .ratio, .tree(.refused), .tree(.limit): 3
        case .damaged: 4
        case .tree(.system): 5
        case .confinement: 6
        }
    }

    /// The same, but 7 where there is no room left: for those who ask for a workspace.
    var exitCodeOfWorkspace: Int32 {
        if case .tree(.system(let error, _)) = self, [.noSpace, .quotaExceeded].contains(error.errno) {
            return 7
        }
        return exitCode
    }
}

extension UnpackError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tree(let error): error.description
        case .ratio(let text), .damaged(let text), .usage(let text), .confinement(let text): text
        }
    }
}

/// A failed call as why an archive was not unpacked.
/// - Parameter entry: where it failed.
func systemic<Value: ~Copyable>(
    _ entry: @autoclosure () -> String? = nil, _ body: () throws(SystemError) -> Value
) throws(UnpackError) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .tree(.system(error, entry: entry()))
    }
}
