// What a service manager says through the environment, and what is said to it.

import ServiceManager
import Testing

@Suite struct ManagerVariablesTests {
    private func read(_ variables: [String: String], pid: Int32 = 7) throws(ManagerProblem)
        -> ManagerVariables
    {
        try ManagerVariables(pid: pid) { variables[$0] }
    }

    @Test func `without variables there is no manager`() throws {
        let none = try read([:])
        #expect(none.notify == nil && none.watchdog == nil && none.sockets.isEmpty)
    }

    @Test func `a path and an abstract name are addresses, byte for byte`() throws {
        #expect(try read(["NOTIFY_SOCKET": "/run/n"]).notify?.bytes == Array("/run/n".utf8))
        #expect(try read(["NOTIFY_SOCKET": "@a/b"]).notify?.bytes == [0] + Array("a/b".utf8))
    }

    @Test(arguments: ["", "/", "@", "run/n", "vsock:2:1", "/" + String(repeating: "x", count: 107)])
    func `another address is refused with what was expected`(text: String) {
        let problem = #expect(throws: ManagerProblem.self) { try read(["NOTIFY_SOCKET": text]) }
        #expect(
            problem?.description.contains("expected an absolute path or @NAME of at most 107 bytes") == true)
    }

    @Test func `an address of 107 bytes is one`() throws {
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(try read(["NOTIFY_SOCKET": longest]).notify == .path(longest))
    }

    @Test func `the watchdog is for the process that it names, or for any`() throws {
        #expect(try read(["WATCHDOG_USEC": "500", "WATCHDOG_PID": "7"]).watchdog == 500)
        #expect(try read(["WATCHDOG_USEC": "500"]).watchdog == 500)
        #expect(try read(["WATCHDOG_USEC": "500", "WATCHDOG_PID": "8"]).watchdog == nil)
        #expect(try read(["WATCHDOG_PID": "7"]).watchdog == nil)
    }

    @Test(arguments: ["", "0", "-1", "x", "99999999999999999999"])
    func `a watchdog that is no number is an error`(text: String) {
        #expect(throws: ManagerProblem.self) { try read(["WATCHDOG_USEC": text]) }
    }

    @Test func `sockets are numbered from 3, with their names`() throws {
        let variables = ["LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "api:other"]
        #expect(
            try read(variables).sockets == [
                PassedSocket(number: 3, name: "api"), PassedSocket(number: 4, name: "other"),
            ])
        #expect(
            try read(["LISTEN_PID": "7", "LISTEN_FDS": "1"]).sockets == [
                PassedSocket(number: 3, name: "unknown")
            ])
        #expect(try read(["LISTEN_PID": "7", "LISTEN_FDS": "0"]).sockets.isEmpty)
    }

    @Test func `another process's sockets are none of ours`() throws {
        #expect(try read(["LISTEN_PID": "8", "LISTEN_FDS": "1"]).sockets.isEmpty)
        #expect(try read(["LISTEN_FDS": "1"]).sockets.isEmpty)
    }

    @Test(arguments: [
        ["LISTEN_FDS": "-1"], ["LISTEN_FDS": "65"], ["LISTEN_FDS": "x"], [:],
        ["LISTEN_FDS": "2", "LISTEN_FDNAMES": "one"],
    ])
    func `a number of sockets that cannot be is an error`(variables: [String: String]) {
        let own = variables.merging(["LISTEN_PID": "7"]) { $1 }
        #expect(throws: ManagerProblem.self) { try read(own) }
    }
}

@Suite struct NotificationTests {
    private func text(_ notification: Notification) -> String {
        String(decoding: notification.bytes, as: UTF8.self)
    }

    @Test func `each is the lines that sd_notify has`() {
        #expect(text(.ready(pid: 9, status: "on")) == "READY=1\nMAINPID=9\nSTATUS=on")
        #expect(text(.reloading(at: 12)) == "RELOADING=1\nMONOTONIC_USEC=12")
        #expect(text(.stopping(status: "off")) == "STOPPING=1\nSTATUS=off")
        #expect(text(.alive(status: "on")) == "WATCHDOG=1\nSTATUS=on")
        #expect(text(.status("on")) == "STATUS=on")
    }

    @Test func `a status cannot begin another field`() {
        #expect(text(.status("a\nREADY=1\0\u{7F}")) == "STATUS=a READY=1  ")
    }

    @Test func `a long status is cut between characters`() {
        let long = text(.status(String(repeating: "€", count: 1000)))
        #expect(long.utf8.count == "STATUS=".utf8.count + 1023)
        #expect(long.hasSuffix("€"))
    }
}
