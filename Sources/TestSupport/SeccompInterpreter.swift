/// A system call as a seccomp filter sees it (`struct seccomp_data` of linux/seccomp.h).
package struct SeccompCall: Hashable, Sendable {
    package var number: UInt32
    /// AUDIT_ARCH_*.
    package var architecture: UInt32
    package var instructionPointer: UInt64
    package var arguments: [UInt64]

    package static let x86_64: UInt32 = 0xC000_003E
    package static let i386: UInt32 = 0x4000_0003
    package static let arm64: UInt32 = 0xC000_00B7

    /// The architecture of the tests themselves.
    package static var native: UInt32 {
        #if arch(x86_64)
            x86_64
        #else
            arm64
        #endif
    }

    /// - Parameter arguments: at most six; the rest are 0.
    package init(_ number: UInt32, _ arguments: [UInt64] = [], architecture: UInt32 = SeccompCall.native) {
        self.number = number
        self.architecture = architecture
        self.instructionPointer = 0
        self.arguments = Array((arguments + Array(repeating: 0, count: 6)).prefix(6))
    }

    /// The word at a byte offset; nil where there is none.
    fileprivate func word(at offset: UInt32) -> UInt32? {
        switch offset {
        case 0: number
        case 4: architecture
        case 8: UInt32(truncatingIfNeeded: instructionPointer)
        case 12: UInt32(instructionPointer >> 32)
        case 16..<64 where offset % 4 == 0:
            UInt32(truncatingIfNeeded: arguments[Int(offset - 16) / 8] >> (offset % 8 == 0 ? 0 : 32))
        default: nil
        }
    }
}

/// What a filter answers.
package enum SeccompVerdict: Hashable, Sendable, CustomStringConvertible {
    case allow
    case errno(UInt16)
    case killProcess
    case killThread
    case trap
    case log
    case other(UInt32)

    package init(_ value: UInt32) {
        self =
            switch (value & 0xFFFF_0000, UInt16(truncatingIfNeeded: value)) {
            case (0x7FFF_0000, _): .allow
            case (0x0005_0000, let code): .errno(code)
            case (0x8000_0000, _): .killProcess
            case (0x0000_0000, _): .killThread
            case (0x0003_0000, _): .trap
            case (0x7FFC_0000, _): .log
            default: .other(value)
            }
    }

    package var description: String {
        switch self {
        case .allow: "allow"
        case .errno(let code): "errno \(code)"
        case .killProcess: "kill process"
        case .killThread: "kill thread"
        case .trap: "trap"
        case .log: "log"
        case .other(let value): "0x" + String(value, radix: 16)
        }
    }
}

/// A program that the kernel's checker would refuse, or that this interpreter cannot run.
package enum SeccompProgramError: Error, Hashable, Sendable {
    case badLength(Int)
    case badInstruction(at: Int, code: UInt16)
    case jumpOutside(at: Int)
    case noReturnAtEnd
}

/// Runs the classic BPF of a seccomp filter, so that tests judge what was compiled and not what was
/// written. Knows the instructions that the kernel lets a seccomp filter have and that libseccomp
/// emits.
package struct SeccompInterpreter: Sendable {
    private struct Instruction: Sendable {
        let code: UInt16
        let ifTrue, ifFalse: UInt8
        let k: UInt32
    }

    private let program: [Instruction]

    /// - Parameter bytes: `struct sock_filter[]`, little-endian.
    package init(_ bytes: [UInt8]) throws(SeccompProgramError) {
        guard !bytes.isEmpty, bytes.count % 8 == 0, bytes.count / 8 <= 4096 else {
            throw .badLength(bytes.count)
        }
        program = stride(from: 0, to: bytes.count, by: 8).map { at in
            let code = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
            var k: UInt32 = 0
            for index in 0..<4 { k |= UInt32(bytes[at + 4 + index]) << UInt32(8 * index) }
            return Instruction(code: code, ifTrue: bytes[at + 2], ifFalse: bytes[at + 3], k: k)
        }
        try check()
    }

    /// What the kernel checks once when a filter is loaded: every jump lands inside, the end returns.
    private func check() throws(SeccompProgramError) {
        for (at, instruction) in program.enumerated() {
            switch instruction.code {
            case 0x05 where Int(instruction.k) >= program.count - at - 1: throw .jumpOutside(at: at)
            case 0x15, 0x25, 0x35, 0x45:
                let farthest = Int(max(instruction.ifTrue, instruction.ifFalse))
                if farthest >= program.count - at - 1 { throw .jumpOutside(at: at) }
            case 0x20 where SeccompCall(0).word(at: instruction.k) == nil:
                throw .badInstruction(at: at, code: 0x20)
            case 0x05, 0x06, 0x20, 0x54: break
            default: throw .badInstruction(at: at, code: instruction.code)
            }
        }
        if program.last?.code != 0x06 { throw .noReturnAtEnd }
    }

    package func verdict(on call: SeccompCall) -> SeccompVerdict {
        var accumulator: UInt32 = 0
        var at = 0
        while true {
            let instruction = program[at]
            let k = instruction.k
            at += 1
            switch instruction.code {
            case 0x20: accumulator = call.word(at: k) ?? 0
            case 0x54: accumulator &= k
            case 0x05: at += Int(k)
            case 0x15: at += Int(accumulator == k ? instruction.ifTrue : instruction.ifFalse)
            case 0x25: at += Int(accumulator > k ? instruction.ifTrue : instruction.ifFalse)
            case 0x35: at += Int(accumulator >= k ? instruction.ifTrue : instruction.ifFalse)
            case 0x45: at += Int(accumulator & k != 0 ? instruction.ifTrue : instruction.ifFalse)
            default: return SeccompVerdict(k)
            }
        }
    }

    /// Everything that the filter answers to a native call, whatever its arguments: both ways are taken
    /// where an argument decides, so of ways that exclude each other it may have one too many.
    package func verdicts(onCall number: UInt32) -> Set<SeccompVerdict> {
        let call = SeccompCall(number)
        var found: Set<SeccompVerdict> = []
        /// Places still to go to, with the accumulator there; nil for an argument's value.
        var ways: [(at: Int, accumulator: UInt32?)] = [(0, 0)]
        while let (at, accumulator) = ways.popLast() {
            let instruction = program[at]
            let k = instruction.k
            func take(_ holds: (UInt32) -> Bool) {
                let known = accumulator.map(holds)
                if known != false { ways.append((at + 1 + Int(instruction.ifTrue), accumulator)) }
                if known != true { ways.append((at + 1 + Int(instruction.ifFalse), accumulator)) }
            }
            switch instruction.code {
            case 0x20: ways.append((at + 1, k < 8 ? call.word(at: k) : nil))
            case 0x54: ways.append((at + 1, accumulator.map { $0 & k }))
            case 0x05: ways.append((at + 1 + Int(k), accumulator))
            case 0x15: take { $0 == k }
            case 0x25: take { $0 > k }
            case 0x35: take { $0 >= k }
            case 0x45: take { $0 & k != 0 }
            default: found.insert(SeccompVerdict(k))
            }
        }
        return found
    }
}
