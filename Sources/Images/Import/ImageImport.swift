import CLinux
import Glibc
import Linux
package import Sandbox
package import Trees
import Wire

/// One import: a directory, an archive, a docker-archive or an OCI layout becomes a stored tree with a
/// name.
///
/// Everything happens in a directory below the store's `tmp` and is renamed into place at the end, so
/// that an import that fails or is killed leaves nothing but that directory, which it removes itself
/// or the next import does.
package struct ImageImport {
    private let store: ImageStore
    private let unpacker: any LayerUnpacker
    /// The image that gives what a tree lacks.
    private let model: Image
    private let limits: TreeLimits

    package init(store: ImageStore, unpacker: any LayerUnpacker, model: Image, limits: TreeLimits) {
        self.store = store
        self.unpacker = unpacker
        self.model = model
        self.limits = limits
    }

    package struct Result {
        package let tree: String
        package let record: TreeRecord
        /// Whether the same tree was there already, under another name.
        package let wasThere: Bool
    }

    /// - Parameters:
    ///   - name: in the form of ``checkSimpleName(_:)``, and no shipped image's.
    ///   - source: the path of what to import.
    ///   - origin: what the tree's record calls the source; nil for its path.
    ///   - description: of the image; nil for where it came from.
    package func run(
        _ name: String, from source: String, origin: String? = nil, platform: Platform, description: String?
    ) throws(ImageError) -> Result {
        guard try store.lock(name: name) else {
            throw ImageError("another import of \"\(name)\" is under way; it goes first")
        }
        // Before anything is unpacked; what is published is checked again.
        guard try store.image(name) == nil else { throw ImageStore.taken(name) }
        try store.sweep()
        let file = try open(source)
        let work = try store.makeWork()
        do throws(ImageError) {
            let result = try fill(work, name, file, source, origin ?? source, platform, description)
            try store.remove(work)
            return result
        } catch {
            do throws(ImageError) {
                try store.remove(work)
            } catch let second {
                throw ImageError("\(error); and \(second)")
            }
            throw error
        }
    }

    /// The source is the caller's to name, so links are followed; nothing that blocks is waited for.
    private func open(_ source: String) throws(ImageError) -> Held<FileDescriptor> {
        let file = try doing(shown(source)) { () throws(SystemError) in
            Held(try FileDescriptor.open(source, O_RDONLY | O_NONBLOCK | O_NOCTTY))
        }
        let status = try doing(shown(source)) { () throws(SystemError) in try file.value.status() }
        guard status.kind == .file || status.kind == .directory else {
            throw ImageError("\(shown(source)) is a \(status.kind.rawValue); expected a file or a directory")
        }
        return file
    }

    private func fill(
        _ work: ImageStore.Work, _ name: String, _ file: Held<FileDescriptor>, _ source: String,
        _ origin: String, _ platform: Platform, _ description: String?
    ) throws(ImageError) -> Result {
        var record = TreeRecord(kind: "tar", source: printable(origin), imported: UInt64(max(0, time(nil))))
        let root = try makeTree(work)
        let status = try doing(shown(source)) { () throws(SystemError) in try file.value.status() }
        if status.kind == .file {
            let report = try unpack(file, as: shown(source), into: root, limits)
            record.skipped = report.count.skipped
        } else {
            record.kind = "directory"
        }
        // An archive may be a container of images, or an image's tree itself.
        let content = Content(directory: status.kind == .file ? root : file)
        let tree: Held<FileDescriptor>
        if try content.has("oci-layout") {
            record.kind = "oci-layout"
            tree = try image(OCILayout(content: content).pick(platform), work, root, &record)
        } else if status.kind == .file, try content.has("manifest.json") {
            record.kind = "docker-archive"
            tree = try image(DockerArchive(content: content).pick(platform), work, root, &record)
        } else {
            if status.kind == .directory { record.skipped = try copy(file, to: root, source) }
            tree = root
        }
        let found = "Imported from \(printable(String(origin.suffix(200))))"
        return try finish(work, name, tree, &record, description ?? found)
    }

    /// An empty `tree` with an empty `root` in it.
    private func makeTree(_ work: ImageStore.Work) throws(ImageError) -> Held<FileDescriptor> {
        try doing("making the tree") { () throws(SystemError) in
            let directory = work.directory.value.number
            for path in ["tree", "tree/root"] {
                try work.directory.value.makeDirectory(path, mode: 0o755)
                // Whatever the umask: sandboxes of other users are shown it.
                _ = try call("fchmodat") { unsafe fchmodat(directory, path, 0o755, 0) }
            }
            return Held(try work.directory.value.open("tree/root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        }
    }

    private func unpack(
        _ file: Held<FileDescriptor>, as what: String, into root: Held<FileDescriptor>, _ limits: TreeLimits
    ) throws(ImageError) -> LayerReport {
        do throws(ImageError) {
            return try unpacker.unpack(file.value, into: root.value, limits: limits)
        } catch {
            throw ImageError("\(what): \(error)")
        }
    }

    private func copy(
        _ directory: Held<FileDescriptor>, to root: Held<FileDescriptor>, _ source: String
    ) throws(ImageError) -> [String: UInt64] {
        let root = try doing("the tree") { () throws(SystemError) in try root.value.duplicate() }
        let writer = TreeWriter(root, limits: limits)
        try inTree(shown(source)) { () throws(TreeError) in try writer.copy(directory.value) }
        return writer.count.skipped
    }

    /// Unpacks an image's layers one over the other.
    private func image(
        _ picked: PickedImage, _ work: ImageStore.Work, _ outer: Held<FileDescriptor>,
        _ record: inout TreeRecord
    ) throws(ImageError) -> Held<FileDescriptor> {
        // What was unpacked so far, if anything, is the container; its files are open or still needed.
        try doing("making the tree") { () throws(SystemError) in
            let directory = work.directory.value.number
            _ = try call("renameat") { unsafe renameat(directory, "tree", directory, "container") }
        }
        let root = try makeTree(work)
        var left = limits
        var skipped: [String: UInt64] = [:]
        for layer in picked.layers {
            let report = try unpack(layer.file, as: layer.name, into: root, left)
            guard report.plainDigest == layer.diffID else {
                throw ImageError(
                    "\(layer.name): uncompressed it has the digest sha256:\(report.plainDigest); the configuration "
                        + "says sha256:\(layer.diffID) (are the layers out of order?)")
            }
            skipped.merge(report.count.skipped, uniquingKeysWith: +)
            left.entries -= min(left.entries, report.count.entries)
            left.bytes -= min(left.bytes, report.count.bytes)
        }
        record.skipped = skipped
        record.manifest = picked.manifestDigest
        record.platform = picked.config.platform.description
        record.environment = picked.config.environment
        record.entrypoint = picked.config.entrypoint
        record.command = picked.config.command
        record.directory = picked.config.directory
        return root
    }

    private func finish(
        _ work: ImageStore.Work, _ name: String, _ root: Held<FileDescriptor>, _ record: inout TreeRecord,
        _ description: String
    ) throws(ImageError) -> Result {
        try Furnishing(model: model).furnish(root.value)
        let listing = try inTree("the tree") { () throws(TreeError) in
            try TreeListing(of: root.value, limits: limits)
        }
        record.bytes = listing.count.bytes
        record.entries = listing.count.entries
        let tree = "sha256-\(listing.digest)"
        let text = Array((record.json.description + "\n").utf8)
        guard text.count <= TreeRecord.sizeLimit else {
            throw ImageError("the image's configuration is too long to be kept")
        }
        try doing("writing tree.json") { () throws(SystemError) in
            let directory = try work.directory.value.open("tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try OwnedFile.write(text, as: "tree.json", in: directory, mode: 0o644)
        }
        let image = model.showing(tree: tree, name: name, description: description)
        let isNew = try store.publish(work, tree: tree, name: name, image: Array(image.yaml.utf8))
        return Result(tree: tree, record: record, wasThere: !isNew)
    }
}
