// How many system calls can be made at all, counted from what was compiled.

import Attacks
import Linux
import Sandbox
import Seccomp
import TestSupport

/// The table of reachable system calls.
struct CallSection {
    /// Numbers to ask for: more than any kernel has.
    private static let numbers: ClosedRange<UInt32> = 0...1023

    static func text() throws -> String {
        let compiler = FilterCache(directory: nil, policies: nil)
        var rows: [[String]] = []
        for profile in Cage.shippedProfiles {
            let names = try policy(profile).parts(relay: false, hostDirectory: false)
            let parts = try names.map { try part("profiles/seccomp/\($0).json") }
            rows.append(try row(profile, names.joined(separator: " "), compiler.filter(parts: parts)))
        }
        guard let docker = Shared.path("vectors/docker-default-seccomp.json") else {
            return Markdown.table(heads, rows)
                + "\n\nDocker's default profile is not part of this repository and was not beside it, so it was "
                + "not compiled; docs/seccomp.md has its row."
        }
        let json = PolicyPart(file: "docker.json", json: try File.read(docker))
        rows.append(try row("Docker's default", "no capabilities", compiler.filter(parts: [json])))
        return Markdown.table(heads, rows)
    }

    private static let heads = ["profile", "parts", "instructions", "always", "by their arguments", "all"]

    private static func row(_ name: String, _ parts: String, _ filter: CompiledFilter) throws -> [String] {
        let interpreter = try SeccompInterpreter(filter.bytes)
        var (always, sometimes) = (0, 0)
        for number in numbers {
            let verdicts = interpreter.verdicts(onCall: number)
            guard verdicts.contains(.allow) else { continue }
            if verdicts.count == 1 { always += 1 } else { sometimes += 1 }
        }
        return [
            name, parts, String(filter.instructionCount), String(always), String(sometimes),
            String(always + sometimes),
        ]
    }

    private static func part(_ path: String) throws -> PolicyPart {
        PolicyPart(file: path, json: try File.read(Repository.path(path)))
    }

    private static func policy(_ profile: String) throws -> SyscallPolicy {
        func read(_ name: String) throws -> ProfileFile {
            let path = "profiles/\(name).yaml"
            return try ProfileFile(File.read(Repository.path(path)), file: path)
        }
        return try ProfileChain(from: read(profile)) { (_, reference) throws(ProfileChain.Missing) in
            do { return try read(reference.target) } catch { throw .absent("\(error)") }
        }.profile().syscalls
    }
}
