import Linux
import TestSupport
import Testing
import Wire

/// `corral run` as somebody at a shell calls it.
enum Corral {
    static let path = Product.path("corral")

    static func run(
        _ words: [String], stdin: [UInt8]? = nil, timeout: Double = 120, directory: String? = nil
    ) throws -> Program.Outcome {
        try Program.run([path, "run"] + words, stdin: stdin, timeout: timeout, directory: directory)
    }

    /// Python 3 as images see it; a version manager's on PATH is not in them.
    static let python = "/usr/bin/python3"

    /// Runs `body` and checks that what appeared meanwhile is gone a moment later.
    static func leavesNothing<Value>(_ body: () throws -> Value) throws -> Value {
        let (value, left) = try leftovers(body)
        #expect(left.isEmpty, "left: \(left.sorted())")
        return value
    }

    /// Runs `body` and returns what appeared meanwhile and is still there after `seconds`.
    ///
    /// Other tests start sandboxes at the same time: theirs go too, and each has a name of its own.
    static func leftovers<Value>(
        within seconds: Double = 90, _ body: () throws -> Value
    ) throws -> (value: Value, left: Set<String>) {
        let before = Census.take()
        let value = try body()
        var left = Set(Census.take().added(since: before))
        _ = eventually(within: seconds) {
            if !left.isEmpty { left.formIntersection(Census.take().added(since: before)) }
            return left.isEmpty
        }
        return (value, left)
    }
}

/// A call that is refused with one line on standard error.
struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    /// Behind `corral run`.
    var words: [String]
    var code: CInt = 125
    /// What the line must hold: the option or file, the value, what was expected.
    var says: [String]

    init(_ name: String, _ words: [String], code: CInt = 125, says: String...) {
        self.name = name
        self.words = words
        self.code = code
        self.says = says
    }

    var testDescription: String { name }

    func check() throws {
        let outcome = try Corral.leavesNothing { try Corral.run(words) }
        check(outcome)
    }

    func check(_ outcome: Program.Outcome) {
        #expect(outcome.status == code)
        #expect(outcome.output == "")
        // What an ordinary user's sandbox lacks is told whatever comes of it.
        let notice = "corral run: not in force in full: "
        let lines = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
        let errors = lines.filter { !$0.hasPrefix(notice) }.joined(separator: "\n")
        #expect(errors.hasPrefix("corral run: "), "\(errors)")
        #expect(
            errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "one line: \(errors)")
        #expect(errors.hasSuffix("\n"))
        #expect(errors.utf8.count < 500, "\(errors)")
        for part in says { #expect(errors.contains(part), "\(errors)") }
    }
}

/// What `--json` and `--report` print.
struct Report {
    private let tree: JSONTree.Value

    init(_ text: String) throws { tree = try JSONTree(parsing: Array(text.utf8)).value }

    /// The report among the lines of standard error.
    init(in errors: String) throws {
        let line = try #require(errors.split(separator: "\n").last { $0.hasPrefix("{") }, "\(errors)")
        try self.init(String(line))
    }

    private func value(_ path: [String]) -> JSONTree.Value? {
        var value: JSONTree.Value? = tree
        for name in path {
            guard case .object(let members) = value else { return nil }
            value = members.first { $0.key == name }?.value.value
        }
        return value
    }

    func text(_ path: String...) -> String? {
        if case .string(let text) = value(path) { return text }
        return nil
    }

    func number(_ path: String...) -> Int? {
        if case .number(let text) = value(path) { return Int(text) }
        return nil
    }

    /// The layers that are not in force, with their state.
    var weakLayers: [String: String] {
        guard case .object(let members) = value(["layers"]) else { return [:] }
        var layers: [String: String] = [:]
        for member in members {
            if case .string(let state) = member.value.value, state != "in force" {
                layers[member.key] = state
            }
        }
        return layers
    }

    /// How often each rule of the relay refused.
    var refusals: [String: Int] {
        guard case .array(let list) = value(["relay", "refusals"]) else { return [:] }
        var counts: [String: Int] = [:]
        for entry in list {
            let refusal = Report(entry.value)
            if let rule = refusal.text("rule") { counts[rule] = refusal.number("count") }
        }
        return counts
    }

    /// The objects of an array in here.
    func objects(_ path: String...) -> [Report]? {
        guard case .array(let list) = value(path) else { return nil }
        return list.map { Report($0.value) }
    }

    /// The objects of an array.
    static func list(_ text: String) throws -> [Report] {
        guard case .array(let list) = try JSONTree(parsing: Array(text.utf8)).value else { return [] }
        return list.map { Report($0.value) }
    }

    private init(_ tree: JSONTree.Value) { self.tree = tree }
}
