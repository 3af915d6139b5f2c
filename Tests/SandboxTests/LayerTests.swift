// Every layer has a test that fails when that layer is off: the same probe finds a protected
// sandbox with all layers on, and an exposed one when exactly that layer is left out.

import CLinux
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct LayerTests {
    @Test func `every layer has a probe`() {
        #expect(Set(LayerProbe.all.map(\.layer)) == Set(Layer.allCases))
    }

    @Test(arguments: LayerProbe.all)
    func `a layer protects`(probe: LayerProbe) throws {
        try check(probe, .protected, without: probe.alsoWithout)
    }

    @Test(arguments: LayerProbe.all)
    func `without a layer nothing else stops its probe`(probe: LayerProbe) throws {
        try check(probe, .exposed, without: probe.alsoWithout.union([probe.layer]))
    }

    private func check(
        _ probe: LayerProbe, _ finding: LayerProbe.Finding, without: Set<Layer>
    ) throws {
        guard probe.isPossible else { return Host.skip("this kernel has no \(probe.layer.rawValue)") }
        let look = try probe.look(Corral(without: without))
        #expect(look.finding == finding)
        let leftOut = look.ended?.layers.filter { $0.value == "off(left out by a test)" }.map(\.key)
        #expect(Set(leftOut ?? []) == Set(without.map(\.rawValue)))
    }

    @Test(.enabled(if: clinux_landlock_abi() >= 6, "needs landlock ABI 6"))
    func `all layers are reported in force`() throws {
        let layers = try Corral().run(["/usr/bin/true"]).layers
        #expect(Set(layers.keys) == Set(Layer.allCases.map(\.rawValue)))
        #expect(layers.filter { $0.value != "in force" } == [:])
    }

    /// The kernel makes a new proc read-only for good after the first one that is visible and so.
    @Test(.enabled(if: Host.isRoot, "takes root to mount"))
    func `user namespaces are closed below a host that has a read-only proc somewhere`() throws {
        let directory = try TemporaryDirectory()
        var corral = Corral()
        let script =
            "mount -t proc -o ro none \(directory.path) && umount -l /proc && mount -t proc none /proc && "
            + "exec \"$@\""
        corral.wrapper = ["unshare", "--mount", "sh", "-c", script, "sh"]
        let ended = try corral.shell(
            "cat /proc/sys/user/max_user_namespaces; echo 1 >/proc/sys/kernel/ns_last_pid")
        #expect(ended.text == "0", "\(ended)")
        #expect(ended.errors.contains("Read-only file system"), "\(ended)")
    }

    /// As service managers leave them: what is mounted in a copy of a namespace comes to it as well.
    @Test(
        .enabled(if: Host.isRoot, "takes root to mount"), arguments: [[], [.userNamespace]] as [Set<Layer>])
    func `where the host's mounts are shared nothing of a sandbox is mounted there`(
        without: Set<Layer>
    ) throws {
        let directory = try TemporaryDirectory()
        var corral = Corral(without: without)
        let script =
            #"look() { cat /proc/self/mountinfo >"$0/$1"; }; mount --make-rshared / && look before && "$@"; "#
            + #"code=$?; look after; exit $code"#
        corral.wrapper = [
            "unshare", "--mount", "--propagation", "private", "sh", "-c", script, directory.path,
        ]
        let ended = try corral.run(["/usr/bin/true"])
        #expect(ended.cause == "exited", "\(ended)")
        let before = File.text(directory("before"))
        #expect(before?.contains(" shared:") == true)
        #expect(File.text(directory("after")) == before)
    }

    @Test func `an unknown layer cannot be left out`() throws {
        var corral = Corral()
        corral.variables["CORRAL_TEST_WITHOUT"] = "seccomp,nonsense"
        let ended = try corral.run(["/usr/bin/true"])
        #expect(ended.status == 125)
        #expect(ended.errors.contains("no layer is named nonsense"))
    }
}
