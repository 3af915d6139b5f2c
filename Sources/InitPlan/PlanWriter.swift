/// Writes a plan, step by step, or the fields of a request.
package struct PlanWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var steps: UInt32 = 0

    /// A plan; its header is completed by ``finished()``.
    package static func plan() -> PlanWriter {
        var writer = PlanWriter()
        writer.word(PlanFormat.magic)
        writer.word(PlanFormat.version)
        writer.word(0)
        writer.word(0)
        return writer
    }

    /// Fields without a header, as a request has them.
    package static func fields() -> PlanWriter { PlanWriter() }

    /// Adds one step, whose fields `fill` writes.
    package mutating func step(_ operation: PlanOperation, _ fill: (inout PlanWriter) -> Void = { _ in }) {
        word(operation.rawValue)
        let sizeAt = bytes.count
        word(0)
        fill(&self)
        put(UInt32(bytes.count - sizeAt - 4), at: sizeAt)
        steps += 1
    }

    package mutating func integer(_ value: UInt64) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    package mutating func text(_ text: String) { blob(Array(text.utf8)) }

    package mutating func blob(_ content: [UInt8]) {
        integer(UInt64(content.count))
        bytes += content
        bytes.append(0)
        while bytes.count % 8 != 0 { bytes.append(0) }
    }

    /// The whole plan.
    package consuming func finished() -> [UInt8] {
        put(steps, at: 8)
        return bytes
    }

    private mutating func word(_ value: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private mutating func put(_ value: UInt32, at offset: Int) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
    }
}
