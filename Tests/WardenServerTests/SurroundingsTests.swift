// What the warden makes of its surroundings: mounts, memory, descriptors of its own.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.enabled(if: Host.isRoot, "mounts need root")) struct SurroundingsTests {
    /// The mount points in a process's own namespace.
    private func points(of pid: Int32) -> [Substring] {
        (File.text("/proc/\(pid)/mountinfo") ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 ? fields[4] : nil
        }
    }

    @Test func `mounts that launches do not need are not in its mount namespace`() throws {
        let place = try TemporaryDirectory()
        let mounted = try Program.run(["mount", "-t", "tmpfs", "corral-room", place.path])
        try #require(mounted.status == 0, "\(mounted.errors)")
        let warden = try TestWarden()
        let own = points(of: warden.program.pid)
        #expect(!own.contains(Substring(place.path)) && own.contains("/proc") && own.contains("/"))
        #expect(points(of: getpid()).contains(Substring(place.path)), "it went from the host as well")
        // Launches work with what is left.
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id)
        try client.start(ProcessOrder(ProcessKey(id, 1), .arguments(["cat", "/etc/hostname"])))
        #expect(try client.exit(of: ProcessKey(id, 1)).status == .exited(0))
        try client.finish(id)
        #expect(try Program.run(["umount", place.path]).status == 0, "the warden holds it")
    }

    @Test func `it says whether memory spares it, and no sandbox is spared`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        guard case .status(let status) = try client.ask(.status) else {
            Issue.record("no status")
            return
        }
        let score = File.text("/proc/\(warden.program.pid)/oom_score_adj")
        let isSpared = !status.remarks.contains { $0.hasPrefix("the warden is not spared") }
        #expect(score == (isSpared ? "-900\n" : File.text("/proc/self/oom_score_adj")))
        let id = freshID()
        try client.session(id)
        let key = ProcessKey(id, 1)
        try client.start(ProcessOrder(key, .arguments(["cat", "/proc/self/oom_score_adj"])))
        #expect(try client.readAll(key) == (isSpared ? "0\n" : score))
        try client.finish(id)
    }

    @Test func `an idle session takes three descriptors, and with a process at most eight`() throws {
        let warden = try TestWarden(["--ready-networks", "0"])
        let client = try Client(warden.socket)
        func count() -> Int { File.names(in: "/proc/\(warden.program.pid)/fd").count }
        let before = count()
        let id = freshID()
        try client.session(id)
        #expect(eventually { count() <= before + 3 }, "\(count() - before)")
        let order = ProcessOrder(
            ProcessKey(id, 1), .arguments(["sleep", "1000"]), streams: .pipes(.pipe))
        try client.start(order)
        #expect(eventually { count() <= before + 8 }, "\(count() - before)")
        guard case .status(let status) = try client.ask(.status) else { return }
        #expect(Int(status.descriptors) == count() - before, "the budget counts something else")
        try client.finish(id)
        #expect(eventually { count() <= before }, "\(count() - before)")
    }
}
