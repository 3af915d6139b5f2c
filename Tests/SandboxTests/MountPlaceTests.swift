// Places of mounts in directories that somebody else can change: a link there leads to no mount
// anywhere else (CVE-2021-30465, CVE-2024-42472).

import Glibc
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct MountPlaceTests {
    /// In full, as many as a night allows.
    private static let rounds = Effort.rounds(40, full: 2_000)

    private func hostMounts(mentioning path: String) -> [String] {
        (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n").map(String.init)
            .filter { $0.contains(path) }
    }

    @Test(arguments: ["dev", "proc", "sys", "tmp", "run", "etc", "usr"])
    func `a workspace's link in the name of a system directory is nobody's way out`(name: String) throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let source = try TemporaryDirectory()
        try source.write("marker", "good\n")
        // To the host's, by a path that would be right from any depth.
        #expect(unsafe symlink("../../../../../../\(name)", directory(name)) == 0)
        let plain = try Corral(["--workspace", directory.path]).shell(
            "test -c /dev/null && grep -q plugin /etc/passwd && test -e /proc/self/status && echo ok")
        #expect(plain.text == "ok", "\(plain)")
        for place in [name, "\(name)/sub"] {
            let options = ["--workspace", directory.path, "-v", "\(source.path):/workspace/\(place):ro"]
            let ended = try Corral(options).shell("echo started")
            #expect(ended.status == 125 && ended.text == "", "\(place): \(ended)")
        }
        #expect(hostMounts(mentioning: source.path) == [])
        #expect(File.names(in: directory.path) == [name])
    }

    /// Somebody exchanges the place with a link to another of the sandbox's directories all the while.
    @Test func `a place that is swapped never has its mount elsewhere`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let source = try TemporaryDirectory()
        try source.write("marker", "good\n")
        try File.makeDirectories(directory("place"))
        #expect(unsafe symlink("/home", directory("other")) == 0)
        let swapper = try Program(Swaps.command(directory("place"), directory("other"))).start()
        #expect(try swapper.waitForText("swapping"))
        let options = ["--workspace", directory.path, "-v", "\(source.path):/workspace/place:ro"]
        var seen: Set<String> = []
        for _ in 0..<Self.rounds {
            // A mount goes with its directory, whatever that is called by now.
            let ended = try Corral(options).shell(
                "cut -d ' ' -f 5 /proc/self/mountinfo | grep -v ^/proc | grep -E 'home|place|other' | sort; "
                    + "ls /home"
            )
            seen.insert(ended.status == 125 && ended.text == "" ? "refused" : ended.text)
            #expect(hostMounts(mentioning: source.path) == [])
        }
        try swapper.signal(SIGTERM)
        let swaps = try swapper.wait(timeout: 60).output.split(separator: "\n").last.flatMap { Int($0) }
        #expect(try #require(swaps) > 1000)
        let right: Set = ["/home\n/workspace/place", "/home\n/workspace/other", "refused"]
        #expect(seen.isSubset(of: right), "\(seen)")
    }
}
