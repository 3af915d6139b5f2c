import Client
import Testing

@testable import Commands

@Suite struct DaemonAccessTests {
    private func arguments(_ words: String...) throws -> Arguments {
        let command = Command("try", summary: "Try.", options: DaemonAccess.place) { _ in 0 }
        return try Arguments(parsing: words, for: command)
    }

    @Test func `the daemon is the one whose directory or socket is named`() throws {
        let directory = try arguments("--state", "/nowhere/two")
        #expect(try DaemonAccess.socket(directory) == "/nowhere/two/run/corral.sock")
        let socket = try arguments("--set", "socket.path=/nowhere/s")
        #expect(try DaemonAccess.client(socket).path == "/nowhere/s")
        let error = #expect(throws: CommandError.self) {
            _ = try DaemonAccess.socket(try arguments("--set", "socket.path=s"))
        }
        #expect(error?.description.hasPrefix("--set: socket.path: \"s\" is not an absolute path") == true)
    }

    @Test func `what a daemon refuses is what the command says`() throws {
        let error = #expect(throws: CommandError.self) {
            try CommandError.asking { () throws(ClientError) in
                _ = try DaemonClient(path: "/nowhere/s").ask(HTTPRequest(.get, ["v1", "health"]))
            }
        }
        #expect(error?.description.hasPrefix("cannot connect to /nowhere/s: there is no such socket") == true)
    }
}
