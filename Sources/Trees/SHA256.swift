import CNettle

/// SHA-256 (FIPS 180-4) through nettle: what image formats name their contents by.
package struct SHA256 {
    private var context = sha256_ctx()

    package init() { unsafe nettle_sha256_init(&context) }

    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe nettle_sha256_update(&context, buffer.count, buffer.baseAddress)
        }
    }

    package mutating func update(_ text: String) {
        let bytes = Array(text.utf8)
        update(bytes.span)
    }

    /// The digest as 64 hexadecimal digits, lower case.
    package consuming func finish() -> String {
        let size = Int(SHA256_DIGEST_SIZE)
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            unsafe nettle_sha256_digest(&context, size, buffer.baseAddress)
            count = size
        }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    package static func of(_ bytes: [UInt8]) -> String {
        var digest = SHA256()
        digest.update(bytes.span)
        return digest.finish()
    }
}
