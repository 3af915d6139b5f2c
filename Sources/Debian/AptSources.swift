/// One repository of a machine's package sources: a line `deb [options] URI suite components`.
package struct AptSource: Hashable, Sendable {
    /// Without the brackets; empty for none.
    package var options: String
    package var uri: String
    package var suite: String
    package var components: [String]

    package init(options: String, uri: String, suite: String, components: [String]) {
        self.options = options
        self.uri = uri
        self.suite = suite
        self.components = components
    }

    /// The line, as sources.list(5) and mmdebstrap take it.
    package var line: String {
        let options = options.isEmpty ? "" : "[\(options)] "
        return "deb \(options)\(uri) \(suite) \(components.joined(separator: " "))"
    }

    /// Whether it has packages of this release, of its updates or of its security updates. A repository
    /// of somebody else's programs seldom calls its component `main` as Debian does.
    package func serves(_ release: String) -> Bool {
        [release, "\(release)-updates", "\(release)-security", "\(release)/updates"].contains(suite)
            && components.contains("main")
    }
}

/// Reads the two forms of sources.list(5). What is not understood is left out: apt says what is wrong
/// with its own files.
package enum AptSources {
    /// The one-line form, `sources.list` and `*.list`.
    package static func list(_ text: String) -> [AptSource] {
        text.split(whereSeparator: \.isNewline).compactMap { source(line: $0.prefix { $0 != "#" }) }
    }

    private static func source(line: Substring) -> AptSource? {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.first == "deb" else { return nil }
        var rest = words.dropFirst()
        var options: [String] = []
        if rest.first?.hasPrefix("[") == true {
            while let word = rest.popFirst() {
                options.append(String(word))
                if word.hasSuffix("]") { break }
            }
        }
        guard rest.count >= 3, let uri = rest.popFirst(), let suite = rest.popFirst() else { return nil }
        let inside = options.joined(separator: " ").filter { $0 != "[" && $0 != "]" }
        return AptSource(
            options: inside.split(whereSeparator: \.isWhitespace).joined(separator: " "), uri: String(uri),
            suite: String(suite), components: rest.map(String.init))
    }

    /// The form of paragraphs, `*.sources`: every type, URI and suite of one is a repository.
    package static func paragraphs(_ text: String) -> [AptSource] {
        var sources: [AptSource] = []
        var fields: [String: [String]] = [:]
        var last = ""
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false) + [""[...]]
        for line in lines {
            if line.hasPrefix("#") { continue }
            if line.allSatisfy(\.isWhitespace) {
                sources += self.sources(fields)
                fields = [:]
                continue
            }
            var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if !line.hasPrefix(" "), !line.hasPrefix("\t") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                last = line[..<colon].lowercased()
                words = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace).map(
                    String.init)
            }
            fields[last, default: []] += words
        }
        return sources
    }

    private static func sources(_ fields: [String: [String]]) -> [AptSource] {
        guard fields["types"]?.contains("deb") == true,
            !["no", "false", "0"].contains(fields["enabled"]?.first?.lowercased() ?? "yes")
        else { return [] }
        var options: [String] = []
        // A key in the file itself has no place on a line; apt's own keys are tried then.
        if let key = fields["signed-by"], key.count == 1, key[0].hasPrefix("/") {
            options.append("signed-by=\(key[0])")
        }
        for name in ["trusted", "check-valid-until"] {
            if let value = fields[name]?.first { options.append("\(name)=\(value)") }
        }
        if let architectures = fields["architectures"] {
            options.append("arch=\(architectures.joined(separator: ","))")
        }
        return (fields["uris"] ?? []).flatMap { uri in
            (fields["suites"] ?? []).map { suite in
                AptSource(
                    options: options.joined(separator: " "), uri: uri, suite: suite,
                    components: fields["components"] ?? [])
            }
        }
    }
}
