import Capture
import Wire

/// What readers of one process's output get, held against what it has to have written, byte by byte.
struct OutputView {
    private let output: [UInt8]
    /// The offset of the next byte; nil for a reader that asked for what comes and has got nothing yet.
    private(set) var place: Int?
    /// How the process ended, once that came.
    private(set) var end: JSONTree?

    /// - Parameter place: where the first reader begins; nil for wherever the process is by then.
    init(_ output: String, from place: Int?) {
        self.output = Array(output.utf8)
        self.place = place
    }

    var isComplete: Bool { place == output.count }

    /// - Returns: what is wrong with a frame; nil where nothing is.
    mutating func take(_ frame: AttachFrame) -> String? {
        switch frame.kind {
        case .output:
            let begin = place ?? Int(frame.offset)
            guard begin == Int(frame.offset) else {
                return "output from \(frame.offset) on where \(begin) was expected"
            }
            let end = begin + frame.payload.count
            guard end <= output.count, output[begin..<end].elementsEqual(frame.payload) else {
                return "the bytes from \(begin) to \(end) are not those of the model"
            }
            place = end
        case .errors where frame.payload.isEmpty, .credit: break
        case .exit:
            end = try? JSONTree(parsing: frame.payload)
            if end == nil { return "how it ended is no JSON" }
        default: return "a frame of type \(frame.kind) with \(frame.payload.count) bytes"
        }
        return nil
    }
}
