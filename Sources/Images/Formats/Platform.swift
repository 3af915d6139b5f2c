import Glibc
import Trees

/// What machine a program is for, in the words of the OCI image specification.
package struct Platform: Hashable, Sendable {
    package var os: String
    package var architecture: String
    /// Such as `v8`; nil for any.
    package var variant: String?

    /// Reads `os/arch` or `os/arch/variant`.
    package init(_ text: String) throws(ImageError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 64 }) else {
            throw ImageError(
                "\"\(printable(text))\" is no platform; expected OS/ARCHITECTURE, such as linux/amd64")
        }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    init(os: String, architecture: String, variant: String?) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// Reads the fields of an index's or a configuration's.
    init(_ fields: JSONFields) throws(ImageError) {
        self.init(
            os: try fields.text("os"), architecture: try fields.text("architecture"),
            variant: try fields.optionalText("variant"))
    }

    /// This machine's.
    package static var own: Platform {
        var name = utsname()
        _ = unsafe uname(&name)
        let machine = unsafe withUnsafeBytes(of: name.machine) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        // Go's names, which image formats use.
        let names = ["x86_64": "amd64", "aarch64": "arm64"]
        return Platform(os: "linux", architecture: names[machine] ?? machine, variant: nil)
    }

    /// Whether something for `other` serves where this is asked for.
    func accepts(_ other: Platform) -> Bool {
        os == other.os && architecture == other.architecture && (variant == nil || variant == other.variant)
    }
}

extension Platform: CustomStringConvertible {
    package var description: String {
        printable([os, architecture, variant].compactMap(\.self).joined(separator: "/"))
    }
}
