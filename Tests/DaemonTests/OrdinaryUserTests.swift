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
        let groups = File.names(in: scope).filter { $0.hasPrefix("corral-session-") }
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
