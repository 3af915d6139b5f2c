import Glibc
import TestSupport
import Testing

/// A daemon whose store is too large to be checked as a whole before it serves.
@Suite(.serialized) struct LargeStoreTests {
    private func sqlite3(_ daemon: TestDaemon, _ statements: String) throws -> String {
        let outcome = try Program.run(["sqlite3", "-bail", "\(daemon.state)/daemon/corral.db", statements])
        try #require(outcome.status == 0, "sqlite3: \(outcome.errors)")
        return outcome.output
    }

    @Test func `a damaged history ends a daemon that serves already, and the next one sets it aside`() throws
    {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
        #expect(try daemon.stop() == 0)
        _ = try sqlite3(daemon, "UPDATE results SET stderr = zeroblob(40000000)")
        // The control: the same file undamaged.
        try daemon.startAgain()
        #expect(try daemon.program.waitForText("was checked and nothing is wrong", within: 60))
        #expect(try daemon.exec(id, "echo on").decoded("stdout") == "on\n")
        #expect(try daemon.stop() == 0)
        let file = "\(daemon.state)/daemon/corral.db"
        let root = try sqlite3(daemon, "SELECT rootpage FROM sqlite_schema WHERE name = 'results'")
        let page = try #require(Int(root.filter(\.isNumber)))
        var bytes = try File.read(file)
        for place in (page - 1) * 4096..<page * 4096 { bytes[place] = 0xFF }
        try File.write(bytes, to: file, mode: 0o600)
        try daemon.beginAgain()
        #expect(try daemon.exitStatus() == 75)
        #expect(daemon.program.errorsSoFar.contains("corral.db is damaged: "))
        #expect(File.exists("\(file)-check"))
        try daemon.startAgain()
        #expect(try daemon.call("GET", "/v1/health").text("store") == "set-aside")
        #expect(!File.exists("\(file)-check"))
        #expect(File.names(in: "\(daemon.state)/daemon").contains { $0.hasPrefix("corral.db.damaged-") })
        let next = try daemon.session()
        #expect(try daemon.exec(next, "echo again").decoded("stdout") == "again\n")
    }
}
