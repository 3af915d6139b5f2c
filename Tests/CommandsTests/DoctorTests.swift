import Glibc
import Linux
import Testing
import Wire

@testable import Commands

/// What is made of what was found; what is found is tried in EndToEndTests.
@Suite struct DoctorFindingTests {
    private static let findings: [DoctorFinding] = [
        .ok("one", "is well"), .warning("second", "is so-so", why: "it matters", cure: "do that"),
        .failed("third", "is not there", why: "it is needed", cure: nil),
    ]

    @Test func `each finding is a line, with why and cure below where something is not well`() {
        #expect(
            Diagnosis(findings: Self.findings).text(.plain) == """
                ok       one     is well
                warning  second  is so-so
                         why: it matters
                         cure: do that
                FAILED   third   is not there
                         why: it is needed
                """)
    }

    @Test func `only what failed makes a host unwell`() {
        #expect(Diagnosis(findings: Array(Self.findings.prefix(2))).isWell)
        #expect(!Diagnosis(findings: Self.findings).isWell)
    }

    @Test func `the findings are objects with the same members each`() {
        #expect(
            Diagnosis(findings: Array(Self.findings.suffix(2))).json.description
                == #"{"ok":false,"findings":[{"name":"second","state":"warning","what":"is so-so","#
                + #""why":"it matters","cure":"do that"},{"name":"third","state":"failed","#
                + #""what":"is not there","why":"it is needed","cure":null}]}"#)
    }

    @Test(arguments: [
        (ENOSPC, ["user/max_net_namespaces": "0"], "sysctl -w user.max_net_namespaces=15000"),
        (ENOSPC, [:], "sysctl -w user.max_user_namespaces=15000"),
        (EPERM, ["kernel/unprivileged_userns_clone": "0"], "sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            EACCES, ["kernel/apparmor_restrict_unprivileged_userns": "1"],
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for corral that "
                + "has userns"
        ),
        (
            EPERM, ["kernel/unprivileged_userns_clone": "1"],
            "in a container: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
        ),
    ])
    func `the cure of missing namespaces is for what forbids them`(
        errno: CInt, sysctls: [String: String], cure: String
    ) {
        let error = SystemError("unshare(CLONE_NEWUSER)", nil, Errno(rawValue: errno))
        #expect(KernelFindings.namespaceCure(error) { sysctls[$0] } == cure)
    }

    @Test func `an older landlock is a warning that names what it lacks`() {
        #expect(KernelFindings.landlock(abi: 7).state == .ok)
        #expect(KernelFindings.landlock(abi: 6).state == .ok)
        let five = KernelFindings.landlock(abi: 5)
        #expect(five.what == "ABI 5, which has no rules for abstract sockets and signals")
        let three = KernelFindings.landlock(abi: 3)
        #expect(three.what.contains("for TCP ports, ioctl on devices, abstract") && three.cure != nil)
        let none = KernelFindings.landlock(abi: 0)
        #expect(none.state == .warning && none.cure?.contains("lsm=") == true)
    }

    @Test(arguments: [
        (["kill_process", "errno", "allow", "log", "user_notif"], DoctorFinding.State.ok),
        (["kill_process", "errno", "allow"], .warning), (["errno", "allow", "log", "user_notif"], .failed),
        ([], .failed),
    ])
    func `filters need some actions and are better with others`(actions: [String], state: DoctorFinding.State)
    {
        #expect(KernelFindings.seccomp(actions).state == state)
    }

    private static func trial(_ status: Int32, _ errors: String, isExplained: Bool = false) -> DoctorFinding {
        TrialFinding.finding(.init(status: status, output: "", errors: errors), isExplained: isExplained)
    }

    @Test func `a trial tells its layers, or what the run said`() {
        #expect(Self.trial(0, #"{"layers":{"seccomp":"in force"}}"#).state == .ok)
        let weak = Self.trial(0, #"{"layers":{"seccomp":"in force","cpu":"off(no cgroup)"}}"#)
        #expect(weak.state == .warning && weak.what == "not in force in full: cpu off(no cgroup)")
        let failed = Self.trial(
            125,
            "corral run: not in force in full: cpu off\ncorral run: no init\n{\"cause\":\"launch-failed\"}\n")
        #expect(failed.state == .failed && failed.what == "no init" && failed.cure == nil)
        #expect(Self.trial(125, "corral run: x", isExplained: true).cure == "what failed above comes first")
        #expect(Self.trial(139, "").what == "ended with 139")
        #expect(Self.trial(0, "").state == .warning, "a report that cannot be read is not taken for good")
    }
}
