import Testing
import Wire

@testable import Commands

/// Whether a warden is ended with a daemon, without either of them.
@Suite struct WardenOwnerTests {
    private func place(_ words: String...) throws -> DaemonPlace {
        let command = Command("try", summary: "Try.", options: ConfigCommand.options) { _ in 0 }
        return try DaemonPlace(try Arguments(parsing: words, for: command))
    }

    private func info(state: String, warden: String = "0.1.0") throws -> DaemonAnswer {
        DaemonAnswer(
            try JSONTree(parsing: Array(#"{"state":"\#(state)","warden_version":"\#(warden)"}"#.utf8)))
    }

    private func refusal(
        _ place: DaemonPlace, daemon: Bool = true, info: DaemonAnswer? = nil, warden: Int32? = 7,
        unserved: UInt64? = nil
    ) -> String? {
        do throws(CommandError) {
            let owner = WardenOwner(
                place: place, hasDaemon: daemon, info: info, warden: warden, unserved: unserved)
            try owner.check()
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `the daemon's own word for its directory decides`() throws {
        let place = try place("--state", "/nowhere/one")
        #expect(refusal(place, info: try info(state: "/nowhere/one")) == nil)
        let other = try #require(refusal(place, info: try info(state: "/nowhere/two")))
        #expect(other.contains("has the state directory /nowhere/two, and the settings say /nowhere/one"))
        #expect(other.hasSuffix("nothing was ended; give --state /nowhere/two"))
        // Two names of one directory.
        #expect(refusal(try self.place("--state", "/usr/lib/.."), info: try info(state: "/usr")) == nil)
    }

    @Test func `a daemon that has a warden elsewhere is not taken for one without`() throws {
        let place = try place("--state", "/nowhere/one")
        let lost = try #require(refusal(place, info: try info(state: "/nowhere/one"), warden: nil))
        #expect(lost.contains("has a warden, and at /nowhere/one/run/warden.sock there is none"))
        #expect(refusal(place, info: try info(state: "/nowhere/one", warden: ""), warden: nil) == nil)
    }

    @Test func `a daemon that says nothing is ended with its directories' warden, and not by a socket alone`()
        throws
    {
        #expect(refusal(try place("--state", "/nowhere/one")) == nil)
        let socket = try #require(refusal(try place("--set", "socket.path=/nowhere/s")))
        #expect(socket.contains("corrald at /nowhere/s does not answer, so it is not known whose the warden"))
        #expect(socket.contains("give --state"))
        #expect(refusal(try place("--set", "socket.path=/nowhere/s", "--state", "/nowhere/one")) == nil)
    }

    @Test func `without a daemon the warden must be without one as well`() throws {
        let place = try place("--state", "/nowhere/one")
        #expect(refusal(place, daemon: false, unserved: 3) == nil)
        #expect(refusal(place, daemon: false, warden: nil) == nil)
        let served = try #require(refusal(place, daemon: false))
        #expect(served.contains("serves a corrald that does not listen at /nowhere/one/run/corral.sock"))
        let socket = try self.place("--set", "socket.path=/nowhere/s")
        let unknown = try #require(refusal(socket, daemon: false, unserved: 3))
        #expect(unknown.contains("no corrald listens at /nowhere/s, so it is not known whose the warden"))
    }
}
