import Testing

@testable import Sandbox

@Suite struct ProfileChainTests {
    /// Files by their names, as `NAME.yaml`.
    private func chain(_ files: [String: String], from name: String = "a") throws -> ProfileChain {
        func read(_ name: String) throws(ProfileChain.Missing) -> ProfileFile {
            guard let text = files[name] else { throw .absent("names \(name), which is not there") }
            do throws(ConfigError) {
                return try ProfileFile(Array(text.utf8), file: "\(name).yaml")
            } catch {
                throw .wrong(error)
            }
        }
        return try ProfileChain(from: read(name)) { (_, reference) throws(ProfileChain.Missing) in
            try read(reference.target)
        }
    }

    private func problem(_ files: [String: String]) -> String? {
        let error = #expect(throws: ConfigError.self) { try chain(files).profile() }
        return error?.description
    }

    @Test func `values of the upper file hold, and those below where it says nothing`() throws {
        let profile = try chain([
            "a": "extends: b\nlimits: {pids: 9}\nrequire: []\n", "b": minimalProfile,
        ]).profile()
        #expect(profile.name == "a" && profile.description == "x")
        #expect(profile.limits.pids == 9 && profile.limits.memory == 64 << 20 && profile.require == [])
    }

    @Test func `a circle is told with its way and its lines`() {
        #expect(
            problem(["a": "extends: b", "b": "\nextends: c", "c": "description: x\nextends: b"])
                == "c.yaml:2:10: extends: leads in a circle: b.yaml:2 -> c.yaml:2 -> b.yaml")
        #expect(problem(["a": "extends: a"]) == "a.yaml:1:10: extends: leads in a circle: a.yaml:1 -> a.yaml")
    }

    @Test func `eight files in a row fit and nine do not`() throws {
        var files = ["h": minimalProfile]
        for (name, next) in zip("abcdefg", "bcdefgh") { files["\(name)"] = "extends: \(next)" }
        #expect(try chain(files).files.count == 8)
        files["h"] = "extends: i"
        files["i"] = minimalProfile
        #expect(
            problem(files)
                == "h.yaml:1:10: extends: is one file too many, expected at most 8 in a row: a.yaml:1 -> b.yaml:1 "
                + "-> c.yaml:1 -> d.yaml:1 -> e.yaml:1 -> f.yaml:1 -> g.yaml:1 -> h.yaml:1 -> i.yaml")
    }

    @Test func `a file that is not there, and one that is wrong, are told where they are`() {
        #expect(problem(["a": "extends: b"]) == "a.yaml:1:10: extends: names b, which is not there")
        #expect(
            problem(["a": "extends: b", "b": "limits: {pids: x}"])?.hasPrefix("b.yaml:1:16: limits.pids: ")
                == true)
    }

    @Test func `a locked field overridden names both lines`() {
        let base = minimalProfile + "locked: [limits.pids, network]\n"
        #expect(
            problem(["a": "extends: b\nlimits:\n  pids: 9\n", "b": base])
                == "a.yaml:3:3: limits.pids: is locked by b.yaml:10 and stays 8")
        #expect(
            problem(["a": "extends: b\nnetwork: {mode: host}\n", "b": base])
                == "a.yaml:2:11: network.mode: is locked by b.yaml:10 and stays none")
        // Said again, nothing is changed.
        #expect(throws: Never.self) {
            try chain(["a": "extends: b\nlimits: {pids: 8}\n", "b": base]).profile()
        }
    }

    @Test func `a lock lower in the chain holds for every file above it`() {
        let files = [
            "a": "extends: b\nlimits: {pids: 9}\n", "b": "extends: c\n",
            "c": minimalProfile + "locked: [limits]\n",
        ]
        #expect(problem(files) == "a.yaml:2:10: limits.pids: is locked by c.yaml:10 and stays 8")
    }

    @Test func `one file alone extends nothing`() {
        #expect(throws: ConfigError.self) {
            try Profile.decode(Array(("extends: b\n" + minimalProfile).utf8), file: "a.yaml")
        }
    }
}
