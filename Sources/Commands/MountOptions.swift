import Sandbox

/// Reads `-v`, `--mount` and `--tmpfs` as docker writes them.
enum MountOptions {
    /// What a memory file system has where nothing is said: docker's mode and noexec, and a size of
    /// ours, since docker's is half of the host's memory.
    private static let memory = AddedMount.Memory(
        size: 64 << 20, files: 16384, mode: 0o1777, executable: false)

    /// All of a command line, those of each option in their order.
    static func read(_ arguments: Arguments) throws(ValueError) -> [AddedMount] {
        var mounts: [AddedMount] = []
        for text in arguments.all("volume") { mounts.append(try read(text, "--volume", volume)) }
        for text in arguments.all("mount") { mounts.append(try read(text, "--mount", mount)) }
        for text in arguments.all("tmpfs") { mounts.append(try read(text, "--tmpfs", tmpfs)) }
        return mounts
    }

    private static func read(
        _ text: String, _ option: String, _ reader: (String) throws(ValueError) -> AddedMount
    ) throws(ValueError) -> AddedMount {
        do throws(ValueError) {
            let mount = try reader(text)
            try checkPath(mount.target)
            return mount
        } catch {
            throw ValueError("\(option): \(error.problem)")
        }
    }

    // MARK: -v SOURCE:TARGET[:OPTIONS]

    private static func volume(_ text: String) throws(ValueError) -> AddedMount {
        let parts = split(text, ":")
        guard (2...3).contains(parts.count) else {
            throw ValueError(
                "\(quoted(text)) is not of the form SOURCE:TARGET[:ro]; a path with a colon in it takes --mount"
            )
        }
        guard parts[0].contains("/") || parts[0].hasPrefix(".") else {
            throw ValueError(
                "\(quoted(parts[0])) is no path; expected one such as /srv/data or ./data (docker would take "
                    + "it for a volume's name, and corral has none)")
        }
        var mount = AddedMount(.host(try source(parts[0])), at: parts[1])
        for option in parts.count == 3 ? split(parts[2], ",") : [] {
            switch option {
            case "ro": mount.readOnly = true
            case "rw": mount.readOnly = false
            default: throw ValueError("unknown option \(quoted(option)); expected ro or rw")
            }
        }
        return mount
    }

    // MARK: --tmpfs TARGET[:OPTIONS]

    private static func tmpfs(_ text: String) throws(ValueError) -> AddedMount {
        let parts = split(text, ":")
        guard parts.count <= 2 else {
            throw ValueError(
                "\(quoted(text)) is not of the form TARGET[:OPTIONS], such as /scratch:size=64m,mode=1777")
        }
        var memory = memory
        for option in parts.count == 2 ? split(parts[1], ",") : [] {
            let (key, value) = keyAndValue(option)
            switch (key, value) {
            case ("size", let value?): try take(size: value, &memory)
            case ("mode", let value?): memory.mode = try mode(value)
            case ("nr_inodes", let value?): memory.files = try files(value)
            case ("exec", nil): memory.executable = true
            case ("noexec", nil): memory.executable = false
            // What it is in any case.
            case ("rw", nil), ("nosuid", nil), ("nodev", nil): continue
            default:
                throw ValueError(
                    "unknown option \(quoted(option)); expected size=, mode=, nr_inodes=, exec or noexec")
            }
        }
        return AddedMount(.memory(memory), at: parts[0])
    }

    // MARK: --mount type=TYPE,KEY=VALUE,...

    private static func mount(_ text: String) throws(ValueError) -> AddedMount {
        var fields: [String: String] = [:]
        var readOnly = false
        var memory = memory
        for field in split(text, ",") {
            let (key, value) = keyAndValue(field)
            let name = names[key] ?? key
            guard fields.updateValue(value ?? "", forKey: name) == nil else {
                throw ValueError("\(quoted(key)) is given twice in \(quoted(text))")
            }
            switch (name, value) {
            case ("type", _?), ("source", _?), ("target", _?): continue
            case ("readonly", nil), ("readonly", "true"), ("readonly", "1"): readOnly = true
            case ("readonly", "false"), ("readonly", "0"): readOnly = false
            case ("tmpfs-size", let value?): try take(size: value, &memory)
            case ("tmpfs-mode", let value?): memory.mode = try self.mode(value)
            default:
                throw ValueError(
                    "unknown field \(quoted(field)); expected type, source, target, readonly, tmpfs-size or "
                        + "tmpfs-mode")
            }
        }
        guard let target = fields["target"] else {
            throw ValueError("\(quoted(text)) has no target=; expected the path inside")
        }
        switch fields["type"] {
        case "bind": return try bind(text, fields, target, readOnly)
        case "tmpfs":
            if let extra = ["source", "readonly"].first(where: { fields[$0] != nil }) {
                throw ValueError("\(extra) is nothing that a mount of type=tmpfs has")
            }
            return AddedMount(.memory(memory), at: target)
        case let type:
            // Docker's default, a volume, is what is not there.
            throw ValueError(
                "\(quoted(text)) has type \(quoted(type ?? "volume")); expected type=bind or type=tmpfs")
        }
    }

    private static func bind(
        _ text: String, _ fields: [String: String], _ target: String, _ readOnly: Bool
    ) throws(ValueError) -> AddedMount {
        guard let path = fields["source"] else {
            throw ValueError("\(quoted(text)) has no source=; expected a path of the host")
        }
        if let extra = ["tmpfs-size", "tmpfs-mode"].first(where: { fields[$0] != nil }) {
            throw ValueError("\(extra) is nothing that a mount of type=bind has")
        }
        return AddedMount(.host(try source(path)), at: target, readOnly: readOnly)
    }

    /// The other names that docker has for fields.
    private static let names = ["src": "source", "dst": "target", "destination": "target", "ro": "readonly"]

    // MARK: Values

    private static func source(_ path: String) throws(ValueError) -> String {
        if path.isEmpty { throw ValueError("the source is empty; expected a path of the host") }
        if path.utf8.contains(0) { throw ValueError("the source holds a NUL byte, which no path can") }
        return path
    }

    private static func take(size text: String, _ memory: inout AddedMount.Memory) throws(ValueError) {
        let rule = Quantity(.size, 4096...1 << 50)
        memory.size = try rule.read(withBinaryUnit(text))
        // One for each page of the size, as the kernel counts for all of memory, within bounds.
        memory.files = UInt32(clamping: min(max(memory.size >> 12, 1024), 1 << 20))
    }

    /// Docker's `64m` is our `64MiB`.
    private static func withBinaryUnit(_ text: String) -> String {
        let units = ["k": "KiB", "m": "MiB", "g": "GiB", "b": ""]
        guard let last = text.last?.lowercased(), let unit = units[last],
            text.dropLast().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return text }
        return text.dropLast() + unit
    }

    private static func mode(_ text: String) throws(ValueError) -> UInt32 {
        let rule = Quantity(.mode, 0...0o1777)
        // `1777` is octal, with or without a zero in front.
        return UInt32(clamping: try rule.read(text.hasPrefix("0") && text.utf8.count > 1 ? text : "0" + text))
    }

    private static func files(_ text: String) throws(ValueError) -> UInt32 {
        UInt32(clamping: try Quantity(.count, 1...1 << 20).read(text))
    }

    private static func split(_ text: String, _ separator: Character) -> [String] {
        text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }

    private static func keyAndValue(_ text: String) -> (String, String?) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        return (parts[0], parts.count == 2 ? parts[1] : nil)
    }
}
