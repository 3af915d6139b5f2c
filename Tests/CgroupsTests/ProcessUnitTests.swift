import Testing

@testable import Cgroups

/// Which unit a process is in, as /proc/PID/cgroup has it.
@Suite struct ProcessUnitTests {
    @Test(arguments: [
        ("0::/system.slice/corral.service\n", "/system.slice/corral.service"),
        (
            "0::/system.slice/corral-warden.service/corral-supervisor\n",
            "/system.slice/corral-warden.service"
        ),
        // v1 alone, and both.
        ("4:memory:/a.service\n1:name=systemd:/system.slice/b.service\n", "/system.slice/b.service"),
        ("1:name=systemd:/user.slice/session-3.scope\n0::/\n", "/user.slice/session-3.scope"),
        ("1:name=systemd:/x.service\n0::/y.service\n", "/y.service"),
        // A user's services are below the user's manager.
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/corral.service\n",
            "/user.slice/user-1000.slice/user@1000.service/app.slice/corral.service"
        ),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/init.scope\n",
            "/user.slice/user-1000.slice/user@1000.service/init.scope"
        ),
        ("0::/\n", nil), ("4:memory:/a.service\n", nil), ("", nil), ("0::/system.slice\n", nil),
    ])
    func `the unit is the last service or scope of the path`(text: String, path: String?) {
        #expect(ProcessUnit.path(procCgroup: Array(text.utf8)) == path)
    }

    @Test func `a process that there is not is in none`() {
        #expect(ProcessUnit.of(pid: -1) == nil)
    }
}
