import Debian
import Glibc
import Images
import Linux
import Sandbox
import Trees
import Wire

/// `corral image build`: a root tree of Debian packages, as a recipe lists them.
enum ImageBuildCommand {
    static let command = Command(
        "image build", summary: "Make a root tree of Debian packages and store it.",
        operandsHelp: "RECIPE [NAME]", operands: 1...2,
        options: [.init("json", help: "print what was built as one JSON line")],
        details: """
            RECIPE is the name of a shipped recipe, such as python, or a file with a slash in its path;
            NAME is what the image is called then (default: the recipe's name). The packages come from
            the sources in /etc/apt by way of mmdebstrap. Nothing of a package runs: they are extracted,
            not configured.

            Examples:
              corral image build python && corral run --image python -- python3 -V
              corral image build ./tools.yaml
            """
    ) { arguments in
        Failure.reported("image build") { () throws(CommandError) in try run(arguments) }
    }

    private static func run(_ arguments: Arguments) throws(CommandError) {
        let installation = try Installation.find()
        let given = arguments.operands[0]
        guard let recipe = try installation.recipe(given) else {
            throw CommandError("\(shown(given)) is an image and no recipe: it has no key build")
        }
        let name = arguments.operands.count > 1 ? arguments.operands[1] : recipe.name
        try ImageImportCommand.checkName(name)
        if name != given, try ImageImportCommand.shipped().contains(name) {
            throw CommandError("\(quoted(name)) is shipped with corral; expected another name")
        }
        let model = try installation.withoutOthers.image("host")
        do throws(ImageError) {
            guard let store = try Images.ImageStore.open(try ImageImportCommand.place(), making: true) else {
                return
            }
            // Before anything is fetched; the import looks again.
            guard try store.image(name) == nil else { throw Images.ImageStore.taken(name) }
            let archive = try archive(of: recipe)
            let result = try ImageImport(
                store: store, unpacker: ConfinedUnpacker(), model: model, limits: TreeLimits()
            ).run(
                name, from: "/proc/self/fd/\(archive.number)", origin: origin(of: recipe), platform: .own,
                description: recipe.description)
            Terminal.print(
                arguments.has("json")
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
            let bootstrap = try Bootstrap(recipe, sources: try Bootstrap.machineSources())
            let archive = try unnamedFile()
            try bootstrap.run(to: archive)
            return archive
        } catch {
            throw ImageError("\(error)")
        }
    }

    private static func unnamedFile() throws(SystemError) -> FileDescriptor {
        // Not /tmp, which often is in memory.
        var directory = "/var/tmp"
        if let named = unsafe getenv("TMPDIR") { directory = unsafe String(cString: named) }
        var template = Array("\(directory)/corral-build.XXXXXX".utf8CString)
        let number = try call("mkstemp", on: directory) { unsafe mkstemp(&template) }
        let file = FileDescriptor(owning: number)
        _ = try call("unlink", on: directory) { unsafe unlink(template) }
        // Not for the programs that fetch and unpack, but for those they are told of.
        _ = try call("fcntl") { fcntl(number, F_SETFD, FD_CLOEXEC) }
        return file
    }
}
