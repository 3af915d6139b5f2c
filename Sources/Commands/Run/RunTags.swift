import Sandbox
import Wire

/// What a run is called: `--name` and `--label`. Nothing but the report says it; without a daemon there is
/// nobody to look a name up, so two runs may have the same.
struct RunTags: Sendable, Hashable {
    struct Label: Sendable, Hashable {
        let key: String
        var value: String
    }

    private(set) var name: String?
    /// Each key once, in the order in which they were first given.
    private(set) var labels: [Label] = []

    static let none = RunTags()

    private init() {}

    init(_ arguments: Arguments) throws(ValueError) {
        if let text = arguments.value("name") {
            try RunTags.check(name: text)
            name = text
        }
        for text in arguments.all("label") {
            let label = try RunTags.label(text)
            if let index = labels.firstIndex(where: { $0.key == label.key }) {
                labels[index].value = label.value
            } else {
                labels.append(label)
            }
        }
        if labels.count > 64 {
            throw ValueError("--label: \(labels.count) labels are given; expected at most 64")
        }
    }

    /// The members of the report; nothing where nothing was given.
    func write(to report: inout JSONObjectWriter) {
        if let name { report.add("name", name) }
        guard !labels.isEmpty else { return }
        report.object("labels") { object in
            for label in labels { object.add(label.key, label.value) }
        }
    }

    /// Docker's grammar.
    private static func check(name: String) throws(ValueError) {
        let bytes = Array(name.utf8)
        let isRight = bytes.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): index > 0
            default: false
            }
        }
        guard isRight, (2...128).contains(bytes.count) else {
            throw ValueError(
                "--name: \(quoted(name)) is not a name; expected 2 to 128 of a-z, A-Z, 0-9, _, . and -, "
                    + "the first a letter or digit")
        }
    }

    /// `KEY=VALUE`; `KEY` alone has an empty value.
    private static func label(_ text: String) throws(ValueError) -> Label {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let key = String(parts[0])
        guard (1...128).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValueError(
                "--label: \(quoted(key)) is not a key; expected 1 to 128 printable characters of ASCII, no space"
            )
        }
        let value = parts.count == 2 ? String(parts[1]) : ""
        guard value.utf8.count <= 4096 else {
            throw ValueError("--label: \(key) has \(value.utf8.count) bytes; expected at most 4096")
        }
        return Label(key: key, value: value)
    }
}
