import Glibc

/// A kernel's version as far as `minKernel` compares it, such as 6.1.
struct KernelVersion: Hashable, Comparable, Sendable {
    var major: UInt32
    var minor: UInt32

    static func < (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    /// Of the kernel that runs; 0.0 when it does not say.
    static var running: KernelVersion {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return KernelVersion(major: 0, minor: 0) }
        let release = unsafe withUnsafeBytes(of: &name.release) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split { !("0"..."9").contains($0) }.prefix(2).map { UInt32($0) ?? 0 }
        return KernelVersion(major: numbers.first ?? 0, minor: numbers.count > 1 ? numbers[1] : 0)
    }

    /// Reads `4.8`.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt32(parts[0]), let minor = UInt32(parts[1]),
            major <= UInt16.max, minor <= UInt16.max
        else { return nil }
        self.init(major: major, minor: minor)
    }

    init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// In one word, for files; order is kept.
    var word: UInt32 { min(major, 0xFFFF) << 16 | min(minor, 0xFFFF) }
}

/// The kernels under which a policy's `minKernel` conditions come out the same.
package struct KernelRange: Hashable, Sendable {
    /// ``KernelVersion/word`` of the oldest.
    var oldest: UInt32
    /// ``KernelVersion/word`` of the newest.
    var newest: UInt32

    /// No rule looks at the kernel.
    package static let all = KernelRange(oldest: 0, newest: .max)

    /// No closed range of Swift's: in a damaged file the oldest can be newer than the newest.
    func contains(_ version: KernelVersion) -> Bool { oldest <= version.word && version.word <= newest }

    /// Narrows the range to the side of `bound` on which `version` is. Returns whether that is the
    /// newer side.
    mutating func narrow(at bound: KernelVersion, for version: KernelVersion) -> Bool {
        if version >= bound {
            oldest = max(oldest, bound.word)
            return true
        }
        newest = min(newest, bound.word - 1)
        return false
    }
}
