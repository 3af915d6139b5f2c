import Linux

/// What an image's configuration says (OCI image specification, "Image Configuration"), as far as
/// Corral uses it.
package struct ImageConfig: Hashable {
    package var platform: Platform
    /// Of each layer, the SHA-256 of its archive without compression.
    package var diffIDs: [String]
    var environment: [String]
    var entrypoint: [String]
    var command: [String]
    var directory: String?

    package init(_ bytes: [UInt8], file: String) throws(ImageError) {
        let fields = try JSONFields(parsing: bytes, file: file)
        platform = try Platform(fields)
        guard let root = try fields.object("rootfs") else {
            throw fields.error("rootfs", "is missing; expected the layers' diff_ids")
        }
        diffIDs = []
        for text in try root.texts("diff_ids") {
            diffIDs.append(try Descriptor.digest(text) { root.error("diff_ids", $0) })
        }
        let config = try fields.object("config")
        environment = try config?.texts("Env") ?? []
        entrypoint = try config?.texts("Entrypoint") ?? []
        command = try config?.texts("Cmd") ?? []
        directory = try config?.optionalText("WorkingDir")
        if directory == "" { directory = nil }
    }
}

/// An image whose layers were found and checked, ready to be unpacked.
struct PickedImage {
    struct Layer {
        /// As messages call it.
        var name: String
        var file: Held<FileDescriptor>
        /// The SHA-256 that its archive has without compression.
        var diffID: String
    }

    var config: ImageConfig
    var layers: [Layer]
    var manifestDigest: String?
}
