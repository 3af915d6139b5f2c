import Trees
package import Wire

/// A reference to a blob (OCI image specification, "Descriptors").
package struct Descriptor: Hashable {
    var mediaType: String
    /// 64 hexadecimal digits of SHA-256.
    package var digest: String
    /// In bytes.
    var size: UInt64
    /// Only in an index, and not always there.
    var platform: Platform?
    /// `org.opencontainers.image.ref.name`, where it is given.
    var name: String?
    /// A statement about another image, such as how it was built; no image itself.
    var isAttestation: Bool

    package init(_ tree: JSONTree, file: String) throws(ImageError) {
        let fields = try JSONFields(tree, file: file)
        mediaType = try fields.text("mediaType")
        size = try fields.number("size")
        digest = try Descriptor.digest(try fields.text("digest")) { (problem) in
            fields.error("digest", problem)
        }
        platform = try fields.object("platform").map { (fields) throws(ImageError) in try Platform(fields) }
        let annotations = try fields.object("annotations")
        name = try annotations?.optionalText("org.opencontainers.image.ref.name")
        isAttestation = annotations?["vnd.docker.reference.type"] != nil
    }

    /// Reads `sha256:` and 64 digits.
    static func digest(
        _ text: String, _ error: (String) -> ImageError
    ) throws(ImageError) -> String {
        guard text.hasPrefix("sha256:"), isHexDigest(text.dropFirst(7)) else {
            throw error("\"\(printable(text))\" is no digest; expected sha256: and 64 of 0-9 and a-f")
        }
        return String(text.dropFirst(7))
    }

    /// Below the layout's directory.
    package var path: String { "blobs/sha256/\(digest)" }

    func wrongSize(_ what: String, _ size: UInt64) -> ImageError {
        ImageError("\(what): \(path) has \(size) bytes; its descriptor says \(self.size)")
    }

    func wrongDigest(_ what: String, _ digest: String) -> ImageError {
        ImageError("\(what): \(path) has the digest sha256:\(digest); expected sha256:\(self.digest)")
    }
}

/// What the media types of the OCI image specification and of Docker's registry stand for.
enum MediaType {
    static func isIndex(_ type: String) -> Bool {
        [
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ].contains(type)
    }

    static func isManifest(_ type: String) -> Bool {
        [
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        ].contains(type)
    }

    /// - Throws: for a layer that is elsewhere, or of a form that is not known.
    static func checkLayer(_ type: String, _ what: String) throws(ImageError) {
        let known = [
            "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.diff.tar.zstd",
        ]
        if known.contains(type) { return }
        if type.contains("foreign") || type.contains("nondistributable") {
            throw ImageError(
                "\(what) is not part of the image (\(printable(type))): it would have to be fetched from "
                    + "elsewhere, which corral does not do")
        }
        throw ImageError(
            "\(what) has the unknown media type \"\(printable(type))\"; expected a tar layer, plain or "
                + "compressed by gzip or zstd")
    }
}
