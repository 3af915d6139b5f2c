import Images
import Preparation
import Sandbox
import Wire

/// How images are shown: shipped views of the host, stored trees, and recipes that are not built.
struct ImageListing: Sendable {
    let name: String
    let description: String
    /// Nil for what is shipped.
    let stored: StoredImage?
    /// Whether there is nothing yet but a recipe.
    let isRecipe: Bool

    init(image: Image, stored: StoredImage?) {
        (name, description, self.stored, isRecipe) = (image.name, image.description, stored, false)
    }

    init(recipe: ImageRecipe) {
        (name, description, stored, isRecipe) = (recipe.name, recipe.description, nil, true)
    }

    /// Every image: the shipped ones, then the stored ones.
    static func all() throws(CommandError) -> [ImageListing] {
        let installation = try prepared(Installation.find())
        var listings: [ImageListing] = []
        let shipped = try prepared(installation.names("images", suffix: ".yaml"))
        for name in shipped {
            if let recipe = try prepared(installation.recipe(name)) {
                let built = try stored(name)
                listings.append(
                    built.map { ImageListing(image: $0.image, stored: $0) } ?? ImageListing(recipe: recipe))
            } else {
                listings.append(ImageListing(image: try prepared(installation.image(name)), stored: nil))
            }
        }
        do throws(ImageError) {
            guard let store = try store() else { return listings }
            for name in try store.names() where !shipped.contains(name) {
                guard let found = try store.image(name) else { continue }
                listings.append(ImageListing(image: found.image, stored: found))
            }
        } catch {
            throw CommandError(error.description)
        }
        return listings
    }

    /// What the store knows of an image that shows one of its trees.
    static func stored(_ name: String) throws(CommandError) -> StoredImage? {
        do throws(ImageError) {
            return try store()?.image(name)
        } catch {
            throw CommandError(error.description)
        }
    }

    private static func store() throws(ImageError) -> ImageStore? {
        guard (try? ImageLookup.find()) != nil else { return nil }
        return try ImageStore.open(try ImageImportCommand.place(), making: false)
    }

    /// A line of `image list`: name, kind, size, the beginning of the tree's digest, description.
    var columns: [String] {
        if isRecipe { return [name, "recipe", "-", "-", "not built: \(description)"] }
        guard let stored else { return [name, "host", "-", "-", description] }
        return [
            name, "tree", ImageListing.size(stored.record.bytes),
            String(stored.tree.dropFirst(7).prefix(12)),
            description,
        ]
    }

    var json: JSONText {
        guard let stored else {
            return JSONText.object { object in
                object.add("name", name)
                object.add("kind", isRecipe ? "recipe" : "host")
                object.add("description", description)
            }
        }
        return ImageListing.json(name, stored.tree, stored.record, description: description)
    }

    static func json(
        _ name: String, _ tree: String, _ record: TreeRecord, description: String? = nil
    ) -> JSONText {
        JSONText.object { object in
            object.add("name", name)
            object.add("kind", "tree")
            if let description { object.add("description", description) }
            object.add("tree", tree)
            object.add("origin", record.json)
        }
    }

    static func imported(_ name: String, _ result: ImageImport.Result) -> String {
        let record = result.record
        let skipped = record.skipped.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let left = skipped.isEmpty ? "" : "; left out: \(skipped.joined(separator: ", "))"
        return "\(name)  \(result.tree)  \(record.entries) entries, \(size(record.bytes))"
            + (result.wasThere ? "; the tree was there already" : "") + left
    }

    /// Lines for `image inspect`, beside those of every image.
    var details: [String] {
        guard let record = stored?.record else { return [] }
        var lines = ["source     \(record.kind) \(record.source)"]
        if let manifest = record.manifest { lines.append("manifest   sha256:\(manifest)") }
        if let platform = record.platform { lines.append("platform   \(platform)") }
        lines.append("size       \(record.bytes) bytes, \(record.entries) entries")
        for (kind, number) in record.skipped.sorted(by: { $0.key < $1.key }) {
            lines.append("left out   \(number) \(kind)")
        }
        lines += record.environment.map { "env        \(shown($0))" }
        if !record.entrypoint.isEmpty { lines.append("entrypoint \(words(record.entrypoint))") }
        if !record.command.isEmpty { lines.append("cmd        \(words(record.command))") }
        if let directory = record.directory { lines.append("workdir    \(shown(directory))") }
        return lines
    }

    private func words(_ words: [String]) -> String { words.map { shown($0) }.joined(separator: " ") }

    /// For people: the largest unit that leaves at least ten.
    private static func size(_ bytes: UInt64) -> String {
        var (value, units) = (bytes, ["B", "KiB", "MiB", "GiB", "TiB"][...])
        while value >= 10 << 10, units.count > 1 {
            value >>= 10
            units = units.dropFirst()
        }
        return "\(value)\(units.first ?? "")"
    }
}
