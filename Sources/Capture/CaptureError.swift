package import Linux

/// Why output cannot be captured or read.
package enum CaptureError: Error, Hashable, Sendable {
    case system(SystemError)
    /// What was handed over is no memory for a ring; the sentence says why.
    case unfit(String)
    /// A reader wants to begin behind where the stream stands.
    case beyond(offset: UInt64, position: UInt64)
}

extension CaptureError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .unfit(let why): why
        case .beyond(let offset, let position):
            "offset \(offset) is behind the end of the stream, which stands at \(position)"
        }
    }
}
