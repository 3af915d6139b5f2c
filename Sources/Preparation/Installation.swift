import Glibc
import Linux
package import Sandbox

/// Where profiles, seccomp policies and images are.
package struct Installation: Sendable {
    /// The directory that holds `profiles` and `images`.
    package let root: String
    /// Where profiles and parts of seccomp policies are looked up.
    package let directories: ProfileDirectories
    /// Where plans are looked up; nil for the standard directories.
    private let planPaths: [ProfileDirectory]?

    /// - Parameter directories: nil for the standard ones.
    package init(root: String, directories: ProfileDirectories? = nil, plans: [ProfileDirectory]? = nil) {
        self.root = root
        planPaths = plans
        self.directories = directories ?? .standard(root: root)
    }

    /// The same with its directories looked at again: which there are, and who may write to them, may have
    /// changed.
    package var renewed: Installation {
        Installation(root: root, directories: ProfileDirectories(directories.all), plans: planPaths)
    }

    /// Where plans are looked up, as it is now.
    package var plans: ProfileDirectories {
        planPaths.map(ProfileDirectories.init) ?? .standardPlans(root: root)
    }

    /// The same with other directories of plans, the operator's in their order; none for the standard ones.
    package func with(plans: [String]) -> Installation {
        let shipped = Installation.resolved("\(root)/profiles/plans")
        let paths = plans.map { path in
            ProfileDirectory(owner: Installation.resolved(path) == shipped ? .shipped : .system, path: path)
        }
        return Installation(root: root, directories: directories, plans: plans.isEmpty ? nil : paths)
    }

    /// `CORRAL_DATA`, else `share/corral` beside the `bin` or the `libexec/corral` that this program's file is
    /// in, else the source tree that it was built in.
    package static func find() throws(PreparationError) -> Installation {
        if let named = unsafe getenv("CORRAL_DATA") {
            let root = unsafe String(cString: named)
            guard holdsData(root) else {
                throw PreparationError(
                    "CORRAL_DATA names \(quoted(root)), which does not hold the directories profiles and images"
                )
            }
            return Installation(root: root)
        }
        guard let program = SelfPath.directory else { throw PreparationError("cannot read /proc/self/exe") }
        let up = program.hasSuffix("/libexec/corral") ? "../.." : ".."
        let candidates = ["\(program)/\(up)/share/corral", "\(program)/../../.."]
        for candidate in candidates where holdsData(candidate) { return Installation(root: candidate) }
        throw PreparationError(
            "the directories profiles and images were not found; looked in \(candidates.joined(separator: ", ")); "
                + "name the directory that holds them in CORRAL_DATA")
    }

    /// The same with other directories of profiles.
    /// - Parameter profiles: the operator's, in their order; none for the standard ones. The shipped one counts
    ///   as shipped wherever it stands.
    package static func find(profiles: [String]) throws(PreparationError) -> Installation {
        let found = try find()
        guard !profiles.isEmpty else { return found }
        let shipped = resolved("\(found.root)/profiles")
        let directories = profiles.map { path in
            ProfileDirectory(owner: resolved(path) == shipped ? .shipped : .system, path: path)
        }
        return Installation(root: found.root, directories: ProfileDirectories(directories))
    }

    /// Without links; as it is where nothing is there.
    package static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func holdsData(_ directory: String) -> Bool {
        unsafe access("\(directory)/profiles", R_OK) == 0 && access("\(directory)/images", R_OK) == 0
    }

    package func image(_ name: String) throws(PreparationError) -> Image { try imageAndSource(name).image }

    /// An image and its file's text.
    package func imageAndSource(_ name: String) throws(PreparationError) -> (image: Image, source: [UInt8]) {
        let (path, bytes) = try imageSource(name)
        do throws(ConfigError) {
            return (try Image.decode(bytes, file: path), bytes)
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// The recipe of that name; nil where the file is an image, not a recipe.
    /// - Parameter name: a shipped one's, or a path with a slash in it.
    package func recipe(_ name: String) throws(PreparationError) -> ImageRecipe? {
        let (path, bytes) = try read(name, kind: "image", directory: "images", suffix: ".yaml")
        guard ImageRecipe.isWritten(in: bytes) else { return nil }
        do throws(ConfigError) {
            return try ImageRecipe.decode(bytes, file: path)
        } catch {
            throw PreparationError(error.description)
        }
    }

    /// The file of an image: the shipped one, else that in the image store.
    package func imageSource(_ name: String) throws(PreparationError) -> (path: String, bytes: [UInt8]) {
        let isShipped = unsafe name.contains("/") || access("\(root)/images/\(name).yaml", F_OK) == 0
        let store: ImageLookup?
        if isShipped {
            let file = try read(name, kind: "image", directory: "images", suffix: ".yaml")
            guard ImageRecipe.isWritten(in: file.bytes) else { return file }
            // What was built by a recipe has its name.
            store = try ImageLookup.find()
            if !name.contains("/"), let built = try store?.source(name) { return built }
            throw PreparationError(
                "the image \(shown(name)) is not built yet; corral image build \(shown(name)) does it")
        }
        store = try ImageLookup.find()
        if let found = try store?.source(name) { return found }
        let known = try names("images", suffix: ".yaml") + (store?.names() ?? [])
        let hint = nearestMatch(to: name, in: known).map { "; did you mean \($0)?" } ?? ""
        throw PreparationError(
            "unknown image \(quoted(name))\(hint) (known: \(known.joined(separator: ", ")))")
    }

    /// The names in a directory, sorted.
    package func names(_ directory: String, suffix: String) throws(PreparationError) -> [String] {
        do throws(SystemError) {
            let entries = try FileDescriptor.open("\(root)/\(directory)", O_RDONLY | O_DIRECTORY).entries()
            return entries.map(\.name).filter { $0.hasSuffix(suffix) }.map {
                String($0.dropLast(suffix.count))
            }
            .sorted()
        } catch {
            throw PreparationError("cannot list \(directory): \(error.errno)")
        }
    }

    /// The file of that name, and what errors call it.
    func read(
        _ name: String, kind: String, directory: String, suffix: String
    ) throws(PreparationError) -> (path: String, bytes: [UInt8]) {
        let named = !name.contains("/")
        let path = named ? "\(root)/\(directory)/\(name)\(suffix)" : name
        // What errors call the file: short where it is ours, as given where it is the caller's.
        let called = shown(named ? "\(directory)/\(name)\(suffix)" : name)
        do throws(SystemError) {
            return (called, try FileDescriptor.open(path, O_RDONLY).readAll(limit: 256 << 10))
        } catch {
            guard error.errno == .noSuchFileOrDirectory, named else {
                throw PreparationError("\(kind) \(called): \(error.errno)")
            }
            let known = try names(directory, suffix: suffix)
            let hint = nearestMatch(to: name, in: known).map { "; did you mean \($0)?" } ?? ""
            throw PreparationError(
                "unknown \(kind) \(quoted(name))\(hint) (known: \(known.joined(separator: ", ")))")
        }
    }
}
