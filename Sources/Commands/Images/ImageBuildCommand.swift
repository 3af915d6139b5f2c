import Debian
import Glibc
import Images
import Linux
import Preparation
import Sandbox
import Trees
import Wire

/// `corral image build`: a root tree of Debian packages, as a recipe lists them.
enum ImageBuildCommand {
    static let command = Command(
        "image build", summary: "Make a root tree of Debian packages and store it.",
        operandsHelp: "RECIPE [NAME]", operands: 1...2, operandKinds: [.image, .text],
        options: Command.Option.format("what was built"),
        examples: [
            "corral image build python && corral run --image python -- python3 -V",
            "corral image build ./tools.yaml",
        ],
        details: """
            RECIPE is the name of a shipped recipe, such as python, or a file with a slash in its path;
            NAME is what the image is called then (default: the recipe's name). The packages come from
            the sources in /etc/apt by way of mmdebstrap. Nothing of a package runs: they are extracted,
            not configured.
            """
    ) { arguments in
        Failure.reported("image build") { () throws(CommandError) in try run(arguments) }
    }

    private static func run(_ arguments: Arguments) throws(CommandError) {
        let installation = try prepared(Installation.find())
        let given = arguments.operands[0]
        guard let recipe = try prepared(installation.recipe(given)) else {
            throw CommandError("\(shown(given)) is an image and no recipe: it has no key build")
        }
        let name = arguments.operands.count > 1 ? arguments.operands[1] : recipe.name
        try ImageImportCommand.checkName(name)
        if name != given, try ImageImportCommand.shipped().contains(name) {
            throw CommandError("\(quoted(name)) is shipped with corral; expected another name")
        }
        let model = try prepared(installation.withoutOthers.image("host"))
        do throws(ImageError) {
            guard let store = try ImageStore.open(try ImageImportCommand.place(), making: true) else {
                return
            }
            // Before anything is fetched; the import looks again.
            guard try store.image(name) == nil else { throw ImageStore.taken(name) }
            let archive = try archive(of: recipe)
            let result = try ImageImport(
                store: store, unpacker: ConfinedUnpacker(), model: model, limits: TreeLimits()
            ).run(
                name, from: "/proc/self/fd/\(archive.number)", origin: origin(of: recipe), platform: .own,
                description: recipe.description)
            Terminal.print(
                arguments.wantsJSON
                    ? ImageListing.json(name, result.tree, result.record).description
                    : ImageListing.imported(name, result))
        } catch {
            throw CommandError(error.description)
        }
    }

    /// What the tree's record says of where it came from.
    private static func origin(of recipe: ImageRecipe) -> String {
        "Debian \(recipe.suite): \(recipe.packages.joined(separator: " "))"
    }

    /// The archive of the recipe's packages, in a file without a name, which is gone with its descriptor.
    private static func archive(of recipe: ImageRecipe) throws(ImageError) -> FileDescriptor {
        do {
            let signals = try HelperSignals()
            return try archive(of: recipe, signals)
        } catch {
            throw ImageError("\(error)")
        }
    }

    private static func archive(
        of recipe: ImageRecipe, _ signals: borrowing HelperSignals
    ) throws -> FileDescriptor {
        let bootstrap = try Bootstrap(recipe, sources: try Bootstrap.machineSources())
        let place = try WorkPlace()
        let archive = try place.unnamedFile()
        do {
            try bootstrap.run(to: archive, in: place.path, signals: signals)
        } catch {
            try place.remove()
            throw error
        }
        try place.remove()
        return archive
    }
}

/// A directory of ours for work in progress.
private struct WorkPlace {
    private let parent: String
    private let name: String
    var path: String { "\(parent)/\(name)" }

    /// In `TMPDIR`, else in /var/tmp: /tmp is often in memory.
    init() throws(SystemError) {
        var parent = "/var/tmp"
        if let named = unsafe getenv("TMPDIR"), unsafe named.pointee == CChar(UInt8(ascii: "/")) {
            parent = unsafe String(cString: named)
        }
        self.parent = parent
        name = "corral-build.\(UInt64.random(in: 0...UInt64.max))"
        // To be passed through by the users that mmdebstrap maps, and made before anybody else could.
        let directory = try FileDescriptor.open(parent, O_RDONLY | O_DIRECTORY)
        try directory.makeDirectory(name, mode: 0o711)
    }

    func unnamedFile() throws(SystemError) -> FileDescriptor {
        let file = try FileDescriptor.open("\(path)/archive", O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY).removeFile("archive")
        return file
    }

    /// Removes the directory with what an ended program has left in it.
    func remove() throws(SystemError) {
        let parent = try FileDescriptor.open(parent, O_RDONLY | O_DIRECTORY)
        // Processes that were killed may be at their last file.
        for _ in 0..<100 {
            do throws(SystemError) {
                return try parent.removeTree(name)
            } catch {
                if error.errno.rawValue != ENOTEMPTY { throw error }
                usleep(20_000)
            }
        }
        try parent.removeTree(name)
    }
}
