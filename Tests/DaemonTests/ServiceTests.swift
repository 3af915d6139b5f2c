// corrald and the warden as services: what a service manager hears, what it passes, and two processes that
// neither starts the other.

import Glibc
import Linux
import TestSupport
import Testing
import Wire

@Suite struct ServiceNotificationTests {
    /// Abstract: whoever corrald becomes can reach it.
    private let name = "@corral-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    @Test func `a manager hears of the start, a reload, signs of life and the end`() throws {
        let manager = try NotifySocket(name)
        let daemon = try TestDaemon(environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"])
        let ready = manager.next(beginning: "READY=1\n")
        #expect(ready == "READY=1\nMAINPID=\(daemon.program.pid)\nSTATUS=0 of 1000 sessions")
        #expect(try daemon.call("GET", "/v1/health").status == 200)
        _ = try daemon.session()
        #expect(manager.next(beginning: "WATCHDOG=1\nSTATUS=1 of 1000 sessions") != nil)
        try daemon.program.signal(SIGHUP)
        #expect(manager.next(beginning: "RELOADING=1\nMONOTONIC_USEC=") != nil)
        #expect(manager.next(within: 60)?.hasPrefix("READY=1\n") == true)
        #expect(try daemon.stop() == 0)
        #expect(
            manager.next(beginning: "STOPPING=1\n")
                == "STOPPING=1\nSTATUS=ending: signal 15; sessions go on")
        // It has the daemon's standard error, which the end of the test would wait for.
        if let warden = daemon.warden { #expect(kill(warden, SIGTERM) == 0) }
        #expect(eventually(within: 120) { daemon.warden == nil })
    }

    @Test func `one that stands still gives no sign of life`() throws {
        let manager = try NotifySocket(name)
        let daemon = try TestDaemon(environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"])
        for _ in 0..<3 { #expect(manager.next(beginning: "WATCHDOG=1\n") != nil) }
        try daemon.program.signal(SIGSTOP)
        #expect(eventually { File.text("/proc/\(daemon.program.pid)/stat")?.contains(") T ") == true })
        while manager.next(within: 0) != nil {}
        #expect(manager.next(within: 2) == nil)
        try daemon.program.signal(SIGCONT)
        #expect(manager.next(beginning: "WATCHDOG=1\n") != nil)
    }

    @Test func `what is for corrald reaches neither the warden nor what runs in sandboxes`() throws {
        let manager = try NotifySocket(name)
        let daemon = try TestDaemon(environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000"])
        #expect(manager.next(beginning: "READY=1\n") != nil)
        func variables(_ pid: pid_t?) throws -> String {
            String(decoding: try File.read("/proc/\(try #require(pid))/environ"), as: UTF8.self)
        }
        // The control: the kernel shows what a process was started with.
        #expect(try variables(daemon.pid).contains("NOTIFY_SOCKET="))
        #expect(try !variables(daemon.warden).contains("NOTIFY_SOCKET="))
        let id = try daemon.session()
        let told = try daemon.exec(id, "env").decoded("stdout")
        #expect(told.contains("PATH=") && !told.contains("NOTIFY") && !told.contains("WATCHDOG"), "\(told)")
    }

    @Test func `an address that is none is told before anything is made`() throws {
        let directory = try TemporaryDirectory()
        let environment = Program.environment.merging(["NOTIFY_SOCKET": "nowhere"]) { $1 }
        let outcome = try Program.run(
            [Product.path("corrald"), "--state", directory("s")], environment: environment)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("expected an absolute path or @NAME"), "\(outcome.errors)")
        #expect(!File.exists(directory("s")))
    }
}

@Suite struct SocketActivationTests {
    private let directory: TemporaryDirectory
    /// As a manager does it: the variable has the number of the process that it becomes.
    private let wrapper = ["sh", "-c", #"LISTEN_PID=$$ exec "$@""#, "sh"]

    init() throws {
        directory = try TemporaryDirectory()
        try File.makeDirectories(directory("run"))
    }

    private func listener() throws -> FileDescriptor {
        let socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.bind(to: directory("run/corral.sock"))
        try socket.listen(queue: 16)
        return socket
    }

    @Test func `requests that waited are answered, and clients see corrald`() throws {
        let socket = try listener()
        let early = try Program([
            "curl", "-sS", "--max-time", "300", "--unix-socket", directory("run/corral.sock"),
            "http://corral/v1/health",
        ]).start()
        let daemon = try TestDaemon(
            wrapper: wrapper, in: directory, environment: ["LISTEN_FDS": "1", "LISTEN_FDNAMES": "api"],
            descriptors: [socket.number])
        #expect(daemon.program.errorsSoFar.contains("the service manager passed the socket of the API"))
        let outcome = try early.wait()
        #expect(outcome.output.contains(#""status":"ok""#), "\(outcome.output)\(outcome.errors)")
        let client = try FileDescriptor.unixSocket(nonBlocking: false)
        try client.connect(to: daemon.socket)
        #expect(try client.peerCredentials().pid == daemon.program.pid)
        // It is the manager's to remove, and the next one is given it again.
        #expect(try daemon.stop() == 0)
        try daemon.startAgain()
        #expect(try daemon.call("GET", "/v1/health").status == 200)
    }

    private func refused(_ descriptors: [CInt]) throws -> String {
        let environment = Program.environment.merging(["LISTEN_FDS": "\(descriptors.count)"]) { $1 }
        let outcome = try Program.run(
            wrapper + [
                Product.path("corrald"), "--state", directory("s"), "--set", "runtime=\(directory("run"))",
            ] + TestDaemon.user, environment: environment, descriptors: descriptors)
        #expect(outcome.status == 1)
        return outcome.errors
    }

    @Test func `what is no socket of the API is refused, with what it is`() throws {
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        #expect(try refused([null.number]).contains("is no socket; expected a unix stream socket"))
        let packet = try FileDescriptor.packetSocket()
        #expect(try refused([packet.number]).contains("is of another type; expected"))
        let idle = try FileDescriptor.unixSocket(nonBlocking: false)
        #expect(try refused([idle.number]).contains("does not listen; expected"))
        let elsewhere = try FileDescriptor.unixSocket(nonBlocking: false)
        try elsewhere.bind(to: directory("elsewhere"))
        try elsewhere.listen(queue: 1)
        let text = try refused([elsewhere.number])
        #expect(text.contains("listens at \(directory("elsewhere")), and clients look at "), "\(text)")
        let two = try refused([elsewhere.number, elsewhere.number])
        #expect(two.contains("passed 2 sockets (unknown, unknown); expected one"), "\(two)")
    }
}

@Suite(.enabled(if: Host.isRoot, "only root can start a service as another user"))
struct ServicePartTests {
    private let directory: TemporaryDirectory
    private let options: [String]

    init() throws {
        directory = try TemporaryDirectory()
        options =
            ["--state", directory("s"), "--set", "runtime=\(directory("run"))"] + TestDaemon.user
    }

    private var environment: [String: String] {
        Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }
    }

    private func warden(_ more: [String: String] = [:]) throws -> RunningProgram {
        try Program(
            [Product.path("corrald"), "--warden"] + options, environment: environment.merging(more) { $1 }
        ).start()
    }

    private func corrald(_ socket: borrowing FileDescriptor) throws -> RunningProgram {
        let wrapper = ["sh", "-c", #"LISTEN_PID=$$ LISTEN_FDS=1 exec "$@""#, "sh"]
        return try Program(
            wrapper + [Product.path("corrald"), "--system"] + options, environment: environment,
            user: Host.ordinaryUser, descriptors: [socket.number]
        ).start()
    }

    private func api(_ method: String, _ path: String, _ body: String = "") throws -> JSONTree {
        let words = [
            "curl", "-sS", "--max-time", "300", "--unix-socket", directory("run/corral.sock"), "-X", method,
            "--data-binary", body, "http://corral\(path)",
        ]
        return try JSONTree(parsing: Program.run(words, timeout: 300).stdout)
    }

    private func listener() throws -> FileDescriptor {
        let socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.bind(to: directory("run/corral.sock"))
        try socket.listen(queue: 16)
        return socket
    }

    @Test func `a warden of root's and a corrald that never was root are a daemon`() throws {
        let name = "@corral-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let manager = try NotifySocket(name)
        let warden = try warden(["NOTIFY_SOCKET": name])
        defer { _ = try? warden.signal(SIGTERM); _ = try? warden.wait() }
        // The process that was started is the warden, and says so itself.
        #expect(
            manager.next(beginning: "READY=1\n")
                == "READY=1\nMAINPID=\(warden.pid)\nSTATUS=serving uid \(Host.ordinaryUser)")
        #expect(File.text("/proc/\(warden.pid)/comm") == "corral-warden\n")
        let socket = try listener()
        let first = try corrald(socket)
        try #require(try first.waitForText("serving", within: 120), "\(first.errorsSoFar)")
        let status = File.text("/proc/\(first.pid)/status") ?? ""
        let user = Host.ordinaryUser
        #expect(status.contains("\nUid:\t\(user)\t\(user)\t\(user)\t\(user)\n"))
        #expect(status.contains("\nCapPrm:\t0000000000000000\n"))
        #expect(try api("POST", "/v1/sessions", #"{"name":"mine"}"#)["state"]?.text == "running")
        // A restart of the one keeps what the other has.
        try first.signal(SIGKILL)
        _ = try first.wait()
        let second = try corrald(socket)
        try #require(try second.waitForText("serving", within: 120), "\(second.errorsSoFar)")
        #expect(try api("GET", "/v1/sessions/mine")["state"]?.text == "running")
        // Without its warden it ends, to be started again, and starts none itself.
        try warden.signal(SIGTERM)
        #expect(try warden.wait().status == 0)
        #expect(manager.next(beginning: "STOPPING=1\n") != nil)
        let ended = try second.wait()
        #expect(ended.status == 75)
        #expect(ended.errors.contains("systemctl start corral-warden starts it"), "\(ended.errors)")
    }

    @Test func `without a warden there is one error, with its cure`() throws {
        let warden = try warden()
        #expect(try warden.waitForText("serving uid"))
        try warden.signal(SIGTERM)
        #expect(try warden.wait().status == 0)
        let outcome = try corrald(listener()).wait()
        #expect(outcome.status == 75)
        #expect(outcome.errors.contains("systemctl start corral-warden starts it"), "\(outcome.errors)")
        // For whom nobody made anything.
        let other = try Program.run(
            [Product.path("corrald"), "--system", "--state", directory("none")] + TestDaemon.user,
            environment: environment, uid: Host.ordinaryUser)
        #expect(other.status == 1)
        #expect(
            other.errors.contains("there is no directory \(directory("none"))/daemon"), "\(other.errors)")
        #expect(!File.exists(directory("none")))
    }

    @Test func `a part that cannot be is refused`() throws {
        let root = try Program.run([Product.path("corrald"), "--system"] + options, environment: environment)
        #expect(root.status == 1)
        #expect(root.errors.contains("--system is for a corrald that is started as the user nobody"))
        let both = try Program.run([Product.path("corrald"), "--system", "--warden"])
        #expect(both.status == 64)
        #expect(both.errors.contains("one of --system, --no-warden and --warden, once"))
        #expect(!File.exists(directory("s")))
    }

    @Test func `a lock that root's corrald has made is no hindrance to one that never was root`() throws {
        do {
            let daemon = try TestDaemon(in: directory)
            #expect(try daemon.call("GET", "/v1/health").status == 200)
            #expect(try daemon.stop() == 0)
            let warden = try #require(daemon.warden)
            #expect(kill(warden, SIGTERM) == 0)
            #expect(eventually(within: 120) { daemon.warden == nil })
        }
        #expect(unsafe unlink(directory("run/corral.sock")) == 0)
        // As daemons of before this was so have left it.
        #expect(unsafe chown(directory("s/daemon/lock"), 0, 0) == 0)
        let warden = try warden()
        defer { _ = try? warden.signal(SIGTERM); _ = try? warden.wait() }
        #expect(try warden.waitForText("serving uid"))
        let corrald = try corrald(listener())
        #expect(try corrald.waitForText("serving", within: 120), "\(corrald.errorsSoFar)")
        try corrald.signal(SIGTERM)
        #expect(try corrald.wait().status == 0)
    }
}
