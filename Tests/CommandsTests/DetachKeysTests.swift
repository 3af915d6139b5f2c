import Sandbox
import Testing

@testable import Commands

@Suite struct DetachKeysTests {
    /// What passes of pieces that are typed one after the other, and whether the keys were among them.
    private func pass(_ keys: String, _ pieces: [String]) throws -> (passed: String, isComplete: Bool) {
        var keys = try DetachKeys(keys)
        var passed: [UInt8] = []
        for piece in pieces {
            let (bytes, isComplete) = keys.pass(Array(piece.utf8))
            passed += bytes
            if isComplete { return (String(decoding: passed, as: UTF8.self), true) }
        }
        return (String(decoding: passed, as: UTF8.self), false)
    }

    @Test(arguments: [
        ("ctrl-p,ctrl-q", ["ab\u{10}\u{11}cd"], "ab", true),
        ("ctrl-p,ctrl-q", ["ab\u{10}", "\u{11}"], "ab", true),
        ("ctrl-p,ctrl-q", ["\u{10}x"], "\u{10}x", false),
        ("ctrl-p,ctrl-q", ["\u{10}\u{10}\u{11}"], "\u{10}", true),
        // Held back until it is known.
        ("ctrl-p,ctrl-q", ["a\u{10}"], "a", false),
        ("ctrl-a,ctrl-a,b", ["\u{1}\u{1}\u{1}b"], "\u{1}", true),
        ("x", ["abxc"], "ab", true),
        ("ctrl-@", ["a\u{0}"], "a", true),
        ("ctrl-[", ["\u{1B}"], "", true),
        ("", ["\u{10}\u{11}"], "\u{10}\u{11}", false),
    ])
    func `keys that are typed one after the other let go, and others pass`(
        keys: String, pieces: [String], passed: String, isComplete: Bool
    ) throws {
        let found = try pass(keys, pieces)
        #expect(found.passed == passed && found.isComplete == isComplete)
    }

    @Test(arguments: ["ctrl-", "ctrl-1", "ab", "a,,b", "ctrl-aa", "\u{1}", "ctrl-ä"])
    func `what is no key is named`(keys: String) {
        let error = #expect(throws: ValueError.self) { try DetachKeys(keys) }
        #expect(error?.problem.contains("is no key; expected a character or ctrl-a to ctrl-z") ?? false)
    }

    @Test(
        arguments: [
            (#"{"cause":"exited","exit":7}"#, 7, nil),
            (#"{"cause":"signalled","signal":11}"#, 139, nil),
            (#"{"cause":"timeout","signal":9}"#, 124, "its time limit"),
            (#"{"cause":"memory","signal":9}"#, 137, "its limit of memory"),
            (#"{"cause":"seccomp","signal":31}"#, 159, "seccomp"),
            (#"{"cause":"operator","exit":0}"#, 0, "somebody who asked for it"),
            (#"{"cause":"ttl","signal":9}"#, 137, "its session's end (ttl)"),
            (#"{"cause":"daemon-restart"}"#, 125, "daemon-restart"),
            (#"{"cause":"launch-failed","message":"no\u001b"}"#, 125, "launch-failed: no\\u{1b}"),
            ("no JSON", 125, "nobody told"),
        ] as [(String, Int32, String?)])
    func `the end of a process is an exit code as corral run has it`(
        json: String, code: Int32, notice: String?
    ) {
        let end = ProcessEnd(Array(json.utf8))
        #expect(end.exitCode == code)
        if let notice { #expect(end.notice?.contains(notice) ?? false) } else { #expect(end.notice == nil) }
    }
}
