import Trees
import Wire

/// Images in the OCI image layout: `oci-layout`, `index.json` and `blobs`.
struct OCILayout {
    /// Layers of one image, at most.
    static let layerLimit = 512
    /// Indexes inside each other, at most.
    private static let indexDepth = 4
    /// Manifests that are looked at, at most.
    private static let manifestLimit = 1024

    let content: Content

    private struct Candidate {
        var descriptor: Descriptor
        var platform: Platform
    }

    /// Finds the one image for `platform` and checks everything about it.
    func pick(_ platform: Platform) throws(ImageError) -> PickedImage {
        let version = try JSONFields(
            parsing: content.json("oci-layout", as: "the layout's version"), file: "oci-layout")
        let number = try version.text("imageLayoutVersion")
        guard number.hasPrefix("1.") else {
            throw version.error("imageLayoutVersion", "is \"\(printable(number))\"; expected 1.0.0")
        }
        var candidates: [Candidate] = []
        try collect(
            try content.json("index.json", as: "the layout's index"), file: "index.json", depth: 1,
            &candidates)
        return try image(try choose(candidates, platform), platform)
    }

    private func collect(
        _ bytes: [UInt8], file: String, depth: Int, _ candidates: inout [Candidate]
    ) throws(ImageError) {
        guard depth <= OCILayout.indexDepth else {
            throw ImageError("\(file): more than \(OCILayout.indexDepth) indexes are inside each other")
        }
        let fields = try JSONFields(parsing: bytes, file: file)
        _ = try fields.required("manifests")
        for tree in try fields.list("manifests", atMost: OCILayout.manifestLimit) {
            let descriptor = try Descriptor(tree, file: file)
            if descriptor.isAttestation { continue }
            if MediaType.isIndex(descriptor.mediaType) {
                let inner = try content.json(descriptor, as: "an index")
                try collect(inner, file: descriptor.path, depth: depth + 1, &candidates)
            } else if MediaType.isManifest(descriptor.mediaType) {
                let platform = try self.platform(of: descriptor)
                candidates.append(Candidate(descriptor: descriptor, platform: platform))
            }
            guard candidates.count <= OCILayout.manifestLimit else {
                throw ImageError("\(file): there are more than \(OCILayout.manifestLimit) manifests")
            }
        }
    }

    /// What the index says, else what the image's own configuration does.
    private func platform(of descriptor: Descriptor) throws(ImageError) -> Platform {
        if let platform = descriptor.platform { return platform }
        return try config(try manifest(descriptor)).platform
    }

    private func choose(
        _ candidates: [Candidate], _ platform: Platform
    ) throws(ImageError) -> Descriptor {
        let right = candidates.filter { platform.accepts($0.platform) }
        guard let first = right.first else {
            let there = Set(candidates.map(\.platform.description)).sorted().joined(separator: ", ")
            throw ImageError(
                "there is no image for \(platform); there is \(there.isEmpty ? "none at all" : there)")
        }
        guard right.allSatisfy({ $0.descriptor.digest == first.descriptor.digest }) else {
            let names = right.map { printable($0.descriptor.name ?? "sha256:\($0.descriptor.digest)") }
            throw ImageError(
                "there are \(right.count) images for \(platform): \(names.prefix(20).joined(separator: ", ")); "
                    + "expected one, such as skopeo copy makes")
        }
        return first.descriptor
    }

    private func manifest(_ descriptor: Descriptor) throws(ImageError) -> JSONFields {
        try JSONFields(parsing: content.json(descriptor, as: "the manifest"), file: descriptor.path)
    }

    private func config(_ manifest: JSONFields) throws(ImageError) -> ImageConfig {
        let descriptor = try Descriptor(manifest.required("config"), file: manifest.file)
        return try ImageConfig(
            content.json(descriptor, as: "the configuration"), file: descriptor.path)
    }

    private func image(_ descriptor: Descriptor, _ platform: Platform) throws(ImageError) -> PickedImage {
        let manifest = try manifest(descriptor)
        let config = try config(manifest)
        guard platform.accepts(config.platform) else {
            throw ImageError(
                "the index calls the image one for \(platform), its configuration one for \(config.platform)")
        }
        _ = try manifest.required("layers")
        let layers = try manifest.list("layers", atMost: OCILayout.layerLimit)
        guard layers.count == config.diffIDs.count else {
            throw ImageError(
                "the manifest has \(layers.count) layers, the configuration diff_ids for \(config.diffIDs.count)"
            )
        }
        var picked = PickedImage(config: config, layers: [], manifestDigest: descriptor.digest)
        for (index, tree) in layers.enumerated() {
            let layer = try Descriptor(tree, file: manifest.file)
            let name = "layer \(index + 1) of \(layers.count)"
            try MediaType.checkLayer(layer.mediaType, name)
            picked.layers.append(
                PickedImage.Layer(
                    name: name, file: try content.layer(layer, as: name), diffID: config.diffIDs[index]))
        }
        return picked
    }
}
