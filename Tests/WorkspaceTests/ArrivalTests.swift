import Glibc
import Linux
import TestSupport
import Testing
import Workspace

/// Trees that come to a workspace as a whole.
@Suite struct ArrivalTests {
    private func arrive(
        _ yard: Yard, at path: String, replacing: Bool = false, _ script: String,
        meanwhile: String = ""
    ) throws {
        let arrival = try yard.files.receive(at: WorkspacePath(path))
        let made = try Program.run(
            ["sh", "-ec", "umask 022; cd /proc/self/fd/3; \(script)"], descriptors: [arrival.directory.number]
        )
        try #require(made.status == 0, "\(made.errors)")
        if !meanwhile.isEmpty { try yard.shell(meanwhile) }
        try arrival.commit(replacing: replacing)
    }

    private func isHidden(_ name: String) -> Bool { name.hasPrefix(".corral-") }

    @Test func `a new directory appears at once, and is nothing before`() throws {
        let yard = try Yard("mkdir d")
        let arrival = try yard.files.receive(at: WorkspacePath("d/new"))
        #expect(File.names(in: yard("d")).allSatisfy(isHidden))
        try arrival.commit()
        #expect(try yard.listing() == "d d 755\nd/new d 755\n")
        try arrive(yard, at: "d/more", "mkdir x; echo y >x/y")
        #expect(try yard.text("d/more/x/y") == "y\n")
    }

    @Test func `names come to a directory that is there, and into those that both have`() throws {
        let yard = try Yard("mkdir -p t/a/b; echo old >t/a/b/kept; echo old >t/f")
        try arrive(yard, at: "t", "mkdir -p a/b/c a/new; echo new >a/b/c/x; echo new >g")
        #expect(try yard.text("t/a/b/c/x") == "new\n" && yard.text("t/a/b/kept") == "old\n")
        #expect(try yard.text("t/g") == "new\n" && yard.text("t/f") == "old\n")
        #expect(!File.names(in: yard("t")).contains(where: isHidden))
        try arrive(yard, at: ".", "mkdir t; echo root >t/root; echo r >r")
        #expect(try yard.text("t/root") == "root\n" && yard.text("r") == "r\n")
        #expect(File.names(in: yard("")).sorted() == ["r", "t"])
    }

    @Test(arguments: [
        (false, "echo new >f", WorkspaceError.Code.exists), (true, "mkdir f", .notDirectory),
        (true, "echo new >d", .isDirectory), (false, "mkdir d; echo new >d/g", .exists),
    ])
    func `a name that is taken changes nothing at all`(
        replacing: Bool, script: String, expected: WorkspaceError.Code
    ) throws {
        let yard = try Yard("mkdir d; echo old >f; echo old >d/g")
        let before = try yard.listing()
        #expect(
            code { try arrive(yard, at: ".", replacing: replacing, "echo x >a; echo x >z; \(script)") }
                == expected)
        #expect(try yard.listing() == before)
    }

    @Test func `files and links are replaced when that is asked for, and links not followed`() throws {
        let yard = try Yard("echo old >f; ln -s ../outside/secret l; mkdir d; ln -s ../../outside d/out")
        let before = try yard.outside()
        try arrive(yard, at: ".", replacing: true, "echo new >f; echo new >l; mkdir d; echo new >d/out")
        #expect(try yard.text("f") == "new\n" && yard.text("l") == "new\n" && yard.text("d/out") == "new\n")
        #expect(try yard.outside() == before)
    }

    @Test func `what is discarded or fails leaves nothing`() throws {
        let yard = try Yard("mkdir d; echo x >f")
        let before = try yard.listing()
        let arrival = try yard.files.receive(at: WorkspacePath("d"))
        arrival.discard()
        #expect(code { _ = try yard.files.receive(at: WorkspacePath("none/x")) } == .notFound)
        #expect(code { _ = try yard.files.receive(at: WorkspacePath("f")) } == .notDirectory)
        #expect(try yard.listing() == before)
        // Somebody takes the name while the tree is made.
        #expect(code { try arrive(yard, at: "new", "echo x >y", meanwhile: "mkdir new") } == .exists)
        #expect(!File.names(in: yard("")).contains(where: isHidden))
    }

    /// Whoever is inside does to the hidden directory what they like.
    @Test(arguments: [
        "mv .corral-* aside", "rm -r .corral-*", "mv .corral-* aside; ln -s ../outside \"$OLD\"",
        "mv .corral-* aside; mkdir \"$OLD\"", "ln -s ../../outside \"$OLD/out\"",
        "rm -r .corral-*/d; ln -s ../../outside \"$OLD/d\"",
    ])
    func `what is done to the directory that is filled leads nowhere outside`(trick: String) throws {
        let yard = try Yard("mkdir there; mkdir there/d")
        let before = try yard.outside()
        for path in ["new", "."] {
            let script = "OLD=$(echo .corral-*); \(trick)"
            _ = code { try arrive(yard, at: path, "mkdir d; echo x >d/x; echo y >y", meanwhile: script) }
            #expect(try yard.outside() == before)
            try yard.shell("rm -rf new aside .corral-* d y out")
        }
    }
}
