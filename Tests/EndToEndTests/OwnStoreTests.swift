// An ordinary user's own image store, in a home that nobody else may enter.

import Linux
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "only root can become another user"))
struct OwnStoreTests {
    /// A root tree of one program, readable by all.
    private static func tree(in directory: TemporaryDirectory) throws -> String {
        let root = directory("root")
        let script = """
            set -e
            mkdir -p "$1/usr/bin" "$1/usr/lib" "$1/etc"
            cd "$1"
            ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib lib64
            cp -L "$(command -v cat)" usr/bin/
            ldd usr/bin/cat | grep -o '/[^ ]*' | while read -r library; do cp -L "$library" usr/lib/; done
            echo 'of my own' >etc/marker
            chmod -R a+rX .
            """
        let outcome = try Program.run(["sh", "-c", script, "sh", root])
        try #require(outcome.status == 0, "\(outcome.errors)")
        return root
    }

    @Test func `who has one id imports a tree and runs it`() throws {
        let user = try OrdinaryUser()
        let (tree, home) = (try OwnStoreTests.tree(in: user.directory), try user.ownDirectory("home"))
        _ = try Program.run(["chmod", "700", home])
        var environment = Program.environment
        environment["HOME"] = home
        for words in [
            ["image", "import", "mine", tree], ["run", "--image", "mine", "--", "cat", "/etc/marker"],
        ] {
            let outcome = try Program(
                [user.corral] + words, environment: environment, user: OrdinaryUser.uid
            ).start().wait(timeout: 60)
            #expect(outcome.status == 0, "\(outcome.errors)")
            if words[0] == "run" { #expect(outcome.output == "of my own\n", "\(outcome.errors)") }
        }
    }

    /// The init has an id that is not the home's owner then, when it opens the tree.
    @Test(
        .enabled(if: File.exists("/usr/bin/newuidmap"), "newuidmap is not installed"),
        .enabled(if: File.exists("/etc/subuid") && File.exists("/etc/subgid"), "there is no /etc/subuid"))
    func `who has a range of ids imports a tree and runs it`() throws {
        let user = try OrdinaryUser()
        let (tree, home) = (try OwnStoreTests.tree(in: user.directory), user.directory("home"))
        let owner = "\(SubordinateIDTests.uid):\(SubordinateIDTests.uid)"
        try File.makeDirectories(home)
        _ = try Program.run(["chown", owner, home])
        _ = try Program.run(["chmod", "700", home])
        let start = ["env", "HOME=\(home)", user.corral]
        let imported = try SubordinateIDTests.start(user, start + ["image", "import", "mine", tree])
        #expect(imported.status == 0, "\(imported.errors)")
        let ran = try SubordinateIDTests.start(
            user, start + ["run", "--json", "--image", "mine", "--", "cat", "/etc/marker"])
        #expect(ran.status == 0 && ran.output == "of my own\n", "\(ran.errors)")
        #expect(try Report(in: ran.errors).text("layers", "uids") == "in force")
    }
}
