import Debian
import Testing

@Suite struct AptSourcesTests {
    @Test func `lines are read with their options and comments left out`() {
        let text = """
            # deb http://a.invalid/debian bookworm main
            deb http://a.invalid/debian bookworm main contrib # the rest
            deb [ signed-by=/k.gpg arch=amd64 ] http://b.invalid/x  bookworm-updates  main
            deb-src http://a.invalid/debian bookworm main
            deb [trusted=yes] http://c.invalid/flat ./
            deb http://d.invalid/short bookworm
            nonsense
            """
        #expect(
            AptSources.list(text).map(\.line) == [
                "deb http://a.invalid/debian bookworm main contrib",
                "deb [signed-by=/k.gpg arch=amd64] http://b.invalid/x bookworm-updates main",
            ])
    }

    @Test func `paragraphs are read, one repository for each URI and suite`() {
        let text = """
            Types: deb deb-src
            # a comment
            URIs: http://a.invalid/debian
              http://b.invalid/debian
            Suites: bookworm bookworm-updates
            Components: main contrib
            Signed-By: /usr/share/keyrings/x.gpg

            Enabled: no
            Types: deb
            URIs: http://off.invalid/
            Suites: bookworm
            Components: main

            Types: deb-src
            URIs: http://source.invalid/
            Suites: bookworm
            Components: main

            types: deb
            URIs: http://c.invalid/debian
            Suites: bookworm
            Components: main
            Trusted: yes
            Signed-By:
             -----BEGIN PGP PUBLIC KEY BLOCK-----
             abc
            """
        let key = "[signed-by=/usr/share/keyrings/x.gpg] "
        #expect(
            AptSources.paragraphs(text).map(\.line) == [
                "deb \(key)http://a.invalid/debian bookworm main contrib",
                "deb \(key)http://a.invalid/debian bookworm-updates main contrib",
                "deb \(key)http://b.invalid/debian bookworm main contrib",
                "deb \(key)http://b.invalid/debian bookworm-updates main contrib",
                "deb [trusted=yes] http://c.invalid/debian bookworm main",
            ])
    }

    @Test(arguments: [
        "", ":", "\n\n", "Types", "deb", "deb [", "deb [a", "Types: deb", " : deb\nURIs: x", "\u{0}: \u{0}",
    ])
    func `what is not understood is left out`(text: String) {
        #expect(AptSources.list(text) == [])
        #expect(AptSources.paragraphs(text) == [])
    }

    @Test(arguments: [
        ("bookworm", true), ("bookworm-updates", true), ("bookworm-security", true),
        ("bookworm/updates", true),
        ("bookworm-backports", false), ("trixie", false), ("bookworm-", false), ("stable", false),
    ])
    func `a release is served by its own suites`(suite: String, serves: Bool) {
        let source = AptSource(options: "", uri: "http://a.invalid", suite: suite, components: ["main"])
        #expect(source.serves("bookworm") == serves)
        var other = source
        other.components = ["stable"]
        #expect(!other.serves("bookworm"))
    }
}
