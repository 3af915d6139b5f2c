import CNettle

/// SHA-512/256 (FIPS 180-4) through nettle: as long and as strong as SHA-256, and 1.6 times as fast
/// on processors without instructions for that one.
package struct Digest {
    /// In bytes.
    package static let size = 32
    private var context = sha512_ctx()

    package init() { unsafe nettle_sha512_256_init(&context) }

    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe nettle_sha512_update(&context, buffer.count, buffer.baseAddress)
        }
    }

    package consuming func finish() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Digest.size) { buffer, count in
            unsafe nettle_sha512_256_digest(&context, Digest.size, buffer.baseAddress)
            count = Digest.size
        }
    }

    package static func of(_ bytes: [UInt8]) -> [UInt8] {
        var digest = Digest()
        digest.update(bytes.span)
        return digest.finish()
    }
}

/// Two lower-case digits a byte.
package func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.count)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
