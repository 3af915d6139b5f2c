// Packages and command lines with which nothing is started.

import Glibc
import Linux
import TestSupport
import Testing

@Suite struct BadPackageTests {
    private func expect(_ test: PluginTest, code: CInt, _ sentence: String) {
        #expect(test.outcome.status == code, "\(test.outcome.output)\(test.outcome.errors)")
        #expect(test.outcome.output == "", "nothing was started")
        #expect(test.outcome.errors == "corral plugin test: \(sentence)\n")
    }

    @Test(arguments: [
        ("{\n  \"name\": \"a\"", "plugin.json:2:14: a comma or \"}\" was expected"),
        (#"{"name": "a"}"#, "plugin.json:1:1: command: is missing; expected text"),
        (
            #"{"name": "a", "command": "x", "working_directory": "nowhere"}"#,
            "plugin.json:1:52: working_directory: \"nowhere\" is no directory of the package"
        ),
        (
            #"{"name": "a", "command": "x", "working_directory": "link"}"#,
            "plugin.json:1:52: working_directory: \"link\" is no directory of the package"
        ),
    ])
    func `a manifest that is wrong is told by file, place and key`(manifest: String, sentence: String) throws
    {
        let directory = try TemporaryDirectory()
        try PluginTest.package("", in: directory, manifest: manifest)
        _ = try call("symlink") { unsafe symlink("/tmp", directory("plugin/link")) }
        expect(try PluginTest.run(directory), code: 1, sentence)
    }

    @Test func `a package without a manifest says which names there are`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("plugin/main.py", "")
        let sentence =
            "\(directory("plugin")): has no manifest; expected one of plugin.yml, plugin.yaml, plugin.json"
        expect(try PluginTest.run(directory), code: 1, sentence)
    }

    @Test func `a manifest is read from the package only, and never waited for`() throws {
        let directory = try TemporaryDirectory()
        let outside = try directory.write("outside.json", PluginTest.manifest)
        try File.makeDirectories(directory("plugin"))
        let path = directory("plugin/plugin.json")
        _ = try call("symlink") { unsafe symlink(outside, path) }
        expect(
            try PluginTest.run(directory), code: 1,
            "plugin.json: EXDEV (Invalid cross-device link); expected a file of at most 262144 bytes")
        try File.remove(path)
        _ = try call("mkfifo") { unsafe mkfifo(path, 0o644) }
        expect(
            try PluginTest.run(directory), code: 1,
            "plugin.json: EINVAL (Invalid argument); expected a file of at most 262144 bytes")
    }

    @Test func `a command that is not in the sandbox is the manifest's mistake`() throws {
        let directory = try TemporaryDirectory()
        try PluginTest.package("", in: directory, manifest: #"{"name": "a", "command": "python4"}"#)
        let test = try PluginTest.run(directory)
        #expect(test.outcome.status == 1)
        #expect(test.wrong.count == 1)
        #expect(
            test.wrong.first?.hasPrefix("plugin.json: the command python4: not found in the sandbox") == true)
    }

    @Test(arguments: [
        (["--timeout", "1"], CInt(2), "--timeout: \"1\" is not a duration"),
        (["--timeout", "50ms"], 2, "--timeout: \"50ms\" is too small; expected 100ms to 1h"),
        (["--image", "../x"], 2, "--image: \"../x\""),
        (["--imag", "host"], 2, "unknown option --imag; did you mean --image?"),
        (["--image", "nothing-like-it"], 125, "unknown image \"nothing-like-it\""),
        (["--profile", "nothing-like-it"], 125, "nothing-like-it"),
        (["another"], 2, "unexpected \""),
    ])
    func `a wrong option or profile is told before anything is started`(
        words: [String], code: CInt, sentence: String
    ) throws {
        let directory = try TemporaryDirectory()
        try PluginTest.package("", in: directory)
        let test = try PluginTest.run(directory, words)
        #expect(test.outcome.status == code, "\(test.outcome.errors)")
        #expect(test.outcome.output == "" && test.outcome.errors.contains(sentence), "\(test.outcome.errors)")
        #expect(test.outcome.errors.split(separator: "\n").count == 1, "\(test.outcome.errors)")
    }

    @Test func `a directory that is not there is a wrong call`() throws {
        let directory = try TemporaryDirectory()
        let sentence =
            "\(directory("plugin")): ENOENT (No such file or directory); expected a plugin's directory"
        expect(try PluginTest.run(directory), code: 2, sentence)
    }
}
