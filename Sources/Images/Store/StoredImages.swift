import CLinux
import Glibc
import Linux
package import Sandbox
import Trees

/// One image of a store, as its files say.
package struct StoredImage: Hashable, Sendable {
    /// What `names/NAME.yaml` says.
    package let image: Image
    /// `sha256-` and 64 hexadecimal digits.
    package let tree: String
    package let record: TreeRecord
}

extension ImageStore {
    /// Names may have this many bytes of YAML: what the readers of images take.
    private static let nameFileLimit = 256 << 10

    /// The imported names, sorted.
    package func names() throws(ImageError) -> [String] {
        try doing("reading \(shown(path))/names") { () throws(SystemError) in
            try directory.open("names", O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries().map(\.name)
        }.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// - Returns: nil where there is no image of that name.
    package func image(_ name: String) throws(ImageError) -> StoredImage? {
        guard let source = try nameFile(name) else { return nil }
        let file = "\(shown(path))/names/\(name).yaml"
        let image: Image
        do throws(ConfigError) {
            image = try Image.decode(source, file: file)
        } catch {
            throw ImageError(error.description)
        }
        guard let tree = image.tree else {
            throw ImageError("\(file) names no tree; expected tree: sha256-...")
        }
        let text = try doing("reading \(shown(path))/trees/\(tree)/tree.json") { () throws(SystemError) in
            try directory.open(
                "trees/\(tree)/tree.json", O_RDONLY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks]
            ).readAll(limit: TreeRecord.sizeLimit)
        }
        return StoredImage(
            image: image, tree: tree, record: try TreeRecord(text, file: "trees/\(tree)/tree.json"))
    }

    private func nameFile(_ name: String) throws(ImageError) -> [UInt8]? {
        do throws(SystemError) {
            return try directory.open(
                "names/\(name).yaml", O_RDONLY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks]
            ).readAll(limit: ImageStore.nameFileLimit)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw ImageError("reading \(shown(path))/names/\(name).yaml", error)
        }
    }

    /// The tree that an image file names; nil where it names none or cannot be read.
    private static func tree(in source: [UInt8], _ name: String) -> String? {
        try? Image.decode(source, file: "names/\(name).yaml").tree
    }

    // MARK: Changes

    /// Puts a finished tree and its name into the store.
    /// - Parameters:
    ///   - work: has the tree as `tree`: a directory with `root` and `tree.json`.
    ///   - image: the text of the image's file.
    /// - Returns: false where the same tree was there already.
    func publish(_ work: Work, tree: String, name: String, image: [UInt8]) throws(ImageError) -> Bool {
        try flush(work)
        return try exclusively { () throws(ImageError) in
            guard try nameFile(name) == nil else { throw ImageStore.taken(name) }
            let isNew = try doing("storing the tree") { () throws(SystemError) in
                if try directory.status(of: "trees/\(tree)") != nil { return false }
                let (from, to) = (work.directory.value.number, directory.number)
                _ = try call("renameat") { unsafe renameat(from, "tree", to, "trees/\(tree)") }
                return true
            }
            do throws(ImageError) {
                try doing("storing the name") { () throws(SystemError) in
                    try OwnedFile.write(
                        image, as: "\(name).yaml",
                        in: directory.open("names", O_RDONLY | O_DIRECTORY | O_NOFOLLOW), mode: 0o644)
                }
                try flush(work)
            } catch {
                // A tree that no name uses is removed with what is left of this import.
                if isNew { try? moveAway(tree, to: work) }
                throw error
            }
            return isNew
        }
    }

    package static func taken(_ name: String) -> ImageError {
        ImageError("there is an image \"\(name)\" already; corral image rm \(name) removes it")
    }

    /// Everything that was written so far is on its disk afterwards: a name must not survive a crash
    /// that its tree does not.
    private func flush(_ work: Work) throws(ImageError) {
        let number = work.directory.value.number
        _ = try doing("writing the image store to its disk") { () throws(SystemError) in
            try call("syncfs") { clinux_syncfs(number) }
        }
    }

    /// Removes the name, and its tree when no other name uses it.
    package func remove(_ name: String) throws(ImageError) {
        guard try lock(name: name) else {
            throw ImageError("\"\(name)\" is being imported right now; try again when that is done")
        }
        try exclusively { () throws(ImageError) in
            guard try nameFile(name) != nil else { throw ImageError("there is no image \"\(shown(name))\"") }
            try doing("removing \(shown(path))/names/\(name).yaml") { () throws(SystemError) in
                try directory.removeFile("names/\(name).yaml")
            }
        }
        try sweep()
    }

    /// Removes trees that no name uses. Nothing is removed while a name cannot be read: it may use any.
    func dropUnused() throws(ImageError) {
        let work = try makeWork()
        do throws(ImageError) {
            try exclusively { () throws(ImageError) in
                var used: Set<String> = []
                for name in try names() {
                    guard let source = try nameFile(name), let tree = ImageStore.tree(in: source, name)
                    else { return }
                    used.insert(tree)
                }
                let trees = try doing("reading \(shown(path))/trees") { () throws(SystemError) in
                    try directory.open("trees", O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries().map(\.name)
                }
                for tree in trees where !used.contains(tree) { try moveAway(tree, to: work) }
            }
        } catch {
            try? remove(work)
            throw error
        }
        try remove(work)
    }

    private func moveAway(_ tree: String, to work: Work) throws(ImageError) {
        _ = try doing("removing \(shown(path))/trees/\(shown(tree))") { () throws(SystemError) in
            let (from, to) = (directory.number, work.directory.value.number)
            return try call("renameat") { unsafe renameat(from, "trees/\(tree)", to, tree) }
        }
    }
}
