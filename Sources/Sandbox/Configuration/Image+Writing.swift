// The other way round: an image as a file says it. What an import stores beside its tree.

extension Image {
    /// The image that shows a stored tree where this one, usually `host`, shows files of the host: the
    /// same memory file systems, devices and masks. Generated files are left out, since the tree has its
    /// own, and so are links but those in /dev.
    /// - Parameter tree: what the store calls it; see ``checkTreeName(_:)``.
    package func showing(tree: String, name: String, description: String) -> Image {
        var image = self
        image.name = name
        image.description = description
        image.tree = tree
        image.binds = []
        image.files = []
        image.symlinks = symlinks.filter { isBelow($0.path, "/dev") }
        return image
    }

    /// The text of the image's file, which ``decode(_:file:)`` reads as this very value.
    package var yaml: String {
        var text = """
            description: \(written(description))
            hostname: \(written(hostname))
            workspace: \(written(workspace))\n
            """
        if let tree { text += "tree: \(written(tree))\n" }
        text += list("binds", binds) { "{ path: \(written($0.path)), optional: \($0.optional) }" }
        // Required where there is no tree, empty or not.
        if tree == nil, binds.isEmpty { text += "binds: []\n" }
        text += list("files", files) { file in
            "{ path: \(written(file.path)), mode: \(mode(file.mode)), content: \(written(file.content)) }"
        }
        text += list("symlinks", symlinks) { "{ path: \(written($0.path)), target: \(written($0.target)) }" }
        text += list("tmpfs", tmpfs) { entry in
            "{ path: \(written(entry.path)), size: \(Limits.Rule.workspace.write(entry.size)), "
                + "files: \(entry.files), mode: \(mode(entry.mode)), executable: \(entry.executable) }"
        }
        text += list("devices", devices) { device in
            "{ name: \(written(device.name)), major: \(device.major), minor: \(device.minor) }"
        }
        return text + list("masked", masked, written)
    }

    private func mode(_ bits: UInt32) -> String { Quantity(.mode, 0...0o1777).write(UInt64(bits)) }

    private func list<Item>(_ key: String, _ items: [Item], _ line: (Item) -> String) -> String {
        items.isEmpty ? "" : "\(key):\n" + items.map { "  - \(line($0))\n" }.joined()
    }
}

/// `text` in double quotation marks, as YAML 1.2, section 7.3.1, has them.
private func written(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        // Space to tilde; every other as its number, so that no reader has to know it.
        case " "..."~": result.unicodeScalars.append(scalar)
        default:
            let digits = String(scalar.value, radix: 16)
            result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }
    return result + "\""
}
