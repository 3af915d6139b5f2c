import Sandbox

/// `corral image`: what sandboxes see as their root.
enum ImageCommand {
    static let list = Command("image list", summary: "List the images.") { _ in
        Failure.reported("image list") { () throws(CommandError) in
            let installation = try Installation.find()
            for name in try installation.names("images", suffix: ".yaml") {
                Terminal.print("\(name)  \(try installation.image(name).description)")
            }
        }
    }

    static let inspect = Command(
        "image inspect", summary: "Print everything an image puts into a sandbox's root.",
        operandsHelp: "IMAGE", operands: 1...1
    ) { arguments in
        Failure.reported("image inspect") { () throws(CommandError) in
            let image = try Installation.find().image(arguments.operands[0])
            Terminal.print(description(of: image).joined(separator: "\n"))
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
