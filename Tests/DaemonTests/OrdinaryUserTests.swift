// A daemon of an ordinary user's own, installed as `make install` does it.

import API
import Glibc
import Linux
import TestSupport
import Testing
import Wire

@Suite(.serialized, .enabled(if: Host.isRoot, "only root can become another user"))
struct OrdinaryUserTests {
    private let place: TemporaryDirectory
    private let corral: String
    private var socket: String { place("home/run/corral/corral.sock") }

    init() throws {
        place = try TemporaryDirectory()
        corral = try Product.install(to: place("installed"))
        for name in ["home", "home/run"] {
            let path = place(name)
            try File.makeDirectories(path)
            _ = try call("chown", on: path) { unsafe chown(path, Host.ordinaryUser, Host.ordinaryUser) }
            _ = try call("chmod", on: path) { unsafe chmod(path, 0o700) }
        }
    }

    private var environment: [String: String] {
        Program.environment.merging(["HOME": place("home"), "XDG_RUNTIME_DIR": place("home/run")]) { $1 }
    }

    private func user(_ words: [String]) throws -> Program.Outcome {
        try Program.run(words, environment: environment, timeout: 120, uid: Host.ordinaryUser)
    }

    private func api(_ method: String, _ path: String, _ body: String) throws -> JSONTree {
        let words = ["curl", "-sS", "--unix-socket", socket, "-X", method, "--data-binary", body]
        let outcome = try user(words + ["http://corral\(path)"])
        return try JSONTree(parsing: outcome.stdout)
    }

    private func mode(_ path: String) throws -> String {
        try Program.run(["stat", "-c", "%u %a", path]).output
    }

    @Test func `an ordinary user's daemon keeps sessions in the directories of the user`() throws {
        defer { _ = try? user([corral, "daemon", "stop", "--sessions"]) }
        let run = try user([corral, "daemon", "run", "--detach"])
        #expect(run.status == 0, "\(run.errors)")
        let uid = Host.ordinaryUser
        #expect(try mode(place("home/.local/state/corral")) == "\(uid) 700\n")
        #expect(try mode(socket) == "\(uid) 600\n")
        let status = try JSONTree(parsing: user([corral, "daemon", "status", "-o", "json"]).stdout)
        #expect(status["status"]?.text == "ok" && status["socket"]?.text == socket, "\(status)")
        for name in ["pid", "warden_pid"] {
            let pid = try #require(status[name]?.text)
            let text = File.text("/proc/\(pid)/status") ?? ""
            #expect(text.contains("\nUid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\n"), "\(name)")
        }
        let session = try api("POST", "/v1/sessions", #"{"name":"mine"}"#)
        #expect(session["state"]?.text == "running", "\(session)")
        // What cannot be had without cgroups is told as corral run tells it.
        let layers = try api("GET", "/v1/sessions/mine", "")["layers"]
        #expect(layers != nil, "\(session)")
        let exec = try api("POST", "/v1/sessions/mine/exec", #"{"argv":["id","-u"]}"#)
        #expect(exec["exit"]?.text == "0", "\(exec)")
        #expect(Base64.decode(exec["stdout"]?.text ?? "") == Array("1000\n".utf8))
        // Its files need no other owner to be seen by its own user.
        let copied = try user([corral, "cp", "/etc/passwd", "mine:in/"])
        #expect(copied.status == 1 && copied.errors.contains("no directory"), "\(copied.errors)")
        #expect(try user([corral, "cp", "/etc/passwd", "mine:in"]).status == 0)
        let back = try user([corral, "cp", "mine:in", "-"])
        #expect(try back.stdout == File.read("/etc/passwd"), "\(back.errors)")
        let owner = try api("POST", "/v1/sessions/mine/exec", #"{"argv":["stat","-c","%u %a","in"]}"#)
        #expect(Base64.decode(owner["stdout"]?.text ?? "") == Array("1000 644\n".utf8), "\(owner)")
        // It survives the daemon.
        #expect(try user([corral, "daemon", "stop"]).output.hasSuffix("1 session goes on\n"))
        #expect(try user([corral, "daemon", "run", "--detach"]).status == 0)
        #expect(try api("GET", "/v1/sessions/mine", "")["state"]?.text == "running")
        let stopped = try user([corral, "daemon", "stop", "--sessions"])
        #expect(stopped.output.hasSuffix("\nall has ended\n"), "\(stopped.errors)")
        #expect(try user([corral, "daemon", "status"]).status == 3)
    }

    @Test func `whoever waits for a warden that is lost is answered, and a new one is started`() throws {
        defer { _ = try? user([corral, "daemon", "stop", "--sessions"]) }
        #expect(try user([corral, "daemon", "run", "--detach"]).status == 0)
        #expect(try api("POST", "/v1/sessions", #"{"name":"mine"}"#)["state"]?.text == "running")
        let process = "/v1/sessions/mine/processes/p"
        _ = try api("POST", "/v1/sessions/mine/processes", #"{"name":"p","argv":["sleep","1000"]}"#)
        #expect(try eventually { try api("GET", process, "")["state"]?.text == "running" })
        let status = try JSONTree(parsing: user([corral, "daemon", "status", "-o", "json"]).stdout)
        let warden = try #require(status["warden_pid"]?.text.flatMap { pid_t($0) })
        #expect(kill(warden, SIGSTOP) == 0)
        let waiting = try [
            ("GET", "/v1/sessions/mine/stats", ""), ("POST", "\(process)/signal", #"{"signal":"HUP"}"#),
            ("GET", "/v1/sessions/mine/files/stat?path=.", ""),
            ("PUT", "/v1/sessions/mine/files/content?path=f", "x"),
        ].map { method, path, body in
            let words = ["curl", "-sSv", "--unix-socket", socket, "-X", method, "--data-binary", body]
            return try Program(
                words + ["http://corral\(path)"], environment: environment, user: Host.ordinaryUser
            ).start()
        }
        for client in waiting { #expect(try client.waitForText("> \r\n")) }
        // The control: the daemon answers what needs no warden, and none of these.
        for _ in 0..<2 { #expect(try api("GET", "/v1/health", "")["warden"]?.text == "connected") }
        for client in waiting { #expect(try !client.waitForText("\"error\"", within: 0.1)) }
        #expect(kill(warden, SIGKILL) == 0)
        for client in waiting {
            let outcome = try client.wait()
            #expect(outcome.errors.contains("< HTTP/1.1 503 "), "\(outcome.errors)")
            let error = try JSONTree(parsing: outcome.stdout)["error"]
            #expect(error?["code"]?.text == "unavailable", "\(outcome.output)")
            #expect(error?["message"]?.text == "the warden was lost before it answered", "\(outcome.output)")
        }
        #expect(try eventually { try api("GET", "/v1/sessions/mine", "")["cause"]?.text == "daemon-restart" })
        #expect(try api("POST", "/v1/sessions", "{}")["state"]?.text == "running")
    }

    /// A cgroup that belongs to that user, as a service manager makes it; nil where there is no v2.
    private func delegated() throws -> String? {
        let mount = (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n")
            .first { $0.contains(" - cgroup2 ") }
        guard let top = mount?.split(separator: " ")[4] else { return nil }
        let scope = "\(top)/test-\(getpid())-delegated"
        try File.makeDirectories(scope)
        for path in [scope, "\(scope)/cgroup.procs", "\(scope)/cgroup.subtree_control"] {
            _ = try call("chown", on: path) { unsafe chown(path, Host.ordinaryUser, Host.ordinaryUser) }
        }
        return scope
    }

    @Test func `in a delegated cgroup daemon and warden make room for groups, which can be frozen`() throws {
        guard let scope = try delegated() else { return Host.skip("no cgroup v2 is mounted") }
        defer {
            _ = try? user([corral, "daemon", "stop", "--sessions"])
            for path in ["\(scope)/corral-supervisor", scope] {
                #expect(eventually { unsafe rmdir(path) == 0 || errno == ENOENT }, "\(path)")
            }
        }
        let uid = "\(Host.ordinaryUser)"
        let run = try Program.run(
            [
                "sh", "-c", #"echo 0 >"$0/cgroup.procs" && exec "$@""#, scope, "setpriv", "--reuid", uid,
                "--regid", uid, "--clear-groups", corral, "daemon", "run", "--detach",
            ], environment: environment, timeout: 120)
        #expect(run.status == 0, "\(run.errors)")
        let status = try JSONTree(parsing: user([corral, "daemon", "status", "-o", "json"]).stdout)
        for name in ["pid", "warden_pid"] {
            let pid = try #require(status[name]?.text)
            let own = File.text("/proc/\(pid)/cgroup") ?? ""
            #expect(own.contains("-delegated/corral-supervisor\n"), "\(name): \(own)")
        }
        let session = try api("POST", "/v1/sessions", #"{"name":"mine"}"#)
        #expect(session["state"]?.text == "running", "\(session)")
        let tenants = File.names(in: scope).filter { $0.hasPrefix("corral-tenant-") }
        let groups = tenants.flatMap { tenant in
            File.names(in: "\(scope)/\(tenant)").filter { $0.hasPrefix("corral-session-") }
                .map { "\(tenant)/\($0)" }
        }
        let paused = try api("POST", "/v1/sessions/mine/pause", "")
        guard let group = groups.first else {
            // Of a host whose controllers are all on v1.
            #expect(paused["error"]?["message"]?.text?.contains("has no cgroup") == true, "\(paused)")
            return Host.skip("v2 has no controller here")
        }
        #expect(paused["state"]?.text == "paused", "\(paused)")
        let events = "\(scope)/\(group)/cgroup.events"
        #expect(eventually { File.text(events)?.contains("frozen 1\n") == true })
        let killed = try api("POST", "/v1/sessions/mine/kill", #"{"grace":0}"#)
        #expect(killed["cause"]?.text == "operator", "\(killed)")
        #expect(!File.exists("\(scope)/\(group)"))
    }

    @Test func `another user's daemon is neither reached nor ended`() throws {
        let daemon = try TestDaemon()
        let words = [corral, "daemon", "stop", "--sessions", "--set", "runtime=\(daemon.directory("run"))"]
        // Nobody is the user of the tests' daemon.
        let other = try Program.run(words, timeout: 60, uid: Host.ordinaryUser - 1)
        #expect(other.status == 1, "\(other.output)")
        #expect(other.errors.contains("permission denied"), "\(other.errors)")
        #expect(try daemon.status().code == 0)
    }
}
