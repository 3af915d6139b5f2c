import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

/// What is found on this machine, as root and as somebody else.
@Suite struct LayoutTests {
    @Test(.enabled(if: geteuid() == 0, "needs root to become somebody else"))
    func `an ordinary user without a delegated cgroup is told so, and how to get one`() async {
        await #expect(processExitsWith: .success) {
            try #require(setuid(65534) == 0)
            let layout = try CgroupLayout.detect()
            let reason = "no delegated cgroup"
            #expect(layout.missing == [.memory: reason, .swap: reason, .pids: reason, .cpu: reason])
            #expect(layout.cure == "systemd-run --user --scope -p Delegate=yes corral run ...")
            // A group can be asked for all the same; it only limits nothing.
            let group = try SandboxGroup.create(in: layout, name: "\(Host.uniqueMark())-0-a", limits: .small)
            #expect(group.layers[.memory] == .off(reason))
            #expect(group.cloneDirectory == -1)
            #expect(group.processFiles == [])
            #expect(group.kill() == false)
            try group.remove()
        }
    }

    @Test(.enabled(if: Host.hasV2, "needs root and a v2 hierarchy"))
    func `an ordinary user with a delegated cgroup makes groups in it`() async throws {
        let hierarchy = try #require(try CgroupLayout.detect().hierarchies.first)
        let name = Host.uniqueMark()
        let scope = "\(hierarchy.path)/\(name)"
        try hierarchy.top.makeDirectory(name)
        defer {
            // Where controllers are handed down, the process has moved on to a group of its own.
            let own = "\(name)/corral-supervisor"
            if exists("\(hierarchy.path)/\(own)") { removeWhenEmpty(own, in: hierarchy.top) }
            removeWhenEmpty(name, in: hierarchy.top)
        }
        await #expect(processExitsWith: .success) { [scope = scope as String] in
            for name in ["", "/cgroup.procs", "/cgroup.subtree_control"] {
                try #require(unsafe chown(scope + name, 65534, 65534) == 0)
            }
            let directory = try FileDescriptor.open(scope, O_RDONLY | O_DIRECTORY)
            try directory.writeControl("cgroup.procs", "0")
            try #require(setuid(65534) == 0)
            let layout = try CgroupLayout.detect()
            #expect(layout.hierarchies.map(\.path) == [scope])
            #expect(layout.hierarchies.first?.mustVacate == true)
            if layout.hierarchies.first?.controllers.isEmpty == true {
                #expect(layout.missing[.memory] == "not delegated to \(scope)")
            }
            let group = try SandboxGroup.create(in: layout, name: "run-0-a", limits: .small)
            #expect(group.cloneDirectory >= 0)
            #expect(exists("\(scope)/run-0-a"))
            try group.remove()
            #expect(!exists("\(scope)/run-0-a"))
            // Who makes no groups itself makes room for who does.
            try layout.makeRoom()
            let file = try FileDescriptor.open("/proc/self/cgroup", O_RDONLY)
            let own = String(decoding: try file.readAll(limit: 65_536), as: UTF8.self)
            #expect(own.contains("\(scope.split(separator: "/").last ?? "")/corral-supervisor\n"))
            #expect(try CgroupLayout.detect().hierarchies.first?.mustVacate == false)
        }
    }

    @Test(.enabled(if: Host.hasV2, "needs root and a v2 hierarchy"))
    func `controllers that were not handed down are an error with its cure`() throws {
        // The outer group hands nothing down, whatever it has itself, so the inner one has nothing.
        try withLayout { layout, mark in
            let top = try #require(layout.hierarchies.first)
            try top.top.makeDirectory("\(mark)-outer")
            try top.top.makeDirectory("\(mark)-outer/inner")
            defer { removeWhenEmpty("\(mark)-outer/inner", in: top.top) }
            let path = "\(top.path)/\(mark)-outer/inner"
            let inner = try Hierarchy(version: .v2, controllers: .limiting, path: path)
            let error = #expect(throws: CgroupError.self) {
                _ = try SandboxGroup.create(
                    in: CgroupLayout(hierarchies: [inner]), name: "run-0-a", limits: .small)
            }
            let controllers = "+memory +pids +cpu"
            #expect(
                error
                    == .notEnabled(directory: path, controllers: controllers, errno: .noSuchFileOrDirectory))
            #expect(error?.description.contains("enable them in its parent's cgroup.subtree_control") == true)
            #expect(!exists("\(path)/run-0-a"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root to become somebody else"))
    func `a hierarchy that may not be written to has its layers off`() async {
        await #expect(processExitsWith: .success) {
            let layout = try CgroupLayout.detect()
            try #require(setuid(65534) == 0)
            let group = try SandboxGroup.create(
                in: layout, name: "\(Host.uniqueMark())-0-a", limits: .small)
            for hierarchy in layout.hierarchies {
                for layer in hierarchy.controllers.layers {
                    let reason = "no group can be made in \(hierarchy.path): EACCES (Permission denied)"
                    #expect(group.layers[layer] == .off(reason))
                }
            }
            #expect(group.cloneDirectory == -1)
        }
    }

    @Test func `an error is one sentence about what was wrong, and where`() {
        let busy = CgroupError.notEnabled(directory: "/c", controllers: "+memory", errno: .busy)
        #expect(busy.description.hasPrefix("The cgroup /c cannot hand down +memory: EBUSY"))
        #expect(busy.description.contains("systemd-run --scope -p Delegate=yes corral run"))
        #expect(
            CgroupError.remains(["/c/a", "/d/a"], errno: .busy).description
                == "These cgroups could not be removed: /c/a, /d/a: EBUSY (Device or resource busy).")
        #expect(
            CgroupError.undetected(SystemError("openat", "/proc/self/cgroup", .accessDenied)).description
                == "The system's cgroups could not be determined: "
                + "openat(/proc/self/cgroup): EACCES (Permission denied).")
    }
}
