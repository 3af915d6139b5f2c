import Linux

/// The bytes of a stored filter.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 8 | the characters `corralBP` |
/// | 8 | 4 | version of this layout |
/// | 12 | 4 | number of instructions |
/// | 16 | 4 | number of calls allowed |
/// | 20 | 4 | those of them with conditions |
/// | 24 | 32 | key: what the filter was compiled from and by |
/// | 56 | 32 | SHA-512/256 of the instructions |
/// | 88 | 4 + 4 | the oldest and the newest kernel it is for: major and minor version, 16 bits each |
/// | 96 | 4 | size of the warnings |
/// | 100 | 8 each | instructions |
/// | then | as said | warnings, a line each |
/// | then | 32 | SHA-512/256 of everything before |
///
/// Words are little-endian. The digests find damage, not forgery: who may write the file is checked
/// where it is opened.
package struct FilterFile {
    static let version: UInt32 = 3
    private static let magic = Array("corralBP".utf8)
    private static let headerSize = 100
    private static let maximumWarningsSize = 1 << 16
    /// In bytes.
    package static let maximumSize =
        headerSize + CompiledFilter.maximumInstructions * Instruction.size + maximumWarningsSize + Digest.size

    /// Names what a filter is compiled from and by, so that a change of any of these is a new file: 32
    /// bytes, also for files that hold such a filter among other things.
    ///
    /// The parts' names and order count, each with its size before it; where the files are does not,
    /// so that an installation can be prepared in another place than it is used in.
    package static func key(for parts: [PolicyPart]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            for text in [Array(part.name.utf8), part.json] {
                appendUInt32(UInt32(truncatingIfNeeded: text.count), to: &bytes)
                bytes += text
            }
        }
        return key(for: bytes)
    }

    /// The key of other bytes that a file with a filter in it was made from.
    package static func key(for source: [UInt8]) -> [UInt8] {
        var digest = Digest()
        let context = "\(version) \(Syscalls.libseccompArchitecture) libseccomp \(Syscalls.libraryVersion)\n"
        let bytes = Array(context.utf8)
        digest.update(bytes.span)
        digest.update(source.span)
        return digest.finish()
    }

    package static func encode(_ filter: CompiledFilter, key: [UInt8]) -> [UInt8] {
        var bytes = magic
        appendUInt32(version, to: &bytes)
        appendUInt32(UInt32(filter.instructionCount), to: &bytes)
        appendUInt32(UInt32(filter.allowedCount), to: &bytes)
        appendUInt32(UInt32(filter.conditionalCount), to: &bytes)
        bytes += key
        bytes += filter.digest
        appendUInt32(filter.kernels.oldest, to: &bytes)
        appendUInt32(filter.kernels.newest, to: &bytes)
        let warnings = Array(filter.warnings.joined(separator: "\n").utf8)
        appendUInt32(UInt32(warnings.count), to: &bytes)
        bytes += filter.bytes
        bytes += warnings
        return bytes + Digest.of(bytes)
    }

    /// Reads a stored filter.
    /// - Throws: ``FilterFileProblem``; never traps, whatever the bytes.
    package static func decode(
        _ bytes: [UInt8], key: [UInt8], origin: CompiledFilter.Origin
    ) throws(FilterFileProblem) -> CompiledFilter {
        try decode(bytes, key: key, origin: origin, kernel: .running)
    }

    static func decode(
        _ bytes: [UInt8], key: [UInt8], origin: CompiledFilter.Origin, kernel: KernelVersion
    ) throws(FilterFileProblem) -> CompiledFilter {
        guard bytes.count >= headerSize + Digest.size, bytes.count <= maximumSize else { throw .size }
        guard bytes.starts(with: magic), readUInt32(bytes, at: 8) == version else { throw .format }
        let end = bytes.count - Digest.size
        let programEnd = headerSize + Int(readUInt32(bytes, at: 12)) * Instruction.size
        guard programEnd > headerSize, programEnd + Int(readUInt32(bytes, at: 96)) == end else { throw .size }
        var digest = Digest()
        digest.update(bytes.span.extracting(0..<end))
        guard bytes[end...].elementsEqual(digest.finish()) else { throw .digest }
        guard bytes[24..<56].elementsEqual(key) else { throw .otherPolicy }
        let kernels = KernelRange(oldest: readUInt32(bytes, at: 88), newest: readUInt32(bytes, at: 92))
        guard kernels.contains(kernel) else { throw .otherKernel }
        let program = Array(bytes[headerSize..<programEnd])
        // Every filter begins with the architecture and ends with an answer.
        guard readUInt32(program, at: 0) == UInt32(Instruction.load), readUInt32(program, at: 4) == 4,
            readUInt32(program, at: program.count - Instruction.size) == UInt32(Instruction.returnConstant)
        else { throw .program }
        return CompiledFilter(
            bytes: program, digest: Array(bytes[56..<88]),
            allowedCount: Int(readUInt32(bytes, at: 16)), conditionalCount: Int(readUInt32(bytes, at: 20)),
            warnings: String(decoding: bytes[programEnd..<end], as: UTF8.self).split(separator: "\n")
                .map(String.init), kernels: kernels, origin: origin)
    }
}

/// Why a stored filter was not used.
package enum FilterFileProblem: Error, Hashable, Sendable {
    /// There is none, or it cannot be opened.
    case absent
    /// The directory is somebody else's, or others may write to it.
    case directory
    /// The file is somebody else's, or others may write to it, or it is no regular file.
    case permissions
    case size
    /// Not a filter, or one in another layout.
    case format
    case digest
    /// Compiled from another policy, or by another libseccomp.
    case otherPolicy
    /// Compiled for another kernel, where the policy makes a difference.
    case otherKernel
    case program

    init(_ problem: OwnedFile.Problem) {
        switch problem {
        case .absent: self = .absent
        case .directory: self = .directory
        case .permissions: self = .permissions
        case .size: self = .size
        }
    }
}
