import Testing

@testable import Sandbox

@Suite struct ImageFileTests {
    private let host: Image

    init() throws {
        host = try Image.decode(repositoryFile("images/host.yaml"), file: "images/host.yaml")
    }

    @Test func `the image host is a read-only view with four writable places`() {
        #expect(host.name == "host")
        #expect(host.hostname == "sandbox")
        #expect(host.workspace == "/workspace")
        #expect(host.binds.filter { !$0.optional }.map(\.path) == ["/usr", "/bin"])
        #expect(host.tmpfs.map(\.path) == ["/tmp", "/run", "/home", "/dev/shm"])
        #expect(host.tmpfs.filter(\.executable).map(\.path) == ["/tmp"])
        #expect(host.tmpfs.map(\.mode) == [0o1777, 0o755, 0o1777, 0o1777])
        #expect(host.symlinks.contains(Image.Symlink(path: "/var/run", target: "/run")))
    }

    @Test func `the image host has the devices of security.md and no other`() {
        let numbers = host.devices.map { "\($0.name) \($0.major):\($0.minor)" }
        #expect(numbers == ["null 1:3", "zero 1:5", "full 1:7", "random 1:8", "urandom 1:9", "tty 5:0"])
    }

    @Test func `every name that OCI runtimes mask is masked`() {
        for name in [
            "acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi",
            "timer_list", "timer_stats",
        ] {
            #expect(host.masked.contains("/proc/\(name)"), "\(name)")
        }
        for name in ["self", "meminfo", "cpuinfo", "stat", "uptime", "loadavg", "mounts", "sys", "net"] {
            #expect(!host.masked.contains("/proc/\(name)"), "\(name)")
        }
    }

    @Test func `the plugin's home is writable and the same everywhere`() throws {
        let passwd = try #require(host.files.first { $0.path == "/etc/passwd" })
        #expect(passwd.mode == 0o644)
        #expect(passwd.content.contains("plugin:x:1000:1000:processes of the sandbox:/home:/bin/sh\n"))
        for name in shippedProfiles {
            let profile = try shippedProfile(name)
            #expect(profile.environment.contains(EnvironmentVariable(name: "HOME", value: "/home")))
        }
    }

    /// What is added to a small image, and what is wrong with it.
    @Test(arguments: [
        ("binds: [{path: /etc}]", "binds[0].path: \"/etc\" would show /etc/shadow of the host; bind less"),
        (
            "binds: [{path: /etc/ssl}]",
            "binds[0].path: \"/etc/ssl\" would show /etc/ssl/private of the host; bind less"
        ),
        (
            "binds: [{path: /var/run/docker.sock}]",
            "binds[0].path: \"/var/run/docker.sock\" would show /var/run of the host; bind less"
        ),
        ("binds: [{path: /}]", "binds[0].path: \"/\" is the root; expected a path below it"),
        (
            "binds: [{path: /usr}, {path: /usr/lib}]",
            "binds[1].path: \"/usr/lib\" is inside /usr, which is a bind"
        ),
        (
            "binds: [{path: /opt/x}, {path: /opt}]",
            "binds[1].path: \"/opt\" is above /opt/x, which is a bind"
        ),
        (
            "binds: [{path: /usr, optional: yes}]",
            "binds[0].optional: \"yes\" is not a boolean; expected true or false"
        ),
        ("binds: [{optional: true}]", "binds[0].path: is missing; it has no default"),
        ("binds: [{path: /usr, rw: true}]", "binds[0].rw: is not a key here; expected one of path, optional"),
        (
            "binds: []\nfiles: [{path: /ws, content: x}]",
            "files[0].path: \"/ws\" is also the path of the workspace"
        ),
        (
            "binds: []\nfiles: [{path: /a, mode: 04755, content: x}]",
            "files[0].mode: \"04755\" is too large; expected 0000 to 0777"
        ),
        (
            "binds: []\nfiles: [{path: /a, mode: 644, content: x}]",
            "files[0].mode: \"644\" is not a file mode; expected octal digits behind a zero, such as 0644"
        ),
        (
            "binds: []\nfiles: [{path: /a, content: \"\\0\"}]",
            "files[0].content: holds a NUL byte; expected text"
        ),
        (
            "binds: []\nfiles: [{path: /proc/x, content: x}]",
            "files[0].path: \"/proc/x\" is in /proc, which is the kernel's; expected another place"
        ),
        (
            "binds: []\nsymlinks: [{path: /var/run, target: /run}]\nfiles: [{path: /var/run/x, content: x}]",
            "symlinks[0].path: \"/var/run\" is above /var/run/x, which is a file"
        ),
        (
            "binds: []\nsymlinks: [{path: /a, target: ../b}]",
            "symlinks[0].target: climbs past the root; expected fewer .."
        ),
        (
            "binds: []\nsymlinks: [{path: /a, target: b/../c}]",
            "symlinks[0].target: \"b/../c\" is not a target in normal form, such as ../run or fd"
        ),
        ("binds: []\nsymlinks: [{path: /a, target: /a}]", "symlinks[0].target: \"/a\" is the link itself"),
        (
            "binds: []\ntmpfs: [{path: /, size: 1MiB, files: 16, mode: 01777}]",
            "tmpfs[0].path: \"/\" is the root; expected a path below it"
        ),
        (
            "binds: [{path: /usr}]\ntmpfs: [{path: /usr/local, size: 1MiB, files: 16, mode: 01777}]",
            "tmpfs[0].path: \"/usr/local\" is inside /usr, which is a bind"
        ),
        (
            "binds: []\ntmpfs: [{path: /a, size: 0, files: 16, mode: 01777}]",
            "tmpfs[0].size: \"0\" is too small; expected 64KiB to 1024TiB"
        ),
        (
            "binds: []\ntmpfs: [{path: /a, size: 1MiB, files: 16, mode: 02777}]",
            "tmpfs[0].mode: \"02777\" is too large; expected 0000 to 01777"
        ),
        (
            "binds: []\ntmpfs: [{path: /dev, size: 1MiB, files: 16, mode: 0755}]",
            "tmpfs[0].path: \"/dev\" is made for the devices; expected another place"
        ),
        (
            "binds: []\ndevices: [{name: ../mem, major: 1, minor: 1}]",
            "devices[0].name: \"../mem\" is not a name; expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"
        ),
        ("binds: []\nmasked: [/etc/passwd]", "masked[0]: \"/etc/passwd\" is not below /proc"),
        (
            "binds: []\nmasked: [/proc/a, /proc/a/b]",
            "masked[1]: \"/proc/a/b\" overlaps /proc/a, which is masked as a whole"
        ),
        ("binds: []\nmasked: [/proc/a, /proc/a]", "masked[1]: \"/proc/a\" is listed twice"),
    ])
    func `entries that cannot stand together are refused`(entries: String, message: String) {
        let text = "description: x\nhostname: h\nworkspace: /ws\n" + entries + "\n"
        let error = #expect(throws: ConfigError.self) { try decode(text) }
        #expect(error.map { "\($0.key): \($0.problem)" } == message)
        #expect((error?.line ?? 0) >= 4)
    }

    @Test func `a workspace under a tmpfs is refused`() {
        let error = #expect(throws: ConfigError.self) {
            try decode(
                "description: x\nhostname: h\nworkspace: /home/ws\nbinds: []\n"
                    + "tmpfs: [{path: /home, size: 1MiB, files: 16, mode: 01777}]\n")
        }
        #expect(
            error?.description
                == "images/x.yaml:5:16: tmpfs[0].path: \"/home\" is above /home/ws, which is the workspace")
    }

    @Test(arguments: ["", "-a", "a-", "A", "a.b", "a_b", String(repeating: "a", count: 64)])
    func `a bad host name is refused`(name: String) {
        let error = #expect(throws: ConfigError.self) {
            try decode("description: x\nhostname: \"\(name)\"\nworkspace: /ws\nbinds: []\n")
        }
        #expect(error?.key == "hostname")
    }

    @Test func `a relative target may climb as far as the root`() throws {
        let image = try decode(
            "description: x\nhostname: h\nworkspace: /ws\nbinds: []\n"
                + "symlinks: [{path: /var/run, target: ../run}, {path: /b, target: c}]\n")
        #expect(image.symlinks.map(\.target) == ["../run", "c"])
    }

    private static let tree = "sha256-" + String(repeating: "0123456789abcdef", count: 4)

    @Test func `an image shows a stored tree in place of binds`() throws {
        let image = try decode(
            "description: x\nhostname: h\nworkspace: /ws\ntree: \(ImageFileTests.tree)\n"
                + "symlinks: [{path: /dev/fd, target: /proc/self/fd}]\n"
                + "tmpfs: [{path: /tmp, size: 1MiB, files: 16, mode: 01777}]\n")
        #expect(image.tree == ImageFileTests.tree)
        #expect(image.binds == [])
        #expect(host.tree == nil)
    }

    @Test(arguments: [
        ("tree: latest", "tree: \"latest\" is not a stored tree; expected sha256- and 64 of 0-9 and a-f"),
        (
            "tree: sha256-abc",
            "tree: \"sha256-abc\" is not a stored tree; expected sha256- and 64 of 0-9 and a-f"
        ),
        (
            "tree: sha256-../../../../../../../../../../../../../../../../../../../../etc",
            "tree: \"sha256-../../../../../../../../../../../../../../../../../../../../etc\" is not a stored "
                + "tree; expected sha256- and 64 of 0-9 and a-f"
        ),
        ("tree: \(tree)\nbinds: []", "binds: is given beside tree; expected one of the two"),
        (
            "tree: \(tree)\nfiles: [{path: /etc/passwd, content: x}]",
            "files[0].path: \"/etc/passwd\" is inside a directory of the tree; expected a path at the top, such "
                + "as /tmp, or below /dev"
        ),
        (
            "tree: \(tree)\ntmpfs: [{path: /var/tmp, size: 1MiB, files: 16, mode: 01777}]",
            "tmpfs[0].path: \"/var/tmp\" is inside a directory of the tree; expected a path at the top, such as "
                + "/tmp, or below /dev"
        ),
        (
            "tree: \(tree)\nsymlinks: [{path: /proc/x, target: /y}]",
            "symlinks[0].path: \"/proc/x\" is in /proc, which is the kernel's; expected another place"
        ),
    ])
    func `trees that cannot be shown are refused`(entries: String, message: String) {
        let text = "description: x\nhostname: h\nworkspace: /ws\n" + entries + "\n"
        let error = #expect(throws: ConfigError.self) { try decode(text) }
        #expect(error.map { "\($0.key): \($0.problem)" } == message)
    }

    @Test func `what is written as a file is read as the same image`() throws {
        let over = host.showing(tree: ImageFileTests.tree, name: "x", description: "a \"tree\" \\ é: #1")
        for image in [host, over] {
            #expect(try Image.decode(Array(image.yaml.utf8), file: "images/\(image.name).yaml") == image)
        }
        var empty = host
        (empty.binds, empty.files, empty.symlinks, empty.tmpfs, empty.devices, empty.masked) = (
            [], [], [], [], [], []
        )
        #expect(try Image.decode(Array(empty.yaml.utf8), file: "images/host.yaml") == empty)
    }

    @Test func `an image over a tree keeps what belongs to the sandbox and nothing of the host`() {
        let over = host.showing(tree: ImageFileTests.tree, name: "x", description: "x")
        #expect(over.files == [] && over.binds == [])
        #expect(over.tmpfs == host.tmpfs && over.devices == host.devices && over.masked == host.masked)
        #expect(over.symlinks.map(\.path) == ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"])
    }

    private func decode(_ text: String) throws(ConfigError) -> Image {
        try Image.decode(Array(text.utf8), file: "images/x.yaml")
    }
}
