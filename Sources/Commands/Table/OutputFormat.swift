extension Command.Option {
    /// `--json` and `-o json`, which are the same: for every command whose output programs may want.
    /// - Parameter json: what is printed then, such as `a list of objects`.
    static func format(_ json: String) -> [Command.Option] {
        [
            .init("json", help: "print \(json) as one JSON line"),
            .init(
                "output", short: "o", value: "table|json", help: "table is the default; json as --json",
                kind: .words(["table", "json"])),
        ]
    }
}

extension Arguments {
    /// Whether JSON is asked for, in either way; `-o` wins over `--json`.
    var wantsJSON: Bool { value("output").map { $0 == "json" } ?? has("json") }
}
