// What shows that single mechanisms do something that are no layers: read-only mounts, flags of mounts,
// hidden files of /proc, the limit of output, the opening of directories, the rules of the relay.

import Glibc
import Linux
import Sandbox
import TestSupport

extension Attack {
    static let mechanisms: [Attack] = flagsOfMounts + hiddenFiles + whatIsPassedOn

    private static func without(_ mechanism: Mechanism) -> Control { .without(Ablation([], [mechanism])) }

    private static let flagsOfMounts: [Attack] = [
        Attack(
            "B11", "change-mode-of-read-only-file",
            "the mode of a file of the host's that is shown read-only",
            expected: "EROFS", control: without(.readOnly), stoppedBy: [], mechanisms: [.readOnly]),
        Attack(
            "B11", "find-writable-mount", "a mount that can be written to and is not meant for it",
            expected: "nothing", stoppedBy: [], mechanisms: [.readOnly]),
        Attack(
            "B11", "find-setuid-mount", "a mount that honours setuid bits", expected: "nothing",
            stoppedBy: [], mechanisms: [.mountFlags]),
        Attack(
            "B10", "find-device-mount", "a mount that honours device files", expected: "nothing",
            stoppedBy: [], mechanisms: [.mountFlags]),
    ]

    private static let hiddenFiles: [Attack] = [
        Attack(
            "B06", "read-boot-parameters", "the kernel's boot parameters", expected: "nothing",
            stoppedBy: [], mechanisms: [.masks]),
        Attack(
            "B06", "read-key-users", "how many keys each user of the machine has", expected: "nothing",
            stoppedBy: [], mechanisms: [.masks]),
    ]

    private static let whatIsPassedOn: [Attack] = [
        Attack(
            "B04", "workspace-through-link",
            "a link in the place of the directory that becomes the workspace",
            method: .scene(workspaceThroughLink), expected: "launch-failed 125",
            control: without(.pathResolver), stoppedBy: [], mechanisms: [.pathResolver]),
        Attack(
            "F04", "forge-answer-through-relay", "an answer that the host application never asked for",
            method: .scene(forgeAnswer), expected: "nothing", control: without(.relayPolicy),
            stoppedBy: [], mechanisms: [.relayPolicy]),
    ]

    /// What a plugin of an earlier session could have left behind (CVE-2024-42472).
    private static func workspaceThroughLink(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("secret"))
        _ = try call("symlink") { unsafe symlink(directory("secret"), directory("workspace")) }
        let program = cage.program(
            attacker: ["read-callers-variable"], options: ["--workspace", directory("workspace")], on: stage)
        let ended = try CageEnd(program.start().wait(timeout: 120))
        return Answer(
            ended.cause == "exited" ? "succeeded" : "\(ended.cause ?? "ended") \(ended.status ?? -1)")
    }

    /// The host application is a socket that reads to the end what comes.
    private static func forgeAnswer(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let directory = try TemporaryDirectory()
        let listener = try FileDescriptor.unixSocket(nonBlocking: false)
        try listener.bind(to: directory("host.sock"))
        try listener.listen(queue: 4)
        let program = cage.program(
            attacker: ["forge-answer-through-relay"], options: ["--relay", "tgo=\(directory("host.sock"))"],
            on: stage)
        let ended = try CageEnd(program.start().wait(timeout: 120))
        guard ended.answers["forge-answer-through-relay"]?.text == "sent" else {
            throw AttackError("nothing was sent to the relay: \(ended)")
        }
        // Corral connected before it started anything, and has ended.
        guard let host = try listener.accept() else { throw AttackError("the relay never connected") }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let number = host.number
            let count = try unsafe buffer.withUnsafeMutableBytes { bytes throws(SystemError) in
                try call("read") { unsafe read(number, bytes.baseAddress, bytes.count) }
            }
            if count == 0 { break }
            received += buffer[..<count]
        }
        return Answer(
            String(decoding: received, as: UTF8.self).contains("corral-bait") ? "succeeded" : "nothing")
    }
}
