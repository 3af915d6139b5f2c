extension Image {
    private enum Key: String, YAMLKey {
        case description, hostname, workspace, binds, tree, files, symlinks, tmpfs, devices, masked
    }

    /// Reads one file of `images/`; images/README.md describes its keys.
    ///
    /// - Parameters:
    ///   - yaml: the whole file.
    ///   - file: its path, for messages; the last part without `.yaml` becomes the image's name.
    package static func decode(_ yaml: [UInt8], file: String) throws(ConfigError) -> Image {
        let root = YAMLValue(node: try YAMLTree.parse(yaml, file: file), key: "", file: file)
        let name = try root.nameOfFile()
        let fields = try root.fields(Key.self)
        let workspace = try fields.required(.workspace)
        var image = Image(
            name: name,
            description: try fields.required(.description).line(atMost: 1000),
            hostname: try fields.required(.hostname).text(checkHostname),
            workspace: try workspace.absolutePath(),
            binds: [], files: [], symlinks: [], tmpfs: [], devices: [], masked: [])
        image.tree = try fields[.tree]?.text(checkTreeName)
        var layout = ImageLayout(overTree: image.tree != nil)
        try layout.add(.workspace, image.workspace, workspace)
        if image.tree == nil {
            for item in try fields.required(.binds).items() { image.binds.append(try Bind(item, &layout)) }
        } else if let binds = fields[.binds] {
            throw binds.error("is given beside tree; expected one of the two")
        }
        for item in try fields[.files]?.items() ?? [] { image.files.append(try File(item, &layout)) }
        for item in try fields[.symlinks]?.items() ?? [] { image.symlinks.append(try Symlink(item, &layout)) }
        for item in try fields[.tmpfs]?.items() ?? [] { image.tmpfs.append(try Tmpfs(item, &layout)) }
        for item in try fields[.devices]?.items() ?? [] { image.devices.append(try Device(item, &layout)) }
        image.masked = try fields[.masked]?.maskedPaths() ?? []
        return image
    }
}

/// Checks what a stored tree is called: `sha256-` and 64 hexadecimal digits in lower case, so that it
/// can stand in a path as it is.
package func checkTreeName(_ text: String) throws(ValueError) {
    let digits = text.utf8.dropFirst(7)
    let allowed = digits.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
    guard text.utf8.starts(with: "sha256-".utf8), digits.count == 64, allowed else {
        throw ValueError("\(quoted(text)) is not a stored tree; expected sha256- and 64 of 0-9 and a-f")
    }
}

/// Checks a host name: one label of RFC 1123, section 2.1, in lower case.
private func checkHostname(_ text: String) throws(ValueError) {
    let hyphen = UInt8(ascii: "-")
    let allowed = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), hyphen: true
        default: false
        }
    }
    let edges = text.utf8.first != hyphen && text.utf8.last != hyphen
    guard allowed, edges, (1...63).contains(text.utf8.count) else {
        throw ValueError("\(quoted(text)) is not a host name; expected 1 to 63 of a-z, 0-9 and, inside, -")
    }
}

extension YAMLValue {
    fileprivate func absolutePath() throws(ConfigError) -> String { try text(checkPath) }

    fileprivate func maskedPaths() throws(ConfigError) -> [String] {
        var paths: [String] = []
        for item in try items() {
            let path = try item.absolutePath()
            guard isBelow(path, "/proc") else { throw item.error("\(quoted(path)) is not below /proc") }
            if let other = paths.first(where: { $0 == path || isBelow(path, $0) || isBelow($0, path) }) {
                let problem =
                    other == path ? "is listed twice" : "overlaps \(other), which is masked as a whole"
                throw item.error("\(quoted(path)) \(problem)")
            }
            paths.append(path)
        }
        return paths
    }
}

extension Image.Bind {
    private enum Key: String, YAMLKey {
        case path, optional
    }

    fileprivate init(_ value: YAMLValue, _ layout: inout ImageLayout) throws(ConfigError) {
        let fields = try value.fields(Key.self)
        let path = try fields.required(.path)
        self.init(path: try path.absolutePath(), optional: try fields[.optional]?.flag() ?? false)
        try layout.add(.bind, self.path, path)
    }
}

extension Image.File {
    private enum Key: String, YAMLKey {
        case path, mode, content
    }

    fileprivate init(_ value: YAMLValue, _ layout: inout ImageLayout) throws(ConfigError) {
        let fields = try value.fields(Key.self)
        let path = try fields.required(.path)
        self.init(
            path: try path.absolutePath(),
            // Permissions alone: no setuid, setgid or sticky bit.
            mode: try fields.number(.mode, Quantity(.mode, 0...0o777), default: 0o644),
            content: try fields.required(.content).text { (text) throws(ValueError) in
                if text.utf8.contains(0) { throw ValueError("holds a NUL byte; expected text") }
                if text.utf8.count > 64 << 10 {
                    throw ValueError("is \(text.utf8.count) bytes long; expected at most \(64 << 10)")
                }
            })
        try layout.add(.file, self.path, path)
    }
}

extension Image.Symlink {
    private enum Key: String, YAMLKey {
        case path, target
    }

    fileprivate init(_ value: YAMLValue, _ layout: inout ImageLayout) throws(ConfigError) {
        let fields = try value.fields(Key.self)
        let path = try fields.required(.path)
        let target = try fields.required(.target)
        self.init(path: try path.absolutePath(), target: try target.text())
        if self.target.utf8.first == UInt8(ascii: "/") {
            _ = try target.absolutePath()
        } else {
            try target.checkRelativeTarget(of: self.path)
        }
        if self.target == self.path { throw target.error("\(quoted(self.target)) is the link itself") }
        try layout.add(.symlink, self.path, path)
    }
}

extension YAMLValue {
    /// Checks a target that is relative to the directory of `link`: `..` only at the front and not
    /// past the root, the rest in the form of ``checkPath(_:)``.
    fileprivate func checkRelativeTarget(of link: String) throws(ConfigError) {
        var rest = try text()[...]
        var depth = link.utf8.count(where: { $0 == UInt8(ascii: "/") }) - 1
        while rest.utf8.starts(with: "../".utf8) {
            rest = rest[rest.utf8.index(rest.utf8.startIndex, offsetBy: 3)...]
            depth -= 1
        }
        if depth < 0 { throw error("climbs past the root; expected fewer ..") }
        let relative = String(rest)
        try located { () throws(ValueError) in
            do throws(ValueError) {
                try checkPath("/" + relative)
            } catch {
                throw ValueError("\(quoted(relative)) is not a target in normal form, such as ../run or fd")
            }
        }
    }
}

extension Image.Tmpfs {
    private enum Key: String, YAMLKey {
        case path, size, files, mode, executable
    }

    fileprivate init(_ value: YAMLValue, _ layout: inout ImageLayout) throws(ConfigError) {
        let fields = try value.fields(Key.self)
        let path = try fields.required(.path)
        self.init(
            path: try path.absolutePath(),
            size: try fields.number(.size, Limits.Rule.workspace),
            files: try fields.number(.files, Limits.Rule.workspaceFiles),
            // The sticky bit is the highest: no setuid or setgid.
            mode: try fields.number(.mode, Quantity(.mode, 0...0o1777)),
            executable: try fields[.executable]?.flag() ?? false)
        try layout.add(.tmpfs, self.path, path)
    }
}

extension Image.Device {
    private enum Key: String, YAMLKey {
        case name, major, minor
    }

    fileprivate init(_ value: YAMLValue, _ layout: inout ImageLayout) throws(ConfigError) {
        let fields = try value.fields(Key.self)
        let name = try fields.required(.name)
        self.init(
            name: try name.text(checkSimpleName),
            // 12 and 20 bits: a dev_t of the kernel (include/linux/kdev_t.h).
            major: try fields.number(.major, Quantity(.count, 0...4095)),
            minor: try fields.number(.minor, Quantity(.count, 0...1_048_575)))
        try layout.add(.device, "/dev/\(self.name)", name)
    }
}
