import Linux
import Trees
import Wire

/// The older form of `docker save`, which `skopeo copy` writes as docker-archive: `manifest.json`, a
/// configuration and one archive for each layer. The newer form is an OCI layout as well and is
/// read as one.
struct DockerArchive {
    let content: Content

    /// Finds the one image and checks everything about it that can be before it is unpacked.
    func pick(_ platform: Platform) throws(ImageError) -> PickedImage {
        let file = "manifest.json"
        let tree = try JSONFields.tree(
            parsing: try content.json(file, as: "the archive's manifest"), file: file)
        guard case .array(let images) = tree.value else {
            throw ImageError("\(file):\(tree.place): is \(tree.kind); expected a list of images")
        }
        guard let first = images.first, images.count == 1 else {
            throw ImageError(
                "\(file): holds \(images.count) images; expected one, such as docker save IMAGE makes")
        }
        let manifest = try JSONFields(first, file: file)
        let config = try self.config(manifest)
        guard platform.accepts(config.platform) else {
            throw ImageError("there is no image for \(platform); there is \(config.platform)")
        }
        let paths = try manifest.texts("Layers")
        guard paths.count <= OCILayout.layerLimit else {
            throw manifest.error(
                "Layers", "has \(paths.count) items; expected at most \(OCILayout.layerLimit)")
        }
        guard paths.count == config.diffIDs.count else {
            throw ImageError(
                "the manifest has \(paths.count) layers, the configuration diff_ids for \(config.diffIDs.count)"
            )
        }
        var picked = PickedImage(config: config, layers: [], manifestDigest: nil)
        for (index, path) in paths.enumerated() {
            let name = "layer \(index + 1) of \(paths.count)"
            let layer = try layer(path, name, diffID: config.diffIDs[index])
            picked.layers.append(
                PickedImage.Layer(name: name, file: layer, diffID: config.diffIDs[index]))
        }
        return picked
    }

    /// The configuration's file is named by its digest.
    private func config(_ manifest: JSONFields) throws(ImageError) -> ImageConfig {
        let path = try manifest.text("Config")
        let bytes = try content.json(path, as: "the configuration")
        try check(path, SHA256.of(bytes), "the configuration")
        return try ImageConfig(bytes, file: printable(path))
    }

    private func layer(
        _ path: String, _ name: String, diffID: String
    ) throws(ImageError) -> Held<FileDescriptor> {
        // A layer that two images share may be there once, with links to it.
        let file = try content.open(path, as: name, followingLinks: true)
        let digest = try Content.digest(of: file.value, name)
        if digest == diffID { return file }
        // Compressed after all: its digest without that is checked when it is unpacked.
        guard try isCompressed(file, name) else {
            throw ImageError(
                "\(name): \(printable(path)) has the digest sha256:\(digest); expected sha256:\(diffID)")
        }
        return file
    }

    private func check(_ path: String, _ digest: String, _ what: String) throws(ImageError) {
        let name = path.split(separator: "/").last ?? ""
        let named = name.hasSuffix(".json") ? name.dropLast(5) : name
        guard isHexDigest(named) else {
            throw ImageError(
                "\(what): \"\(printable(path))\" does not name a digest; expected 64 of 0-9 and a-f, and .json"
            )
        }
        guard named == digest else {
            throw ImageError("\(what): \(printable(path)) has the digest sha256:\(digest)")
        }
    }

    private func isCompressed(_ file: Held<FileDescriptor>, _ what: String) throws(ImageError) -> Bool {
        let start = try doing(what) { () throws(SystemError) in try file.value.readStart(4) }
        return start.starts(with: [0x1F, 0x8B]) || start == [0x28, 0xB5, 0x2F, 0xFD]
    }
}
