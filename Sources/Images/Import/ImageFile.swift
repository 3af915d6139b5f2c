package import Sandbox
import Trees

/// The text of an image file whose root is a stored tree.
package enum ImageFile {
    /// - Parameters:
    ///   - tree: `sha256-` and 64 digits.
    ///   - model: whose hostname, workspace, memory file systems, devices and masked paths it gets.
    package static func text(tree: String, description: String, model: Image) -> [UInt8] {
        var lines = [
            "# Written by corral image import. Where the tree came from: corral image inspect.", "",
            "description: \(quoted(description))", "hostname: \(model.hostname)",
            "workspace: \(model.workspace)", "", "tree: \(tree)", "", "tmpfs:",
        ]
        for tmpfs in model.tmpfs {
            let mode = String(tmpfs.mode, radix: 8)
            let executable = tmpfs.executable ? ", executable: true" : ""
            lines.append(
                "  - { path: \(tmpfs.path), size: \(Limits.Rule.memory.write(tmpfs.size)), "
                    + "files: \(tmpfs.files), mode: 0\(mode)\(executable) }")
        }
        // Those elsewhere are the tree's own affair.
        lines += ["", "symlinks:"]
        for link in model.symlinks where link.path.hasPrefix("/dev/") {
            lines.append("  - { path: \(link.path), target: \(link.target) }")
        }
        lines += ["", "devices:"]
        for device in model.devices {
            lines.append("  - { name: \(quoted(device.name)), major: \(device.major), minor: \(device.minor) }")
        }
        lines += ["", "masked:"]
        for path in model.masked { lines.append("  - \(path)") }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// A text in quotation marks, of printable ASCII.
    private static func quoted(_ text: String) -> String {
        let plain = text.unicodeScalars.map { (" "..."~").contains($0) ? Character($0) : "?" }
        return "\"" + plain.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
}
