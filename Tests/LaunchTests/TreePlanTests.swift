// What a launch would do with a stored tree, computed from values.

import Launch
import Sandbox
import Testing

@Suite struct TreePlanTests {
    private static let name = "sha256-" + String(repeating: "0", count: 64)

    private static func image(_ adjust: (inout Image) -> Void = { _ in }) -> Image {
        var image = Image(
            name: "small", description: "", hostname: "box", workspace: "/workspace", binds: [], files: [],
            symlinks: [.init(path: "/dev/fd", target: "/proc/self/fd")],
            tmpfs: [.init(path: "/run", size: 1 << 20, files: 100, mode: 0o755, executable: false)],
            devices: [.init(name: "null", major: 1, minor: 3)], masked: [], tree: name)
        adjust(&image)
        return image
    }

    private static func paths(
        _ entries: [(String, HostPath)], varRun: TreeView.VarRun = .linked
    ) -> HostPaths {
        var paths = HostPaths()
        paths.tree = TreeView(
            path: "/store/trees/x/root", device: 1, inode: 2,
            entries: entries.map { TreeView.Entry(name: $0.0, found: $0.1) }, varRun: varRun)
        return paths
    }

    private static func template(_ image: Image, _ paths: HostPaths) throws -> [String] {
        try #require(
            try LaunchPlanner.template(image, hostPaths: paths, privileged: true, without: [])
        ).descriptions
    }

    @Test func `directories and files are mounted, links made, and nothing else is taken`() throws {
        let steps = try TreePlanTests.template(
            TreePlanTests.image(),
            TreePlanTests.paths([
                ("bin", .symlink(target: "usr/bin")), ("file", .file), ("socket", .missing),
                ("usr", .directory),
            ]))
        #expect(
            steps == [
                "link /bin -> usr/bin", "file /file", "tree /file, read-only, nosuid, nodev",
                "directory /usr",
                "tree /usr, read-only, nosuid, nodev", "directory /dev", "link /dev/fd -> /proc/self/fd",
                "directory /run", "file /dev/null", "device /dev/null (1:3)", "directory /proc",
                "directory /workspace",
            ])
    }

    @Test(arguments: [HostPath.directory, .file, .symlink(target: "/etc")])
    func `a name that the sandbox has itself is not taken from the tree`(found: HostPath) throws {
        let image = TreePlanTests.image {
            $0.workspace = "/work"
            $0.tmpfs.append(
                .init(path: "/scratch", size: 1 << 20, files: 100, mode: 0o755, executable: false))
            $0.files = [.init(path: "/hello", mode: 0o644, content: "x")]
        }
        let names = ["dev", "proc", "sys", "tmp", "run", "home", "workspace", "work", "scratch", "hello"]
        let steps = try TreePlanTests.template(image, TreePlanTests.paths(names.map { ($0, found) }))
        #expect(!steps.contains { $0.hasPrefix("tree ") || $0.hasSuffix("-> /etc") }, "\(steps)")
        let other = try TreePlanTests.template(image, TreePlanTests.paths([("works", found)]))
        #expect(other.contains { $0.contains("/works") })
    }

    @Test func `what a tree's names would do to a terminal is not printed`() throws {
        let name = "a\u{1B}[2J\nlayers:"
        let steps = try TreePlanTests.template(
            TreePlanTests.image(),
            TreePlanTests.paths([
                (name, .directory), (name + "f", .file), (name + "l", .symlink(target: "\u{1B}c")),
            ]))
        #expect(steps.count { $0.contains("a\\u{1b}[2J\\u{a}layers:") } == 5, "\(steps)")
        #expect(!steps.contains { $0.contains("\u{1B}") || $0.contains("\n") })
    }

    @Test func `a tree that is not in the store is an error`() {
        let error = #expect(throws: LaunchError.self) {
            try TreePlanTests.template(TreePlanTests.image(), HostPaths())
        }
        #expect(error == .imageTreeMissing(image: "small", tree: TreePlanTests.name))
    }

    @Test func `where the tree has no var, it gets the link from run`() throws {
        let image = TreePlanTests.image()
        #expect(
            try TreePlanTests.template(image, TreePlanTests.paths([], varRun: .absent)).contains(
                "link /var/run -> /run"))
        #expect(
            try !TreePlanTests.template(image, TreePlanTests.paths([], varRun: .linked)).contains {
                $0.contains("/var")
            })
    }

    @Test(arguments: [TreeView.VarRun.linked, .absent, .other])
    func `a socket below var-run is made in run, where the tree leads there`(varRun: TreeView.VarRun) throws {
        let spec = LaunchPlannerTests.spec {
            $0.image = TreePlanTests.image()
            $0.sockets = ["/var/run/tgo/tgo.sock"]
        }
        let paths = TreePlanTests.paths([("var", .directory)], varRun: varRun)
        func plan() throws(LaunchError) -> LaunchPlan {
            try LaunchPlanner.plan(spec, host: LaunchPlannerTests.root, hostPaths: paths)
        }
        if varRun == .other {
            let error = #expect(throws: LaunchError.self) { try plan() }
            #expect(error == .noRunLink(image: "small", socket: "/var/run/tgo/tgo.sock"))
        } else {
            #expect(try plan().initial.descriptions.contains("listen at /run/tgo/tgo.sock"))
        }
    }
}
