// The mount view that explanations use and the steps of a launch are the same.

import Denials
import Launch
import Linux
import Sandbox
import TestSupport
import Testing

@Suite struct PlanTests {
    @Test func `the mount view of random images is what a launch makes`() throws {
        var random = Seeded(state: 0x5EED_0007)
        let file = Repository.path("images/host.yaml")
        let images = [
            try Image.decode(Array(Fixture().image.utf8), file: "images/small.yaml"),
            try Image.decode(try File.read(file), file: file),
        ]
        for round in 0..<400 {
            let image = someOf(images[round % 2], &random)
            let hostPaths = hostPaths(image, &random)
            let directory = random.pick([false, true])
            let workspace = random.pick(Filesystem.Workspace.allCases)
            // A relay needs a directory that its socket can be made in.
            let sockets = image.tmpfs.contains { $0.path == "/run" } ? ["/run/tgo/tgo.sock"] : []
            let view = MountView(
                image, hostPaths: hostPaths,
                workspace: WorkspaceKind(workspace, hostDirectory: directory), sockets: sockets)
            let planned = try plan(image, hostPaths, workspace, directory: directory, sockets)
            let viewed = Dictionary(uniqueKeysWithValues: view.entries.map { ($0.path, word($0.thing)) })
            let paths = Set(planned.keys).union(viewed.keys).filter { planned[$0] != viewed[$0] }.sorted()
            #expect(
                paths.map { "\($0): plan \(planned[$0] ?? "nothing"), view \(viewed[$0] ?? "nothing")" } == []
            )
        }
    }

    @Test func `a stored tree is in the view as a launch shows it`() throws {
        let image = someTree
        for varRun in [TreeView.VarRun.linked, .absent, .other] {
            var hostPaths: HostPaths = [:]
            let names: [(String, HostPath)] =
                [
                    ("usr", .directory), ("bin", .symlink(target: "usr/bin")), ("tmp", .directory),
                    ("init", .file),
                    ("dev", .symlink(target: "/etc")), ("etc", .directory),
                ] + (varRun == .absent ? [] : [("var", .directory)])
            hostPaths.tree = TreeView(
                path: "/store/root", device: 1, inode: 2,
                entries: names.map { TreeView.Entry(name: $0.0, found: $0.1) }, varRun: varRun)
            let view = MountView(image, hostPaths: hostPaths, workspace: .ephemeral)
            let planned = try plan(image, hostPaths, .writable, directory: false, [])
            var viewed = Dictionary(uniqueKeysWithValues: view.entries.map { ($0.path, word($0.thing)) })
            // The tree's own, which no step makes.
            if varRun == .linked { #expect(viewed.removeValue(forKey: "/var/run") == "link /run") }
            #expect(planned == viewed)
        }
    }

    private var someTree: Image {
        Image(
            name: "tree", description: "", hostname: "box", workspace: "/workspace", binds: [], files: [],
            symlinks: [],
            tmpfs: [.init(path: "/tmp", size: 65_536, files: 16, mode: 0o1777, executable: true)],
            devices: [.init(name: "null", major: 1, minor: 3)], masked: [],
            tree: "sha256-" + String(repeating: "0", count: 64))
    }

    /// The image with some of its entries left out.
    private func someOf(_ image: Image, _ random: inout Seeded) -> Image {
        var image = image
        image.binds.removeAll { _ in Bool.random(using: &random) }
        image.files.removeAll { _ in Bool.random(using: &random) }
        image.symlinks.removeAll { _ in Bool.random(using: &random) }
        image.tmpfs.removeAll { _ in Bool.random(using: &random) }
        image.devices.removeAll { _ in Bool.random(using: &random) }
        image.masked.removeAll { _ in Bool.random(using: &random) }
        return image
    }

    private func hostPaths(_ image: Image, _ random: inout Seeded) -> HostPaths {
        var paths = HostPaths()
        for bind in image.binds {
            let found: HostPath = random.pick([.directory, .file, .symlink(target: "x/y"), .missing])
            paths.add(bind.path, found == .missing && !bind.optional ? .directory : found)
        }
        for path in image.masked { paths.add(path, random.pick([.directory, .file])) }
        return paths
    }

    /// What the steps of a launch put at each path.
    private func plan(
        _ image: Image, _ hostPaths: HostPaths, _ workspace: Filesystem.Workspace, directory: Bool,
        _ sockets: [String]
    ) throws -> [String: String] {
        let fixture = Fixture(profile: "filesystem:\n  workspace: \(workspace.rawValue)")
        let profile = try fixture.rules().profile
        let host = HostAbilities(
            uid: 0, gid: 0, supplementaryGroups: 0, privileged: true, landlockABI: 7, kernel: "6.18",
            totalMemory: 1 << 34, processors: 2, openFilesLimit: 20_000)
        let spec = SandboxSpec(
            profile: profile, limits: profile.limits, image: image, filter: [UInt8](repeating: 0, count: 16),
            identity: .slot(3), workspace: directory ? .directory("SOURCE") : .ephemeral, sockets: sockets,
            cgroups: [.memory: .inForce, .swap: .inForce, .pids: .inForce, .cpu: .inForce])
        let template = try #require(
            try LaunchPlanner.template(image, hostPaths: hostPaths, privileged: true, without: []))
        let initial = try LaunchPlanner.plan(spec, host: host, hostPaths: hostPaths).initial
        var things = ["/": "directory"]
        for step in template.descriptions + initial.descriptions {
            let words = step.split(separator: " ").map(String.init)
            let path = (words.dropFirst().first ?? "").filter { $0 != "," }
            switch words[0] {
            case "directory", "file", "tmpfs", "proc", "mask": things[path] = words[0]
            case "bind", "tree": things[path] = "bind"
            case "link": things[path] = "link \(words[3])"
            case "device": things[path] = "device \(words[2])"
            case "SOURCE": things[words[2].filter { $0 != "," }] = "workspace"
            case "listen": things[words[2]] = "listen"
            default: break
            }
        }
        return things
    }

    private func word(_ thing: MountView.Thing) -> String {
        switch thing {
        case .directory, .socketDirectory: "directory"
        case .symlink(let target): "link \(target)"
        case .file: "file"
        case .boundDirectory, .boundFile: "bind"
        case .device(let major, let minor): "device (\(major):\(minor))"
        case .tmpfs: "tmpfs"
        case .workspace: "workspace"
        case .proc: "proc"
        case .maskedDirectory, .maskedFile: "mask"
        case .socket: "listen"
        }
    }
}
