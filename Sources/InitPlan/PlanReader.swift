import CLinux

/// Reads the fields of a plan or of a request where they lie, without copying: texts are
/// NUL-terminated and can be handed to system calls as they are.
///
/// The launcher is trusted, but a plan of another version or a bug must end in an error and not
/// in a read outside the bytes, so every length is checked.
@safe
package struct PlanReader {
    private let base: UnsafeRawPointer
    private let end: Int
    private var offset = 0

    /// - Parameter bytes: must stay valid as long as the reader and the texts that it returns.
    package init(_ bytes: UnsafeRawBufferPointer) throws(PlanError) {
        guard let base = bytes.baseAddress else { throw .truncated }
        unsafe self.base = unsafe base
        end = bytes.count
    }

    /// Reads the header; returns the number of steps.
    package mutating func header() throws(PlanError) -> UInt32 {
        guard try word() == PlanFormat.magic else { throw .notAPlan }
        guard try word() == PlanFormat.version else { throw .otherVersion }
        let steps = try word()
        _ = try word()
        return steps
    }

    /// The next step and a reader of its fields.
    package mutating func step() throws(PlanError) -> (PlanOperation, PlanReader) {
        let code = try word()
        let size = Int(try word())
        guard let operation = PlanOperation(rawValue: code) else { throw .unknownOperation }
        guard size <= end - offset else { throw .truncated }
        let fields = unsafe try PlanReader(UnsafeRawBufferPointer(start: base + offset, count: size))
        offset += size
        return (operation, fields)
    }

    package mutating func integer() throws(PlanError) -> UInt64 {
        guard end - offset >= 8 else { throw .truncated }
        let value = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset += 8
        return UInt64(littleEndian: value)
    }

    /// A text without its NUL, which follows it.
    package mutating func blob() throws(PlanError) -> UnsafeRawBufferPointer {
        let count = try integer()
        guard count < UInt64(end - offset) else { throw .truncated }
        let start = unsafe base + offset
        guard unsafe start.load(fromByteOffset: Int(count), as: UInt8.self) == 0 else { throw .truncated }
        offset = min(end, offset + (Int(count) + 8) / 8 * 8)
        return unsafe UnsafeRawBufferPointer(start: start, count: Int(count))
    }

    /// A text as C takes it.
    package mutating func text() throws(PlanError) -> UnsafePointer<CChar> {
        let bytes = unsafe try blob()
        guard let start = bytes.baseAddress else { throw .truncated }
        return unsafe start.assumingMemoryBound(to: CChar.self)
    }

    private mutating func word() throws(PlanError) -> UInt32 {
        guard end - offset >= 4 else { throw .truncated }
        let value = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        offset += 4
        return UInt32(littleEndian: value)
    }
}

/// A plan that cannot be carried out.
package enum PlanError: Error, Hashable, Sendable {
    case notAPlan
    case otherVersion
    case unknownOperation
    case truncated
    /// A system call failed, with this error number.
    case system(Int32)

    /// The error number of this thread's last call.
    package static var last: PlanError { .system(clinux_errno()) }
}
