package import Linux

/// Why a tree could not be made, read or removed.
package enum TreeError: Error, Hashable, Sendable {
    /// An entry that no tree may have. The entry's name comes from outside: it is escaped when shown.
    case refused(entry: String, String)
    /// More than ``TreeLimits`` allow; the entry is the one that was too much.
    case limit(entry: String, String)
    /// A call that failed, at this entry where it was at one.
    case system(SystemError, entry: String?)
}

extension TreeError: CustomStringConvertible {
    /// One sentence without a full stop, such as `entry "a/../b": has a .. in it; expected ...`.
    package var description: String {
        switch self {
        case .refused(let entry, let why), .limit(let entry, let why): "entry \"\(printable(entry))\": \(why)"
        case .system(let error, let entry?): "entry \"\(printable(entry))\": \(error)"
        case .system(let error, nil): "\(error)"
        }
    }
}

/// Gives a failed call the entry that it failed at.
func at<Value: ~Copyable>(
    _ path: TreePath, _ body: () throws(SystemError) -> Value
) throws(TreeError) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .system(error, entry: "\(path)")
    }
}

/// A name that a stranger chose, as a message shows it: control characters, quotation marks and what
/// is not ASCII escaped, and no more than 200 bytes of it.
package func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(200) {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case " "..."~": result.unicodeScalars.append(scalar)
        default: result += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
    return text.unicodeScalars.count > 200 ? "\(result)..." : result
}
