import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct PrivilegeTests {
    @Test func `the daemon has no capability, no other group, and no root-only file`() throws {
        guard Host.isRoot else { return Host.skip("only root's daemon has anything to give up") }
        let daemon = try TestDaemon()
        let pid = try #require(daemon.pid)
        // It gives everything up before it reads a request, and the warden serves before it does.
        _ = try daemon.call("GET", "/v1/health")
        let status = try #require(File.text("/proc/\(pid)/status"))
        for line in [
            "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapInh:\t0000000000000000",
            "NoNewPrivs:\t1", "Uid:\t65534\t65534\t65534\t65534",
        ] {
            #expect(status.contains(line), "\(line)")
        }
        let groups = status.split(separator: "\n").first { $0.hasPrefix("Groups:") } ?? ""
        #expect(groups.split(separator: "\t").dropFirst().allSatisfy { $0.allSatisfy { $0 == " " } })
        // As the kernel judges it: what this uid opens, it opens without anything else.
        try daemon.directory.write("secret", "s", mode: 0o600)
        let outcome = try Program.run(["cat", daemon.directory("secret")], uid: 65534)
        #expect(outcome.status == 1)
        // Only root and the group of the daemon's user pass; what is below is each one's own.
        for (path, wanted) in [("", "0 65534 710"), ("/daemon", "65534 65534 700"), ("/warden", "0 0 700")] {
            let found = try Program.run(["stat", "-c", "%u %g %a", daemon.state + path])
            #expect(found.output == "\(wanted)\n", "\(path)")
        }
        let warden = try #require(daemon.warden)
        #expect(File.text("/proc/\(warden)/status")?.contains("Uid:\t0\t0\t0\t0") == true)
    }
}
