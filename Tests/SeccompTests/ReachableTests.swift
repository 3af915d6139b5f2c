import Glibc
import Linux
import TestSupport
import Testing

@testable import Seccomp

private let dockerPolicy = "\(sourceRoot)/../shared/vectors/docker-default-seccomp.json"

#if arch(x86_64)
    /// The table of docs/seccomp.md: how many calls can be made under each policy, beside Docker's.
    @Suite struct ReachableTests {
        @Test func `the table of reachable calls is in the documentation`() throws {
            let path = "\(sourceRoot)/docs/seccomp.md"
            let text = String(decoding: try contents(of: path), as: UTF8.self)
            let (start, end) = ("<!-- reachable calls -->\n", "<!-- end -->\n")
            let from = try #require(text.firstRange(of: start)).upperBound
            let to = try #require(text[from...].firstRange(of: end)).lowerBound
            let table = try lines(docker: dockerRow(in: text[from..<to])).joined(separator: "\n") + "\n"
            print(table)
            if isWriting {
                let number = try call("open", on: path) { unsafe open(path, O_WRONLY | O_TRUNC | O_CLOEXEC) }
                try FileDescriptor(owning: number).writeAll(
                    Array((text[..<from] + table + text[to...]).utf8))
                return
            }
            #expect(text[from..<to] == table, "CORRAL_GOLDEN=write accepts the new one")
        }

        /// The compiler counts what it was told to allow; here the compiled filter itself is asked.
        @Test(arguments: shippedNames)
        func `the filter allows as many calls as were counted`(name: String) throws {
            let filter = try shippedFilter(name)
            let interpreter = try SeccompInterpreter(filter.bytes)
            let reached = (UInt32(0)...1023).map { interpreter.verdicts(onCall: $0) }
                .filter { $0.contains(.allow) }
            #expect(reached.count == filter.allowedCount)
            #expect(reached.count { $0.count > 1 } == filter.conditionalCount)
        }

        /// Docker's, counted where its profile is found beside the source tree, else as the table has it.
        private func dockerRow(in table: Substring) throws -> String {
            guard unsafe access(dockerPolicy, R_OK) == 0 else {
                Host.skip("\(dockerPolicy) is not there, so Docker's row is taken as it is")
                return try #require(table.split(separator: "\n").last.map(String.init))
            }
            let part = PolicyPart(file: "docker.json", json: try contents(of: dockerPolicy))
            return row("Docker's default, without capabilities", "", try Compiler.compile(parts: [part]))
        }

        private func lines(docker: String) throws -> [String] {
            let heads = ["| profiles | parts | calls | by their arguments |", "|---|---|---|---|"]
            return try heads
                + shippedNames.map { name in
                    let parts = try shippedPolicy(name)
                    let names = parts.map { "`\($0.name)`" }.joined(separator: " ")
                    let profiles = shippedPolicies.filter { $0.value == shippedPolicies[name] }.keys.sorted()
                        .map { "`\($0)`" }.joined(separator: " ")
                    return row(profiles, names, try Compiler.compile(parts: parts))
                } + [docker]
        }

        private func row(_ name: String, _ parts: String, _ filter: CompiledFilter) -> String {
            "| \(name) | \(parts) | \(filter.allowedCount) | \(filter.conditionalCount) |"
        }
    }
#endif
