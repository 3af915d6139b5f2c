import CLinux
import Glibc
import Launch
import Linux
package import Sandbox

/// Where imported and built images are, seen by those who only look an image up: a launch, which has to
/// be quick and may read a store that is another's. `Images.ImageStore` is what changes a store.
///
///     trees/sha256-HEX/root/      a root tree
///     trees/sha256-HEX/tree.json  where it came from
///     names/NAME.yaml             an image that shows one of the trees
///
/// What is in it is trusted as what an import put there, so it counts only where nobody but root or the
/// caller may write to its directories.
package struct ImageLookup: Sendable, Hashable {
    package let path: String

    /// `CORRAL_IMAGES`, else /var/lib/corral/images for root and `$XDG_DATA_HOME/corral/images` or
    /// `~/.local/share/corral/images` for others. It need not exist.
    /// - Returns: nil for a user without a home.
    package static func find() throws(PreparationError) -> ImageLookup? {
        if let named = variable("CORRAL_IMAGES") {
            guard named.hasPrefix("/") else {
                throw PreparationError("CORRAL_IMAGES is \(quoted(named)); expected an absolute path")
            }
            return ImageLookup(path: named)
        }
        if geteuid() == 0 { return ImageLookup(path: "/var/lib/corral/images") }
        let data = variable("XDG_DATA_HOME") ?? variable("HOME").map { $0 + "/.local/share" }
        guard let data, data.hasPrefix("/") else { return nil }
        return ImageLookup(path: data + "/corral/images")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The file of the image `name`, and what errors call it; nil where the store has none.
    package func source(_ name: String) throws(PreparationError) -> (path: String, bytes: [UInt8])? {
        guard !name.contains("/"), case .some(let names) = try directory("names") else { return nil }
        let called = "\(path)/names/\(name).yaml"
        do throws(OwnedFile.Problem) {
            return (
                shown(called),
                try OwnedFile.read("\(name).yaml", in: names, owners: owners, limit: 256 << 10)
            )
        } catch {
            switch error {
            case .absent: return nil
            case .size: throw PreparationError("image \(shown(called)): has more than 256 KiB")
            case .permissions, .directory: throw refusal(called)
            }
        }
    }

    /// The names of its images, sorted.
    package func names() throws(PreparationError) -> [String] {
        guard case .some(let names) = try directory("names") else { return [] }
        do throws(SystemError) {
            return try names.entries().map(\.name).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }
                .map { String($0.dropLast(5)) }.sorted()
        } catch {
            throw PreparationError("cannot list the image store \(shown(path))/names: \(error.errno)")
        }
    }

    /// What stands at the top of a tree; nil where the store does not have it.
    /// - Parameter name: as ``checkTreeName(_:)`` wants it.
    package func tree(_ name: String) throws(PreparationError) -> TreeView? {
        guard case .some(let trees) = try directory("trees"),
            case .some(let tree) = try directory(name, in: trees, "trees/\(name)"),
            case .some(let root) = try directory("root", in: tree, "trees/\(name)/root")
        else { return nil }
        return try TreeView.look(at: root, path: "\(path)/trees/\(name)/root")
    }

    // MARK: Directories

    private var owners: [uid_t] { geteuid() == 0 ? [0] : [0, geteuid()] }

    /// A directory of the store, checked like the store itself; nil where there is none.
    private func directory(_ name: String) throws(PreparationError) -> FileDescriptor? {
        let store: FileDescriptor
        do throws(SystemError) {
            store = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw PreparationError("the image store \(shown(path)): \(error.errno)")
        }
        try check(store, path)
        return try directory(name, in: store, name)
    }

    private func directory(
        _ name: String, in parent: borrowing FileDescriptor, _ shownAs: String
    ) throws(PreparationError) -> FileDescriptor? {
        let called = "\(path)/\(shownAs)"
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try parent.open(
                name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks, .noMagicLinks])
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw PreparationError("the image store's \(shown(called)): \(error.errno)")
        }
        try check(directory, called)
        return directory
    }

    private func check(_ directory: borrowing FileDescriptor, _ called: String) throws(PreparationError) {
        do throws(OwnedFile.Problem) {
            try OwnedFile.check(directory: directory, owners: owners)
        } catch {
            throw refusal(called)
        }
    }

    private func refusal(_ called: String) -> PreparationError {
        let whose = geteuid() == 0 ? "root" : "root or you"
        return PreparationError(
            "the image store's \(shown(called)) could be changed by others; expected one that belongs to "
                + "\(whose) and that nobody else may write to")
    }
}

extension TreeView {
    /// Looks at the names in the directory `root`, each without following a link.
    /// - Parameter path: where it is.
    static func look(at root: borrowing FileDescriptor, path: String) throws(PreparationError) -> TreeView {
        do throws(SystemError) {
            var status = clinux_stat()
            let number = root.number
            _ = try call("fstat", on: path) { unsafe clinux_fstat(number, &status) }
            var entries: [Entry] = []
            for name in try root.entries(limit: entryLimit).map(\.name).sorted() {
                entries.append(Entry(name: name, found: try kind(name, in: root)))
            }
            return TreeView(
                path: path, device: status.device, inode: status.inode, entries: entries,
                varRun: try varRun(root))
        } catch {
            if error.errno == .fileTooLarge {
                throw PreparationError(
                    "the tree \(shown(path)) has more than \(entryLimit) names at its top"
                )
            }
            throw PreparationError("the tree \(shown(path)): \(error)")
        }
    }

    /// A socket, a FIFO or a device is as if it were not there.
    private static func kind(
        _ name: String, in root: borrowing FileDescriptor
    ) throws(SystemError) -> HostPath {
        let entry = try root.open(
            name, CLINUX_O_PATH | O_NOFOLLOW, resolve: [.beneath, .noMagicLinks, .noCrossing])
        var status = clinux_stat()
        let number = entry.number
        _ = try call("fstat", on: name) { unsafe clinux_fstat(number, &status) }
        switch status.mode & S_IFMT {
        case S_IFDIR: return .directory
        case S_IFREG: return .file
        case S_IFLNK: return .symlink(target: try target(of: entry, name))
        default: return .missing
        }
    }

    private static func target(
        of link: borrowing FileDescriptor, _ name: String
    ) throws(SystemError) -> String {
        let number = link.number
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try call("readlinkat", on: name) {
            unsafe readlinkat(number, "", &buffer, buffer.count)
        }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func varRun(_ root: borrowing FileDescriptor) throws(SystemError) -> VarRun {
        do throws(SystemError) {
            let link = try root.open(
                "var/run", CLINUX_O_PATH | O_NOFOLLOW, resolve: [.beneath, .noMagicLinks])
            let target = try target(of: link, "var/run")
            return ["/run", "../run", "/run/", "../run/"].contains(target) ? .linked : .other
        } catch {
            // No link, or a /var that is none of the tree's own directories, is something else.
            if error.errno != .noSuchFileOrDirectory { return .other }
        }
        do throws(SystemError) {
            _ = try root.open("var", CLINUX_O_PATH | O_NOFOLLOW, resolve: [.beneath, .noMagicLinks])
            return .other
        } catch {
            if error.errno == .noSuchFileOrDirectory { return .absent }
            throw error
        }
    }
}
