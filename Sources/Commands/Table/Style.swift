import Glibc

/// How text for a terminal looks: with colours only where somebody looks at it who wants them.
struct Style: Sendable, Hashable {
    let isColoured: Bool

    static let plain = Style(isColoured: false)

    /// For what is written to the descriptor `number`: plain where that is no terminal, where `NO_COLOR` is
    /// set to anything (no-color.org), or where the terminal says that it is a dumb one.
    static func of(_ number: CInt) -> Style {
        let refused = variable("NO_COLOR")?.isEmpty == false
        return Style(isColoured: isatty(number) == 1 && !refused && variable("TERM") != "dumb")
    }

    func bold(_ text: String) -> String { sequence("1", text) }
    func red(_ text: String) -> String { sequence("31", text) }
    func green(_ text: String) -> String { sequence("32", text) }
    func yellow(_ text: String) -> String { sequence("33", text) }

    private func sequence(_ code: String, _ text: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
