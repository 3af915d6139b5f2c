/// What corrald and the warden agree on: the layout of a message and the bounds of everything in it.
///
/// A message of the SOCK_SEQPACKET socket is a header and fields; descriptors travel beside it:
///
///     header   kind u16 · flags u16 · bytes of the fields u32 · number of the request u64
///     field    integer of 1, 2, 4 or 8 bytes, or text: length u32 · UTF-8, or list: count u32 · elements
///
/// All integers are little-endian. Fields that do not fit into a message are in a sealed memory file, the
/// first of the descriptors, and flag 1 says so.
package enum WardenFormat {
    /// Raised with every change of a message. A corrald and a warden of different versions part.
    package static let version: UInt32 = 7

    package static let headerSize = 16
    /// The most bytes of one message.
    package static let messageLimit = 64 << 10
    /// The most bytes of fields in a memory file: those of a program of 8 MiB, and room for the rest.
    package static let bodyLimit = 12 << 20
    /// The most descriptors beside one message, the memory file included.
    package static let descriptorLimit = 8

    static let inMemoryFile: UInt16 = 1
    static func needsFile(_ length: Int) -> Bool { length > messageLimit - headerSize }

    /// The most bytes of a name of a profile or an image, of a host, of a directory.
    static let nameLimit = 4096
    /// The most bytes of one argument or one variable: MAX_ARG_STRLEN of the kernel (execve(2)).
    package static let argumentLimit = (128 << 10) - 1
    /// The most bytes of a program for `sh`.
    package static let scriptLimit = 8 << 20
    package static let argumentsLimit = 65_536
    package static let variablesLimit = 4096
    package static let overridesLimit = 64 + variablesLimit
    /// The most bytes of what corrald notes about a session.
    package static let noteLimit = 4096
    static let sentenceLimit = 4096
    /// Entries in one page of `list`, and names in one of `volumeList`.
    package static let pageLimit = 64
}

/// Bytes that are not a message of this protocol.
package enum WireProblem: Error, Hashable, Sendable {
    /// They end inside of this field.
    case truncated(String)
    /// Something follows the last field.
    case trailing(Int)
    case unknownKind(UInt16)
    case unknownFlags(UInt16)
    /// The header counts other fields than there are.
    case wrongLength(UInt32, there: Int)
    case tooLong(String, UInt64, limit: Int)
    /// Not UTF-8, or with a NUL byte.
    case notText(String)
    /// A number that means nothing there.
    case unknownValue(String, UInt64)
    /// A text that is not what its field takes, and what it takes.
    case refused(String, String)
}

extension WireProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated(let field): "the message ends in the field \(field)"
        case .trailing(let count): "\(count) bytes follow the last field"
        case .unknownKind(let kind): "no message is of the kind \(kind)"
        case .unknownFlags(let flags): "no message has the flags \(flags)"
        case .wrongLength(let said, let there): "the header says \(said) bytes of fields; there are \(there)"
        case .tooLong(let field, let count, let limit): "\(field) is \(count) long; at most \(limit)"
        case .notText(let field): "\(field) is not UTF-8 without NUL bytes"
        case .unknownValue(let field, let value): "\(field) cannot be \(value)"
        case .refused(let field, let expected): "\(field) must be \(expected)"
        }
    }
}
