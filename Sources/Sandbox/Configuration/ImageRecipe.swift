/// How the tree of an image is made from Debian packages: a file of `images/` with the key `build`.
package struct ImageRecipe: Hashable, Sendable {
    package var name: String
    package var description: String
    /// A release of Debian, such as `bookworm`.
    package var suite: String
    /// Names, each possibly with `=` and a version. What they depend on comes with them.
    package var packages: [String]
    /// Paths that are left out, with all that is below them.
    package var exclude: [String]

    package init(name: String, description: String, suite: String, packages: [String], exclude: [String]) {
        self.name = name
        self.description = description
        self.suite = suite
        self.packages = packages
        self.exclude = exclude
    }
}

extension ImageRecipe {
    private enum Key: String, YAMLKey {
        case description, build
    }

    private enum BuildKey: String, YAMLKey {
        case suite, packages, exclude
    }

    /// Whether a file of `images/` is a recipe, not an image: a line of its own begins with `build:`.
    /// Whatever is not the name of a key of the whole file is indented.
    package static func isWritten(in yaml: [UInt8]) -> Bool {
        yaml.split(separator: UInt8(ascii: "\n")).contains { $0.starts(with: "build:".utf8) }
    }

    /// Reads a recipe; images/README.md describes its keys.
    /// - Parameter file: its path, for messages; the last part without `.yaml` becomes the image's name.
    package static func decode(_ yaml: [UInt8], file: String) throws(ConfigError) -> ImageRecipe {
        let root = YAMLValue(node: try YAMLTree.parse(yaml, file: file), key: "", file: file)
        let name = try root.nameOfFile()
        let fields = try root.fields(Key.self)
        let build = try fields.required(.build).fields(BuildKey.self)
        var recipe = ImageRecipe(
            name: name, description: try fields.required(.description).line(atMost: 1000),
            suite: try build.required(.suite).text(checkSuite), packages: [], exclude: [])
        let packages = try build.required(.packages)
        for item in try packages.listed() { recipe.packages.append(try item.text(checkPackage)) }
        if recipe.packages.isEmpty { throw packages.error("is empty; expected at least one package") }
        for item in try build[.exclude]?.listed() ?? [] {
            recipe.exclude.append(try item.text(checkExcluded))
        }
        return recipe
    }
}

extension YAMLValue {
    /// The items of a list of packages or paths.
    fileprivate func listed() throws(ConfigError) -> [YAMLValue] {
        let items = try items()
        guard items.count <= 1000 else {
            throw error("has \(items.count) items; expected at most 1000")
        }
        return items
    }
}

/// Lower-case letters, digits and `-`, a letter first: `bookworm`, `stable`.
private func checkSuite(_ text: String) throws(ValueError) {
    let allowed = text.utf8.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
    guard allowed, (1...64).contains(text.utf8.count), isLower(text.utf8.first) else {
        throw ValueError(
            "\(quoted(text)) is not a suite; expected 1 to 64 of a-z, 0-9 and -, such as bookworm")
    }
}

/// A package's name and version as Debian Policy has them (5.6.7, 5.6.12): nothing that apt would take
/// for an option, a pattern or a file.
private func checkPackage(_ text: String) throws(ValueError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0].utf8
    let named = name.allSatisfy { isLowerOrDigit($0) || "+-.".utf8.contains($0) }
    guard named, (2...128).contains(name.count), isLowerOrDigit(name.first) else {
        throw ValueError(
            "\(quoted(text)) is not a package; expected a name of a-z, 0-9, +, - and ., such as python3, or "
                + "name=version")
    }
    guard parts.count == 2 else { return }
    let version = parts[1].utf8
    let allowed = version.allSatisfy { byte in
        isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || ".+-~:".utf8.contains(byte)
    }
    guard allowed, (1...128).contains(version.count) else {
        throw ValueError("\(quoted(text)) has no version behind =; expected one such as 3.11.2-1+b1")
    }
}

/// A path below the root without what a shell's pattern would read as more than itself.
private func checkExcluded(_ text: String) throws(ValueError) {
    try checkPath(text)
    if let byte = text.utf8.first(where: { "*?[]{}\\".utf8.contains($0) }) {
        let shown = quoted(String(decoding: [byte], as: UTF8.self))
        throw ValueError("\(quoted(text)) holds \(shown); expected a path, which stands for all below it")
    }
}

private func isLower(_ byte: UInt8?) -> Bool {
    byte.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
}

private func isLowerOrDigit(_ byte: UInt8?) -> Bool {
    isLower(byte) || byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
}
