import Glibc
import Images
import Linux
import Preparation
import Sandbox
import Trees
import Wire

/// `corral image import` and `corral image rm`: what is in the image store.
enum ImageImportCommand {
    static let command = Command(
        "image import", summary: "Store a root tree under a name, from an archive, an image or a directory.",
        operandsHelp: "NAME SOURCE", operands: 2...2, operandKinds: [.text, .file],
        options: [
            .init(
                "platform", value: "OS/ARCH",
                help: "which image to take, such as linux/arm64 (default: this machine's)"),
            .init("description", value: "TEXT", help: "the image's description (default: the source)"),
            .init("max-bytes", value: "SIZE", help: "the most that all files may have (default: 8GiB)"),
            .init("max-file", value: "SIZE", help: "the most that one file may have (default: 4GiB)"),
            .init("max-entries", value: "NUMBER", help: "the most names in the tree (default: 1000000)"),
        ] + Command.Option.format("what was imported"),
        examples: [
            "skopeo copy docker://debian:12-slim oci:debian && corral image import debian12 debian",
            "docker save python:3.12 | zstd >python.tar.zst && corral image import python312 python.tar.zst",
        ],
        details: """
            SOURCE is a directory, a tar archive (plain, gzip or zstd), a docker-archive (docker save) or an
            OCI layout (a directory or a tar archive of one). Archives are unpacked in a sandbox.
            """
    ) { arguments in
        Failure.reported("image import") { () throws(CommandError) in try run(arguments) }
    }

    static let remove = Command(
        "image rm", summary: "Remove an imported image, and its tree when no other name uses it.",
        operandsHelp: "NAME", operands: 1...1, operandKinds: [.image],
        examples: ["corral image rm debian12"]
    ) { arguments in
        Failure.reported("image rm") { () throws(CommandError) in
            let name = arguments.operands[0]
            try checkName(name)
            // What a shipped recipe made can be made again.
            if try shipped().contains(name), try prepared(Installation.find().recipe(name)) == nil {
                throw CommandError("\(quoted(name)) is shipped with corral and cannot be removed")
            }
            do throws(ImageError) {
                guard let store = try ImageStore.open(try place(), making: false) else {
                    throw ImageError("there is no image \(quoted(name))")
                }
                try store.remove(name)
            } catch {
                throw CommandError(error.description)
            }
        }
    }

    private static func run(_ arguments: Arguments) throws(CommandError) {
        let (name, source) = (arguments.operands[0], arguments.operands[1])
        try checkName(name)
        guard try !shipped().contains(name) else {
            throw CommandError("\(quoted(name)) is shipped with corral; expected another name")
        }
        let limits = try limits(arguments)
        let model = try prepared(Installation.find().withoutOthers.image("host"))
        do throws(ImageError) {
            let platform = try arguments.value("platform").map { (text) throws(ImageError) in
                try Platform(text)
            }
            guard let store = try ImageStore.open(try place(), making: true) else { return }
            let result = try ImageImport(
                store: store, unpacker: ConfinedUnpacker(), model: model, limits: limits
            ).run(
                name, from: source, platform: platform ?? .own, description: arguments.value("description"))
            Terminal.print(
                arguments.wantsJSON
                    ? ImageListing.json(name, result.tree, result.record).description
                    : ImageListing.imported(name, result))
        } catch {
            throw CommandError(error.description)
        }
    }

    static func place() throws(ImageError) -> String {
        let lookup: ImageLookup?
        do throws(CommandError) {
            lookup = try prepared(ImageLookup.find())
        } catch {
            throw ImageError(error.description)
        }
        guard let lookup else {
            throw ImageError("there is no place for images; name an absolute path in CORRAL_IMAGES")
        }
        return lookup.path
    }

    static func shipped() throws(CommandError) -> [String] {
        try prepared(Installation.find().names("images", suffix: ".yaml"))
    }

    static func checkName(_ name: String) throws(CommandError) {
        do throws(ValueError) {
            try checkSimpleName(name)
        } catch {
            throw CommandError(error.problem)
        }
    }

    private static func limits(_ arguments: Arguments) throws(CommandError) -> TreeLimits {
        var limits = TreeLimits()
        func read(_ option: String, _ rule: Quantity) throws(CommandError) -> UInt64? {
            guard let text = arguments.value(option) else { return nil }
            do throws(ValueError) {
                return try rule.read(text)
            } catch {
                throw CommandError("--\(option): \(error.problem)")
            }
        }
        limits.bytes = try read("max-bytes", Quantity(.size, 1...(1 << 45))) ?? limits.bytes
        limits.fileBytes = try read("max-file", Quantity(.size, 1...(1 << 45))) ?? limits.fileBytes
        limits.entries = try read("max-entries", Quantity(.count, 1...100_000_000)) ?? limits.entries
        return limits
    }
}
