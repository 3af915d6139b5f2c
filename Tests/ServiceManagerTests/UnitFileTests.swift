// The unit files, as systemd reads them: docs/systemd.md.

import TestSupport
import Testing

/// One line of what systemd-analyze says of a unit's exposure.
private struct Verdict {
    let score: String
    /// Settings that cost something, such as `PrivateNetwork=`.
    let open: [String]
}

@Suite struct UnitFileTests {
    private let place: TemporaryDirectory

    init() throws {
        place = try TemporaryDirectory()
        for (name, mode) in [("p/sbin/corrald", 0o755), ("p/bin/corral", 0o755)] as [(String, UInt32)] {
            try place.write(name, "#!/bin/sh\n", mode: mode)
        }
        try place.write("p/share/doc/corral/systemd.md", "")
        let script = #". scripts/files.sh; install_systemd_files "$1" "$1""#
        let outcome = try Program.run(
            ["sh", "-euc", script, "sh", place("p")], directory: Repository.root)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    private static let units = ["corral-warden.service", "corral.service", "corral.socket"]

    private func analyze(_ words: [String]) throws -> Program.Outcome? {
        guard File.exists("/usr/bin/systemd-analyze") else {
            Host.skip("there is no systemd-analyze on this machine")
            return nil
        }
        return try Program.run(
            ["/usr/bin/systemd-analyze"] + words,
            environment: Program.environment.merging(["XDG_RUNTIME_DIR": place.path]) { $1 })
    }

    @Test(arguments: ["system", "user"])
    func `systemd finds nothing wrong with the units`(kind: String) throws {
        let files = Self.units.map { place("p/lib/systemd/\(kind)/\($0)") }
        guard let outcome = try analyze(["--\(kind)", "verify", "--man=no"] + files) else { return }
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        // The control: a mistake is found.
        let text = try #require(File.text(files[1]))
        try place.write("wrong/corral.service", text.replacing("Type=notify", with: "Typo=notify"))
        let wrong = try analyze(["--\(kind)", "verify", "--man=no", place("wrong/corral.service")])
        #expect(wrong?.errors.contains("Typo") == true, "\(wrong?.errors ?? "")")
    }

    @Test func `no unit names a place that is not installed`() throws {
        for kind in ["system", "user"] {
            for unit in Self.units {
                let text = try #require(File.text(place("p/lib/systemd/\(kind)/\(unit)")))
                #expect(!text.contains("@PREFIX@"))
                #expect(!text.contains("\(place.path)/p/lib"))
            }
        }
    }

    private func verdict(_ kind: String, _ unit: String) throws -> Verdict? {
        let words = [
            "security", "--offline=true", "--no-pager", "--threshold=100",
            place("p/lib/systemd/\(kind)/\(unit)"),
        ]
        guard let outcome = try analyze(words) else { return nil }
        try #require(outcome.status == 0, "\(outcome.errors)")
        var (score, open) = ("", [String]())
        for line in outcome.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first == "✗" { open.append(String(words[1])) }
            if let place = words.firstIndex(of: "\(unit):"), words.first == "→" {
                score = String(words[place + 1])
            }
        }
        return Verdict(score: score, open: open)
    }

    @Test(arguments: [
        ("system", "corral.service"), ("system", "corral-warden.service"), ("user", "corral.service"),
        ("user", "corral-warden.service"),
    ])
    func `the exposure that the page tells is the one that systemd finds`(kind: String, unit: String) throws {
        guard let verdict = try verdict(kind, unit) else { return }
        let page = try #require(File.text(Repository.path("docs/systemd.md")))
        let version = try analyze(["--version"])?.output ?? ""
        guard version.hasPrefix("systemd 252 ") else {
            Host.skip("the figures are those of systemd 252, and this is \(version.prefix(12))")
            return
        }
        #expect(page.contains("| `\(kind)/\(unit)` | \(verdict.score) |"), "it is \(verdict.score)")
        guard kind == "system", unit == "corral.service" else { return }
        for name in verdict.open { #expect(page.contains("| `\(name)` |"), "\(name) is not explained") }
        #expect(!verdict.open.isEmpty)
    }

    @Test func `corrald's service is exposed less than it may be`() throws {
        let file = place("p/lib/systemd/system/corral.service")
        let words = ["security", "--offline=true", "--no-pager"]
        guard let outcome = try analyze(words + ["--threshold=20", file]) else { return }
        #expect(outcome.status == 0, "\(outcome.output.suffix(200))")
        // The control: with a lower one it would be too much.
        #expect(try analyze(words + ["--threshold=5", file])?.status != 0)
    }

    @Test func `systemd takes the user and the directories`() throws {
        guard File.exists("/usr/bin/systemd-sysusers"), Host.isRoot else {
            return Host.skip("there is no systemd-sysusers on this machine, or the caller is not root")
        }
        try place.write("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        try place.write("root/etc/group", "root:x:0:\n")
        let users = try Program.run([
            "/usr/bin/systemd-sysusers", "--root", place("root"), place("p/lib/sysusers.d/corral.conf"),
        ])
        #expect(users.status == 0, "\(users.errors)")
        let line = File.text(place("root/etc/passwd"))?.split(separator: "\n").last ?? ""
        #expect(line.hasPrefix("corral:") && line.hasSuffix(":Corral daemon:/nonexistent:/usr/sbin/nologin"))
        let made = try Program.run([
            "/usr/bin/systemd-tmpfiles", "--create", "--root", place("root"),
            place("p/lib/tmpfiles.d/corral.conf"),
        ])
        #expect(made.status == 0, "\(made.errors)")
        let modes = try Program.run(
            ["stat", "-c", "%a", "run/corral", "var/lib/corral", "var/lib/corral/daemon"],
            directory: place("root"))
        #expect(modes.output == "755\n710\n700\n")
    }
}
