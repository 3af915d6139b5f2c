// -v, --mount and --tmpfs as docker writes them.

import Preparation
import Sandbox
import Testing

@testable import Commands

@Suite struct MountOptionsTests {
    private static func mounts(_ words: [String]) throws -> [AddedMount] {
        try RunOptions(Arguments(parsing: words + ["true"], for: RunCommand.command)).mounts
    }

    private static func memory(
        _ size: UInt64 = 64 << 20, files: UInt32 = 16384, mode: UInt32 = 0o1777, executable: Bool = false
    ) -> AddedMount.Source {
        .memory(.init(size: size, files: files, mode: mode, executable: executable))
    }

    @Test(arguments: [
        (["-v", "/srv/a:/a"], AddedMount(.host("/srv/a"), at: "/a")),
        (["-v./a:/a:ro"], AddedMount(.host("./a"), at: "/a", readOnly: true)),
        (["--volume=..:/a:rw"], AddedMount(.host(".."), at: "/a")),
        (
            ["--mount", "type=bind,source=/srv/a:b,target=/a,readonly"],
            AddedMount(.host("/srv/a:b"), at: "/a", readOnly: true)
        ),
        (["--mount", "dst=/a,src=b,type=bind,ro=false"], AddedMount(.host("b"), at: "/a")),
        (["--mount=type=tmpfs,destination=/a"], AddedMount(memory(), at: "/a")),
        (
            ["--mount=type=tmpfs,target=/a,tmpfs-size=65536,tmpfs-mode=700"],
            AddedMount(memory(65536, files: 1024, mode: 0o700), at: "/a")
        ),
        (["--tmpfs", "/a"], AddedMount(memory(), at: "/a")),
        (
            ["--tmpfs", "/a:rw,nosuid,nodev,exec,size=256m,mode=0755"],
            AddedMount(memory(256 << 20, files: 65536, mode: 0o755, executable: true), at: "/a")
        ),
        (["--tmpfs=/a:size=1GiB,nr_inodes=7"], AddedMount(memory(1 << 30, files: 7), at: "/a")),
    ])
    func `a mount is read`(words: [String], expected: AddedMount) throws {
        #expect(try Self.mounts(words) == [expected])
    }

    @Test func `all of them count, and only the host's need the rules for host directories`() throws {
        let words = ["--tmpfs", "/c", "-v", "/srv:/b", "--read-only", "-v", "/srv:/a"]
        #expect(try Self.mounts(words).map(\.target) == ["/b", "/a", "/c"])
        for (words, expected) in [(words, true), (["--tmpfs", "/c"], false), ([], false)] {
            let options = try RunOptions(Arguments(parsing: words + ["x"], for: RunCommand.command))
            #expect(options.variant.hostDirectory == expected)
        }
    }

    @Test(arguments: [
        (["-v", "/a"], #"--volume: "/a" is not of the form SOURCE:TARGET[:ro]; a path with a colon"#),
        (["-v", "/a:/b:ro:x"], "is not of the form SOURCE:TARGET[:ro]"),
        (["-v", "data:/b"], #"--volume: "data" is no path; expected one such as /srv/data or ./data"#),
        (["-v", "/a:b"], #"--volume: "b" is not an absolute path"#),
        (["-v", "/a:/"], #"--volume: "/" is the root; expected a path below it"#),
        (["-v", "/a:/b/../etc"], #"--volume: "/b/../etc" is not in normal form"#),
        (["-v", "/a:/b:z"], #"--volume: unknown option "z"; expected ro or rw"#),
        (["-v", ":/b"], #"--volume: "" is no path"#),
        (["--tmpfs", "/a:size=64q"], #"--tmpfs: "64q" is not a size"#),
        (["--tmpfs", "/a:size=1"], "too small"),
        (["--tmpfs", "/a:mode=4777"], "too large"),
        (["--tmpfs", "/a:mode=9"], "is not a file mode"),
        (["--tmpfs", "/a:ro"], #"--tmpfs: unknown option "ro"; expected size="#),
        (["--tmpfs", "/a:nr_inodes=0"], "too small"),
        (["--tmpfs", "a"], #"--tmpfs: "a" is not an absolute path"#),
        (["--mount", "source=/a,target=/b"], #"has type "volume"; expected type=bind or type=tmpfs"#),
        (["--mount", "type=bind,source=/a"], "has no target=; expected the path inside"),
        (["--mount", "type=bind,target=/a"], "has no source=; expected a path of the host"),
        (["--mount", "type=bind,source=,target=/a"], "the source is empty"),
        (["--mount", "type=bind,source=/a,src=/b,target=/a"], #""src" is given twice"#),
        (["--mount", "type=bind,source=/a,target=/b,bind-propagation=shared"], "unknown field"),
        (
            ["--mount", "type=bind,source=/a,target=/b,tmpfs-size=1m"],
            "nothing that a mount of type=bind has"
        ),
        (["--mount", "type=tmpfs,source=/a,target=/b"], "source is nothing that a mount of type=tmpfs has"),
        (["--mount", ""], #"--mount: unknown field """#),
    ])
    func `a mount that cannot be understood says what was expected`(words: [String], message: String) {
        let error = #expect(throws: ValueError.self) { try Self.mounts(words) }
        #expect(error?.problem.contains(message) == true, "\(error?.problem ?? "")")
    }
}
