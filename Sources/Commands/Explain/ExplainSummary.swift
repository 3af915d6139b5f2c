import Denials
import Sandbox
import Seccomp
import Wire

/// What `profile explain` prints when it is not asked about an event: the whole profile, for somebody
/// who has never read one.
struct ExplainSummary {
    struct Item {
        let name: String
        let text: String
        let origin: String?
    }

    struct Section {
        let title: String
        let items: [Item]
    }

    private let subject: ExplainSubject
    let sections: [Section]

    init(_ subject: ExplainSubject) throws(CommandError) {
        self.subject = subject
        let filter: CompiledFilter
        do throws(SeccompError) {
            filter = try FilterCache(directory: nil, policies: nil).filter(parts: subject.parts)
        } catch {
            throw CommandError("\(error)")
        }
        sections = [
            Section(title: "A process may", items: subject.rules.permissions(filter)),
            Section(title: "It may not", items: subject.rules.prohibitions),
            Section(title: "It may use at most", items: subject.rules.limits),
            Section(title: "Nobody above may change", items: subject.locks),
            Section(title: "Nothing is started without", items: [subject.requirement]),
        ].filter { !$0.items.isEmpty }
    }

    private var rules: SandboxRules { subject.rules }

    var text: String {
        var lines = Columns.lines([
            ["profile \(rules.profile.name)", rules.profile.description],
            ["from", subject.chain.files.map(\.file).joined(separator: ", which extends ")],
        ])
        // One width for all sections, so that the origins stand below each other.
        let names = sections.flatMap(\.items).map(\.name.count).max() ?? 0
        for section in sections {
            lines += ["", "\(section.title):"]
            for item in section.items {
                let texts = ExplainSummary.wrapped(
                    item.text + (item.origin.map { " (\($0))" } ?? ""), 96 - names)
                for (index, text) in texts.enumerated() {
                    let name = index == 0 ? item.name : ""
                    lines.append("  \(name + String(repeating: " ", count: names - name.count))  \(text)")
                }
            }
        }
        lines += [
            "",
            "Ask about one thing with --syscall, --path, --connect, --bind or --limit; every value and its",
            "origin is printed by corral profile show --effective \(rules.profile.name).",
        ]
        return lines.joined(separator: "\n")
    }

    /// Lines of at most `width` characters, broken at single spaces.
    private static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    var json: String {
        JSONText.object { object in
            object.add("profile", rules.profile.name)
            object.add("description", rules.profile.description)
            object.array("files") { list in for file in subject.chain.files { list.add(file.file) } }
            object.array("sections") { list in
                for section in sections {
                    list.object { object in
                        object.add("title", section.title)
                        object.array("items") { list in
                            for item in section.items {
                                list.object { object in
                                    object.add("name", item.name)
                                    object.add("text", item.text)
                                    if let origin = item.origin { object.add("origin", origin) }
                                }
                            }
                        }
                    }
                }
            }
        }.description
    }
}

extension ExplainSubject {
    fileprivate var locks: [ExplainSummary.Item] {
        layers.locks.map { lock in
            ExplainSummary.Item(name: "locked", text: lock.path, origin: "\(lock.origin)")
        }
    }

    fileprivate var requirement: ExplainSummary.Item {
        ExplainSummary.Item(
            name: "layers", text: rules.profile.require.map(\.rawValue).joined(separator: " "),
            origin: rules.origin(.require))
    }
}

extension SandboxRules {
    fileprivate typealias Item = ExplainSummary.Item

    fileprivate func permissions(_ filter: CompiledFilter) -> [Item] {
        var items = [
            Item(name: "read", text: paths { $0.isShown }, origin: origin(.image)),
            Item(name: "write", text: writable, origin: origin(.workspace)),
            Item(
                name: "execute",
                text: "whatever it reads or writes, but in \(paths { $0.isNeverExecuted })",
                origin: origin(.image)),
            Item(
                name: "call",
                text: "\(filter.allowedCount) system calls, \(filter.conditionalCount) of them with certain "
                    + "arguments only: policy \(policy.name)", origin: origin(.policy)),
        ]
        let ports = [
            (ProfileKey.bind, "listen", profile.landlock.bind),
            (.connect, "connect", profile.landlock.connect),
        ]
        for (key, name, ports) in ports where ports != .only([]) {
            items.append(
                Item(
                    name: name, text: "\(key == .bind ? "on" : "to") the TCP ports \(written(key))",
                    origin: origin(key)))
        }
        if profile.network.mode == .proxy {
            items.append(
                Item(
                    name: "reach",
                    text: "\(written(.networkAllow)), by the egress proxy (which does not exist yet)",
                    origin: origin(.networkAllow)))
        }
        if profile.network.mode == .host {
            items.append(
                Item(
                    name: "reach", text: "the host's network, as any process of the host",
                    origin: origin(.networkMode)))
        }
        if view.entries.contains(where: { $0.thing == .socket }) {
            items.append(
                Item(name: "relay", text: "talk to the host application by the relay's socket", origin: nil))
        }
        return items
    }

    fileprivate var prohibitions: [Item] {
        var items = [
            Item(
                name: "see", text: "any other path of the host, nor any of its processes",
                origin: origin(.image))
        ]
        if profile.network.mode == .none {
            items.append(
                Item(
                    name: "reach", text: "any network: it has a loopback interface",
                    origin: origin(.networkMode)))
        }
        let ports = [
            (ProfileKey.bind, "listen", profile.landlock.bind),
            (.connect, "connect", profile.landlock.connect),
        ]
        for (key, name, ports) in ports where ports == .only([]) {
            let preposition = key == .bind ? "on" : "to"
            items.append(
                Item(
                    name: name, text: "\(preposition) any TCP port, its own loopback's included",
                    origin: origin(key)))
        }
        items.append(
            Item(
                name: "become", text: "anybody else: uid 1000, no capabilities, setuid does nothing",
                origin: nil))
        return items
    }

    fileprivate var limits: [Item] {
        LimitEvent.keys.map { key in
            Item(name: key.rawValue, text: written(key), origin: origin(key))
        }
    }

    private var writable: String {
        paths { thing in
            switch thing {
            case .tmpfs(let permissions, _): permissions.write
            case .workspace(let writable): writable
            default: false
            }
        }
    }

    private func paths(where isMeant: (MountView.Thing) -> Bool) -> String {
        let found = view.entries.filter { isMeant($0.thing) }.map(\.path)
        var groups: [(directory: String, names: [String])] = []
        for path in found {
            let directory = parent(of: path)
            let name = String(path.dropFirst(directory == "/" ? 1 : directory.count + 1))
            if let last = groups.last, last.directory == directory, directory != "/" {
                groups[groups.count - 1].names.append(name)
            } else {
                groups.append((directory, [name]))
            }
        }
        let texts = groups.map { group in
            let above = group.directory == "/" ? "/" : group.directory + "/"
            return group.names.count == 1
                ? above + group.names[0] : "\(above){\(group.names.joined(separator: ","))}"
        }
        return texts.isEmpty ? "nothing" : texts.joined(separator: " ")
    }
}

extension MountView.Thing {
    /// Whether it is there for its contents.
    fileprivate var isShown: Bool {
        switch self {
        case .boundDirectory, .boundFile, .file, .device, .tmpfs, .workspace, .proc: true
        case .symlink, .directory, .maskedDirectory, .maskedFile, .socketDirectory, .socket: false
        }
    }

    fileprivate var isNeverExecuted: Bool {
        switch self {
        case .tmpfs(_, executable: false), .proc: true
        default: false
        }
    }
}
