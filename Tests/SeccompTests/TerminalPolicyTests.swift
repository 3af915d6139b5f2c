import TestSupport
import Testing

@testable import Seccomp

/// What the part `terminal` adds to a policy, and what it does not.
@Suite struct TerminalPolicyTests {
    private static func filter(_ policy: String, terminal: Bool) throws -> FilterUnderTest {
        let text = try contents(of: "\(sourceRoot)/profiles/seccomp/terminal.json")
        let parts =
            try shippedPolicy(policy) + (terminal ? [PolicyPart(file: "terminal.json", json: text)] : [])
        let filter = try Compiler.compile(parts: parts)
        #expect(filter.warnings == [])
        return try FilterUnderTest(filter)
    }

    /// The numbers of asm-generic/ioctls.h.
    private static let added: [UInt64] = [
        0x5402, 0x5403, 0x5404, 0x5409, 0x540A, 0x540B, 0x540E, 0x540F, 0x5410, 0x5411, 0x5414, 0x5422,
        0x5429,
        0x5441, 0x402C_542B, 0x402C_542C, 0x402C_542D, 0x8004_5430, 0x4004_5431,
    ]

    /// Every number that terminals know, in each of the four directions and with the sizes in use.
    private static let requests: [UInt64] =
        [0, 0x4004_0000, 0x8004_0000, 0xC004_0000, 0x402C_0000, 0x802C_0000].flatMap { (head: UInt64) in
            (UInt64(0x5400)...0x54FF).map { head | $0 }
        }

    @Test(arguments: shippedNames)
    func `a terminal opens nineteen requests and no other call`(policy: String) throws {
        let plain = try Self.filter(policy, terminal: false)
        let with = try Self.filter(policy, terminal: true)
        var differing: Set<UInt64> = []
        for request in Self.requests {
            for high in [0, 0xDEAD_BEEF_0000_0000] as [UInt64] {
                let (before, after) = (
                    try plain("ioctl", 0, request | high), try with("ioctl", 0, request | high)
                )
                if before == after { continue }
                #expect(before == .errno(25) && after == .allow)
                differing.insert(request)
            }
        }
        #expect(differing == Set(Self.added))
        // TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD.
        for request in [0x5412, 0x541C, 0x541D, 0x5423] as [UInt64] {
            #expect(try with("ioctl", 0, request) == .errno(25))
        }
        guard case .number(let ioctl) = Syscalls.look(up: "ioctl") else { return }
        for number in UInt32(0)...600 where number != UInt32(ioctl) {
            for word in [0, .max] as [UInt64] {
                let call = SeccompCall(number, Array(repeating: word, count: 6))
                #expect(plain.interpreter.verdict(on: call) == with.interpreter.verdict(on: call))
            }
        }
    }
}
