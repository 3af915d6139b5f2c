import Sandbox

/// The keys that let go of a program without ending it, as docker has them: `ctrl-p,ctrl-q`.
struct DetachKeys: Hashable, Sendable {
    static let usual = "ctrl-p,ctrl-q"

    private let keys: [UInt8]
    /// Typed, and perhaps the beginning of them.
    private var held: [UInt8] = []

    /// - Parameter text: keys with commas between them, each a character or `ctrl-` and a letter or one of
    ///   `@ [ \ ] ^ _`; empty for none.
    init(_ text: String) throws(ValueError) {
        var keys: [UInt8] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            let bytes = Array(word.utf8)
            if bytes.count == 1, (0x20..<0x7F).contains(bytes[0]) {
                keys.append(bytes[0])
            } else if word.hasPrefix("ctrl-"), bytes.count == 6, let key = DetachKeys.control(bytes[5]) {
                keys.append(key)
            } else {
                throw ValueError(
                    "\(quoted(String(word))) is no key; expected a character or ctrl-a to ctrl-z")
            }
        }
        self.keys = keys
    }

    private static func control(_ byte: UInt8) -> UInt8? {
        let upper = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 0x20 : byte
        return (0x40..<0x60).contains(upper) ? upper & 0x1F : nil
    }

    /// What of typed bytes is for the program, and whether the keys were all typed: what is behind them is
    /// for nobody. A beginning of the keys is held back until the next byte decides.
    mutating func pass(_ bytes: [UInt8]) -> (bytes: [UInt8], isComplete: Bool) {
        if keys.isEmpty { return (bytes, false) }
        var passed: [UInt8] = []
        for byte in bytes {
            held.append(byte)
            while !held.isEmpty, !keys.starts(with: held) { passed.append(held.removeFirst()) }
            if held.count == keys.count {
                held = []
                return (passed, true)
            }
        }
        return (passed, false)
    }
}
