package import Wire

/// A plugin wire protocol. The raw value is its name on command lines and in files.
package enum Dialect: String, CaseIterable, Sendable {
    /// TGO: JSON-RPC 2.0 in frames with a 4-byte big-endian length; the plugin connects.
    case tgo
}

/// Who sent a frame.
package enum Sender: String, CaseIterable, Sendable {
    case plugin
    case upstream

    package var other: Sender { self == .plugin ? .upstream : .plugin }
}

/// Decides on the frames that one side of one connection sends, before anything of them is
/// forwarded. It sees them in their order and may remember what it needs.
///
/// What is let through today is every JSON object. Rules on methods, identities, pending ids and
/// rates belong here.
package struct FrameGate: Sendable {
    package enum Decision: Hashable, Sendable {
        case forward
        case refuse(Refusal)
    }

    package let dialect: Dialect
    package let sender: Sender
    private var scanner = JSONScanner()

    package init(dialect: Dialect, sender: Sender) {
        self.dialect = dialect
        self.sender = sender
    }

    /// - Parameter frame: the payload of one frame, without its length.
    package mutating func decide(_ frame: Span<UInt8>) -> Decision {
        switch dialect {
        case .tgo: decideTGO(frame)
        }
    }

    private mutating func decideTGO(_ frame: Span<UInt8>) -> Decision {
        do throws(JSONError) {
            let kind = try scanner.scan(frame)
            return kind == .object ? .forward : .refuse(.notObject(kind))
        } catch {
            return .refuse(.notJSON(error))
        }
    }
}

/// Why a frame was not forwarded.
package enum Refusal: Error, Hashable, Sendable {
    case tooLong(FrameError)
    /// The stream ended inside a frame, of which this many bytes had come.
    case truncated(Int)
    case notJSON(JSONError)
    case notObject(JSONKind)
}

extension Refusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let error): "\(error)"
        case .truncated(let count): "the stream ends inside a frame, behind its first \(count) bytes"
        case .notJSON(let error): "a frame is not JSON: \(error)"
        case .notObject(let kind): "a frame is a JSON \(kind) where an object is expected"
        }
    }
}
