import Glibc
import Linux
import TestSupport
import Testing

/// Clocks that are set and descriptors that run out.
@Suite(.serialized) struct ScarcityTests {
    /// What the daemon takes for the clock of the world: the kernel's, an hour back while a file is there. A
    /// namespace of its own has no such clock, and the host's is everybody's. corrald is linked to the C
    /// library that is there, so a library before it can stand in for one call.
    private static let shiftedClock = """
        #define _GNU_SOURCE
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>
        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = (int)syscall(SYS_clock_gettime, clock, time);
            const char *file = getenv("CORRAL_TEST_SHIFT");
            if (result == 0 && clock == CLOCK_REALTIME && file && access(file, F_OK) == 0) time->tv_sec -= 3600;
            return result;
        }
        """

    @Test func `a clock that is set back an hour ends no session early or late`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("clock.c", ScarcityTests.shiftedClock)
        let built = try Program.run(
            ["cc", "-shared", "-fPIC", "-o", directory("clock.so"), directory("clock.c")])
        try #require(built.status == 0, "\(built.errors)")
        let shift = directory("shift")
        let daemon = try TestDaemon(
            environment: ["LD_PRELOAD": directory("clock.so"), "CORRAL_TEST_SHIFT": shift])
        let brief = try daemon.session(#"{"ttl":8000}"#)
        let long = try daemon.session(#"{"ttl":3000000,"idle":3000000}"#)
        let before = try daemon.call("GET", "/v1/sessions/\(long)").text("last_used")
        try directory.write("shift", "")
        // It is seen: the same moment has another name now.
        #expect(try daemon.call("GET", "/v1/sessions/\(long)").text("last_used") < before)
        #expect(try daemon.waitForEnd(brief).text("cause") == "ttl")
        #expect(try daemon.exec(long, "echo on").decoded("stdout") == "on\n")
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.state(long) == "running")
        let late = try daemon.session(#"{"ttl":3000000}"#)
        // Forward again by an hour, which is longer than either may live.
        #expect(unsafe unlink(shift) == 0)
        for id in [long, late] {
            #expect(try daemon.state(id) == "running")
            #expect(try daemon.exec(id, "true").text("exit") == "0")
        }
        #expect(try daemon.waitForEnd(try daemon.session(#"{"ttl":6000}"#)).text("cause") == "ttl")
        #expect(try daemon.call("GET", "/v1/health").text("status") == "ok")
    }

    @Test func `without descriptors processes are refused, sessions go on, and it recovers`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let path = "/v1/sessions/\(id)/processes"
        let first = try daemon.call("POST", path, #"{"argv":["sleep","600"]}"#)
        #expect(first.status == 201)
        // The warden goes on with as many as it had.
        try daemon.kill()
        try daemon.startAgain(wrapper: ["prlimit", "--nofile=64:64"])
        var refusals: [TestDaemon.Answer] = []
        for _ in 0..<16 where refusals.isEmpty {
            let answer = try daemon.call("POST", path, #"{"argv":["sleep","600"]}"#)
            if answer.status != 201 { refusals.append(answer) }
        }
        #expect(refusals.first?.status == 429 && refusals.first?.error == "limit")
        #expect(try daemon.exec(id, "true").status == 429)
        // Clients that take all that is left wait, and hurt nobody for longer than they stay.
        do {
            var clients: [Held<FileDescriptor>] = []
            for _ in 0..<60 {
                let socket = try FileDescriptor.unixSocket(nonBlocking: false)
                try socket.connect(to: daemon.socket)
                clients.append(Held(socket))
            }
            withExtendedLifetime(clients) {}
        }
        #expect(try daemon.call("GET", "/v1/health").text("warden") == "connected")
        #expect(try daemon.state(id) == "running")
        #expect(try daemon.call("GET", "\(path)/\(first.text("id"))").text("state") == "running")
        // What has ended makes room.
        let all = try daemon.call("GET", path)["processes"]?.list.compactMap { $0["id"]?.text } ?? []
        for process in all.dropFirst() { try daemon.call("POST", "\(path)/\(process)/stop", #"{"grace":0}"#) }
        #expect(try eventually { try daemon.exec(id, "echo again").decoded("stdout") == "again\n" })
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.call("POST", path, #"{"argv":["sleep","600"]}"#).status == 201)
    }
}
