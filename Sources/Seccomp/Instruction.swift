/// One instruction of classic BPF: `struct sock_filter` of linux/filter.h.
struct Instruction: Hashable {
    /// In bytes.
    static let size = 8

    /// `ret #k`: the filter's answer is `k`.
    static let returnConstant: UInt16 = 0x06
    /// `ja +k`: skip `k` instructions.
    static let jump: UInt16 = 0x05
    /// `ld [k]`: read a word of `struct seccomp_data`.
    static let load: UInt16 = 0x20
    static let and: UInt16 = 0x54
    static let jumpEqual: UInt16 = 0x15
    static let jumpGreater: UInt16 = 0x25
    static let jumpGreaterOrEqual: UInt16 = 0x35

    var code: UInt16
    var jumpTrue: UInt8
    var jumpFalse: UInt8
    var k: UInt32

    static func answer(_ value: UInt32) -> Instruction {
        Instruction(code: returnConstant, jumpTrue: 0, jumpFalse: 0, k: value)
    }

    static func load(word offset: UInt32) -> Instruction {
        Instruction(code: load, jumpTrue: 0, jumpFalse: 0, k: offset)
    }

    static func jump(_ code: UInt16, _ k: UInt32, _ jumpTrue: UInt8, else jumpFalse: UInt8) -> Instruction {
        Instruction(code: code, jumpTrue: jumpTrue, jumpFalse: jumpFalse, k: k)
    }

    /// Reads a whole program; every machine that Corral runs on is little-endian.
    static func decode(_ bytes: [UInt8]) -> [Instruction] {
        stride(from: 0, to: bytes.count - size + 1, by: size).map { at in
            Instruction(
                code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8,
                jumpTrue: bytes[at + 2], jumpFalse: bytes[at + 3],
                k: readUInt32(bytes, at: at + 4))
        }
    }

    static func encode(_ program: [Instruction]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(program.count * size)
        for instruction in program {
            bytes.append(UInt8(truncatingIfNeeded: instruction.code))
            bytes.append(UInt8(instruction.code >> 8))
            bytes.append(instruction.jumpTrue)
            bytes.append(instruction.jumpFalse)
            appendUInt32(instruction.k, to: &bytes)
        }
        return bytes
    }
}

/// A little-endian word; `offset` + 4 must be within `bytes`.
func readUInt32(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
}

func appendUInt32(_ value: UInt32, to bytes: inout [UInt8]) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
}
