import Preparation
import Sandbox
import Wire

/// `corral image`: what sandboxes see as their root.
enum ImageCommand {
    static let list = Command(
        "image list", summary: "List the images: shipped views of the host, and stored trees.",
        options: Command.Option.format("a list of objects")
    ) { arguments in
        Failure.reported("image list") { () throws(CommandError) in
            let listings = try ImageListing.all()
            if arguments.wantsJSON {
                let json = JSONText.array { list in
                    for listing in listings { list.add(listing.json) }
                }
                Terminal.print(json.description)
                return
            }
            for line in Columns.lines(listings.map(\.columns)) { Terminal.print(line) }
        }
    }

    static let inspect = Command(
        "image inspect", summary: "Print everything an image puts into a sandbox's root.",
        operandsHelp: "IMAGE", operands: 1...1, operandKinds: [.image],
        options: Command.Option.format("where the image came from"),
        examples: ["corral image inspect host", "corral image inspect -o json host"]
    ) { arguments in
        Failure.reported("image inspect") { () throws(CommandError) in
            let name = arguments.operands[0]
            let image = try prepared(Installation.find().image(name))
            let stored = image.tree == nil || name.contains("/") ? nil : try ImageListing.stored(name)
            let listing = ImageListing(image: image, stored: stored)
            if arguments.wantsJSON {
                Terminal.print(listing.json.description)
            } else {
                Terminal.print((description(of: image) + listing.details).joined(separator: "\n"))
            }
        }
    }

    private static func description(of image: Image) -> [String] {
        var lines = [
            "image      \(image.name): \(image.description)", "hostname   \(image.hostname)",
            "workspace  \(image.workspace)",
        ]
        for bind in image.binds {
            lines.append(
                "bind       \(bind.path)  ro,nosuid,nodev\(bind.optional ? "  (where the host has it)" : "")")
        }
        if let tree = image.tree { lines.append("tree       \(tree)  ro,nosuid,nodev") }
        for file in image.files {
            lines.append("file       \(file.path)  \(octal(file.mode)), \(file.content.utf8.count) bytes")
        }
        for link in image.symlinks { lines.append("link       \(link.path) -> \(link.target)") }
        for tmpfs in image.tmpfs {
            let flags = "rw,nosuid,nodev\(tmpfs.executable ? "" : ",noexec")"
            let bounds = "\(Limits.Rule.memory.write(tmpfs.size)), \(tmpfs.files) files"
            lines.append("tmpfs      \(tmpfs.path)  \(flags)  \(octal(tmpfs.mode)), \(bounds)")
        }
        for device in image.devices {
            lines.append("device     /dev/\(device.name)  \(device.major):\(device.minor)")
        }
        lines.append("proc       /proc  ro,nosuid,nodev,noexec")
        for path in image.masked { lines.append("masked     \(path)") }
        return lines
    }

    private static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }
}

/// Printing an error and turning it into an exit code.
enum Failure {
    static func reported(_ command: String, _ body: () throws(CommandError) -> Void) -> Int32 {
        do throws(CommandError) {
            try body()
            return ExitCode.success
        } catch {
            Terminal.error("corral \(command): \(error)")
            return ExitCode.failure
        }
    }
}
