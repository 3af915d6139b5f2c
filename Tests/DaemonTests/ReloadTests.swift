import Glibc
import TestSupport
import Testing

/// Settings that are read again, and profiles that say how long sessions live.
@Suite(.serialized) struct ReloadTests {
    /// A file of settings that this daemon alone sees: root's is in /etc, over which its mount namespace has
    /// a layer of the test's.
    private struct Configured {
        let daemon: TestDaemon
        let file: String

        init(_ text: String) throws {
            let directory = try TemporaryDirectory()
            let upper = directory("upper")
            let place = Host.isRoot ? "\(upper)/corral" : directory("corral")
            for path in [upper, directory("work"), place] { #expect(unsafe mkdir(path, 0o755) == 0) }
            file = "\(place)/corral.yaml"
            try File.write(Array(text.utf8), to: file, mode: 0o644)
            let mount =
                "mount -t overlay overlay -o lowerdir=/etc,upperdir=\(upper),workdir=\(directory("work")) /etc"
            daemon = try TestDaemon(
                wrapper: Host.isRoot
                    ? [
                        "unshare", "--mount", "--propagation", "private", "sh", "-c",
                        #"\#(mount) && exec "$@""#, "sh",
                    ]
                    : [],
                in: directory, environment: Host.isRoot ? [:] : ["XDG_CONFIG_HOME": directory.path])
        }

        func change(_ text: String) throws {
            let pid = try #require(daemon.pid)
            let seen = Host.isRoot ? "/proc/\(pid)/root/etc/corral/corral.yaml" : file
            try File.write(Array(text.utf8), to: seen, mode: 0o644)
            #expect(kill(pid, SIGHUP) == 0)
        }
    }

    @Test func `a profile in a directory that came after the daemon is found without a reload`() throws {
        let configured = try Configured("{}\n")
        let daemon = configured.daemon
        let body = #"{"profile":"few"}"#
        let refused = try daemon.call("POST", "/v1/sessions", body)
        #expect(refused.status == 404 && refused.field == "profile")
        let pid = try #require(daemon.pid)
        let place =
            Host.isRoot ? "/proc/\(pid)/root/etc/corral/profiles" : daemon.directory("corral/profiles")
        try #require(unsafe mkdir(place, 0o755) == 0)
        let text = "description: few processes\nextends: default\nlimits: { pids: 8 }\n"
        try File.write(Array(text.utf8), to: "\(place)/few.yaml", mode: 0o644)
        let id = try daemon.session(body)
        #expect(try daemon.call("GET", "/v1/sessions/\(id)").text("profile") == "few")
    }

    @Test func `a new limit of sessions holds from the reload on, and ends none that is there`() throws {
        let configured = try Configured("limits: {sessions: 3}\n")
        let daemon = configured.daemon
        let ids = try (0..<2).map { _ in try daemon.session() }
        try configured.change("limits: {sessions: 2}\n")
        #expect(try eventually { try daemon.call("GET", "/v1/info").text("sessions_max") == "2" })
        #expect(try daemon.call("POST", "/v1/sessions", "{}").status == 429)
        for id in ids { #expect(try daemon.exec(id, "true").text("exit") == "0") }
        try configured.change("limits: {sessions: 3}\n")
        #expect(try eventually { try daemon.call("GET", "/v1/info").text("sessions_max") == "3" })
        _ = try daemon.session()
        // A mistake changes nothing.
        try configured.change("limits: {session: 1}\n")
        #expect(try daemon.program.waitForText("the settings stay as they are", within: 30))
        #expect(try daemon.call("GET", "/v1/info").text("sessions_max") == "3")
    }

    @Test
    func `the request's times are before the profile's, those before corral.yaml's, and max bounds them`()
        throws
    {
        let directory = try TemporaryDirectory()
        let copied = try Program.run(
            ["cp", "-r", Repository.path("profiles"), Repository.path("images"), directory.path])
        #expect(copied.status == 0)
        try File.write(
            Array(
                "extends: default\ndescription: x\nlifetime: {ttl: 6s, idle: none, max: 2h, lease: none}\n"
                    .utf8),
            to: directory("profiles/brief.yaml"), mode: 0o644)
        try File.write(
            Array("extends: default\ndescription: x\nlifetime: {idle: 6s, lease: none}\n".utf8),
            to: directory("profiles/lazy.yaml"), mode: 0o644)
        try File.write(
            Array("extends: brief\ndescription: x\nlocked: [lifetime.ttl]\n".utf8),
            to: directory("profiles/fixed.yaml"), mode: 0o644)
        let daemon = try TestDaemon(
            ["--set", "defaults.idle=9s", "--set", "defaults.ttl=1h"],
            environment: ["CORRAL_DATA": directory.path])
        let brief = try daemon.session(#"{"profile":"brief"}"#)
        let asked = try daemon.session(#"{"profile":"brief","ttl":3600000}"#)
        let lazy = try daemon.session(#"{"profile":"lazy"}"#)
        let plain = try daemon.session()
        // A process that runs is no use where the profile says so.
        for id in [lazy, plain] {
            try daemon.call("POST", "/v1/sessions/\(id)/processes", #"{"argv":["sleep","600"]}"#)
        }
        #expect(try daemon.waitForEnd(brief).text("cause") == "ttl")
        #expect(try daemon.waitForEnd(lazy).text("cause") == "idle")
        #expect(try daemon.state(asked) == "running")
        #expect(try daemon.call("GET", "/v1/sessions/\(asked)").text("expires_by") == "ttl")
        #expect(try daemon.state(plain) == "running")
        for (body, word) in [
            (#"{"profile":"brief","max":7200001}"#, "lifetime.max"),
            (#"{"profile":"brief","max":null}"#, "none"),
            (#"{"profile":"fixed","ttl":9000}"#, "locked"),
        ] {
            let answer = try daemon.call("POST", "/v1/sessions", body)
            #expect(answer.status == 403 && ["max", "ttl"].contains(answer.field), "\(body)")
            #expect(answer.json?["error"]?["message"]?.text?.contains(word) == true, "\(body)")
        }
        #expect(try daemon.call("POST", "/v1/sessions", #"{"profile":"fixed","ttl":6000}"#).status == 201)
    }
}
