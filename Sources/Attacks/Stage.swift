import Glibc
import Linux
import TestSupport

/// What attacks need on the host: the attacker program where every user can run it, and bait. All of
/// it goes with the value.
package final class Stage {
    private let directory: TemporaryDirectory
    private let canary: RunningProgram
    /// The canary ends when this closes.
    private var lifeline: FileDescriptor?
    private let secret: String
    /// Where what attacks run is, `attacker` alone.
    package let tools: String
    /// Variables that tell an attempt where the bait is: `BAIT_PID`, `BAIT_FILE`, `BAIT_UDP`,
    /// `BAIT_TCP`, `BAIT_TCP6` (0 without IPv6), `BAIT_ABSTRACT`, `BAIT_SEGMENT`, `BAIT_NS` (the host's
    /// namespaces) and `BAIT_HOST` (its name).
    package let bait: [String: String]

    package var attacker: String { "\(tools)/attacker" }

    private static let content = "corral-bait\n"

    package init() throws {
        directory = try TemporaryDirectory()
        tools = directory("tools")
        try File.makeDirectories(tools)
        let program = "\(tools)/attacker"
        try File.write(try File.read(Product.path("attacker")), to: program, mode: 0o755)
        secret = try directory.write("secret", Stage.content)
        let pipe = try Pipe.make()
        canary = try Program([program, "--canary"], descriptors: [pipe.reading.number]).start()
        lifeline = try pipe.writing.duplicate()
        _ = try canary.waitForText("\n")
        var bait = ["BAIT_FILE": secret]
        bait.merge(Self.variables(in: canary.outputSoFar)) { $1 }
        guard bait.count == 7 else {
            throw AttackError("the bait was not laid: \(canary.errorsSoFar)")
        }
        let kinds = File.names(in: "/proc/self/ns").filter { !$0.hasSuffix("_for_children") }
        bait["BAIT_NS"] = kinds.compactMap { File.target(ofLink: "/proc/self/ns/\($0)") }.joined(
            separator: ",")
        bait["BAIT_HOST"] = File.text("/proc/sys/kernel/hostname")?.split(separator: "\n").first.map(
            String.init)
        self.bait = bait
    }

    /// What a canary prints, as variables.
    static func variables(in text: String) -> [String: String] {
        var variables: [String: String] = [:]
        for word in text.split(whereSeparator: \.isWhitespace) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { variables[parts[0]] = parts[1] }
        }
        return variables
    }

    // The canary takes what has a name with it, if it is let.
    deinit {
        lifeline = nil
        _ = try? canary.wait(timeout: 10)
    }

    /// What became of the bait, one line for each that was touched.
    package func touched() throws -> [String] {
        var found: [String] = []
        if File.text(secret) != Stage.content { found.append("the canary file was changed") }
        lifeline = nil
        let outcome = try canary.wait(timeout: 20)
        let last = outcome.output.split(separator: "\n").last.map(String.init) ?? "nothing was said"
        if last != "touched: udp 0, tcp 0, tcp6 0, abstract 0, signals 0" {
            found.append("the canary says: \(last) (exit status \(outcome.status ?? -1))")
        }
        return found
    }
}

/// Attacks could not be made at all.
package struct AttackError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
