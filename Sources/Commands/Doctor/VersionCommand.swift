import Cgroups
import Glibc
import Launch
import Linux
import Sandbox
import Seccomp
import Wire

/// `corral version`: the versions of every part, and what the kernel has of what Corral uses.
enum VersionCommand {
    static let command = Command(
        "version", summary: "Print the versions of all parts, and what this kernel has.",
        options: [.init("short", help: "print the version of corral and nothing else")]
            + Command.Option.format("the same"),
        examples: ["corral version", "corral version --json", "corral version --short"]
    ) { arguments in
        if arguments.has("short") {
            Terminal.print("corral \(CorralCommand.version)")
            return ExitCode.success
        }
        let parts = Versions.parts
        if arguments.wantsJSON {
            let json = JSONText.object { object in for part in parts { object.add(part.name, part.value) } }
            Terminal.print(json.description)
        } else {
            for line in Columns.lines(parts.map { [$0.name, $0.value] }) { Terminal.print(line) }
        }
        return ExitCode.success
    }
}

/// What `corral version` prints. What cannot be found out says why, in the place of the value.
enum Versions {
    struct Part: Sendable, Hashable {
        let name: String
        let value: String
    }

    static var parts: [Part] {
        [
            Part(name: "corral", value: CorralCommand.version),
            Part(name: "sandbox-init", value: initVersion),
            Part(name: "corral-unpack", value: unpackVersion),
            Part(name: "libseccomp", value: LibraryVersions.libseccomp),
            Part(name: "libyaml", value: YAMLLibrary.version),
            Part(name: "nettle", value: LibraryVersions.nettle),
        ] + host
    }

    private static var initVersion: String {
        do throws(LaunchError) {
            let identity = try InitIdentity.ask()
            guard let version = identity.planVersion else { return "another program, or of another build" }
            guard identity.matches else {
                return "plans of version \(version); this corral makes \(InitIdentity.expected)"
            }
            return "plans of version \(version), as this corral makes"
        } catch {
            return error.description
        }
    }

    /// That of libarchive, which the unpacker alone is linked with.
    private static var unpackVersion: String {
        do {
            let path = try UnpackSandbox.program()
            let program = HostProgram(path: path, words: ["corral-unpack", "--version"], environment: [])
            let outcome = try program.run(timeout: 5000)
            guard outcome.status == 0 else { return "\(shown(path)) --version ended with \(outcome.status)" }
            return shown(String(outcome.output.prefix { $0 != "\n" }))
        } catch {
            return "\(error)"
        }
    }

    private static var host: [Part] {
        var parts: [Part] = []
        do throws(SystemError) {
            let host = try HostAbilities.probe()
            parts.append(Part(name: "kernel", value: host.kernel))
            parts.append(
                Part(
                    name: "landlock", value: host.landlockABI == 0 ? "none" : "ABI \(host.landlockABI)"))
        } catch {
            parts.append(Part(name: "kernel", value: "\(error)"))
        }
        do throws(CgroupError) {
            parts.append(Part(name: "cgroups", value: text(try CgroupLayout.detect())))
        } catch {
            parts.append(Part(name: "cgroups", value: error.description))
        }
        let actions = HostProbe.availableSeccompActions
        return parts + [
            Part(name: "seccomp", value: actions.isEmpty ? "none" : actions.joined(separator: " "))
        ]
    }

    /// `hybrid: v1 memory at /sys/fs/cgroup/memory, ...`.
    static func text(_ layout: CgroupLayout) -> String {
        let parts = layout.parts.map { part in
            "\(part.version) \((part.controllers.isEmpty ? ["no controller"] : part.controllers).joined(separator: " "))"
                + " at \(shown(part.path))"
        }
        return parts.isEmpty ? layout.kind : "\(layout.kind): \(parts.joined(separator: ", "))"
    }
}
